/* upstream/balance.h - whose turn it is: what a user of a group's peers calls.
 *
 * An attempt is one exchange's way through the peers: pick one, use it, say how it ended, pick
 * another if need be. A picked peer counts as busy until wr_balance_done. The group's method is a
 * module's or the weighted round robin of this file; both see peers through weir_peer.
 */
#ifndef WR_UPSTREAM_BALANCE_H
#define WR_UPSTREAM_BALANCE_H

#include "upstream/group.h"

enum { WR_ATTEMPT_TRIED = 4 };

/* What weir_attempt of the ABI is inside. */
struct wr_attempt {
    weir_attempt pub; /* first */
    weir_upstream *group;
    void *states[2];            /* pub.state of the group's two methods */
    struct wr_group_peer *peer; /* the picked one, until wr_balance_done; held */
    const char *step;           /* for the log: "connecting to upstream", ... */
    uint64_t picked_us;         /* when */
    uint32_t status;            /* of the answer; 0: none yet */
    uint32_t n_tried, tried_room;
    uint64_t *tried;            /* ids of peers */
    uint64_t first[WR_ATTEMPT_TRIED];
};

/* Make a an attempt at u, on behalf of r (NULL: nobody's), with memory from pool, which lives as
 * long as a. No end is needed but wr_balance_done for what was picked. */
void wr_attempt_init(struct wr_attempt *a, weir_upstream *u, weir_request *r, weir_pool *pool);

/* Has nothing been tried yet? */
static inline bool
wr_attempt_fresh(const struct wr_attempt *a)
{
    return a->n_tried == 0;
}

/*
 * The peer whose turn it is among those that a has not tried.
 *
 * WEIR_OK with *p, which is a->peer now; WEIR_LIMIT: there are some, but all have max_conns;
 * WEIR_ABSENT: none is left that is alive.
 */
int wr_balance_pick(weir_upstream *u, struct wr_attempt *a, struct wr_group_peer **p);

/* Is there another peer that could be picked now? */
bool wr_balance_more(const weir_upstream *u, const struct wr_attempt *a);

/* p, which was picked, has answered with this head, or with bytes (NULL). */
void wr_balance_answered(weir_upstream *u, struct wr_attempt *a, struct wr_group_peer *p,
                         const weir_reply *reply);

/*
 * The try at p, which was picked, is over; a may pick again.
 *
 * result  WEIR_OK: it was well. WEIR_ABSENT: it says nothing about the peer (our side gave it up,
 *         or had no descriptor left). Else it counts as a failure.
 */
void wr_balance_done(weir_upstream *u, struct wr_attempt *a, struct wr_group_peer *p, int result);

#endif
