/* cache/conf.h - the settings of the cache: one set a family of directives (proxy_, fastcgi_, ...),
 * and what holds for all. */
#ifndef CACHE_CONF_H
#define CACHE_CONF_H

#include <weir/cache.h>
#include <weir/weir.h>

#include "policy.h"
#include "store.h"

/* proxy_cache_path. */
struct path {
    struct path *next;
    weir_str zone; /* its name */
    struct store_options options;
    struct store *store; /* made when the http block is complete */
};

/* proxy_cache_valid, in the order of the file. */
struct valid {
    struct valid *next;
    uint32_t status; /* 0: any */
    uint64_t seconds;
};

enum partial { /* proxy_cache_partial */
    PARTIAL_CUT = 1u << 0,  /* of a response that breaks off, what came is kept */
    PARTIAL_RANGE = 1u << 1 /* a client's Range is passed on, and what comes is kept */
};

enum stale { /* proxy_cache_use_stale */
    STALE_ERROR = 1u << 0,
    STALE_TIMEOUT = 1u << 1,
    STALE_INVALID_HEADER = 1u << 2,
    STALE_UPDATING = 1u << 3,
    STALE_500 = 1u << 4,
    STALE_502 = 1u << 5,
    STALE_503 = 1u << 6,
    STALE_504 = 1u << 7,
    STALE_403 = 1u << 8,
    STALE_404 = 1u << 9,
    STALE_429 = 1u << 10
};

/* proxy_cache: off, or the zone, whose name may hold variables. */
struct zone_name {
    weir_value *name; /* NULL: off */
};

struct offset {
    uint64_t bytes;
    bool written;
};

struct family {
    struct path *paths; /* of all blocks around */
    struct zone_name zone;
    weir_value *key;
    struct valid *valid;
    uint32_t methods; /* WEIR_GET, ... */
    int64_t min_uses;
    weir_values bypass, no_cache; /* conditions: one that is true is enough */
    bool lock, background_update, revalidate, convert_head;
    uint64_t lock_age_ms, lock_timeout_ms;
    uint32_t use_stale; /* enum stale */
    uint32_t partial;   /* enum partial */
    struct offset max_range;
    /* Made in check(). */
    struct path *path; /* NULL: off, or the name has to be looked up for each request */
};

enum purge_mode { PURGE_OFF, PURGE_ON, PURGE_SOFT };

struct heuristic {
    uint32_t percent;
    uint64_t max_s;
    bool written;
};

typedef struct {
    struct family family[WEIR_CACHE_FAMILIES];
    uint32_t rules;   /* enum policy_rules */
    uint32_t cookies; /* enum policy_cookies */
    struct heuristic heuristic;
    bool obey_request;
    weir_strs targets, tags;
    weir_str status; /* of Cache-Status: "off", or the cache's name */
    weir_str surrogate; /* our name in Surrogate-Capability and -Control, or "off" */
    weir_str loop;   /* of CDN-Loop: "off", or our name */
    uint32_t purge;  /* enum purge_mode: the method PURGE */
    struct zone_name endpoint;
    /* Made in check(). */
    struct policy_conf policy;
    struct path *endpoint_path;
    weir_value *body;    /* $request_body */
    weir_str capability; /* what the origin is told of us as a surrogate; absent: nothing */
    bool on;          /* some family caches here */
    bool says_status; /* Cache-Status is sent */
} cache_conf;

int set_path(weir_conf *cf, const weir_directive *d, void *field);
int set_zone(weir_conf *cf, const weir_directive *d, void *field);
int set_valid(weir_conf *cf, const weir_directive *d, void *field);
int set_offset(weir_conf *cf, const weir_directive *d, void *field);
int set_heuristic(weir_conf *cf, const weir_directive *d, void *field);

/* weir_module.check, .init, .worker_start, .worker_stop */
int cache_check(weir_conf *cf, void *conf);
int cache_start(const void *conf);
void cache_stop(const void *conf);

/* The store that caches for r, NULL: none. */
struct store *conf_store(weir_request *r, const cache_conf *c, enum weir_cache_family which);
const struct path *conf_path(const cache_conf *c, uint32_t which, weir_str name);

/* Does any of the conditions hold: is it neither empty nor "0"? */
bool conf_any(weir_request *r, const weir_values *conditions);

/* What proxy_cache_valid says of a status, in seconds; -1: nothing. */
int64_t conf_valid(const struct valid *v, uint32_t status);

/* Does it name 206? Then the operator's key tells parts apart (slice). */
bool conf_names_parts(const struct valid *v);

/* All stores of a configuration. */
void conf_each_store(const cache_conf *c, void (*fn)(void *data, const struct path *p), void *data);

extern const char *const family_names[WEIR_CACHE_FAMILIES]; /* "proxy", ... */

#endif
