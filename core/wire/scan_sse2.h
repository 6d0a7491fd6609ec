/* wire/scan_sse2.h - the scans of scan.h, 16 bytes a step, for x86-64 (where SSE2 is always there).
 *
 * Each step makes a mask of the bytes that end the run. Never reads at or past `end`: fewer than 16
 * bytes are left to the plain variant, which stops after the few bytes that a line's end needs.
 */
#ifndef WR_WIRE_SCAN_SSE2_H
#define WR_WIRE_SCAN_SSE2_H

#include <emmintrin.h>
#include "wire/scan_plain.h"

static inline __m128i
wr_sse2_load(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* Are there 16 bytes? Said as a sum, which the loop's step shares. */
static inline bool
wr_sse2_fits(const char *at, const char *end)
{
    return (uintptr_t)at + 16 <= (uintptr_t)end;
}

/* Bytes in 0..top, unsigned. */
static inline __m128i
wr_sse2_up_to(__m128i bytes, char top)
{
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(top)), bytes);
}

/* Bytes in low..low+span, unsigned. */
static inline __m128i
wr_sse2_range(__m128i bytes, char low, char span)
{
    return wr_sse2_up_to(_mm_sub_epi8(bytes, _mm_set1_epi8(low)), span);
}

static inline const char *
wr_sse2_name(const char *at, const char *end)
{
    for (; wr_sse2_fits(at, end); at += 16) {
        __m128i bytes = wr_sse2_load(at);
        __m128i stop =
            _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(':')), wr_sse2_up_to(bytes, ' '));
        unsigned mask = (unsigned)_mm_movemask_epi8(stop);
        if (mask != 0) {
            return at + __builtin_ctz(mask);
        }
    }
    return wr_plain_name(at, end);
}

static inline const char *
wr_sse2_word(const char *at, const char *end)
{
    for (; wr_sse2_fits(at, end); at += 16) {
        __m128i bytes = wr_sse2_load(at);
        __m128i letter = wr_sse2_range(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 25);
        __m128i digit = wr_sse2_range(bytes, '0', 9);
        __m128i dash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
        unsigned mask =
            (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(letter, digit), dash));
        if (mask != 0xffff) {
            return at + __builtin_ctz(~mask);
        }
    }
    return wr_plain_word(at, end);
}

static inline const char *
wr_sse2_value(const char *at, const char *end)
{
    for (; wr_sse2_fits(at, end); at += 16) {
        __m128i bytes = wr_sse2_load(at);
        __m128i stop =
            _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)), wr_sse2_up_to(bytes, 0x1f));
        unsigned mask = (unsigned)_mm_movemask_epi8(stop);
        if (mask != 0) {
            return at + __builtin_ctz(mask);
        }
    }
    return wr_plain_value(at, end);
}

static inline const char *
wr_sse2_target(const char *at, const char *end)
{
    for (; wr_sse2_fits(at, end); at += 16) {
        __m128i bytes = wr_sse2_load(at);
        __m128i good = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('#')),
                                        wr_sse2_range(bytes, '!', '~' - '!'));
        unsigned mask = (unsigned)_mm_movemask_epi8(good);
        if (mask != 0xffff) {
            return at + __builtin_ctz(~mask);
        }
    }
    return wr_plain_target(at, end);
}

#endif
