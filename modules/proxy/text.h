/* proxy/text.h - a text that is built once, in request memory that grows, up to a limit.
 *
 * What passes the limit is left out, and `full` says so; the caller looks once, at the end.
 */
#ifndef PROXY_TEXT_H
#define PROXY_TEXT_H

#include <weir/base.h>

enum { TEXT_MAX = 1 << 20 }; /* bytes: of a head, of a URI */

struct text {
    weir_pool *pool;
    char *data;
    size_t len, room;
    bool full;
};

/* With room for about `room` bytes. */
struct text text_begin(weir_pool *pool, size_t room);

/* Make room for more bytes; false: the limit is reached. */
bool text_grow(struct text *t, size_t more);

static inline void
text_add(struct text *t, weir_str s)
{
    if ((s.len <= t->room - t->len || text_grow(t, s.len)) && s.len != 0) {
        memcpy(t->data + t->len, s.data, s.len);
        t->len += s.len;
    }
}

void text_add_number(struct text *t, uint64_t n);

static inline weir_str
text_view(const struct text *t)
{
    return (weir_str){ t->data, t->len };
}

/* ---- Pieces of text. ---- */

/* The part of s from `from` on, up to `to` if that is within. */
static inline weir_str
str_cut(weir_str s, size_t from, size_t to)
{
    to = to < s.len ? to : s.len;
    from = from < to ? from : to;
    return (weir_str){ s.data + from, to - from };
}

static inline size_t
str_find(weir_str s, char c)
{
    const char *at = s.len != 0 ? memchr(s.data, c, s.len) : NULL;

    return at != NULL ? (size_t)(at - s.data) : s.len;
}

static inline bool
str_starts(weir_str s, weir_str with)
{
    return s.len >= with.len && (with.len == 0 || memcmp(s.data, with.data, with.len) == 0);
}

static inline weir_str
str_trim(weir_str s)
{
    while (s.len != 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }
    while (s.len != 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

/* The next member of a list of the form "a, b, c" at the front of *rest, trimmed; false at its end.
 * [RFC 9110 5.6.1] */
bool str_next(weir_str *rest, char divider, weir_str *member);

/* Decimal digits, and nothing else. */
bool str_number(weir_str s, uint64_t max, uint64_t *n);

/* Is it fit for a field's value: no control bytes but TAB? */
bool str_is_value(weir_str s);

#endif
