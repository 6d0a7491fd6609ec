/* cache/hot.c - responses that this worker holds since it answers with them again and again. */
#include "hot.h"

#include <stdlib.h>

#include "evict.h"
#include "slot.h"

enum { USES_THAT_COUNT = 3 }; /* eviction knows no more of an entry's uses */

/* ---- Finding. ---- */

static uint64_t
word_at(const char *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof(w));
    return w;
}

/* By the uppermost bits, in which every byte of a key has its say; keys often differ in their last
 * ones alone, and those are in the upper bits of a word. */
static uint32_t
place_of(uint64_t h)
{
    return (uint32_t)(h >> 56) % HOT_PLACES;
}

/* Whoever makes keys collide here makes them be looked for under the lock, as others are: this
 * needs no secret. */
uint32_t
hot_place(weir_str key)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t h = key.len;

    if (key.len < sizeof(uint64_t)) {
        for (size_t i = 0; i < key.len; i++) {
            h = (h ^ (uint8_t)key.data[i]) * odd;
        }
        return place_of(h);
    }
    for (size_t at = 0; at + sizeof(uint64_t) < key.len; at += sizeof(uint64_t)) {
        h = (h ^ word_at(key.data + at)) * odd;
        h ^= h >> 29;
    }
    h = (h ^ word_at(key.data + key.len - sizeof(uint64_t))) * odd;
    return place_of(h);
}

struct hot *
hot_at(const struct store *s, uint32_t place, weir_str key)
{
    struct hot *h = s->hot[place];

    return h != NULL && weir_str_eq((weir_str){ h->key, h->key_len }, key) ? h : NULL;
}

bool
hot_use(struct store *s, struct hot *h)
{
    struct root *r = s->root;
    struct slot *sl = s->slot;

    /* bans first: one that is gone has taken its objects out before */
    if (sl == NULL || r->broken || atomic_load_explicit(&r->n_bans, memory_order_acquire) != 0 ||
        atomic_load_explicit(&h->o->entry, memory_order_acquire) == NULL) {
        return false;
    }
    h->used++;
    atomic_store_explicit(&sl->hot_hits,
                          atomic_load_explicit(&sl->hot_hits, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    return true;
}

/* ---- Holding. ---- */

void
hot_unref(struct hot *h)
{
    if (--h->refs == 0) {
        slot_release(h->s, h->mark);
        free(h);
    }
}

struct hot *
hot_keep(struct store *s, weir_str key, struct object *o, struct mark *mark)
{
    struct hot **place = &s->hot[hot_place(key)];
    struct hot *h = malloc(sizeof(*h) + key.len);

    if (h == NULL) {
        return NULL;
    }
    *h = (struct hot){ .s = s, .o = o, .mark = mark, .refs = 1, .key_len = key.len };
    if (key.len != 0) {
        memcpy(h->key, key.data, key.len);
    }
    if (*place != NULL) {
        hot_unref(*place);
    }
    *place = h;
    return h;
}

/* Tell the entry that h was used; false: it was not, or stands in none any more. */
static bool
tell(struct store *s, struct hot *h)
{
    struct entry *e = h->o->entry;

    if (e == NULL || h->used == 0) {
        return false;
    }
    for (uint32_t i = 0; i < h->used && i < USES_THAT_COUNT; i++) {
        evict_used(s, e);
    }
    h->used = 0;
    return true;
}

void
hot_tick(struct store *s)
{
    for (uint32_t i = 0; i < HOT_PLACES; i++) {
        struct hot *h = s->hot[i];
        if (h == NULL || tell(s, h)) {
            continue;
        }
        s->hot[i] = NULL;
        if (--h->refs == 0) {
            slot_release_now(s, h->mark);
            shared_commit(s);
            free(h);
        }
    }
}

void
hot_drop_all(struct store *s)
{
    for (uint32_t i = 0; i < HOT_PLACES; i++) {
        if (s->hot[i] != NULL) {
            hot_unref(s->hot[i]);
            s->hot[i] = NULL;
        }
    }
}
