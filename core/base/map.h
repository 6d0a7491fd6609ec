/* base/map.h - names to things: a hash map in a pool that only grows and remembers the order of its entries.
 *
 * For tables made while a configuration is read (server names, directives, MIME types) and asked for every request. The hash
 * is keyed, so that a peer who chooses the names asked for cannot choose collisions. Keys are views: their bytes live at
 * least as long as the map. Entries never leave; a thing that comes and goes belongs into another container.
 */
#ifndef WR_BASE_MAP_H
#define WR_BASE_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "base/vec.h"

struct wr_map_entry {
    weir_str key;
    void *value;
    uint64_t hash;
};

struct wr_map {
    struct wr_vec entries; /* struct wr_map_entry, in the order they were added */
    uint32_t *places;      /* open addressing: an entry's index plus one, 0 for free */
    uint32_t mask;         /* how many places, less one; a power of two */
    bool fold;             /* letters of either case are the same */
};

/* Make m empty. fold: keys differ by more than case, as host names and field names. */
void wr_map_init(struct wr_map *m, struct weir_pool *pool, bool fold);

/* Map key to value. False, and nothing changed, when the key is there already. */
bool wr_map_add(struct wr_map *m, weir_str key, void *value);

/* Map key to value whether it is there or not; answers the value it had, or NULL. */
void *wr_map_set(struct wr_map *m, weir_str key, void *value);

/* The value of key, NULL when it has none. */
void *wr_map_find(const struct wr_map *m, weir_str key);

static inline size_t
wr_map_count(const struct wr_map *m)
{
    return m->entries.count;
}

/* Entry i in the order of adding, i < wr_map_count. */
static inline struct wr_map_entry *
wr_map_entry(const struct wr_map *m, size_t i)
{
    return wr_vec_at(&m->entries, struct wr_map_entry, i);
}

#endif
