/* http/file_cache.c - this worker's knowledge of files: opened beneath their root once, then only looked at.
 *
 * An entry stands under its path. In the turn of the loop in which it was looked at (or within open_file_cache_valid) it is
 * used as it is; later one stat tells whether the path still leads to the very file that was opened beneath the root (device,
 * inode, size, both times): then no open is needed, and nothing outside of the root can have come in. Small files that are
 * asked for again are read into memory, in an order of use that bounds that memory.
 */
#include "http/file_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "base/str.h"
#include "event/loop.h"
#include "http/file.h"

enum {
    BUCKETS = 4096,
    ENTRIES = 8192,       /* entries kept at most, whatever open_file_cache says */
    OPEN_FILES = 512,     /* descriptors kept open at most */
    OPEN_FOR_MS = 2000,   /* without open_file_cache: how long a descriptor nobody uses is kept */
    HOT_AFTER = 2,        /* looks after which a small file is worth memory */
    TICK_MS = 20,         /* a file's times tell changes so far apart */
    WHOLE_SECONDS_MS = 2000, /* likewise where the file system counts in seconds */
    SWEEP_MS = 1000
};

struct entry {
    struct wr_file file; /* first */
    struct entry *next;  /* in its bucket */
    struct wr_list lru;  /* all entries, least recently used first */
    uint64_t hash;
    uint64_t turn;       /* of the loop in which it was last looked at */
    uint64_t looked_ms, used_ms;
    uint32_t uses;
    uint32_t symlinks;   /* the mode it was opened under */
    int error;           /* -errno of a file that is not there; 0: it is */
    bool linked;         /* in the cache; else it goes with its last user */
    struct timespec mtime, ctime;
    const struct wr_files_conf *head_for; /* whose settings file.head was made under */
    struct weir_pool pool;                /* of head */
    size_t path_len;
    char path[];
};

static struct {
    struct entry *buckets[BUCKETS];
    struct wr_list lru;
    struct wr_timer sweep;
    uint64_t memory, memory_max;
    uint32_t entries, open_files;
    bool ready;
} cache;

/* ---- Life of entries. ---- */

static void
drop_bytes(struct entry *e)
{
    if (e->file.bytes != NULL) {
        cache.memory -= e->file.size;
        free((void *)(uintptr_t)e->file.bytes);
        e->file.bytes = NULL;
    }
}

static void
drop_fd(struct entry *e)
{
    if (e->file.fd >= 0) {
        cache.open_files--;
        wr_file_close(&e->file.fd);
    }
}

static void
entry_free(struct entry *e)
{
    drop_bytes(e);
    drop_fd(e);
    wr_pool_fini(&e->pool);
    free(e);
}

void
wr_file_unref(struct wr_file *f)
{
    struct entry *e = (struct entry *)f;

    WR_ASSERT(f->refs != 0);
    if (--f->refs == 0 && !e->linked) {
        entry_free(e);
    }
}

struct wr_file_identity
wr_file_identity(const struct wr_file *f)
{
    const struct entry *e = (const struct entry *)f;

    return (struct wr_file_identity){ .device = f->device,
                                      .inode = f->inode,
                                      .size = f->size,
                                      .mtime_s = e->mtime.tv_sec,
                                      .mtime_ns = e->mtime.tv_nsec,
                                      .ctime_s = e->ctime.tv_sec,
                                      .ctime_ns = e->ctime.tv_nsec };
}

bool
wr_file_is_settled(const struct wr_file_identity *identity, int64_t wall_s, uint32_t wall_ms)
{
    int64_t s = wall_s - identity->ctime_s;
    int64_t wait_ms = identity->ctime_ns == 0 ? WHOLE_SECONDS_MS : TICK_MS;

    return s > WHOLE_SECONDS_MS / 1000 ||
           (s >= 0 && s * 1000 + wall_ms - identity->ctime_ns / 1000000 > wait_ms);
}

/* Out of the cache; those who use it keep it. */
static void
unlink_entry(struct entry *e)
{
    struct entry **at = &cache.buckets[e->hash % BUCKETS];

    while (*at != e) {
        at = &(*at)->next;
    }
    *at = e->next;
    wr_list_remove(&e->lru);
    cache.entries--;
    e->linked = false;
    if (e->file.refs == 0) {
        entry_free(e);
    }
}

static struct entry *
oldest(void)
{
    return wr_list_empty(&cache.lru) ? NULL : WR_CONTAINER(cache.lru.next, struct entry, lru);
}

