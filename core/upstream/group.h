/* upstream/group.h - what weir_upstream of the ABI is inside: some servers that offer the same,
 * and whose turn it is.
 *
 * Made while a configuration is read and living in its pool. The counters of a peer are the
 * worker's own: each worker has its copy since it was forked. Turns go round by weight, smoothly;
 * a peer that failed max_fails times is left out for fail_timeout, backups take over when no other
 * is left.
 */
#ifndef WR_UPSTREAM_GROUP_H
#define WR_UPSTREAM_GROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "base/err.h"
#include "base/vec.h"
#include "net/addr.h"

struct wr_conf_node;
struct wr_idle; /* link.h */

#define WR_GROUP_TAG WR_TAG('g', 'r', 'p', ' ')

struct wr_group_peer {
    struct wr_addr addr;
    weir_str name; /* as configured: "app1.example:8080"; may stand for several peers */
    weir_str text; /* the address: "192.0.2.10:8080" */
    uint32_t weight;          /* 1 at least */
    uint32_t max_fails;       /* 0: failures do not matter */
    uint64_t fail_timeout_ms; /* failures count for so long, and so long it is left out */
    bool down, backup;
    /* the worker's */
    int64_t current, effective; /* of the weighted round robin */
    uint32_t fails;
    uint64_t failed_ms;  /* when it failed last; 0: never */
    uint64_t checked_ms; /* when it was last tried after failing */
};

struct weir_upstream {
    uint32_t tag;
    uint32_t primaries; /* how many peers are no backups */
    weir_str name;      /* of the upstream{} block, or the address as written */
    weir_pool *pool;
    struct wr_vec peers; /* struct wr_group_peer */
    /* How connections are kept: upstream_conf.c */
    uint32_t keepalive;          /* idle ones a worker keeps at most */
    uint64_t keepalive_ms;       /* so long */
    uint64_t keepalive_time_ms;  /* and no longer since they were made */
    uint64_t keepalive_requests; /* uses of one connection */
    struct wr_idle *idle;        /* the worker's, by protocol */
    /* While the configuration is read */
    const struct wr_conf_node *used;    /* first statement that names it; NULL: none yet */
    const struct wr_conf_node *defined; /* its upstream{}; NULL: an address, or not met yet */
};

/* An empty one in pool, with nginx's settings. name must live as long. */
weir_upstream *wr_group_create(weir_pool *pool, weir_str name);

/*
 * Add what `address` stands for: one peer, or one an address when it is a host name (which is
 * looked up now, and waits).
 *
 * address       "host:port", "[::1]:port", "unix:/path"
 * default_port  where none is given; 0: one must be
 * like          its weight, max_fails, fail_timeout_ms, down, backup
 *
 * True, or false with err in nginx's words.
 */
bool wr_group_add(weir_upstream *u, weir_str address, uint16_t default_port,
                  const struct wr_group_peer *like, struct wr_err *err);

static inline uint32_t
wr_group_count(const weir_upstream *u)
{
    return (uint32_t)u->peers.count;
}

/* Words of a set of tried peers, a bit each. */
static inline size_t
wr_group_tried_words(const weir_upstream *u)
{
    return (u->peers.count + 63) / 64;
}

/* The peer whose turn it is among those not in tried, which it is put into. NULL: none is left that
 * could be tried. */
struct wr_group_peer *wr_group_pick(weir_upstream *u, uint64_t *tried);

/* How an attempt at a picked peer ended. */
void wr_group_failed(struct wr_group_peer *p);
void wr_group_worked(struct wr_group_peer *p);

#endif
