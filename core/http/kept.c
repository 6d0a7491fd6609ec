/* http/kept.c - see kept.h: a table with an order of use, bounded in bytes. */
#include "http/kept.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/str.h"

enum {
    BUCKETS = 1024,
    SHARE = 8,       /* an entry has at most this part of the memory */
    FIRST_ROOM = 4096 /* bytes that a collection begins with */
};

struct wr_kept {
    struct wr_kept *next; /* in its bucket */
    struct wr_list lru;   /* least recently used first */
    struct wr_kept_key key;
    uint64_t hash;
    uint32_t refs;
    bool linked;
    size_t len;
    uint64_t plain_bytes;
    uint8_t bytes[];
};

struct wr_keeping {
    struct wr_owned owned;
    struct wr_kept_key key;
    struct wr_kept *entry; /* with room for `room` bytes; NULL: none yet, or given up */
    size_t room;
    bool given_up;
};

static struct {
    struct wr_kept *buckets[BUCKETS];
    struct wr_list lru;
    uint64_t memory, memory_max;
} store;

/* ---- Entries. ---- */

static size_t
size_of(size_t room)
{
    return sizeof(struct wr_kept) + room;
}

static void
entry_free(struct wr_kept *e, size_t room)
{
    store.memory -= size_of(room);
    free(e);
}

static void
unlink_entry(struct wr_kept *e)
{
    struct wr_kept **at = &store.buckets[e->hash % BUCKETS];

    while (*at != e) {
        at = &(*at)->next;
    }
    *at = e->next;
    wr_list_remove(&e->lru);
    e->linked = false;
    if (e->refs == 0) {
        entry_free(e, e->len);
    }
}

/* Make sure that `more` bytes can be had. False: they cannot, as all the rest is in use. */
static bool
make_room(size_t more)
{
    while (store.memory + more > store.memory_max && !wr_list_empty(&store.lru)) {
        unlink_entry(WR_CONTAINER(store.lru.next, struct wr_kept, lru));
    }
    return store.memory + more <= store.memory_max;
}

static uint64_t
hash_of(const struct wr_kept_key *key)
{
    return wr_str_hash_quick((weir_str){ (const char *)key, sizeof(*key) });
}

static struct wr_kept *
find(const struct wr_kept_key *key, uint64_t hash)
{
    struct wr_kept *e = store.buckets[hash % BUCKETS];

    while (e != NULL && (e->hash != hash || memcmp(&e->key, key, sizeof(*key)) != 0)) {
        e = e->next;
    }
    return e;
}

struct wr_kept *
wr_kept_find(const struct wr_kept_key *key)
{
    struct wr_kept *e = store.memory_max != 0 ? find(key, hash_of(key)) : NULL;

    if (e != NULL) {
        wr_list_remove(&e->lru);
        wr_list_add(&store.lru, &e->lru);
        e->refs++;
    }
    return e;
}

weir_str
wr_kept_bytes(const struct wr_kept *k)
{
    return (weir_str){ (const char *)k->bytes, k->len };
}

uint64_t
wr_kept_plain_bytes(const struct wr_kept *k)
{
    return k->plain_bytes;
}

void
wr_kept_unref(void *k)
{
    struct wr_kept *e = k;

    WR_ASSERT(e->refs != 0);
    if (--e->refs == 0 && !e->linked) {
        entry_free(e, e->len);
    }
}

/* ---- Collecting one. ---- */

static void
give_up(struct wr_keeping *k)
{
    if (k->entry != NULL) {
        entry_free(k->entry, k->room);
        k->entry = NULL;
    }
    k->given_up = true;
}

static void
owner_ends(struct wr_owned *o)
{
    give_up(WR_CONTAINER(o, struct wr_keeping, owned));
}

struct wr_keeping *
wr_keeping_begin(weir_pool *owner, const struct wr_kept_key *key)
{
    struct wr_keeping *k;

    if (store.memory_max == 0) {
        return NULL;
    }
    k = wr_pool_zalloc(owner, sizeof(*k));
    k->key = *key;
    wr_pool_own(owner, &k->owned, owner_ends);
    return k;
}

/* Room for exactly `room` bytes, those that are there kept. */
static bool
resize(struct wr_keeping *k, size_t room)
{
    size_t had = k->entry != NULL ? size_of(k->room) : 0, len = k->entry != NULL ? k->entry->len : 0;
    struct wr_kept *e;

    if (size_of(room) > had && !make_room(size_of(room) - had)) {
        return false;
    }
    e = realloc(k->entry, size_of(room));
    if (e == NULL) {
        return false;
    }
    store.memory += size_of(room) - had;
    e->len = len;
    k->entry = e;
    k->room = room;
    return true;
}

void
wr_keeping_add(struct wr_keeping *k, const uint8_t *bytes, size_t len)
{
    size_t used = k->entry != NULL ? k->entry->len : 0;
    size_t most = store.memory_max / SHARE;

    if (k->given_up || len == 0) {
        return;
    }
    if (used + len > most) {
        give_up(k);
        return;
    }
    if (k->entry == NULL || used + len > k->room) {
        size_t room = WR_MAX(WR_MAX((size_t)FIRST_ROOM, k->room * 2), used + len);
        if (!resize(k, room)) {
            give_up(k);
            return;
        }
    }
    memcpy(k->entry->bytes + used, bytes, len);
    k->entry->len += len;
}

void
wr_keeping_finish(struct wr_keeping *k, uint64_t plain_bytes)
{
    uint64_t hash = hash_of(&k->key);
    struct wr_kept *e;

    wr_pool_disown(&k->owned);
    if (k->given_up || k->entry == NULL || find(&k->key, hash) != NULL ||
        !resize(k, k->entry->len)) {
        give_up(k);
        return;
    }
    e = k->entry;
    e->key = k->key;
    e->hash = hash;
    e->plain_bytes = plain_bytes;
    e->refs = 0;
    e->linked = true;
    e->next = store.buckets[hash % BUCKETS];
    store.buckets[hash % BUCKETS] = e;
    wr_list_add(&store.lru, &e->lru);
    k->entry = NULL;
}

/* ---- Once a worker. ---- */

void
wr_kept_init(uint64_t bytes)
{
    wr_list_init(&store.lru);
    store.memory_max = bytes;
}

void
wr_kept_fini(void)
{
    while (store.memory_max != 0 && !wr_list_empty(&store.lru)) {
        unlink_entry(WR_CONTAINER(store.lru.next, struct wr_kept, lru));
    }
    store.memory_max = 0;
}
