/* module/shared_map.c - look-up, change, expiry and eviction; every public function here takes the lock and gives it back. */
#include "module/shared_map.h"

#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/str.h"
#include "module/registry.h"

enum {
    TAG = WR_TAG('z', 'm', 'a', 'p'),
    BYTES_A_BUCKET = 256, /* of the zone */
    EVICT_MAX = 512,      /* entries pushed out for one new one: bounds the time under the lock */
    SWEEP = 2             /* expired old entries removed beside each insertion */
};

_Static_assert(sizeof(struct wr_shared_entry) % 16 == 0, "values are aligned as the allocator's memory");

/* Read by any thread while the loop's thread updates it. */
static uint64_t
now_ms(void)
{
    return __atomic_load_n(&wr_clock.now_ms, __ATOMIC_RELAXED);
}

/* ---- Making and emptying. ---- */

_Static_assert(sizeof(weir_map) <= WR_ZONE_OWN_WORDS * sizeof(uint64_t), "fits beside the head");

/* Table and scratch space from the empty allocator, and no entry. */
static bool
fill(weir_map *m)
{
    struct wr_slab *slab = m->head->slab;

    m->newest = m->oldest = NULL;
    m->count = 0;
    m->buckets = wr_slab_alloc(slab, m->n_buckets * sizeof(struct wr_shared_entry *));
    m->scratch = wr_slab_alloc(slab, WR_MAX(m->value_room, 1));
    return m->buckets != NULL && m->scratch != NULL;
}

/* The map of a new zone. */
static weir_map *
build(struct wr_zone_head *head, size_t value_size)
{
    weir_map *m = (weir_map *)(void *)head->own;

    m->tag = TAG;
    m->head = head;
    m->value_size = value_size;
    m->value_room = (value_size + 7) & ~(size_t)7;
    m->n_buckets = 64;
    while (m->n_buckets < 1u << 30 &&
           (uint64_t)m->n_buckets * 2 * BYTES_A_BUCKET <= wr_slab_size(head->slab)) {
        m->n_buckets *= 2;
    }
    return fill(m) ? m : NULL;
}

struct claim {
    size_t value_size;
};

static void *
fresh_map(void *data, weir_zone *z)
{
    const struct claim *claim = data;

    z->region->head->map = true;
    return build(z->region->head, claim->value_size);
}

weir_map *
weir_map_claim(weir_conf *cf, weir_zone *z, const char *layout, size_t value_size)
{
    struct weir_pool *pool = weir_conf_pool(cf);
    struct claim *claim = wr_pool_alloc(pool, sizeof(*claim));
    weir_str full = weir_print(pool, "%s (map of %zu)", layout, value_size);

    if (value_size > WR_SHARED_VALUE_MAX) {
        (void)weir_conf_error(cf, "a map's values may have %d bytes, not %zu", WR_SHARED_VALUE_MAX,
                              value_size);
        return NULL;
    }
    claim->value_size = value_size;
    (void)wr_str_hash(full); /* draws the key of the hash before workers are forked */
    if (weir_zone_claim(cf, z, full.data, fresh_map, claim) != WEIR_OK) {
        return NULL;
    }
    return weir_zone_root(z);
}

/* The last holder of the lock died: only what never changes can be trusted. What fitted once fits again. */
static void
reset(weir_map *m)
{
    wr_slab_reset(m->head->slab);
    WR_ASSERT(fill(m));
    m->resets++;
}

static void
lock(weir_map *m)
{
    WR_CHECK(m, TAG);
    if (!wr_shm_mutex_lock(&m->head->lock)) {
        reset(m);
        wr_say(wr_log_process(), WARN, "a process died inside a shared map; the map was emptied");
    }
}

static void
unlock(weir_map *m)
{
    wr_shm_mutex_unlock(&m->head->lock);
}

/* ---- Entries. ---- */

static struct wr_shared_entry **
bucket_of(weir_map *m, uint64_t hash)
{
    return &m->buckets[hash & (m->n_buckets - 1)];
}

static void
link_newest(weir_map *m, struct wr_shared_entry *e)
{
    e->newer = NULL;
    e->older = m->newest;
    if (m->newest != NULL) {
        m->newest->newer = e;
    } else {
        m->oldest = e;
    }
    m->newest = e;
}

static void
unlink_age(weir_map *m, struct wr_shared_entry *e)
{
    if (e->newer != NULL) {
        e->newer->older = e->older;
    } else {
        m->newest = e->older;
    }
    if (e->older != NULL) {
        e->older->newer = e->newer;
    } else {
        m->oldest = e->newer;
    }
}

static void
touch(weir_map *m, struct wr_shared_entry *e)
{
    if (m->newest != e) {
        unlink_age(m, e);
        link_newest(m, e);
    }
}

static void
remove_entry(weir_map *m, struct wr_shared_entry *e)
{
    struct wr_shared_entry **at = bucket_of(m, e->hash);

    while (*at != e) {
        at = &(*at)->next;
    }
    *at = e->next;
    unlink_age(m, e);
    m->count--;
    WR_ASSERT(wr_slab_free(m->head->slab, e));
}

static bool
expired(const struct wr_shared_entry *e, uint64_t now)
{
    return e->expires != 0 && e->expires <= now;
}

static weir_str
key_of(const weir_map *m, const struct wr_shared_entry *e)
{
    return (weir_str){ (const char *)e->data + m->value_room, e->key_len };
}

