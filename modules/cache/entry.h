/* cache/entry.h - the index: what is known about each key. All under the lock. */
#ifndef CACHE_ENTRY_H
#define CACHE_ENTRY_H

#include "shared.h"

/* The entry of key; NULL: none, or it was purged. */
struct entry *entry_find(struct store *s, const struct store_key *key);

/* The same by hash alone: for files, whose names are it. */
struct entry *entry_find_hash(struct store *s, const uint64_t hash[2]);

/* The entry of key, made if there is none; NULL: no room could be made. It may commit. */
struct entry *entry_make(struct store *s, const struct store_key *key);

/* Take it out, with its object, its fill and its file. */
void entry_remove(struct store *s, struct entry *e);

/* Take it out if nothing is left of it. */
void entry_tidy(struct store *s, struct entry *e);

/* o is what a find gives from now on (its reference is taken over); NULL: nothing. */
void entry_set_object(struct store *s, struct entry *e, struct object *o);

/* Its file is gone, or is another one. */
void entry_set_file(struct store *s, struct entry *e, uint64_t file, uint64_t size);

/* What is known of a file: it is older than all purges. NULL: no room, or there is an entry
 * already. It may commit. */
struct entry_known {
    struct store_key key;
    uint64_t file, size;
    const uint64_t *tags;
    uint32_t n_tags;
    bool stale;
};
struct entry *entry_load(struct store *s, const struct entry_known *k);

/* There is no file of that name. */
void entry_file_missing(struct store *s, const uint64_t hash[2]);

/* It is stale from now on; and so will be what is being fetched for it, if that began before clock.
 */
void entry_soften(struct store *s, struct entry *e, uint64_t clock);

/* Has b, a soft one, nothing left to do here? */
bool entry_is_soft(const struct entry *e, const struct ban *b);

/* Its file says so now, or says something newer, or is gone. */
void entry_softened(struct store *s, struct entry *e);

/* Is its file being written, and has no name yet? */
static inline bool
entry_is_coming(const struct entry *e)
{
    return (e->flags & ENTRY_WRITING) != 0 && e->file != 0 && e->file_size == 0;
}

/* Its file is not its response any more. */
void entry_forget_file(struct store *s, struct entry *e);

/* What the tags are; false: no room. */
bool entry_set_tags(struct store *s, struct entry *e, const uint64_t *tags, uint32_t n);

/* Is it about e, or about what is being fetched for it? */
bool entry_matches(const struct entry *e, const struct ban *b);

static inline weir_str
entry_key(const struct entry *e)
{
    return (weir_str){ e->key, e->key_len };
}

static inline struct entry **
entry_bucket(const struct root *r, const uint64_t hash[2])
{
    return &r->buckets[hash[0] & (r->n_buckets - 1)];
}

#endif
