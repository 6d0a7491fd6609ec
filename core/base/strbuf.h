/* base/strbuf.h - the one string builder: append-only into a given piece of memory, knows its capacity, never passes it.
 *
 * What does not fit is dropped and `full` is set; the caller looks once, at the end. A string is built in one pass, never
 * measured first and copied afterwards.
 */
#ifndef WR_BASE_STRBUF_H
#define WR_BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <weir/base.h>

#include "base/num.h"

struct wr_strbuf {
    char *data;
    size_t len;
    size_t room; /* bytes at data */
    bool full;   /* something did not fit */
};

/* A builder over room bytes at data, which are the caller's. */
static inline struct wr_strbuf
wr_strbuf_over(void *data, size_t room)
{
    return (struct wr_strbuf){ .data = data, .len = 0, .room = room, .full = false };
}

/* Room for len bytes at the end, which the caller writes all of. NULL, and b is full, when there is not so much. */
static inline char *
wr_strbuf_take(struct wr_strbuf *b, size_t len)
{
    char *to = b->data + b->len;

    if (__builtin_expect(len > b->room - b->len, 0)) {
        b->full = true;
        return NULL;
    }
    b->len += len;
    return to;
}

static inline void
wr_strbuf_bytes(struct wr_strbuf *b, const void *bytes, size_t len)
{
    if (__builtin_expect(len > b->room - b->len, 0)) {
        b->full = true;
        return;
    }
    if (len != 0) {
        memcpy(b->data + b->len, bytes, len);
        b->len += len;
    }
}

static inline void
wr_strbuf_str(struct wr_strbuf *b, weir_str s)
{
    wr_strbuf_bytes(b, s.data, s.len);
}

static inline void
wr_strbuf_byte(struct wr_strbuf *b, char c)
{
    char *to = wr_strbuf_take(b, 1);

    if (to != NULL) {
        *to = c;
    }
}

/* A string literal, whose length the compiler knows. */
#define wr_strbuf_lit(b, lit) wr_strbuf_bytes((b), "" lit, sizeof(lit) - 1)

/* value in decimal digits; `tight`: less room is left than the longest number takes. */
void wr_strbuf_num_tight(struct wr_strbuf *b, uint64_t value);
static inline void
wr_strbuf_num(struct wr_strbuf *b, uint64_t value)
{
    if (__builtin_expect(b->room - b->len < WR_NUM_DIGITS, 0)) {
        wr_strbuf_num_tight(b, value);
    } else {
        b->len += wr_num_format(b->data + b->len, value);
    }
}

void wr_strbuf_print(struct wr_strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* c as %XX, upper case. [RFC 3986 2.1] */
static inline void
wr_strbuf_percent(struct wr_strbuf *b, uint8_t c)
{
    char coded[3];

    wr_num_format_percent(coded, c);
    wr_strbuf_bytes(b, coded, sizeof(coded));
}

/* s with every byte outside 0x20..0x7e, `"` and `\` written as \xNN (upper-case hex, as nginx). */
void wr_strbuf_escaped(struct wr_strbuf *b, weir_str s);

/* What has been built. */
static inline weir_str
wr_strbuf_view(const struct wr_strbuf *b)
{
    return (weir_str){ b->data, b->len };
}

#endif
