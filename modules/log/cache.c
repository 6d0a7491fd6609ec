/* cache.c - a bounded table of paths with their descriptors, least recently used first out. Entries
 * come from malloc, since they end one by one.
 */
#include "cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct log_cached {
    struct log_cached *same;          /* the next of its bucket */
    struct log_cached *newer, *older; /* in order of use */
    uint64_t used_ms;
    uint64_t looked_ms; /* when path and file were last compared */
    uint64_t hash;
    dev_t device;
    ino_t inode;
    uint32_t uses;
    int fd; /* -1: not open */
    char path[];
};

int
log_file_open(const char *path)
{
    /* O_NONBLOCK: a FIFO without a reader must not hold the worker up. */
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0640);

    return fd >= 0 ? fd : -errno;
}

void
log_cache_init(struct log_cache *c, weir_pool *pool)
{
    uint32_t n = 1;

    while (n < c->max) {
        n *= 2;
    }
    c->mask = n - 1;
    c->buckets = weir_zalloc(pool, n * sizeof(c->buckets[0]));
    weir_random(&c->seed, sizeof(c->seed));
}

/* FNV-1a from a seed nobody outside knows. */
static uint64_t
hash_of(const struct log_cache *c, const char *path)
{
    uint64_t h = c->seed;

    for (; *path != '\0'; path++) {
        h = (h ^ (uint8_t)*path) * 0x100000001b3u;
    }
    return h ^ (h >> 32);
}

static void
use_list_remove(struct log_cache *c, struct log_cached *e)
{
    *(e->newer != NULL ? &e->newer->older : &c->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &c->oldest) = e->newer;
}

static void
use_list_add(struct log_cache *c, struct log_cached *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest != NULL ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

static void
close_entry(struct log_cached *e)
{
    if (e->fd >= 0) {
        (void)close(e->fd);
        e->fd = -1;
    }
}

static void
forget(struct log_cache *c, struct log_cached *e)
{
    struct log_cached **at = &c->buckets[e->hash & c->mask];

    while (*at != e) {
        at = &(*at)->same;
    }
    *at = e->same;
    use_list_remove(c, e);
    close_entry(e);
    free(e);
    c->count--;
}

void
log_cache_empty(struct log_cache *c)
{
    while (c->oldest != NULL) {
        forget(c, c->oldest);
    }
}

static struct log_cached *
find(const struct log_cache *c, const char *path, uint64_t hash)
{
    struct log_cached *e = c->buckets[hash & c->mask];

    while (e != NULL && (e->hash != hash || strcmp(e->path, path) != 0)) {
        e = e->same;
    }
    return e;
}

/* A new entry, in front; NULL when there is no memory. */
static struct log_cached *
add(struct log_cache *c, const char *path, uint64_t hash)
{
    size_t size = strlen(path) + 1;
    struct log_cached *e;

    if (c->count >= c->max) {
        forget(c, c->oldest);
    }
    e = calloc(1, sizeof(*e) + size);
    if (e == NULL) {
        return NULL;
    }
    memcpy(e->path, path, size);
    e->hash = hash;
    e->fd = -1;
    e->same = c->buckets[hash & c->mask];
    c->buckets[hash & c->mask] = e;
    use_list_add(c, e);
    c->count++;
    return e;
}

/* Does the path still mean the open file? */
static bool
still_there(const struct log_cached *e)
{
    struct stat st;

    return stat(e->path, &st) == 0 && st.st_dev == e->device && st.st_ino == e->inode;
}

static int
open_entry(struct log_cached *e, uint64_t now)
{
    struct stat st;
    int fd = log_file_open(e->path);

    if (fd < 0) {
        return fd;
    }
    if (fstat(fd, &st) != 0) {
        int error = errno;

        (void)close(fd);
        return -error;
    }
    e->device = st.st_dev;
    e->inode = st.st_ino;
    e->looked_ms = now;
    e->fd = fd;
    return 0;
}

int
log_cache_open(struct log_cache *c, const char *path, uint64_t now, bool *keep)
{
    uint64_t hash = hash_of(c, path);
    struct log_cached *e;
    int rc = 0;
    int fd;

    *keep = false;
    while (c->oldest != NULL && now - c->oldest->used_ms > c->inactive_ms) {
        forget(c, c->oldest);
    }
    e = find(c, path, hash);
    if (e != NULL) {
        use_list_remove(c, e);
        use_list_add(c, e);
    } else {
        e = add(c, path, hash);
        if (e == NULL) {
            return log_file_open(path);
        }
    }
    e->used_ms = now;
    e->uses += e->uses < UINT32_MAX;
    if (e->fd >= 0 && now - e->looked_ms > c->valid_ms) {
        e->looked_ms = now;
        if (!still_there(e)) {
            close_entry(e);
        }
    }
    if (e->fd < 0) {
        rc = open_entry(e, now);
    }
    if (rc != 0) {
        return rc;
    }
    fd = e->fd;
    *keep = e->uses >= c->min_uses;
    if (!*keep) {
        e->fd = -1;
    }
    return fd;
}
