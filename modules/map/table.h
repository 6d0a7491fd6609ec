/* map/table.h - texts to values: filled at load, looked up for each request that asks.
 *
 * Keys are kept in lower case and found whatever the case of what is looked up, without a copy of
 * it. Half of the slots at least are free, so that a look-up ends soon.
 */
#ifndef MAP_TABLE_H
#define MAP_TABLE_H

#include <weir/weir.h>

struct table_entry {
    weir_str key; /* absent: the slot is free */
    void *value;
};

/* Zeroed: empty. */
struct table {
    struct table_entry *at;
    uint32_t mask; /* slots - 1, a power of two */
    uint32_t used;
};

/* Add a key that is not there; memory is the pool's. False: it is there. */
bool table_add(struct table *t, weir_pool *pool, weir_str key, void *value);

/* The value of key, or NULL. */
void *table_find(const struct table *t, weir_str key);

#endif