/* The live entry of key; an expired one is removed on the way. */
static struct wr_shared_entry *
find(weir_map *m, weir_str key, uint64_t hash, uint64_t now)
{
    struct wr_shared_entry *e = *bucket_of(m, hash);

    while (e != NULL && (e->hash != hash || !weir_str_eq(key_of(m, e), key))) {
        e = e->next;
    }
    if (e != NULL && expired(e, now)) {
        remove_entry(m, e);
        return NULL;
    }
    return e;
}

/* Remove a few of the oldest that have expired, so that dead entries do not push out live ones. */
static void
sweep(weir_map *m, uint64_t now)
{
    for (uint32_t i = 0; i < SWEEP && m->oldest != NULL && expired(m->oldest, now); i++) {
        remove_entry(m, m->oldest);
    }
}

/* Memory for an entry, from the least recently used ones if need be. */
static struct wr_shared_entry *
make_room(weir_map *m, size_t size)
{
    struct wr_shared_entry *e = wr_slab_alloc(m->head->slab, size);

    for (uint32_t i = 0; e == NULL && i < EVICT_MAX && m->oldest != NULL; i++) {
        remove_entry(m, m->oldest);
        m->evicted++;
        e = wr_slab_alloc(m->head->slab, size);
    }
    return e;
}

/* A new entry for key with a zeroed value, newest; NULL when no room could be made. */
static struct wr_shared_entry *
insert(weir_map *m, weir_str key, uint64_t hash, uint64_t now)
{
    struct wr_shared_entry *e, **bucket;

    sweep(m, now);
    e = make_room(m, sizeof(*e) + m->value_room + key.len);
    if (e == NULL) {
        return NULL;
    }
    e->hash = hash;
    e->key_len = (uint32_t)key.len;
    if (key.len != 0) {
        memcpy(e->data + m->value_room, key.data, key.len);
    }
    bucket = bucket_of(m, hash);
    e->next = *bucket;
    *bucket = e;
    link_newest(m, e);
    m->count++;
    return e;
}

static uint64_t
end_of(uint64_t now, uint64_t ttl_ms)
{
    uint64_t end;

    if (ttl_ms == 0) {
        return 0;
    }
    return __builtin_add_overflow(now, ttl_ms, &end) ? UINT64_MAX : end;
}

/* ---- The ABI's functions. ---- */

int
weir_map_get(weir_map *m, weir_str key, void *value)
{
    uint64_t hash = wr_str_hash(key);
    struct wr_shared_entry *e;

    lock(m);
    e = find(m, key, hash, now_ms());
    if (e != NULL) {
        memcpy(value, e->data, m->value_size);
        touch(m, e);
    }
    unlock(m);
    return e != NULL ? WEIR_OK : WEIR_ABSENT;
}

int
weir_map_put(weir_map *m, weir_str key, const void *value, uint64_t ttl_ms)
{
    uint64_t hash = wr_str_hash(key), now = now_ms();
    struct wr_shared_entry *e;

    if (key.len > WR_SHARED_KEY_MAX) {
        return WEIR_LIMIT;
    }
    lock(m);
    e = find(m, key, hash, now);
    if (e != NULL) {
        touch(m, e);
    } else {
        e = insert(m, key, hash, now);
    }
    if (e != NULL) {
        memcpy(e->data, value, m->value_size);
        e->expires = end_of(now, ttl_ms);
    }
    unlock(m);
    return e != NULL ? WEIR_OK : WEIR_LIMIT;
}

int
weir_map_update(weir_map *m, weir_str key, uint64_t ttl_ms,
                int (*fn)(void *data, void *value, bool is_new), void *data)
{
    uint64_t hash = wr_str_hash(key), now = now_ms();
    struct wr_shared_entry *e;
    int rc;

    if (key.len > WR_SHARED_KEY_MAX) {
        return WEIR_LIMIT;
    }
    lock(m);
    e = find(m, key, hash, now);
    if (e != NULL) {
        memcpy(m->scratch, e->data, m->value_size);
    } else {
        memset(m->scratch, 0, m->value_size);
    }
    rc = fn(data, m->scratch, e == NULL);
    if (rc == WEIR_OK) {
        if (e != NULL) {
            touch(m, e);
        } else {
            e = insert(m, key, hash, now);
        }
        if (e != NULL) {
            memcpy(e->data, m->scratch, m->value_size);
            e->expires = end_of(now, ttl_ms);
        } else {
            rc = WEIR_LIMIT;
        }
    }
    unlock(m);
    return rc;
}

int
weir_map_remove(weir_map *m, weir_str key)
{
    uint64_t hash = wr_str_hash(key);
    struct wr_shared_entry *e;

    lock(m);
    e = find(m, key, hash, now_ms());
    if (e != NULL) {
        remove_entry(m, e);
    }
    unlock(m);
    return e != NULL ? WEIR_OK : WEIR_ABSENT;
}

uint64_t
weir_map_count(const weir_map *m)
{
    WR_CHECK(m, TAG);
    return __atomic_load_n(&m->count, __ATOMIC_RELAXED);
}

uint64_t
weir_map_evicted(const weir_map *m)
{
    WR_CHECK(m, TAG);
    return __atomic_load_n(&m->evicted, __ATOMIC_RELAXED);
}
