/* upstream/queue.c - waiting in line for a peer that has fewer than max_conns. */
#include "upstream/queue.h"

#include "base/assert.h"
#include "base/pool.h"

static void serve(struct wr_task *t);
static void look(struct wr_timer *t);
static void expire(struct wr_timer *t);

struct wr_queue *
wr_queue_create(weir_upstream *u, uint32_t max, uint64_t timeout_ms)
{
    struct wr_queue *q = wr_pool_zalloc(u->pool, sizeof(*q));

    q->max = max;
    q->timeout_ms = timeout_ms;
    q->group = u;
    q->look.fire = look;
    wr_list_init(&q->places);
    wr_task_init(&q->task, serve);
    return q;
}

int
wr_queue_wait(weir_upstream *u, struct wr_attempt *a, struct wr_queue_place *place,
              void (*over)(struct wr_queue_place *place, int result))
{
    struct wr_queue *q = u->queue;

    WR_ASSERT(place->queue == NULL);
    if (q == NULL || q->n >= q->max) {
        wr_peer_count(&u->state->refused);
        return WEIR_LIMIT;
    }
    wr_peer_count(&u->state->queued);
    *place = (struct wr_queue_place){ .due.fire = expire, .queue = q, .attempt = a, .over = over };
    wr_list_add(&q->places, &place->link);
    q->n++;
    wr_timer_set(wr_loop_self(), &place->due, q->timeout_ms);
    wr_queue_wake(q);
    return WEIR_AGAIN;
}

void
wr_queue_leave(struct wr_queue_place *place)
{
    struct wr_queue *q = place->queue;

    if (q == NULL) {
        return;
    }
    place->queue = NULL;
    wr_list_remove(&place->link);
    wr_timer_clear(wr_loop_self(), &place->due);
    if (--q->n == 0) {
        wr_timer_clear(wr_loop_self(), &q->look);
        wr_task_remove(&q->task);
    }
}

void
wr_queue_wake(struct wr_queue *q)
{
    if (q->n != 0) {
        wr_task_add(wr_loop_self(), &q->task);
    }
}

static void
finish(struct wr_queue_place *place, int result)
{
    wr_queue_leave(place);
    place->over(place, result);
}

/* Its time is over: as if there were no queue. */
static void
expire(struct wr_timer *t)
{
    struct wr_queue_place *place = WR_CONTAINER(t, struct wr_queue_place, due);

    wr_peer_count(&place->queue->group->state->refused);
    finish(place, WEIR_LIMIT);
}

static void
look(struct wr_timer *t)
{
    wr_queue_wake(WR_CONTAINER(t, struct wr_queue, look));
}

/* The first in line for whom there is a peer, or none any more; NULL: all have to wait on. */
static struct wr_queue_place *
next_served(struct wr_queue *q, int *result)
{
    WR_LIST_EACH (at, &q->places) {
        struct wr_queue_place *place = WR_CONTAINER(at, struct wr_queue_place, link);
        struct wr_group_peer *p;
        q->serving = true;
        *result = wr_balance_pick(q->group, place->attempt, &p);
        q->serving = false;
        if (*result != WEIR_LIMIT) {
            return place;
        }
        if (wr_attempt_fresh(place->attempt)) { /* there is none for those behind it either */
            return NULL;
        }
    }
    return NULL;
}

/* Whom it calls may end others that wait, or come back: each is looked for anew. */
static void
serve(struct wr_task *t)
{
    struct wr_queue *q = WR_CONTAINER(t, struct wr_queue, task);
    struct wr_queue_place *place;
    int result;

    for (uint32_t n = q->n; n != 0 && (place = next_served(q, &result)) != NULL; n--) {
        finish(place, result);
    }
    if (q->n != 0) {
        wr_timer_set(wr_loop_self(), &q->look, WR_QUEUE_LOOK_MS);
    }
}
