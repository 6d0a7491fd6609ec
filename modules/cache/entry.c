/* cache/entry.c - the table of entries, chained in buckets. An entry is there as long as there is
 * something to know of its key: a response in memory or on disk, somebody who fetches it, or how
 * often it was asked for. */
#include "entry.h"

#include "doomed.h"
#include "evict.h"
#include "object.h"
#include "tags.h"
#include "writer.h"

struct entry *
entry_find_hash(struct store *s, const uint64_t hash[2])
{
    struct entry *e = *entry_bucket(s->root, hash);

    while (e != NULL && (e->hash[0] != hash[0] || e->hash[1] != hash[1])) {
        e = e->next;
    }
    return e;
}

static bool
begins(weir_str text, const char *with, uint32_t len)
{
    return text.len >= len && memcmp(text.data, with, len) == 0;
}

/* Is the fill of e, whose head has come, one of a tag's and older than its purge? */
static bool
fill_matches(const struct entry *e, const struct ban *b)
{
    const struct object *o = e->fill;

    return o != NULL && o->born < b->clock && (o->flags & OBJECT_HEAD) != 0 &&
           tags_have(o->meta.tags, o->meta.n_tags, b->tag);
}

bool
entry_matches(const struct entry *e, const struct ban *b)
{
    if (b->clock == 0) {
        return false;
    }
    if (b->tag != 0 && fill_matches(e, b)) {
        return true;
    }
    if (e->born >= b->clock) {
        return false;
    }
    if (b->all || (b->tag != 0 && tags_have(e->tags, e->n_tags, b->tag))) {
        return true;
    }
    return b->text_len != 0 && begins(entry_key(e), b->text, b->text_len);
}

bool
entry_is_soft(const struct entry *e, const struct ban *b)
{
    const struct object *o = e->fill;

    return (e->flags & ENTRY_STALE) != 0 &&
           (o == NULL || o->born >= b->clock || (o->flags & OBJECT_STALE) != 0);
}

void
entry_soften(struct store *s, struct entry *e, uint64_t clock)
{
    CHANGE(s, e->flags, e->flags | ENTRY_STALE | ENTRY_DIRTY);
    if (e->file != 0 && (e->flags & ENTRY_SOFTENED) == 0) {
        CHANGE(s, e->flags, e->flags | ENTRY_SOFTENED);
        CHANGE(s, s->root->n_softened, s->root->n_softened + 1);
    }
    if (e->object != NULL) {
        CHANGE(s, e->object->flags, e->object->flags | OBJECT_STALE);
    }
    if (e->fill != NULL && e->fill->born < clock) {
        CHANGE(s, e->fill->flags, e->fill->flags | OBJECT_STALE);
    }
    writer_look_at(s, e);
}

void
entry_softened(struct store *s, struct entry *e)
{
    if ((e->flags & ENTRY_SOFTENED) != 0) {
        CHANGE(s, e->flags, e->flags & ~(uint32_t)ENTRY_SOFTENED);
        CHANGE(s, s->root->n_softened, s->root->n_softened - 1);
    }
}

/* A purge that the walk has not brought here yet. False: e is gone. */
static bool
heed_bans(struct store *s, struct entry *e)
{
    for (uint32_t i = 0; i < SHARED_BANS; i++) {
        const struct ban *b = &s->root->bans[i];
        if (!entry_matches(e, b)) {
            continue;
        }
        if (!b->soft) {
            entry_remove(s, e);
            return false;
        }
        if (!entry_is_soft(e, b)) {
            entry_soften(s, e, b->clock);
        }
    }
    return true;
}

struct entry *
entry_find(struct store *s, const struct store_key *key)
{
    struct entry *e = entry_find_hash(s, key->hash);

    if (e == NULL || !weir_str_eq(entry_key(e), key->text)) {
        return NULL;
    }
    if (s->root->n_bans != 0 && !heed_bans(s, e)) {
        return NULL;
    }
    return e;
}

/* Of memory, about: the allocator rounds up. */
static uint64_t
bytes_of(const struct entry *e)
{
    return (sizeof(*e) + e->key_len) * 9 / 8 + e->n_tags * sizeof(uint64_t);
}

struct entry *
entry_make(struct store *s, const struct store_key *key)
{
    struct entry *e = entry_find(s, key), **bucket;

    if (e != NULL) {
        return e;
    }
    if (entry_find_hash(s, key->hash) != NULL || key->text.len > UINT16_MAX) {
        return NULL; /* 128 bits of two keys are the same: only the first is stored */
    }
    evict_index(s);
    e = evict_alloc(s, sizeof(*e) + key->text.len, NULL);
    if (e == NULL) {
        return NULL;
    }
    bucket = entry_bucket(s->root, key->hash);
    e->hash[0] = key->hash[0];
    e->hash[1] = key->hash[1];
    e->key_len = (uint32_t)key->text.len;
    e->born = s->root->clock;
    e->used_s = (uint32_t)(weir_now() / 1000);
    if (key->text.len != 0) {
        memcpy(e->key, key->text.data, key->text.len);
    }
    e->next = *bucket;
    CHANGE(s, *bucket, e);
    CHANGE(s, s->root->stats.entries, s->root->stats.entries + 1);
    CHANGE(s, s->root->index_bytes, s->root->index_bytes + bytes_of(e));
    evict_enter(s, e, TIER_DISK, 0);
    return e;
}

