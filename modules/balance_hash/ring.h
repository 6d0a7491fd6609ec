/* ring.h - the points of consistent hashing: many for each server, in a circle of 2^32. */
#ifndef BALANCE_HASH_RING_H
#define BALANCE_HASH_RING_H

#include <weir/weir.h>

struct point {
    uint32_t hash;
    uint32_t peer; /* the first one of the server's name */
};

struct ring {
    struct point *points; /* by hash, each hash once */
    size_t n;
    uint64_t generation; /* of the group it was made for */
    weir_pool *pool;     /* its memory */
};

/* Make the points anew for the servers of that pass, with memory from ring->pool. [ketama, as nginx has it] */
void ring_make(struct ring *ring, const weir_upstream *u, bool backups);

/* Where in the circle a key's search begins. */
size_t ring_find(const struct ring *ring, weir_str key);

#endif
