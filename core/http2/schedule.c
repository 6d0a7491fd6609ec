/* http2/schedule.c - whose turn it is to send a body: the most urgent, of these the oldest stream first, and those that can be
 * used in parts in turns. [RFC 9218 10] */
#include "base/assert.h"
#include "http2/http2.h"

void
wr_schedule_add(struct wr_stream *s)
{
    struct wr_list *all = &s->h->ready[s->urgency], *before = all;

    if (!wr_list_empty(&s->ready) || s->closed || !s->answered) {
        return;
    }
    while (!s->incremental && before->prev != all &&
           WR_CONTAINER(before->prev, struct wr_stream, ready)->id > s->id) {
        before = before->prev;
    }
    wr_list_add(before, &s->ready); /* in front of it: at the end, if it is the ring itself */
}

void
wr_schedule_remove(struct wr_stream *s)
{
    wr_list_remove(&s->ready);
}

struct wr_stream *
wr_schedule_next(struct wr_http2 *h)
{
    for (size_t i = 0; i < WR_HTTP2_URGENCIES; i++) {
        if (!wr_list_empty(&h->ready[i])) {
            return WR_CONTAINER(h->ready[i].next, struct wr_stream, ready);
        }
    }
    return NULL;
}

void
wr_schedule_pass(struct wr_stream *s)
{
    if (s->incremental && !wr_list_empty(&s->ready)) {
        wr_list_remove(&s->ready);
        wr_list_add(&s->h->ready[s->urgency], &s->ready);
    }
}

void
wr_schedule_move(struct wr_stream *s, uint8_t urgency, bool incremental)
{
    bool was_ready = !wr_list_empty(&s->ready);

    wr_list_remove(&s->ready);
    s->urgency = urgency;
    s->incremental = incremental;
    if (was_ready) {
        wr_schedule_add(s);
    }
}
