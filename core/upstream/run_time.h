/* upstream/run_time.h - groups of one address that only a request knows: names in variables.
 *
 * A worker keeps those it made, so that their connections and failures are remembered; the least
 * recently used go when the resolver's names= is reached. A request that was given one pins it
 * until it ends.
 */
#ifndef WR_UPSTREAM_RUN_TIME_H
#define WR_UPSTREAM_RUN_TIME_H

#include <weir/request.h>

#include "upstream/group.h"

struct wr_run_time; /* what a worker has of them */

/* None yet, in pool; while the configuration is read. */
struct wr_run_time *wr_run_time_create(weir_pool *pool);

/* The group of address `name` for r, whose location says who is asked for it; its peers may have to
 * be waited for (lookup.h). NULL: it is no address, or all places are pinned; logged. */
weir_upstream *wr_run_time_at(struct wr_run_time *all, weir_request *r, weir_str name,
                              uint16_t default_port);

/* The worker ends. */
void wr_run_time_stop(struct wr_run_time *all);

#endif
