/* base/num.h - the hexadecimal parser beside the decimal one of <weir/text.h>, numbers as text, and checked arithmetic.
 *
 * Every number that a peer, a file or an operator wrote comes in through here: digits only (no sign, no blanks), a bound
 * given by the caller, no wrap-around.
 */
#ifndef WR_BASE_NUM_H
#define WR_BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/base.h>
#include <weir/text.h>

enum { WR_NUM_DIGITS = 20 }; /* of the longest number in decimal */

/* weir_parse_number in hexadecimal: at most 16 digits, either case. */
bool wr_num_parse_hex(weir_str text, uint64_t max, uint64_t *value);

/* Write value in decimal to `to` (room for its digits, at most WR_NUM_DIGITS); answers how many bytes. */
size_t wr_num_format(char *to, uint64_t value);

/* Write value in lower-case hexadecimal without leading zeros (room for 16 bytes); answers how many bytes. */
size_t wr_num_format_hex(char *to, uint64_t value);

/* n bytes as two hexadecimal digits each, lower case; to has room for 2 * n, and gets no zero behind them. */
void wr_num_format_bytes(char *to, const void *bytes, size_t n);

/* c as %XX, upper case. [RFC 3986 2.1] */
static inline void
wr_num_format_percent(char to[3], uint8_t c)
{
    static const char hex[] = "0123456789ABCDEF";

    to[0] = '%';
    to[1] = hex[c >> 4];
    to[2] = hex[c & 15];
}

/* *sum = a + b, *product = a * b; false, and the result untouched, when it does not fit. */
static inline bool
wr_num_add(size_t a, size_t b, size_t *sum)
{
    size_t s;

    if (__builtin_add_overflow(a, b, &s)) {
        return false;
    }
    *sum = s;
    return true;
}

static inline bool
wr_num_mul(size_t a, size_t b, size_t *product)
{
    size_t p;

    if (__builtin_mul_overflow(a, b, &p)) {
        return false;
    }
    *product = p;
    return true;
}

#endif
