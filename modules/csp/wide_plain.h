/* csp/wide_plain.h - wide.h for any machine: a word of eight bytes, a mask with the highest bit of
 * each byte. */
#ifndef CSP_WIDE_PLAIN_H
#define CSP_WIDE_PLAIN_H

#include <endian.h>
#include <string.h>

enum { WIDE_BYTES = 8, WIDE_BITS = 8 };

typedef uint64_t wide;

static inline wide
wide_load(const uint8_t *at)
{
    uint64_t bytes;

    memcpy(&bytes, at, sizeof(bytes));
    return le64toh(bytes);
}

/* The mask of the bytes that are c. No carry leaves a byte, so there is no false one. */
static inline uint64_t
wide_is(wide bytes, char c)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint64_t other = bytes ^ UINT64_C(0x0101010101010101) * (uint8_t)c;

    return ~(((other & low) + low) | other | low);
}

/* The mask of the bytes that are a or b. */
static inline uint64_t
wide_either(wide bytes, char a, char b)
{
    return wide_is(bytes, a) | wide_is(bytes, b);
}

#endif