/* Close and forget what nobody asked for in a while. */
static void
sweep(struct wr_timer *t)
{
    WR_LIST_EACH(at, &cache.lru) {
        struct entry *e = WR_CONTAINER(at, struct entry, lru);
        if (wr_clock.now_ms - e->used_ms <= OPEN_FOR_MS) {
            break;
        }
        if (e->file.refs != 0) {
            continue;
        }
        if (e->file.bytes != NULL) {
            drop_fd(e);
        } else if (!(e->head_for != NULL && e->head_for->cache)) {
            unlink_entry(e);
        }
    }
    if (cache.entries != 0) {
        wr_timer_set(wr_loop_self(), t, SWEEP_MS);
    }
}

void
wr_file_cache_init(uint64_t memory_max)
{
    WR_ASSERT(!cache.ready);
    wr_list_init(&cache.lru);
    cache.memory_max = memory_max;
    cache.sweep.fire = sweep;
    cache.ready = true;
}

bool
wr_file_cache_ready(void)
{
    return cache.ready;
}

void
wr_file_cache_fini(void)
{
    struct entry *e;

    if (!cache.ready) {
        return;
    }
    while ((e = oldest()) != NULL) {
        unlink_entry(e);
    }
    if (wr_loop_self() != NULL) {
        wr_timer_clear(wr_loop_self(), &cache.sweep);
    }
    cache.ready = false;
}

/* ---- Looking. ---- */

static void
take_stat(struct entry *e, const struct stat *st)
{
    e->file.kind = S_ISREG(st->st_mode)   ? WEIR_FILE_REGULAR
                   : S_ISDIR(st->st_mode) ? WEIR_FILE_DIRECTORY
                                          : WEIR_FILE_OTHER;
    e->file.size = (uint64_t)st->st_size;
    e->file.mtime = st->st_mtim.tv_sec;
    e->file.inode = st->st_ino;
    e->file.device = st->st_dev;
    e->file.executable = (st->st_mode & 0111) != 0;
    e->mtime = st->st_mtim;
    e->ctime = st->st_ctim;
}

static bool
same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool
same_file(const struct entry *e, const struct stat *st)
{
    return e->file.inode == st->st_ino && e->file.device == st->st_dev &&
           e->file.size == (uint64_t)st->st_size && same_time(e->mtime, st->st_mtim) &&
           same_time(e->ctime, st->st_ctim);
}

/* Is what e says still so? One system call at most. */
static bool
still_good(struct entry *e, const struct wr_files_conf *c, uint64_t turn)
{
    struct stat st __attribute__((uninitialized));

    if (e->turn == turn) {
        return true;
    }
    if (c->cache && wr_clock.now_ms - e->looked_ms < c->cache_valid_ms &&
        e->uses >= (uint64_t)c->cache_min_uses) {
        return e->error == 0 || c->cache_errors;
    }
    if (e->error != 0 || c->symlinks != 0) {
        return false;
    }
    if (stat(e->path, &st) != 0 || !same_file(e, &st)) {
        return false;
    }
    e->turn = turn;
    e->looked_ms = wr_clock.now_ms;
    return true;
}

static struct entry *
find(weir_str path, uint64_t hash, uint32_t symlinks)
{
    struct entry *e = cache.buckets[hash % BUCKETS];

    while (e != NULL && !(e->hash == hash && e->symlinks == symlinks && e->path_len == path.len &&
                          memcmp(e->path, path.data, path.len) == 0)) {
        e = e->next;
    }
    return e;
}

static uint64_t
path_hash(weir_str path)
{
    return wr_str_hash_quick(path);
}

static struct entry *
entry_create(weir_str path, uint64_t hash, uint32_t symlinks)
{
    struct entry *e = calloc(1, sizeof(*e) + path.len + 1);

    WR_ASSERT(e != NULL);
    memcpy(e->path, path.data, path.len);
    e->path_len = path.len;
    e->hash = hash;
    e->symlinks = symlinks;
    e->file.fd = -1;
    wr_list_init(&e->lru);
    wr_pool_init(&e->pool, "file", NULL);
    return e;
}

static void
link_entry(struct entry *e)
{
    while (cache.entries >= ENTRIES) {
        unlink_entry(oldest());
    }
    e->next = cache.buckets[e->hash % BUCKETS];
    cache.buckets[e->hash % BUCKETS] = e;
    wr_list_add(&cache.lru, &e->lru);
    e->linked = true;
    cache.entries++;
    if (!wr_timer_running(&cache.sweep)) {
        wr_timer_set(wr_loop_self(), &cache.sweep, SWEEP_MS);
    }
}

/* Open e's file beneath its root and see what was opened. 0 or -errno. */
static int
open_entry(struct entry *e, struct wr_request *r)
{
    struct stat st;
    int fd = wr_file_open_rooted(r, (weir_str){ e->path, e->path_len }, e->symlinks);

    if (fd < 0) {
        return fd;
    }
    if (fstat(fd, &st) != 0) {
        int error = -errno;
        (void)close(fd);
        return error;
    }
    drop_fd(e);
    take_stat(e, &st);
    e->file.fd = fd;
    cache.open_files++;
    return 0;
}

