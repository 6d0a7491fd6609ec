/* cache/scan.h - walking over the folder of a store, a few names at a time. In threads, one at a
 * time. */
#ifndef CACHE_SCAN_H
#define CACHE_SCAN_H

#include "store.h"

struct scan;

struct scan_name {
    uint64_t hash[2];
};

/* NULL: the folder cannot be read. */
struct scan *scan_open(const struct store_options *o);
void scan_close(struct scan *sc);

/* The next names of stored responses, at most max, for at most ms. 0 at the end. What looks like
 * one and stands in the wrong place is unlinked. */
uint32_t scan_next(struct scan *sc, struct scan_name *names, uint32_t max, uint64_t ms, bool *end);

/* Unlink the files of "purges" but the one of this number. */
void scan_clean_purges(const struct store_options *o, uint64_t keep);

/* Unlink files that were on their way and have not grown for ten minutes. */
void scan_clean_temp(const struct store_options *o);

#endif
