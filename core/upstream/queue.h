/* upstream/queue.h - attempts that wait, because every peer they could use has max_conns.
 *
 * First come, first served: while somebody waits, who comes later waits behind, even if a peer is
 * free just then. The queue is looked at when an exchange of this worker ends and, since those of
 * other workers end unseen, every WR_QUEUE_LOOK_MS. It has a limit, and every wait an end.
 */
#ifndef WR_UPSTREAM_QUEUE_H
#define WR_UPSTREAM_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "event/loop.h"
#include "upstream/balance.h"

enum { WR_QUEUE_LOOK_MS = 50, WR_QUEUE_DEFAULT_MS = 60 * 1000 };

/* The queue of a group in a worker. */
struct wr_queue {
    uint32_t max;
    uint32_t n;
    uint64_t timeout_ms;
    struct wr_list places; /* first come first */
    struct wr_task task;
    struct wr_timer look;
    weir_upstream *group;
    bool serving; /* picks are for those who wait */
};

/* Who waits: in the waiter's struct, which must leave before it goes. All zero: does not wait. */
struct wr_queue_place {
    struct wr_list link;
    struct wr_timer due;
    struct wr_queue *queue; /* NULL: does not wait */
    struct wr_attempt *attempt;
    /* From the loop, once, when the wait is over. WEIR_OK: attempt->peer is picked. WEIR_LIMIT: that
     * took too long. WEIR_ABSENT: no peer is alive any more. */
    void (*over)(struct wr_queue_place *place, int result);
};

/* A queue for u of `max` places, in which nobody waits longer than timeout_ms. */
struct wr_queue *wr_queue_create(weir_upstream *u, uint32_t max, uint64_t timeout_ms);

/* wr_balance_pick said WEIR_LIMIT to a. WEIR_AGAIN: over will be called; WEIR_LIMIT: the group has no
 * queue, or it is full. */
int wr_queue_wait(weir_upstream *u, struct wr_attempt *a, struct wr_queue_place *place,
                  void (*over)(struct wr_queue_place *place, int result));

/* Wait no longer; over is not called. Harmless for who does not wait. */
void wr_queue_leave(struct wr_queue_place *place);

/* A place at a peer may be free: look at the queue in this turn. */
void wr_queue_wake(struct wr_queue *q);

/* Must a pick for somebody new wait its turn? */
static inline bool
wr_queue_holds(const struct wr_queue *q)
{
    return q != NULL && q->n != 0 && !q->serving;
}

/* Is the pick for somebody who has waited? */
static inline bool
wr_queue_serves(const struct wr_queue *q)
{
    return q != NULL && q->serving;
}

#endif
