/* limit_req/store.h - where buckets are kept. A store is a table of functions, so that one shared by many machines can stand
 * beside the one in shared memory.
 */
#ifndef LIMIT_REQ_STORE_H
#define LIMIT_REQ_STORE_H

#include <weir/weir.h>

#include "bucket.h"

struct store {
    /* What one more request of key would make of its bucket: the excess, in thousandths. Changes nothing. */
    uint64_t (*look)(void *data, weir_str key, uint64_t rate, uint64_t now_ms);
    /* Count the request if its excess is at most `most`; the excess as it then is. */
    uint64_t (*count)(void *data, weir_str key, uint64_t rate, uint64_t now_ms, uint64_t most);
};

/* Buckets in a zone, shared by all workers; data is the weir_map that store_zone_claim gives. */
extern const struct store store_zone;

/* The map of a zone; NULL after a reported error. */
weir_map *store_zone_claim(weir_conf *cf, weir_zone *zone);

#endif
