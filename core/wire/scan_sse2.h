/* wire/scan_sse2.h - the scans of scan.h, 16 bytes a step, for x86-64 (where SSE2 is always there).
 *
 * Each step makes a mask of the bytes that end the run. Never reads at or past `end`: for fewer
 * than 16 bytes the scans that may look back load the 16 before `end`, the others leave them to the
 * plain variant.
 */
#ifndef WR_WIRE_SCAN_SSE2_H
#define WR_WIRE_SCAN_SSE2_H

#include <emmintrin.h>
#include "base/assert.h"
#include "wire/scan_plain.h"

static inline __m128i
wr_sse2_load(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* The highest bits of the bytes. 64 of them, so that a bit's number needs no extension. */
static inline uint64_t
wr_sse2_mask(__m128i bytes)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(bytes);
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

static inline const char *
wr_sse2_name(const char *at, const char *end)
{
    for (; wr_sse2_fits(at, end); at += 16) {
        __m128i bytes = wr_sse2_load(at);
        __m128i stop =
            _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(':')), wr_sse2_up_to(bytes, ' '));
        uint64_t mask = wr_sse2_mask(stop);
        if (mask != 0) {
            return at + __builtin_ctzll(mask);
        }
    }
    return wr_plain_name(at, end);
}

/* A byte's highest bit tells whether it is outside of low..low+span: what is below wraps to the
 * top, and the saturating sum keeps it there. */
static inline __m128i
wr_sse2_outside(__m128i bytes, char low, char span)
{
    return _mm_adds_epu8(_mm_sub_epi8(bytes, _mm_set1_epi8(low)),
                         _mm_set1_epi8((char)(0x7f - span)));
}

static inline const char *
wr_sse2_word(const char *at, const char *end)
{
    for (; wr_sse2_fits(at, end); at += 16) {
        __m128i bytes = wr_sse2_load(at);
        __m128i no_letter =
            wr_sse2_outside(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z' - 'a');
        __m128i no_digit = wr_sse2_outside(bytes, '0', 9);
        __m128i dash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
        uint64_t mask = wr_sse2_mask(_mm_andnot_si128(dash, _mm_and_si128(no_letter, no_digit)));
        if (mask != 0) {
            return at + __builtin_ctzll(mask);
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
        uint64_t mask = wr_sse2_mask(stop);
        if (mask != 0) {
            return at + __builtin_ctzll(mask);
        }
    }
    return wr_plain_value(at, end);
}

static inline const char *
wr_sse2_target(const char *at, const char *end)
{
    for (; wr_sse2_fits(at, end); at += 16) {
        __m128i bytes = wr_sse2_load(at);
        __m128i hash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('#'));
        uint64_t mask = wr_sse2_mask(_mm_or_si128(hash, wr_sse2_outside(bytes, '!', '~' - '!')));
        if (mask != 0) {
            return at + __builtin_ctzll(mask);
        }
    }
    return wr_plain_target(at, end);
}

static inline uint64_t
wr_sse2_not_text(const char *at)
{
    return wr_sse2_mask(wr_sse2_outside(wr_sse2_load(at), ' ', '~' - ' '));
}

static inline uint64_t
wr_sse2_is_colon(const char *at)
{
    return wr_sse2_mask(_mm_cmpeq_epi8(wr_sse2_load(at), _mm_set1_epi8(':')));
}

static inline const char *
wr_sse2_text(const char *at, const char *end)
{
    const char *last = end - 16;
    uint64_t mask;

    for (; at <= last; at += 16) {
        mask = wr_sse2_not_text(at);
        if (mask != 0) {
            return at + __builtin_ctzll(mask);
        }
    }
    mask = wr_sse2_not_text(last) >> (at - last);
    return mask != 0 ? at + __builtin_ctzll(mask) : end;
}

static inline const char *
wr_sse2_colon(const char *at, const char *end)
{
    for (; wr_sse2_fits(at, end); at += 16) {
        uint64_t mask = wr_sse2_is_colon(at);
        if (mask != 0) {
            return at + __builtin_ctzll(mask);
        }
    }
    return wr_plain_colon(at, end);
}

/* The first 16 bytes are looked at for both; nearly all names end there, and the short lines. */
static inline __attribute__((always_inline)) const char *
wr_sse2_line(const char *line, const char *end, const char **colon)
{
    const char *last = end - 16;
    const char *stop;

    if (WR_UNLIKELY(line > last)) {
        uint64_t colons = wr_sse2_is_colon(last) >> (line - last);
        uint64_t mask = wr_sse2_not_text(last) >> (line - last);
        *colon = colons != 0 ? line + __builtin_ctzll(colons) : end;
        return mask != 0 ? line + __builtin_ctzll(mask) : end;
    }
    uint64_t colons = wr_sse2_is_colon(line);
    uint64_t mask = wr_sse2_not_text(line);
    stop = mask != 0 ? line + __builtin_ctzll(mask) : wr_sse2_text(line + 16, end);
    if (WR_LIKELY(colons != 0)) {
        *colon = line + __builtin_ctzll(colons);
    } else {
        *colon = mask != 0 ? stop : wr_sse2_colon(line + 16, stop);
    }
    return stop;
}

/* 1..15 bytes, followed by zeros; pieces overlap, so that only those bytes are read. */
static inline __m128i
wr_sse2_load_few(const char *at, size_t len)
{
    uint64_t low = 0;
    uint64_t high = 0;

    if (len >= 8) {
        memcpy(&low, at, 8);
        memcpy(&high, at + len - 8, 8);
        high = high >> 8 >> 8 * (15 - len); /* in two steps: 64 at once is not defined */
    } else if (len >= 4) {
        memcpy(&low, at, 4);
        memcpy(&high, at + len - 4, 4);
        low |= high << 8 * (len - 4);
        high = 0;
    } else {
        low = (uint64_t)(uint8_t)at[0] | (uint64_t)(uint8_t)at[len / 2] << 8 * (len / 2) |
              (uint64_t)(uint8_t)at[len - 1] << 8 * (len - 1);
    }
    return _mm_set_epi64x((long long)high, (long long)low);
}

static inline uint64_t
wr_sse2_not_quoted(__m128i bytes)
{
    __m128i special = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                   _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));

    return wr_sse2_mask(_mm_or_si128(special, wr_sse2_outside(bytes, ' ', '~' - ' ')));
}

