/* base/heap.c - sifting; slot i has its children at 2i+1 and 2i+2, a node's place is its slot plus one. */
#include "base/heap.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/num.h"

void
wr_heap_init(struct wr_heap *h)
{
    *h = (struct wr_heap){ 0 };
}

void
wr_heap_fini(struct wr_heap *h)
{
    for (size_t i = 0; i < h->count; i++) {
        h->slots[i].node->place = 0;
    }
    free(h->slots);
    wr_heap_init(h);
}

static inline void
heap_put(struct wr_heap *h, size_t at, struct wr_heap_slot slot)
{
    h->slots[at] = slot;
    slot.node->place = at + 1;
}

/* The slot at `at` goes up to where its parent is not larger. */
static void
heap_rise(struct wr_heap *h, size_t at)
{
    struct wr_heap_slot slot = h->slots[at];

    while (at != 0) {
        size_t parent = (at - 1) / 2;
        if (h->slots[parent].key <= slot.key) {
            break;
        }
        heap_put(h, at, h->slots[parent]);
        at = parent;
    }
    heap_put(h, at, slot);
}

/* The slot at `at` goes down to where no child is smaller. */
static void
heap_sink(struct wr_heap *h, size_t at)
{
    struct wr_heap_slot slot = h->slots[at];

    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= h->count) {
            break;
        }
        if (child + 1 < h->count && h->slots[child + 1].key < h->slots[child].key) {
            child++;
        }
        if (h->slots[child].key >= slot.key) {
            break;
        }
        heap_put(h, at, h->slots[child]);
        at = child;
    }
    heap_put(h, at, slot);
}

static void
heap_settle(struct wr_heap *h, size_t at)
{
    if (at != 0 && h->slots[(at - 1) / 2].key > h->slots[at].key) {
        heap_rise(h, at);
    } else {
        heap_sink(h, at);
    }
}

static void
heap_grow(struct wr_heap *h)
{
    size_t room = h->room != 0 ? h->room * 2 : 64, bytes = 0;
    struct wr_heap_slot *slots;

    WR_ASSERT(wr_num_mul(room, sizeof(*slots), &bytes));
    slots = realloc(h->slots, bytes);
    WR_ASSERT(slots != NULL);
    h->slots = slots;
    h->room = room;
}

void
wr_heap_add(struct wr_heap *h, struct wr_heap_node *n, uint64_t key)
{
    WR_ASSERT(n->place == 0);
    if (h->count == h->room) {
        heap_grow(h);
    }
    n->key = key;
    h->slots[h->count] = (struct wr_heap_slot){ key, n };
    h->count++;
    heap_rise(h, h->count - 1);
}

void
wr_heap_remove(struct wr_heap *h, struct wr_heap_node *n)
{
    size_t at = n->place - 1;

    if (n->place == 0) {
        return;
    }
    WR_ASSERT(at < h->count && h->slots[at].node == n);
    n->place = 0;
    h->count--;
    if (at != h->count) {
        h->slots[at] = h->slots[h->count];
        heap_settle(h, at);
    }
}

void
wr_heap_move(struct wr_heap *h, struct wr_heap_node *n, uint64_t key)
{
    size_t at = n->place - 1;

    if (n->place == 0) {
        wr_heap_add(h, n, key);
        return;
    }
    WR_ASSERT(at < h->count && h->slots[at].node == n);
    n->key = key;
    h->slots[at].key = key;
    heap_settle(h, at);
}
