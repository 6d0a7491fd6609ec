/* map/table.c - open addressing with linear probes. */
#include "table.h"

enum { SLOTS_FIRST = 16 };

/* FNV-1a, its halves mixed since the low bits choose the slot. */
static uint32_t
hash(weir_str s)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < s.len; i++) {
        h = (h ^ weir_lower((uint8_t)s.data[i])) * 0x100000001b3u;
    }
    return (uint32_t)(h ^ h >> 32);
}

/* key is lower-case already. */
static bool
equals(weir_str key, weir_str s)
{
    if (key.len != s.len) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if ((uint8_t)key.data[i] != weir_lower((uint8_t)s.data[i])) {
            return false;
        }
    }
    return true;
}

/* The slot of key, or the free one where it would be. */
static struct table_entry *
slot_of(const struct table *t, weir_str key)
{
    uint32_t i = hash(key) & t->mask;

    while (t->at[i].key.data != NULL && !equals(t->at[i].key, key)) {
        i = (i + 1) & t->mask;
    }
    return &t->at[i];
}

static void
grow(struct table *t, weir_pool *pool)
{
    struct table before = *t;
    uint32_t slots = before.at != NULL ? 2 * (before.mask + 1) : SLOTS_FIRST;

    t->at = weir_zalloc(pool, slots * sizeof(t->at[0]));
    t->mask = slots - 1;
    for (uint32_t i = 0; before.at != NULL && i <= before.mask; i++) {
        if (before.at[i].key.data != NULL) {
            *slot_of(t, before.at[i].key) = before.at[i];
        }
    }
}

bool
table_add(struct table *t, weir_pool *pool, weir_str key, void *value)
{
    if (t->at == NULL || t->used > t->mask / 2) {
        grow(t, pool);
    }
    struct table_entry *slot = slot_of(t, key);
    if (slot->key.data != NULL) {
        return false;
    }
    *slot = (struct table_entry){ weir_dup_lower(pool, key), value };
    t->used++;
    return true;
}

void *
table_find(const struct table *t, weir_str key)
{
    return t->at != NULL ? slot_of(t, key)->value : NULL;
}
