/* base/pool.h - arenas: memory with one common end. What weir_pool of the ABI is inside.
 *
 * A pool hands out bytes from blocks and gives all back at once: when it is reset (a connection's next request) or
 * destroyed. Blocks of the common size come from a per-process cache, so a connection that goes idle returns its block and
 * the next busy one takes it, without the system's allocator. Allocation never fails: without memory the process stops with
 * the pool's name in the log; sizes a peer chose go through weir_try_alloc, which the pool's limit bounds.
 * Pools are for the thread of the event loop only.
 */
#ifndef WR_BASE_POOL_H
#define WR_BASE_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <weir/base.h>

#include "base/list.h"

struct wr_block; /* a run of memory in a pool */
struct wr_end;   /* something to do when the pool ends */

/* Something of a pool's that needs an end, and may come to it earlier: a link in the thing itself. */
struct wr_owned {
    struct wr_list link;
    void (*end)(struct wr_owned *o); /* called with o already unlinked */
};

struct weir_pool {
    uint8_t *at;            /* next free byte of the current block */
    uint8_t *end;           /* behind its last */
    struct wr_block *first; /* newest first */
    struct wr_end *ends;    /* newest first */
    struct wr_list owned;   /* wr_owned, oldest first; ended after `ends` have run */
    struct wr_list children;
    struct wr_list sibling; /* in the parent's children; unlinked for a root */
    const char *name;       /* "request", for messages */
    size_t held;            /* bytes in blocks */
    size_t limit;           /* what weir_try_alloc may bring `held` to; 0: no limit */
    void *spare;            /* net/buf: buffers that were dropped, for the next ones */
    bool created;           /* by wr_pool_create: its own struct is freed with it */
    bool bulk;              /* its blocks grow with it: wr_pool_bulk */
};

enum {
    WR_POOL_BLOCK = 4096,     /* the common block, header included */
    WR_POOL_BLOCK_KEPT = 1024, /* free common blocks a process keeps */
    WR_POOL_BULK_MAX = 1 << 20 /* the largest block of a bulk pool that holds many things */
};

/* Make p an empty pool; it takes its first block at the first allocation. parent may be NULL. */
void wr_pool_init(struct weir_pool *p, const char *name, struct weir_pool *parent);

/* End children, run ends (last registered first), give all blocks back; p is empty and usable again. */
void wr_pool_reset(struct weir_pool *p);

/* As reset, but keep one common block for the next use: the hot path between two requests of a busy connection. */
void wr_pool_recycle(struct weir_pool *p);

/* reset, and leave the parent. */
void wr_pool_fini(struct weir_pool *p);

/* A pool in memory of its own, ended by wr_pool_destroy or with its parent. */
struct weir_pool *wr_pool_create(const char *name, struct weir_pool *parent);
void wr_pool_destroy(struct weir_pool **p);

/* p, still empty, is for much that lives long, a configuration: its blocks grow as it does, up to WR_POOL_BULK_MAX, and the
 * large ones are the system's again, not the allocator's, when p ends. */
void wr_pool_bulk(struct weir_pool *p);

/* In a forked child that never looks into p again: give up its large blocks, so that the parent's and ours need not both be
 * kept. Nothing that was to happen at p's end happens; p may neither be used nor ended after this. */
void wr_pool_forget(struct weir_pool *p);

/* Make o end with p, unless wr_pool_disown comes first. Neither allocates. */
void wr_pool_own(struct weir_pool *p, struct wr_owned *o, void (*end)(struct wr_owned *o));
static inline void
wr_pool_disown(struct wr_owned *o)
{
    wr_list_remove(&o->link);
}

/* The slow half of wr_pool_alloc: a new block. */
void *wr_pool_grow(struct weir_pool *p, size_t size);

/* size bytes aligned to 16, contents undefined. */
static inline void *
wr_pool_alloc(struct weir_pool *p, size_t size)
{
    uint8_t *at = p->at;

    size = (size + 15) & ~(size_t)15;
    if (__builtin_expect(size > (size_t)(p->end - at), 0)) {
        return wr_pool_grow(p, size);
    }
    p->at = at + size;
    return at;
}

static inline void *
wr_pool_zalloc(struct weir_pool *p, size_t size)
{
    return memset(wr_pool_alloc(p, size), 0, size); /* inline: of a known size it is a few stores */
}

/* Bytes in blocks of all pools of this process, and free cached ones. Tests find by it what is held for too long. */
size_t wr_pool_held_total(void);

/* Free the common blocks that are kept for later. */
void wr_pool_trim(void);

/* n elements of type T, zeroed; an overflowing product stops the process (the count is ours, bounded before). */
void *wr_pool_array_of(struct weir_pool *p, size_t n, size_t size);
#define wr_pool_array(p, T, n) ((T *)wr_pool_array_of((p), (n), sizeof(T)))

#endif
