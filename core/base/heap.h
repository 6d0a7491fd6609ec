/* base/heap.h - a binary min-heap of nodes that live inside what they order; for timers and anything "soonest first".
 *
 * The node knows its place, so that moving or removing any node costs O(log n) without a search. Equal keys come out in no
 * promised order. The heap owns only its array of places; without memory for it the process stops, as pools do.
 */
#ifndef WR_BASE_HEAP_H
#define WR_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_heap_node {
    uint64_t key; /* read it freely, change it by wr_heap_move */
    size_t place; /* 1.. while in a heap, 0 outside: a zeroed node is a valid one */
};

struct wr_heap_slot {
    uint64_t key; /* a copy of the node's: comparing touches the array alone */
    struct wr_heap_node *node;
};

struct wr_heap {
    struct wr_heap_slot *slots;
    size_t count;
    size_t room;
};

void wr_heap_init(struct wr_heap *h);

/* Forget all nodes (their places become 0) and give the array back. */
void wr_heap_fini(struct wr_heap *h);

/* Put n in, which is in no heap. */
void wr_heap_add(struct wr_heap *h, struct wr_heap_node *n, uint64_t key);

/* Take n out, wherever it stands; nothing happens when it is in no heap. */
void wr_heap_remove(struct wr_heap *h, struct wr_heap_node *n);

/* Give n another key; adds it when it is in no heap. */
void wr_heap_move(struct wr_heap *h, struct wr_heap_node *n, uint64_t key);

/* The node with the smallest key, NULL when empty; it stays in. */
static inline struct wr_heap_node *
wr_heap_first(const struct wr_heap *h)
{
    return h->count != 0 ? h->slots[0].node : NULL;
}

static inline bool
wr_heap_holds(const struct wr_heap_node *n)
{
    return n->place != 0;
}

#endif