static void
detach(struct store *s, struct object **at)
{
    struct object *o = *at;

    if (o == NULL) {
        return;
    }
    CHANGE(s, *at, NULL);
    CHANGE(s, o->entry, NULL);
    object_unref(s, o);
}

void
entry_set_object(struct store *s, struct entry *e, struct object *o)
{
    bool was = e->object != NULL;

    if (was) {
        detach(s, &e->object);
    }
    if (o == NULL) {
        evict_leave(s, e, TIER_MEMORY);
        return;
    }
    CHANGE(s, e->object, o);
    CHANGE(s, o->entry, e);
    if (was) {
        evict_resize(s, e, TIER_MEMORY, object_bytes(o));
    } else {
        evict_enter(s, e, TIER_MEMORY, object_bytes(o));
    }
}

void
entry_set_file(struct store *s, struct entry *e, uint64_t file, uint64_t size)
{
    CHANGE(s, s->root->disk_bytes, s->root->disk_bytes - e->file_size + size);
    CHANGE(s, e->file, file);
    CHANGE(s, e->file_size, size);
    evict_resize(s, e, TIER_DISK, size);
    if (file == 0) {
        entry_softened(s, e);
    }
}

/* An object whose body is in the file alone is none without it. */
static void
lose_file(struct store *s, struct entry *e)
{
    entry_set_file(s, e, 0, 0);
    if (e->object != NULL && atomic_load(&e->object->body->kind) == BODY_FILE) {
        entry_set_object(s, e, NULL);
    }
}

void
entry_forget_file(struct store *s, struct entry *e)
{
    (void)doomed_add(s, e->hash, e->file);
    lose_file(s, e);
}

bool
entry_set_tags(struct store *s, struct entry *e, const uint64_t *tags, uint32_t n)
{
    uint64_t *copy = NULL;

    if (n != 0) {
        copy = shared_alloc(s, n * sizeof(*copy));
        if (copy == NULL) {
            return false;
        }
        memcpy(copy, tags, n * sizeof(*copy));
    }
    shared_free(s, e->tags);
    CHANGE(s, s->root->index_bytes,
           s->root->index_bytes - e->n_tags * sizeof(*copy) + n * sizeof(*copy));
    CHANGE(s, e->tags, copy);
    CHANGE(s, e->n_tags, n);
    return true;
}

struct entry *
entry_load(struct store *s, const struct entry_known *k)
{
    struct entry *e = entry_find_hash(s, k->key.hash) == NULL ? entry_make(s, &k->key) : NULL;

    if (e == NULL) {
        return NULL;
    }
    if (!entry_set_tags(s, e, k->tags, k->n_tags)) {
        entry_tidy(s, e);
        return NULL;
    }
    CHANGE(s, e->born, 0);
    if (k->stale) {
        CHANGE(s, e->flags, e->flags | ENTRY_STALE);
    }
    entry_set_file(s, e, k->file, k->size);
    return e;
}

void
entry_file_missing(struct store *s, const uint64_t hash[2])
{
    struct entry *e = entry_find_hash(s, hash);

    if (e != NULL && e->file != 0 && (e->flags & ENTRY_WRITING) == 0) {
        lose_file(s, e);
        entry_tidy(s, e);
    }
}

/* Who fills it goes on for those who read, and may be about to give its file a name. */
static void
drop_fill(struct store *s, struct entry *e)
{
    struct object *o = e->fill;

    if (o != NULL && o->body->temp &&
        doomed_add_coming(s, e->hash, o->body->file, o->body->filler,
                          s->root->slots[o->body->filler].turn)) {
        CHANGE(s, o->flags, o->flags | OBJECT_DOOMED);
    }
    detach(s, &e->fill);
}

void
entry_remove(struct store *s, struct entry *e)
{
    struct entry **at = entry_bucket(s->root, e->hash);

    while (*at != e) {
        at = &(*at)->next;
    }
    CHANGE(s, *at, e->next);
    entry_set_object(s, e, NULL);
    drop_fill(s, e);
    CHANGE(s, s->root->disk_bytes, s->root->disk_bytes - e->file_size);
    entry_softened(s, e);
    evict_leave(s, e, TIER_DISK);
    CHANGE(s, s->root->stats.entries, s->root->stats.entries - 1);
    CHANGE(s, s->root->index_bytes, s->root->index_bytes - bytes_of(e));
    shared_free(s, e->tags);
    if (e->file == 0 || (!entry_is_coming(e) && doomed_add(s, e->hash, e->file))) {
        shared_free(s, e);
    } else {
        doomed_add_entry(s, e);
    }
}

void
entry_tidy(struct store *s, struct entry *e)
{
    if (e->object == NULL && e->fill == NULL && e->file == 0 && e->uses == 0) {
        entry_remove(s, e);
    }
}