static inline const char *
wr_sse2_quoted(const char *at, const char *end)
{
    uint64_t mask;

    for (; wr_sse2_fits(at, end); at += 16) {
        mask = wr_sse2_not_quoted(wr_sse2_load(at));
        if (mask != 0) {
            return at + __builtin_ctzll(mask);
        }
    }
    if (at == end) {
        return at;
    }
    mask = wr_sse2_not_quoted(wr_sse2_load_few(at, (size_t)(end - at)));
    return at + __builtin_ctzll(mask); /* at `end` at the latest: zeros stop it, too */
}

/* Bytes that a path may have to be rewritten for, `next` being those behind each. */
static inline uint64_t
wr_sse2_not_path(__m128i bytes, __m128i next)
{
    __m128i slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('/'));
    __m128i bad = _mm_or_si128(_mm_cmpeq_epi8(next, _mm_set1_epi8('/')),
                               _mm_cmpeq_epi8(next, _mm_set1_epi8('.')));
    __m128i stop = _mm_or_si128(_mm_and_si128(slash, bad), wr_sse2_up_to(bytes, ' '));

    stop = _mm_or_si128(stop, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('%')));
    stop = _mm_or_si128(stop, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('?')));
    stop = _mm_or_si128(stop, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('#')));
    return wr_sse2_mask(_mm_or_si128(stop, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f))));
}

static inline const char *
wr_sse2_path(const char *at, const char *end)
{
    uint64_t mask;

    for (; wr_sse2_fits(at + 1, end); at += 16) {
        mask = wr_sse2_not_path(wr_sse2_load(at), wr_sse2_load(at + 1));
        if (mask != 0) {
            return at + __builtin_ctzll(mask);
        }
    }
    if (at == end) {
        return at;
    }
    size_t left = (size_t)(end - at); /* 16 at most */
    __m128i bytes = left == 16 ? wr_sse2_load(at) : wr_sse2_load_few(at, left);
    mask = wr_sse2_not_path(bytes, _mm_srli_si128(bytes, 1)) | UINT64_C(1) << left;
    return at + __builtin_ctzll(mask);
}

#endif
