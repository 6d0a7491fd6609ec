/* base/strbuf.c - the parts of the string builder that are worth a call. */
#include "base/strbuf.h"

#include <stdarg.h>
#include <stdio.h>

void
wr_strbuf_num_tight(struct wr_strbuf *b, uint64_t value)
{
    char digits[WR_NUM_DIGITS] __attribute__((uninitialized));

    wr_strbuf_bytes(b, digits, wr_num_format(digits, value));
}

void
wr_strbuf_print(struct wr_strbuf *b, const char *fmt, ...)
{
    size_t left = b->room - b->len;
    va_list args;
    int n;

    if (left == 0) {
        b->full = true;
        return;
    }
    va_start(args, fmt);
    n = vsnprintf(b->data + b->len, left, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= left) {
        b->full = true;
        b->len += n < 0 ? 0 : left - 1;
        return;
    }
    b->len += (size_t)n;
}

void
wr_strbuf_escaped(struct wr_strbuf *b, weir_str s)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.data[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            wr_strbuf_byte(b, (char)c);
        } else {
            char escape[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };
            wr_strbuf_bytes(b, escape, sizeof(escape));
        }
    }
}