/* Descriptors of idle entries go first when there are too many. */
static void
limit_open_files(const struct entry *but)
{
    if (cache.open_files <= OPEN_FILES) {
        return;
    }
    WR_LIST_EACH(at, &cache.lru) {
        struct entry *e = WR_CONTAINER(at, struct entry, lru);
        if (cache.open_files <= OPEN_FILES) {
            break;
        }
        if (e != but && e->file.refs == 0) {
            drop_fd(e);
        }
    }
}

/* ---- Hot files. ---- */

static bool
make_room(uint64_t size, const struct entry *but)
{
    if (size > cache.memory_max) {
        return false;
    }
    WR_LIST_EACH(at, &cache.lru) {
        struct entry *e = WR_CONTAINER(at, struct entry, lru);
        if (cache.memory + size <= cache.memory_max) {
            break;
        }
        if (e != but && e->file.bytes != NULL && e->file.refs == 0) {
            drop_bytes(e);
        }
    }
    return cache.memory + size <= cache.memory_max;
}

/* Read the whole file; kept only if it did not change meanwhile, and cannot have unseen. */
static void
load_bytes(struct entry *e)
{
    struct wr_file_identity now = wr_file_identity(&e->file);
    size_t size = (size_t)e->file.size;
    struct stat st;
    uint8_t *bytes;

    if (!wr_file_is_settled(&now, wr_clock.wall_s, wr_clock.wall_ms) ||
        !make_room(e->file.size, e) || (bytes = malloc(size != 0 ? size : 1)) == NULL) {
        return;
    }
    if (pread(e->file.fd, bytes, size, 0) != (ssize_t)size || fstat(e->file.fd, &st) != 0 ||
        !same_file(e, &st)) {
        free(bytes);
        return;
    }
    cache.memory += size;
    e->file.bytes = bytes;
}

/* ---- The way in. ---- */

static int
result(struct entry *e, struct wr_file **file)
{
    int error = e->error;

    e->file.refs++;
    if (error != 0) {
        wr_file_unref(&e->file);
        return error;
    }
    *file = &e->file;
    return 0;
}

/* An entry for path that is true now. */
static struct entry *
current(struct wr_request *r, weir_str path)
{
    const struct wr_files_conf *c = wr_files_conf(r);
    uint64_t hash = path_hash(path), turn = wr_loop_turns(wr_loop_self());
    struct entry *e = find(path, hash, c->symlinks);
    uint32_t uses = 0;

    if (e != NULL) {
        if (still_good(e, c, turn)) {
            return e;
        }
        uses = e->uses;
        unlink_entry(e);
    }
    e = entry_create(path, hash, c->symlinks);
    e->uses = uses;
    e->error = open_entry(e, r);
    e->turn = turn;
    e->looked_ms = wr_clock.now_ms;
    link_entry(e);
    limit_open_files(e);
    return e;
}

int
wr_file_get(struct wr_request *r, weir_str path, bool need_fd, bool want_bytes,
            struct wr_file **file)
{
    const struct wr_files_conf *c = wr_files_conf(r);
    struct entry *e = current(r, path);

    e->used_ms = wr_clock.now_ms;
    e->uses += e->uses != UINT32_MAX;
    wr_list_remove(&e->lru);
    wr_list_add(&cache.lru, &e->lru);
    if (e->error != 0 || e->file.kind != WEIR_FILE_REGULAR || e->file.bytes != NULL) {
        return result(e, file);
    }
    want_bytes = want_bytes && e->file.size <= c->hot_size && e->uses >= HOT_AFTER;
    if ((need_fd || want_bytes) && e->file.fd < 0) {
        e->error = open_entry(e, r);
        limit_open_files(e);
    }
    if (want_bytes && e->error == 0) {
        load_bytes(e);
        if (e->file.bytes != NULL && !c->cache && e->file.refs == 0) {
            drop_fd(e);
        }
    }
    return result(e, file);
}

struct weir_pool *
wr_file_head_begin(struct wr_file *f, const struct wr_files_conf *c)
{
    struct entry *e = (struct entry *)f;

    if (e->head_for == c) {
        return NULL;
    }
    if (e->head_for != NULL && f->refs > 1) { /* somebody sends the old one: it stays as it is */
        return NULL;
    }
    wr_pool_reset(&e->pool);
    f->head = NULL;
    e->head_for = c;
    return &e->pool;
}

bool
wr_file_head_fits(const struct wr_file *f, const struct wr_files_conf *c)
{
    return f->head != NULL && ((const struct entry *)f)->head_for == c;
}
