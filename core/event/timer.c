/* event/timer.c - the ABI's timers and watches: the loop's own with an owner pool that ends them. */
#include <errno.h>
#include <weir/event.h>

#include "base/assert.h"
#include "base/pool.h"
#include "event/loop.h"

struct weir_timer {
    struct wr_timer timer;
    void (*fn)(void *data);
    void *data;
};

static void
timer_fire(struct wr_timer *t)
{
    weir_timer *own = WR_CONTAINER(t, weir_timer, timer);

    own->fn(own->data);
}

static void
timer_end(void *data)
{
    weir_timer *t = data;

    wr_timer_clear(wr_loop_self(), &t->timer);
}

weir_timer *
weir_timer_start(weir_pool *owner, uint64_t ms, void (*fn)(void *data), void *data)
{
    weir_timer *t = wr_pool_zalloc(owner, sizeof(*t));

    t->timer.fire = timer_fire;
    t->fn = fn;
    t->data = data;
    weir_on_end(owner, timer_end, t);
    wr_timer_set(wr_loop_self(), &t->timer, ms);
    return t;
}

void
weir_timer_set(weir_timer *t, uint64_t ms)
{
    wr_timer_set(wr_loop_self(), &t->timer, ms);
}

void
weir_timer_stop(weir_timer *t)
{
    wr_timer_clear(wr_loop_self(), &t->timer);
}

/* ---- Watches. ---- */

struct weir_watch {
    struct wr_io io;
    void (*fn)(void *data, uint32_t ready);
    void *data;
    uint32_t wanted; /* enum weir_ready; 0: paused, and not with epoll, which would report a hang-up all the same */
    bool stopped;
};

static uint32_t
to_epoll(uint32_t events)
{
    return (events & WEIR_READABLE ? (uint32_t)EPOLLIN : 0) |
           (events & WEIR_WRITABLE ? (uint32_t)EPOLLOUT : 0) | (uint32_t)EPOLLRDHUP;
}

static void
watch_ready(struct wr_io *io, uint32_t events)
{
    weir_watch *w = WR_CONTAINER(io, weir_watch, io);
    uint32_t ready = (events & EPOLLIN ? WEIR_READABLE : 0u) |
                     (events & EPOLLOUT ? WEIR_WRITABLE : 0u) |
                     (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP) ? WEIR_HANGUP : 0u);

    ready &= w->wanted | WEIR_HANGUP; /* what this turn's event says may be wanted no more */
    if (ready != 0) {
        w->fn(w->data, ready);
    }
}

static void
watch_end(void *data)
{
    weir_watch_stop(data);
}

weir_watch *
weir_watch_start(weir_pool *owner, int fd, uint32_t events, void (*fn)(void *data, uint32_t ready),
                 void *data)
{
    weir_watch *w = wr_pool_zalloc(owner, sizeof(*w));

    w->io = (struct wr_io){ .fd = fd, .ready = watch_ready };
    w->fn = fn;
    w->data = data;
    w->wanted = events & (WEIR_READABLE | WEIR_WRITABLE);
    if (wr_loop_add(wr_loop_self(), &w->io, to_epoll(events)) != 0) {
        return NULL;
    }
    if (w->wanted == 0) {
        wr_loop_remove(wr_loop_self(), &w->io);
    }
    weir_on_end(owner, watch_end, w);
    return w;
}

void
weir_watch_set(weir_watch *w, uint32_t events)
{
    if (w->stopped) {
        return;
    }
    w->wanted = events & (WEIR_READABLE | WEIR_WRITABLE);
    if (w->wanted == 0) {
        wr_loop_remove(wr_loop_self(), &w->io);
    } else if (w->io.events == 0) {
        (void)wr_loop_add(wr_loop_self(), &w->io, to_epoll(events));
    } else {
        (void)wr_loop_change(wr_loop_self(), &w->io, to_epoll(events));
    }
}

void
weir_watch_stop(weir_watch *w)
{
    w->stopped = true;
    wr_loop_remove(wr_loop_self(), &w->io);
}
