/* upstream/side.c - growing by doubling, moving to the front before growing. */
#include "upstream/side.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/num.h"

enum { FIRST = 4096, KEPT = 16 * 1024 };

bool
wr_side_reserve(struct wr_side *s, size_t need, size_t max)
{
    size_t total, room = s->room != 0 ? s->room : FIRST;
    uint8_t *data;

    if (!wr_num_add(s->len, need, &total) || total > max) {
        return false;
    }
    if (s->room - s->at - s->len >= need) {
        return true;
    }
    if (s->at != 0) {
        memmove(s->data, s->data + s->at, s->len);
        s->at = 0;
    }
    if (s->room - s->len >= need) {
        return true;
    }
    while (room < total) {
        room *= 2;
    }
    data = realloc(s->data, room);
    WR_ASSERT(data != NULL);
    s->data = data;
    s->room = room;
    return true;
}

void
wr_side_consume(struct wr_side *s, size_t n)
{
    WR_ASSERT(n <= s->len);
    s->at += n;
    s->len -= n;
    if (s->len != 0) {
        return;
    }
    s->at = 0;
    if (s->room > KEPT) {
        wr_side_free(s);
    }
}

void
wr_side_free(struct wr_side *s)
{
    free(s->data);
    *s = (struct wr_side){ .data = NULL };
}
