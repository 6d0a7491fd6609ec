/* charset/convert.h - text from one character set into another, as it comes: a character may be cut
 * anywhere.
 *
 * Ways: UTF-8 to bytes, bytes to UTF-8, bytes to bytes. What is not in the other set becomes
 * "&#N;", or "?" between sets of bytes, whose texts keep their length; what is no character at all
 * becomes "?".
 */
#ifndef CHARSET_CONVERT_H
#define CHARSET_CONVERT_H

#include "table.h"

enum { CONVERT_MOST = 12 }; /* bytes that one byte of input may bring */

struct conversion {
    const struct charset_table *from, *to; /* NULL: UTF-8 */
    uint32_t character;                    /* of UTF-8, so far */
    uint8_t left;                          /* bytes it wants yet */
    uint8_t low, high;                     /* between which the next has to be */
};

/*
 * Convert bytes from *in on, at most n, into *to, with room for CONVERT_MOST at least. Both are
 * moved. Stops when less than CONVERT_MOST bytes of room are left.
 */
void convert(struct conversion *c, const uint8_t **in, size_t n, uint8_t **to, size_t room);

/* The end has come: what is put for a character that was cut, if one was. At most CONVERT_MOST
 * bytes. */
void convert_end(struct conversion *c, uint8_t **to);

#endif
