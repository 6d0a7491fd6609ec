/* base/base64.c - four letters to three bytes. */
#include "base/base64.h"

#include <stdint.h>

/* 0..63, or -1. */
static int
letter(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* How many letters a group of four has: 4, or less when the rest is padding. 0: neither. */
static int
letters_of(const char *group, bool last)
{
    if (group[3] != '=') {
        return 4;
    }
    if (!last) {
        return 0;
    }
    return group[2] != '=' ? 3 : 2;
}

bool
wr_base64_decode(struct wr_strbuf *b, weir_str text)
{
    if (text.len % 4 != 0) {
        return false;
    }
    for (size_t at = 0; at < text.len; at += 4) {
        int n = letters_of(text.data + at, at + 4 == text.len);
        uint32_t bits = 0;

        for (int i = 0; i < n; i++) {
            int v = letter(text.data[at + (size_t)i]);
            if (v < 0) {
                return false;
            }
            bits |= (uint32_t)v << (18 - 6 * i);
        }
        if (n == 0 || (n < 4 && (bits & (n == 3 ? 0xffu : 0xffffu)) != 0)) {
            return false;
        }
        for (int i = 0; i < n - 1; i++) {
            wr_strbuf_byte(b, (char)(uint8_t)(bits >> (16 - 8 * i)));
        }
    }
    return true;
}

void
wr_base64_encode(struct wr_strbuf *b, weir_str bytes)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t at = 0; at < bytes.len; at += 3) {
        size_t n = bytes.len - at < 3 ? bytes.len - at : 3;
        uint32_t group = 0;
        for (size_t i = 0; i < 3; i++) {
            group = group << 8 | (i < n ? (uint8_t)bytes.data[at + i] : 0u);
        }
        for (size_t i = 0; i < 4; i++) {
            wr_strbuf_byte(b, i <= n ? alphabet[group >> (18 - 6 * i) & 63] : '=');
        }
    }
}
