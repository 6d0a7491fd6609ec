/* text.h - a text that grows in request memory, within a bound. What passes the bound is dropped
 * and `full` says so; the caller looks once, at the end.
 */
#ifndef STATUS_TEXT_H
#define STATUS_TEXT_H

#include <weir/base.h>

enum { TEXT_MAX = 16 << 20 };

/* Starts zeroed but for pool. */
struct text {
    weir_pool *pool;
    char *data;
    size_t len, room;
    bool full;
};

void text_add(struct text *t, weir_str s);
void text_print(struct text *t, const char *fmt, ...) WEIR_PRINTF(2, 3);

/* s with `\` and line breaks, and where quotes is true also `"`, behind a backslash: a HELP text or
 * a label value of Prometheus. */
void text_add_escaped(struct text *t, weir_str s, bool quotes);

static inline weir_str
text_view(const struct text *t)
{
    return (weir_str){ t->data, t->len };
}

#endif
