/* text.c - growing by doubling: at most as much again is left behind in the pool. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>

/* Room for len more bytes? */
static bool
make_room(struct text *t, size_t len)
{
    size_t room = t->room != 0 ? t->room : 4096;
    char *data;

    if (t->full || len > TEXT_MAX - t->len) {
        t->full = true;
        return false;
    }
    if (len <= t->room - t->len) {
        return true;
    }
    while (room - t->len < len) {
        room *= 2;
    }
    data = weir_alloc(t->pool, room);
    if (t->len != 0) {
        memcpy(data, t->data, t->len);
    }
    t->data = data;
    t->room = room;
    return true;
}

void
text_add(struct text *t, weir_str s)
{
    if (s.len != 0 && make_room(t, s.len)) {
        memcpy(t->data + t->len, s.data, s.len);
        t->len += s.len;
    }
}

void
text_print(struct text *t, const char *fmt, ...)
{
    char line[512];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(line)) {
        t->full = true;
        return;
    }
    text_add(t, (weir_str){ line, (size_t)n });
}

void
text_add_escaped(struct text *t, weir_str s, bool quotes)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];

        if (c == '\n') {
            text_add(t, WEIR_STR("\\n"));
            continue;
        }
        if (c == '\\' || (quotes && c == '"')) {
            text_add(t, WEIR_STR("\\"));
        }
        text_add(t, (weir_str){ &c, 1 });
    }
}
