/* cache/fetcher.h - reading a body from its file, by a thread, block by block, each held against
 * its checksum. */
#ifndef CACHE_FETCHER_H
#define CACHE_FETCHER_H

#include "shared.h"

struct opened;
struct fetcher;

/* One that reads o's file; file: it is open already. fetched(data) is called from the loop when
 * something has come. */
struct fetcher *fetcher_make(struct store *s, weir_pool *owner, struct object *o,
                             struct opened *file, void (*fetched)(void *data), void *data);

/* Bytes from *at (moved on) up to upto. WEIR_OK: some; WEIR_AGAIN: fetched() will be called;
 * WEIR_CLOSED: they cannot be had. */
int fetcher_take(struct fetcher *f, weir_pool *pool, weir_chain *out, uint64_t *at, uint64_t upto);

#endif
