/* http/ticket.c - the table of tickets; resuming from the loop and from other threads. */
#include "http/ticket.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <weir/event.h>

#include "base/assert.h"
#include "base/clock.h"
#include "http/limits.h"

enum { CHUNK = 256, CHUNKS = 4096, PLACE_BITS = 20 };

struct place {
    _Atomic uint32_t generation;
    struct wr_suspended *waiting; /* loop thread only */
    uint32_t next_free;
};

static struct place *chunks[CHUNKS];
static _Atomic uint32_t used; /* other threads look whether a ticket can be one */
static uint32_t free_first = UINT32_MAX;

static struct place *
place_at(uint32_t i)
{
    return &chunks[i / CHUNK][i % CHUNK];
}

static uint32_t
place_take(void)
{
    uint32_t i = free_first;

    if (i != UINT32_MAX) {
        free_first = place_at(i)->next_free;
        return i;
    }
    WR_ASSERT(used < CHUNK * CHUNKS);
    if (used % CHUNK == 0) {
        chunks[used / CHUNK] = calloc(CHUNK, sizeof(struct place));
        WR_ASSERT(chunks[used / CHUNK] != NULL);
    }
    return used++;
}

/* The generation moves on: every ticket handed out for this place is stale from here. */
static void
place_give(uint32_t i)
{
    struct place *p = place_at(i);

    p->waiting = NULL;
    atomic_fetch_add(&p->generation, 1);
    p->next_free = free_first;
    free_first = i;
}

static weir_ticket *
ticket_of(uint32_t place)
{
    uintptr_t generation = atomic_load(&place_at(place)->generation);

    return (weir_ticket *)((generation << PLACE_BITS | place) + 1); /* never NULL */
}

/* Whether the ticket is the one its place has out. */
static bool
current(const weir_ticket *ticket, uint32_t *place)
{
    uintptr_t n = (uintptr_t)ticket - 1;
    uint32_t i = (uint32_t)(n & ((1u << PLACE_BITS) - 1));

    if (ticket == NULL || i >= used || ticket_of(i) != ticket) {
        return false;
    }
    *place = i;
    return true;
}

/* Where r's ticket of a kind is noted. */
static struct wr_suspended **
slot_of(struct wr_request *r, enum wr_calling calling)
{
    return calling == WR_CALLING_SOURCE ? &r->source_suspended : &r->suspended;
}

static void
deliver(struct wr_task *t)
{
    struct wr_suspended *s = WR_CONTAINER(t, struct wr_suspended, task);
    struct wr_request *r = s->r;

    *slot_of(r, s->calling) = NULL;
    if (s->fn != NULL) {
        wr_request_resumed_with(r, s->fn, s->fn_data);
        return;
    }
    wr_request_resumed(r, s->calling, s->rc);
}

/* In the loop: the ticket is used up; the hook's result arrives as a task of its own, never inside the caller. */
static void
resume(struct wr_suspended *s, int rc)
{
    struct wr_loop *loop = wr_loop_self();

    wr_timer_clear(loop, &s->timer);
    place_give(s->place);
    s->resumed = true;
    s->rc = rc;
    wr_task_add(loop, &s->task);
}

static void
timed_out(struct wr_timer *t)
{
    struct wr_suspended *s = WR_CONTAINER(t, struct wr_suspended, timer);

    wr_say(&s->r->log, ERROR, "a suspended hook was not resumed in time");
    resume(s, WEIR_TIMEOUT);
}

weir_ticket *
weir_suspend(weir_request *pub, uint64_t ms, void (*cancelled)(void *data), void *data)
{
    struct wr_request *r = wr_request_of(pub);
    struct wr_suspended *s;

    WR_CHECK(r, WR_REQUEST_TAG);
    if (r->calling == WR_CALLING_NOTHING || *slot_of(r, r->calling) != NULL) {
        return NULL;
    }
    s = wr_pool_zalloc(r->pub.pool, sizeof(*s));
    s->r = r;
    s->calling = r->calling;
    s->cancelled = cancelled;
    s->data = data;
    s->place = place_take();
    s->timer.fire = timed_out;
    wr_task_init(&s->task, deliver);
    place_at(s->place)->waiting = s;
    *slot_of(r, r->calling) = s;
    if (ms != WEIR_NEVER) {
        wr_timer_set(wr_loop_self(), &s->timer, ms != 0 ? ms : wr_loc_conf(r)->suspend_ms);
    }
    return ticket_of(s->place);
}

struct posted {
    weir_ticket *ticket;
    int rc;
};

static void
posted_resume(void *data)
{
    struct posted *p = data;

    (void)weir_resume(p->ticket, p->rc);
    free(p);
}

int
weir_resume(weir_ticket *ticket, int rc)
{
    uint32_t place;
    struct posted *p;

    if (!current(ticket, &place)) {
        return WEIR_CLOSED;
    }
    if (wr_loop_self() != NULL) {
        struct wr_suspended *s = place_at(place)->waiting;
        WR_ASSERT(s != NULL);
        resume(s, rc);
        return WEIR_OK;
    }
    p = malloc(sizeof(*p));
    WR_ASSERT(p != NULL);
    *p = (struct posted){ ticket, rc };
    if (weir_post(posted_resume, p) != WEIR_OK) {
        free(p);
        return WEIR_CLOSED;
    }
    return WEIR_OK;
}

int
weir_resume_with(weir_ticket *ticket, int (*fn)(weir_request *r, void *data), void *data)
{
    uint32_t place;
    struct wr_suspended *s;

    if (!current(ticket, &place)) {
        return WEIR_CLOSED;
    }
    s = place_at(place)->waiting;
    WR_ASSERT(s != NULL);
    if (s->calling != WR_CALLING_PHASE) {
        return WEIR_INVALID;
    }
    s->fn = fn;
    s->fn_data = data;
    resume(s, WEIR_NEXT);
    return WEIR_OK;
}

void
wr_ticket_cancel(struct wr_request *r, enum wr_calling calling)
{
    struct wr_suspended **slot = slot_of(r, calling), *s = *slot;

    if (s == NULL) {
        return;
    }
    *slot = NULL;
    wr_task_remove(&s->task);
    if (!s->resumed) {
        wr_timer_clear(wr_loop_self(), &s->timer);
        place_give(s->place);
        if (s->cancelled != NULL) {
            s->cancelled(s->data);
        }
    }
}

bool
wr_ticket_settle(struct wr_request *r, enum wr_calling calling, const struct wr_suspended *before,
                 int rc)
{
    const struct wr_suspended *s = *slot_of(r, calling);

    if (s == NULL || s == before || s->calling != calling) {
        return false;
    }
    if (rc != WEIR_AGAIN) {
        wr_ticket_cancel(r, calling);
        return false;
    }
    return true;
}
