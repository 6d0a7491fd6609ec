/* wire/chars.h - what each byte may be in HTTP's grammar, as one table of class bits. */
#ifndef WR_WIRE_CHARS_H
#define WR_WIRE_CHARS_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

enum wr_char {
    WR_CHAR_TOKEN = 1 << 0,       /* tchar [RFC 9110 5.6.2] */
    WR_CHAR_VALUE = 1 << 1,       /* field-vchar, SP, HTAB: 20-7e, 80-ff, 09 [RFC 9110 5.5] */
    WR_CHAR_TARGET = 1 << 2,      /* visible ASCII but '#' */
    WR_CHAR_TARGET_HIGH = 1 << 3, /* the same and 80-ff, which nginx takes in a target */
    WR_CHAR_REG_NAME = 1 << 4,    /* unreserved, sub-delims [RFC 3986 2] */
    WR_CHAR_DIGIT = 1 << 5,
    WR_CHAR_HEX = 1 << 6,
    WR_CHAR_QUOTED = 1 << 7 /* qdtext [RFC 9110 5.6.4] */
};

extern const uint8_t wr_char_classes[256];

/* Is c of one of the classes (bits of enum wr_char)? */
static inline bool
wr_char_is(char c, unsigned classes)
{
    return (wr_char_classes[(uint8_t)c] & classes) != 0;
}

/* Is c optional white space: SP or HTAB? [RFC 9110 5.6.3] */
static inline bool
wr_char_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Are all bytes of s of one of the classes? True for an empty s. */
static inline bool
wr_char_all(weir_str s, unsigned classes)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!wr_char_is(s.data[i], classes)) {
            return false;
        }
    }
    return true;
}

/* Is s a token: at least one tchar and nothing else? Header names, methods, connection options. */
static inline bool
wr_char_is_token(weir_str s)
{
    return s.len != 0 && wr_char_all(s, WR_CHAR_TOKEN);
}

#endif
