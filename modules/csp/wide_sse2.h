/* csp/wide_sse2.h - wide.h for x86-64, where SSE2 is always there: a mask has a bit for each byte.
 */
#ifndef CSP_WIDE_SSE2_H
#define CSP_WIDE_SSE2_H

#include <emmintrin.h>

enum { WIDE_BYTES = 16, WIDE_BITS = 1 };

typedef __m128i wide;

static inline wide
wide_load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* The mask of the bytes that are c. */
static inline uint64_t
wide_is(wide bytes, char c)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)));
}

/* The mask of the bytes that are a or b. */
static inline uint64_t
wide_either(wide bytes, char a, char b)
{
    __m128i is_a = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(a));

    return (uint64_t)(unsigned)_mm_movemask_epi8(
        _mm_or_si128(is_a, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b))));
}

#endif
