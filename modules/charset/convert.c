/* charset/convert.c - one state machine for UTF-8, fed byte by byte, and tables. [RFC 3629 4;
 * Unicode 3.9, table 3-7] */
#include "convert.h"

/* A character of UTF-8 that is complete. */
static uint8_t *
put_byte(const struct charset_table *t, uint32_t character, uint8_t *to)
{
    int byte = charset_byte(t, character);
    char digits[8];
    unsigned n = 0;

    if (byte >= 0) {
        *to++ = (uint8_t)byte;
        return to;
    }
    *to++ = '&';
    *to++ = '#';
    do {
        digits[n++] = (char)('0' + character % 10);
        character /= 10;
    } while (character != 0);
    while (n != 0) {
        *to++ = (uint8_t)digits[--n];
    }
    *to++ = ';';
    return to;
}

static uint8_t *
put_utf8(uint32_t c, uint8_t *to)
{
    if (c < 0x80) {
        *to++ = (uint8_t)c;
    } else if (c < 0x800) {
        *to++ = (uint8_t)(0xc0 | c >> 6);
        *to++ = (uint8_t)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (uint8_t)(0xe0 | c >> 12);
        *to++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        *to++ = (uint8_t)(0x80 | (c & 0x3f));
    } else {
        *to++ = (uint8_t)(0xf0 | c >> 18);
        *to++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        *to++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        *to++ = (uint8_t)(0x80 | (c & 0x3f));
    }
    return to;
}

/* A byte that begins a character. */
static uint8_t *
begin(struct conversion *c, uint8_t b, uint8_t *to)
{
    c->low = 0x80;
    c->high = 0xbf;
    if (b >= 0xc2 && b <= 0xdf) {
        c->left = 1;
        c->character = b & 0x1f;
    } else if (b >= 0xe0 && b <= 0xef) {
        c->left = 2;
        c->character = b & 0x0f;
        c->low = b == 0xe0 ? 0xa0 : 0x80;
        c->high = b == 0xed ? 0x9f : 0xbf;
    } else if (b >= 0xf0 && b <= 0xf4) {
        c->left = 3;
        c->character = b & 0x07;
        c->low = b == 0xf0 ? 0x90 : 0x80;
        c->high = b == 0xf4 ? 0x8f : 0xbf;
    } else if (b < 0x80) {
        to = put_byte(c->to, b, to);
    } else {
        *to++ = '?';
    }
    return to;
}

static uint8_t *
take_utf8(struct conversion *c, uint8_t b, uint8_t *to)
{
    if (c->left == 0) {
        return begin(c, b, to);
    }
    if (b < c->low || b > c->high) { /* the one before was cut short */
        c->left = 0;
        *to++ = '?';
        return begin(c, b, to);
    }
    c->character = c->character << 6 | (b & 0x3f);
    c->low = 0x80;
    c->high = 0xbf;
    return --c->left == 0 ? put_byte(c->to, c->character, to) : to;
}

static uint8_t *
take_byte(const struct conversion *c, uint8_t b, uint8_t *to)
{
    uint32_t character = c->from->to[b];
    int byte;

    if (character == 0 && b != 0) {
        *to++ = '?';
        return to;
    }
    if (c->to == NULL) {
        return put_utf8(character, to);
    }
    byte = charset_byte(c->to, character);
    *to++ = byte >= 0 ? (uint8_t)byte : '?';
    return to;
}

/* Are bytes below 0x80 the same on both sides? */
static bool
keeps_ascii(const struct conversion *c)
{
    return (c->from == NULL || !c->from->own_ascii) && (c->to == NULL || !c->to->own_ascii);
}

void
convert(struct conversion *c, const uint8_t **in, size_t n, uint8_t **to, size_t room)
{
    const uint8_t *at = *in, *end = at + n;
    uint8_t *put = *to, *full = put + room - CONVERT_MOST;
    bool plain = keeps_ascii(c);

    while (at < end && put <= full) {
        uint8_t b = *at++;
        if (b < 0x80 && c->left == 0 && plain) {
            *put++ = b;
        } else {
            put = c->from == NULL ? take_utf8(c, b, put) : take_byte(c, b, put);
        }
    }
    *in = at;
    *to = put;
}

void
convert_end(struct conversion *c, uint8_t **to)
{
    if (c->left != 0) {
        c->left = 0;
        *(*to)++ = '?';
    }
}
