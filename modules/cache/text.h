/* cache/text.h - a text that is built once, in memory of a pool, up to a limit.
 *
 * What passes the limit is left out, and `full` says so; the caller looks once, at the end.
 */
#ifndef CACHE_TEXT_H
#define CACHE_TEXT_H

#include <weir/base.h>

struct text {
    weir_pool *pool;
    char *data;
    size_t len, room, max;
    bool full;
};

/* With room for about `room` bytes, and at most max. */
struct text text_begin(weir_pool *pool, size_t room, size_t max);

void text_add(struct text *t, weir_str s);

/* The same, letters of ASCII made small. */
void text_add_lower(struct text *t, weir_str s);

void text_add_number(struct text *t, uint64_t n);
void text_add_hex(struct text *t, uint64_t n);

static inline weir_str
text_view(const struct text *t)
{
    return (weir_str){ t->data, t->len };
}

#endif
