/* tls/pair_cache.h - certificates whose names are known only when they are shown: read then, and some kept for the next time.
 *
 * There are as many places as there may be pairs; a pair has one of them, by its names.
 */
#ifndef WR_TLS_PAIR_CACHE_H
#define WR_TLS_PAIR_CACHE_H

#include "tls/pair.h"

struct wr_tls_pair_cache;

/* How much is kept. max 0: nothing, each is read anew. */
struct wr_tls_pair_keeping {
    size_t max;
    uint64_t inactive_ms; /* unused for longer, a pair is read again */
    uint64_t valid_ms;    /* after so long its files are looked at */
};

/* In pool; passwords are for the keys, and live as long. */
struct wr_tls_pair_cache *wr_tls_pair_cache_create(weir_pool *pool, const struct wr_tls_pair_keeping *k,
                                                   struct wr_tls_passwords passwords);

/* The pair of these names. It stays until the next call. NULL with err: it cannot be read. */
const struct wr_tls_pair *wr_tls_pair_cache_get(struct wr_tls_pair_cache *c, weir_str certificate,
                                                weir_str key, struct wr_err *err);

#endif
