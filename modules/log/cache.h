/* cache.h - open log files by path: open_log_file_cache, for access_log paths with variables.
 *
 * At most `max` paths are known, the one used least recently makes room; a path unused for
 * inactive_ms is forgotten. A file stays open once it has been used min_uses times; every valid_ms
 * it is looked whether the path still means that file, and opened anew if not.
 */
#ifndef LOG_CACHE_H
#define LOG_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

enum { LOG_CACHE_MAX = 65536 };

struct log_cached; /* a path */

struct log_cache {
    struct log_cache *next; /* in the registry */
    uint32_t max;
    uint32_t min_uses;
    uint64_t inactive_ms;
    uint64_t valid_ms;

    /* The worker's. */
    struct log_cached **buckets; /* a power of two of them, max or more */
    struct log_cached *newest, *oldest;
    uint32_t mask;
    uint32_t count;
    uint64_t seed;
};

/* Give a cache whose limits are set its buckets. */
void log_cache_init(struct log_cache *c, weir_pool *pool);

/* A descriptor for appending to path (zero-terminated), or -errno. *keep: it stays the cache's;
 * else the caller closes it. now: milliseconds. */
int log_cache_open(struct log_cache *c, const char *path, uint64_t now, bool *keep);

/* Close and forget all. */
void log_cache_empty(struct log_cache *c);

/* Open path for appending, made if it is not there: no link at its end is followed. Or -errno. */
int log_file_open(const char *path);

#endif
