/* upstream/group.h - what weir_upstream of the ABI is inside: servers that offer the same, and the
 * peers they stand for.
 *
 * Made while a configuration is read, in its pool; each worker goes on with its copy since it was
 * forked. Servers stay as they were read. Peers come and go in a worker when names are resolved
 * anew: peers[] is the set of now, and `generation` says when it has changed. Whose turn it is
 * among them: balance.h.
 */
#ifndef WR_UPSTREAM_GROUP_H
#define WR_UPSTREAM_GROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "base/err.h"
#include "base/list.h"
#include "base/vec.h"
#include "net/addr.h"
#include "upstream/peer.h"

struct wr_conf_node;
struct wr_scope;
struct wr_idle;  /* link.h */
struct wr_queue; /* queue.h */
struct wr_lookups; /* lookup.h */
struct wr_probe; /* probe.h */
struct wr_group_tally; /* tally.h */

#define WR_GROUP_TAG WR_TAG('g', 'r', 'p', ' ')

/* A module's say in whose turn it is. */
struct wr_group_method {
    const weir_balancer *balancer; /* NULL: none */
    void *group;                   /* the module's own */
    const char *module;
};

/* When a peer is left out as an outlier: outlier.c. */
struct wr_group_outlier {
    uint32_t errors;      /* in a row; 0: never */
    uint32_t max_percent; /* of the group's peers at one time */
    uint64_t window_ms;   /* within which they come */
    uint64_t time_ms;     /* so long it is left out */
};

struct weir_upstream {
    uint32_t tag;
    uint32_t backups;   /* peers that are backups */
    weir_str name;      /* of the upstream{} block, or the address as written */
    weir_pool *pool;
    struct wr_vec servers; /* struct wr_group_server * */
    struct wr_vec peers;   /* struct wr_group_peer * */
    uint64_t generation;   /* of the set of peers */
    struct wr_group_method beside, method;
    struct wr_queue *queue;       /* NULL: who finds no peer does not wait */
    struct wr_probe *probe;       /* active checks; NULL: none */
    bool checks_first;            /* peers are not used before they have passed one */
    struct wr_group_state *state; /* &own, or in the zone */
    struct wr_group_state *own;
    weir_zone *zone;              /* NULL: every worker knows its own */
    struct wr_share *share;       /* the worker's side of it; NULL: none, or not yet */
    uint64_t loaded_ms;           /* when the configuration was read */
    struct wr_group_outlier outlier;
    uint32_t budget_percent; /* of requests may be tried again; 0: all: budget.c */
    uint32_t budget_min;     /* and so many a second */
    uint16_t default_port;
    /* How connections are kept: upstream_conf.c */
    uint32_t keepalive;          /* idle ones a worker keeps at most */
    uint64_t keepalive_ms;       /* so long */
    uint64_t keepalive_time_ms;  /* and no longer since they were made */
    uint64_t keepalive_requests; /* uses of one connection */
    struct wr_group_tally *tally; /* the worker's counters; NULL: of a run-time name, or not yet */
    struct wr_idle *idle;        /* the worker's, by protocol */
    struct wr_lookups *lookups;      /* NULL: all servers are addresses */
    /* While the configuration is read */
    const struct wr_conf_node *used;    /* first statement that names it; NULL: none yet */
    const struct wr_scope *scope;       /* the block that stands in */
    const struct wr_conf_node *defined; /* its upstream{}; NULL: an address, or not met yet */
};

/* An empty one in pool, with nginx's settings. name must live as long. */
weir_upstream *wr_group_create(weir_pool *pool, weir_str name);

/*
 * Add a server: with a peer when it is an address, without one when it is a host's name, which is
 * not looked up here: see server->host, and lookup.h.
 *
 * address       "host:port", "[::1]:port", "unix:/path"
 * default_port  where none is given; 0: one must be
 * like          the server's settings, copied
 *
 * The server, or NULL with err in nginx's words.
 */
struct wr_group_server *wr_group_add(weir_upstream *u, weir_str address, uint16_t default_port,
                                     const struct wr_group_server *like, struct wr_err *err);

/* One address of a server's name. */
struct wr_group_address {
    struct wr_addr addr;
    uint32_t weight; /* of an SRV record; 0: the server's */
    bool backup;     /* of a lower priority */
};

/* From now on the server stands for these addresses: peers of others are taken out of the group
 * (exchanges with them go on), new ones come, and those that stay keep all they were. In a worker,
 * between callbacks. True: something has changed. */
bool wr_group_set_addresses(weir_upstream *u, const struct wr_group_server *server,
                            const struct wr_group_address *addresses, size_t n);

static inline uint32_t
wr_group_count(const weir_upstream *u)
{
    return (uint32_t)u->peers.count;
}

static inline struct wr_group_peer *
wr_group_peer(const weir_upstream *u, size_t i)
{
    return *wr_vec_at(&u->peers, struct wr_group_peer *, i);
}

/* The peer with that id; NULL: none. */
struct wr_group_peer *wr_group_find(const weir_upstream *u, uint64_t id);

#endif
