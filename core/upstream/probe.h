/* upstream/probe.h - active checks: each peer is asked now and then whether it is well.
 *
 * A worker asks for itself. In a group with a zone one worker asks for all: who has the lease, which
 * ends when it is not renewed, and which a worker of a newer configuration takes at once.
 */
#ifndef WR_UPSTREAM_PROBE_H
#define WR_UPSTREAM_PROBE_H

#include "event/loop.h"
#include "upstream/group.h"
#include "upstream/match.h"

enum { WR_PROBE_BODY_MAX = 256 * 1024 }; /* of a response, if `match` asks for it; longer ones fail */

enum wr_probe_type { WR_PROBE_AS_REQUESTS, WR_PROBE_HTTP, WR_PROBE_HTTPS };

/* What `health_check` says. */
struct wr_probe {
    enum wr_probe_type type;
    uint64_t keepalive_ms;  /* how long a connection is used for checks; 0: for one */
    uint64_t interval_ms, jitter_ms, timeout_ms;
    uint32_t fails, passes; /* in a row, to be unhealthy, or healthy again */
    uint16_t port;          /* 0: the peer's */
    bool mandatory;         /* a peer is not used before it has passed */
    bool persistent;        /* but after a reload as before it */
    weir_str uri;
    weir_str match_name; /* "" for the standard one */
    const struct wr_match *match;
    weir_exchange_policy policy;
    weir_str tls_name;
    /* the worker's */
    weir_upstream *group;
    struct wr_timer timer;
    struct wr_list checks; /* under way */
    struct wr_list targets; /* whose connections are kept */
    uint64_t owner;        /* its name on the lease; 0: not running */
};

/* What was learned of p: it passed, or why not. Says so in the log when its health changes. */
void wr_probe_learn(const struct wr_probe *probe, struct wr_group_peer *p, const char *fault);

/* Does this worker make the checks now? Takes or renews the lease of a group with a zone. */
bool wr_probe_lease(struct wr_probe *probe);

/* The worker begins, and ends, to check u's peers; for a group without checks nothing. */
void wr_probe_start(weir_upstream *u);
void wr_probe_stop(weir_upstream *u);

#endif
