/* base/map.c - linear probing over indexes into the entries; at most three places of four are taken. */
#include "base/map.h"

#include "base/assert.h"
#include "base/pool.h"
#include "base/str.h"

void
wr_map_init(struct wr_map *m, struct weir_pool *pool, bool fold)
{
    *m = (struct wr_map){ .fold = fold };
    wr_vec_init_of(&m->entries, pool, struct wr_map_entry);
}

static uint64_t
map_hash(const struct wr_map *m, weir_str key)
{
    return m->fold ? wr_str_hash_fold(key) : wr_str_hash(key);
}

/* The entry of key, or NULL and the free place where it belongs. m has places. */
static struct wr_map_entry *
map_look(const struct wr_map *m, weir_str key, uint64_t hash, uint32_t *place)
{
    for (uint32_t at = (uint32_t)hash & m->mask;; at = (at + 1) & m->mask) {
        struct wr_map_entry *e;

        if (m->places[at] == 0) {
            *place = at;
            return NULL;
        }
        e = wr_map_entry(m, m->places[at] - 1);
        if (e->hash == hash && (m->fold ? weir_str_ieq(e->key, key) : weir_str_eq(e->key, key))) {
            return e;
        }
    }
}

static void
map_grow(struct wr_map *m)
{
    uint32_t count = m->places != NULL ? (m->mask + 1) * 2 : 8;

    WR_ASSERT(count != 0);
    m->places = wr_pool_array(m->entries.pool, uint32_t, count);
    m->mask = count - 1;
    for (uint32_t i = 0; i < m->entries.count; i++) {
        uint32_t at = (uint32_t)wr_map_entry(m, i)->hash & m->mask;
        while (m->places[at] != 0) {
            at = (at + 1) & m->mask;
        }
        m->places[at] = i + 1;
    }
}

/* The entry of key, made when there is none; *made says which. */
static struct wr_map_entry *
map_obtain(struct wr_map *m, weir_str key, bool *made)
{
    uint64_t hash = map_hash(m, key);
    uint32_t place = 0;
    struct wr_map_entry *e;

    if (m->places == NULL || m->entries.count >= (size_t)(m->mask + 1) / 4 * 3) {
        map_grow(m);
    }
    e = map_look(m, key, hash, &place);
    *made = e == NULL;
    if (e == NULL) {
        e = wr_vec_add(&m->entries);
        e->key = key;
        e->hash = hash;
        m->places[place] = (uint32_t)m->entries.count;
    }
    return e;
}

bool
wr_map_add(struct wr_map *m, weir_str key, void *value)
{
    bool made;
    struct wr_map_entry *e = map_obtain(m, key, &made);

    if (made) {
        e->value = value;
    }
    return made;
}

void *
wr_map_set(struct wr_map *m, weir_str key, void *value)
{
    bool made;
    struct wr_map_entry *e = map_obtain(m, key, &made);
    void *before = e->value;

    e->value = value;
    return before;
}

void *
wr_map_find(const struct wr_map *m, weir_str key)
{
    uint32_t place;
    struct wr_map_entry *e;

    if (m->places == NULL) {
        return NULL;
    }
    e = map_look(m, key, map_hash(m, key), &place);
    return e != NULL ? e->value : NULL;
}
