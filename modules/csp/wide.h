/* csp/wide.h - several bytes of a page looked at in one step: 16 with SSE2, 8 without.
 *
 * Nothing is read but the WIDE_BYTES at the place that is given.
 */
#ifndef CSP_WIDE_H
#define CSP_WIDE_H

#include <weir/base.h>

#if defined(__SSE2__)
#include "wide_sse2.h"
#else
#include "wide_plain.h"
#endif

/* Are there as many bytes? Said as a sum, which a loop's step shares. */
static inline bool
wide_fits(const uint8_t *at, const uint8_t *end)
{
    return (uintptr_t)at + WIDE_BYTES <= (uintptr_t)end;
}

/* Which of the bytes is the first of those that a mask names; it names one at least. */
static inline size_t
wide_first(uint64_t mask)
{
    return (size_t)__builtin_ctzll(mask) / WIDE_BITS;
}

#endif
