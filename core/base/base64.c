/* base/base64.c - six bits a letter; the two alphabets differ in their last two letters. */
#include "base/base64.h"

#include <stdint.h>

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* 0..63, or -1. */
static int
bits_of(char c, const char *alphabet)
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
    return c == alphabet[62] ? 62 : c == alphabet[63] ? 63 : -1;
}

/* Text without its padding. */
static bool
decode(struct wr_strbuf *b, weir_str text, const char *alphabet)
{
    uint32_t bits = 0;
    unsigned waiting = 0; /* how many of the low bits make no byte yet */

    for (size_t i = 0; i < text.len; i++) {
        int v = bits_of(text.data[i], alphabet);
        if (v < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)v;
        waiting += 6;
        if (waiting >= 8) {
            waiting -= 8;
            wr_strbuf_byte(b, (char)(uint8_t)(bits >> waiting));
        }
    }
    return waiting < 6 && (bits & ((1u << waiting) - 1)) == 0;
}

static void
encode(struct wr_strbuf *b, weir_str bytes, const char *alphabet)
{
    uint32_t bits = 0;
    unsigned waiting = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        bits = bits << 8 | (uint8_t)bytes.data[i];
        for (waiting += 8; waiting >= 6; waiting -= 6) {
            wr_strbuf_byte(b, alphabet[bits >> (waiting - 6) & 63]);
        }
    }
    if (waiting != 0) {
        wr_strbuf_byte(b, alphabet[bits << (6 - waiting) & 63]);
    }
}

bool
wr_base64_decode(struct wr_strbuf *b, weir_str text)
{
    size_t pads = 0;

    if (text.len % 4 != 0) {
        return false;
    }
    while (pads < 2 && pads < text.len && text.data[text.len - 1 - pads] == '=') {
        pads++;
    }
    return decode(b, (weir_str){ text.data, text.len - pads }, plain);
}

bool
wr_base64_decode_url(struct wr_strbuf *b, weir_str text)
{
    return decode(b, text, url);
}

void
wr_base64_encode(struct wr_strbuf *b, weir_str bytes)
{
    encode(b, bytes, plain);
    for (size_t n = bytes.len; n % 3 != 0; n++) {
        wr_strbuf_byte(b, '=');
    }
}

void
wr_base64_encode_url(struct wr_strbuf *b, weir_str bytes)
{
    encode(b, bytes, url);
}
