/* upstream/share.h - what all workers know of a group, in its zone.
 *
 * A worker joins when it starts: each of its peers then has the state in the zone that belongs to
 * the group's name and the peer's id, which is kept over reloads. What a worker counts for itself
 * (exchanges under way) is also written in its own row of the zone; the row is locked as long as it
 * lives, so that who finds it unlocked knows that it died, and gives back what it had.
 * Lists in the zone change under its lock, by single stores; states by atomic steps without it.
 */
#ifndef WR_UPSTREAM_SHARE_H
#define WR_UPSTREAM_SHARE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/shm.h>

#include "upstream/group.h"

/* The layout of what is in the zone. */
#define WR_SHARE_LAYOUT "core.upstream/1"

enum { WR_SHARE_BYTES_A_PEER = 1024 }; /* of a zone: how many peers it has room for */

/* For weir_zone_claim. */
void *wr_share_fresh(void *data, weir_zone *zone);

/* The worker's side of a zone, with memory from pool; rows of dead workers are cleared. NULL: the zone
 * is full. */
struct wr_share *wr_share_join(weir_zone *zone, weir_pool *pool);

/* From now on u and its peers have their state in s. */
void wr_share_join_group(struct wr_share *s, weir_upstream *u);

/* p's state is in the zone of u from now; its own if the zone is full. */
void wr_share_join_peer(weir_upstream *u, struct wr_group_peer *p);

/* p is given up by this worker; it has its own state from now. */
void wr_share_leave_peer(struct wr_group_peer *p);

/* The worker ends, in good order: its groups leave, then all peers that are still known, and its
 * row is free. */
void wr_share_leave_group(weir_upstream *u);
void wr_share_leave(struct wr_share *s);

#endif
