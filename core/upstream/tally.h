/* upstream/tally.h - what is counted of the groups of upstream{} by all workers together, whether they have a zone or not: begun with the
 * configuration, in memory that it made before the workers were forked.
 */
#ifndef WR_UPSTREAM_TALLY_H
#define WR_UPSTREAM_TALLY_H

#include <stdint.h>

#include "upstream/peer.h"
#include "upstream/tries.h"
#include "upstream/upstream_names.h"

/* Of a group. Times are milliseconds, summed up over `connections`, `responses` and `tries`. */
struct wr_group_tally {
    uint64_t requests; /* exchanges begun */
    uint64_t tries;    /* at one server each, that have ended */
    uint64_t retries;
    uint64_t ejections;
    uint64_t connections; /* tries that got one, made or kept */
    uint64_t responses[5]; /* by hundreds of their status */
    uint64_t sent, received; /* bytes */
    uint64_t connect_ms, header_ms, response_ms;
};

struct wr_tallies;

/* For all such groups of the configuration, whose servers are known. False with err: no memory. */
bool wr_tallies_create(struct weir_conf *cf, struct wr_upstream_conf *top, struct wr_err *err);

/* In a worker: groups and servers count from now on. */
void wr_tallies_join(struct wr_upstream_conf *top);

/* What all workers have counted of the i-th group, which has an upstream{}, and of the k-th of its servers. */
struct wr_group_tally wr_tally_of_group(const struct wr_upstream_conf *top, size_t i);
struct wr_peer_counts wr_tally_of_server(const struct wr_upstream_conf *top, size_t i, size_t k);

/* A try of a group's has ended. tally NULL: nobody counts. */
void wr_tally_try(struct wr_group_tally *tally, const struct wr_try *t);

/* One more of a group's counts. */
#define WR_TALLY(tally, field)                                                                     \
    do {                                                                                           \
        if ((tally) != NULL) {                                                                     \
            wr_peer_count(&(tally)->field);                                                        \
        }                                                                                          \
    } while (0)

#endif
