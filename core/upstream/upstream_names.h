/* upstream/upstream_names.h - the groups of a configuration by name, and which names are addresses.
 */
#ifndef WR_UPSTREAM_UPSTREAM_NAMES_H
#define WR_UPSTREAM_UPSTREAM_NAMES_H

#include "base/map.h"
#include "conf/bind.h"
#include "upstream/group.h"

struct wr_run_time;
struct wr_tallies; /* tally.h */
struct wr_probe; /* probe.h */

/* While a configuration is read: a group is named in a block; a check stands in one. */
struct wr_upstream_use {
    const struct wr_scope *scope;
    weir_upstream *group;
    const weir_exchange_policy *policy; /* weir_upstream_held; NULL: nobody has said */
    weir_str tls_name;
};

struct wr_upstream_check {
    struct wr_probe *probe;
    weir_upstream *group; /* NULL: that of the block */
    const struct wr_scope *scope;
    const struct wr_conf_node *node;
};

/* The struct of core.upstream, for two places: what an upstream{} says, and what the main context
 * holds. */
struct wr_upstream_conf {
    int64_t keepalive;
    int64_t keepalive_requests;
    uint64_t keepalive_time_ms;
    uint64_t keepalive_timeout_ms;
    weir_upstream *group; /* of this upstream{}; NULL elsewhere */
    struct wr_map *names; /* main: weir_upstream by name, made when there is one */
    struct wr_run_time *run_time; /* main: groups made of names that only requests know */
    struct wr_map *matches; /* main: wr_match by name, likewise */
    struct wr_vec uses, checks; /* main, while it is read: wr_upstream_use, wr_upstream_check */
    struct wr_tallies *tallies; /* main: what workers count; NULL: there are no groups */
    struct wr_map *defined;     /* and the names that have an upstream{}, once that matters */
};

/* What the main context holds; NULL where there is none yet. */
struct wr_upstream_conf *wr_upstream_main(const struct weir_conf *cf);

/* What a group or address is found by: a host's name is the same in letters of either case, a path is
 * not. In pool, or name itself. */
weir_str wr_upstream_key(weir_pool *pool, weir_str name);

/* The group or address of that name, made if it is not there. */
weir_upstream *wr_upstream_named(struct weir_conf *cf, struct wr_upstream_conf *top, weir_str name);

/* How many there are, and the i-th. */
static inline size_t
wr_upstream_count(const struct wr_upstream_conf *top)
{
    return top->names != NULL ? wr_map_count(top->names) : 0;
}

static inline weir_upstream *
wr_upstream_group(const struct wr_upstream_conf *top, size_t i)
{
    return (weir_upstream *)wr_map_entry(top->names, i)->value;
}

#endif
