/* base/pool.c - arenas over blocks, with a cache of blocks of the common size. */
#include "base/pool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <weir/module.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/num.h"

struct wr_block {
    struct wr_block *next;
    size_t size; /* header included; with MAPPED: straight from the system */
};

struct wr_end {
    struct wr_end *next;
    void (*fn)(void *data);
    void *data;
};

enum {
    HEADER = (sizeof(struct wr_block) + 15) & ~15u,
    MAPPED = 1,            /* in wr_block.size, whose sizes are even */
    MAPPED_MIN = 64 * 1024 /* from this size on a bulk pool's blocks are mapped */
};

/* The leak checker's, in builds that have it: it does not look into mappings by itself. */
#pragma weak __lsan_register_root_region
#pragma weak __lsan_unregister_root_region
void __lsan_register_root_region(const void *at, size_t size);
void __lsan_unregister_root_region(const void *at, size_t size);

/* Free common blocks of this process, newest first. */
static struct wr_block *kept;
static size_t kept_count;
static size_t held_total;

static _Noreturn void
out_of_memory(const char *pool, size_t size)
{
    wr_log_line(wr_log_process(), WR_LOG_EMERG, "no memory: %zu bytes for the %s pool", size, pool);
    abort();
}

static struct wr_block *
block_take(size_t size)
{
    struct wr_block *b;

    if (size == WR_POOL_BLOCK && kept != NULL) {
        b = kept;
        kept = b->next;
        kept_count--;
        return b;
    }
    b = aligned_alloc(16, (size + 15) & ~(size_t)15);
    if (b != NULL) {
        b->size = size;
        held_total += size;
    }
    return b;
}

static struct wr_block *
block_map(size_t size)
{
    size_t whole = (size + WR_POOL_BLOCK - 1) & ~(size_t)(WR_POOL_BLOCK - 1);
    struct wr_block *b =
        mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (b == MAP_FAILED) {
        return NULL;
    }
    if (__lsan_register_root_region != NULL) {
        __lsan_register_root_region(b, whole);
    }
    b->size = whole | MAPPED;
    held_total += whole;
    return b;
}

static void
block_unmap(struct wr_block *b)
{
    size_t size = b->size & ~(size_t)MAPPED;

    if (__lsan_unregister_root_region != NULL) {
        __lsan_unregister_root_region(b, size);
    }
    held_total -= size;
    (void)munmap(b, size);
}

static void
block_give(struct wr_block *b)
{
    if (b->size & MAPPED) {
        block_unmap(b);
        return;
    }
    if (b->size == WR_POOL_BLOCK && kept_count < WR_POOL_BLOCK_KEPT) {
        b->next = kept;
        kept = b;
        kept_count++;
        return;
    }
    held_total -= b->size;
    free(b);
}

size_t
wr_pool_held_total(void)
{
    return held_total;
}

void
wr_pool_trim(void)
{
    while (kept != NULL) {
        struct wr_block *b = kept;
        kept = b->next;
        kept_count--;
        held_total -= b->size;
        free(b);
    }
}

void
wr_pool_init(struct weir_pool *p, const char *name, struct weir_pool *parent)
{
    *p = (struct weir_pool){ .name = name };
    wr_list_init(&p->owned);
    wr_list_init(&p->children);
    wr_list_init(&p->sibling);
    if (parent != NULL) {
        wr_list_add(&parent->children, &p->sibling);
    }
}

void
wr_pool_own(struct weir_pool *p, struct wr_owned *o, void (*end)(struct wr_owned *o))
{
    o->end = end;
    wr_list_add(&p->owned, &o->link);
}

/* Children first, then ends, then what is owned: an end may still use the pool's memory and what it owns (buffers), and a
 * child's end its parent's. */
static WR_APART void
run_ends(struct weir_pool *p)
{
    while (!wr_list_empty(&p->children)) {
        struct weir_pool *child = WR_CONTAINER(p->children.prev, struct weir_pool, sibling);
        wr_pool_fini(child);
        if (child->created) {
            free(child);
        }
    }
    while (p->ends != NULL) {
        struct wr_end *e = p->ends;
        p->ends = e->next;
        e->fn(e->data);
    }
    while (!wr_list_empty(&p->owned)) {
        struct wr_owned *o = WR_CONTAINER(p->owned.prev, struct wr_owned, link);
        wr_list_remove(&o->link);
        o->end(o);
    }
}

static inline bool
has_ends(const struct weir_pool *p)
{
    return p->ends != NULL || !wr_list_empty(&p->owned) || !wr_list_empty(&p->children);
}

void
wr_pool_reset(struct weir_pool *p)
{
    if (has_ends(p)) {
        run_ends(p);
    }
    while (p->first != NULL) {
        struct wr_block *b = p->first;
        p->first = b->next;
        block_give(b);
    }
    p->at = p->end = NULL;
    p->spare = NULL;
    p->held = 0;
}

void
wr_pool_recycle(struct weir_pool *p)
{
    struct wr_block *b;

    if (has_ends(p)) {
        run_ends(p);
    }
    p->spare = NULL;
    if (p->first == NULL) {
        return;
    }
    while (p->first->next != NULL || p->first->size != WR_POOL_BLOCK) {
        b = p->first;
        p->first = b->next;
        p->held -= b->size;
        block_give(b);
        if (p->first == NULL) {
            p->at = p->end = NULL;
            return;
        }
    }
    p->at = (uint8_t *)p->first + HEADER;
    p->end = (uint8_t *)p->first + WR_POOL_BLOCK;
}

void
wr_pool_fini(struct weir_pool *p)
{
    wr_list_remove(&p->sibling);
    wr_pool_reset(p);
}

struct weir_pool *
wr_pool_create(const char *name, struct weir_pool *parent)
{
    struct weir_pool *p = malloc(sizeof(*p));

    if (p == NULL) {
        out_of_memory(name, sizeof(*p));
    }
    wr_pool_init(p, name, parent);
    p->created = true;
    return p;
}

void
wr_pool_destroy(struct weir_pool **p)
{
    struct weir_pool *old = *p;

    if (old == NULL) {
        return;
    }
    WR_ASSERT(old->created);
    *p = NULL;
    wr_pool_fini(old);
    free(old);
}

void
wr_pool_bulk(struct weir_pool *p)
{
    WR_ASSERT(p->first == NULL);
    p->bulk = true;
}

void
wr_pool_forget(struct weir_pool *p)
{
    struct wr_block **at = &p->first;

    if (__lsan_register_root_region != NULL) {
        return; /* what only these blocks lead to would count as leaked */
    }
    WR_LIST_EACH(link, &p->children)
    {
        wr_pool_forget(WR_CONTAINER(link, struct weir_pool, sibling));
    }
    while (*at != NULL) {
        struct wr_block *b = *at;
        if (b->size & MAPPED) {
            *at = b->next;
            block_unmap(b);
        } else {
            at = &b->next;
        }
    }
    p->at = p->end = NULL;
}

/* A new block for a bulk pool: as large as all it has, so that there are few. */
static void *
bulk_grow(struct weir_pool *p, size_t size)
{
    size_t room = WR_MIN(WR_MAX(p->held, (size_t)WR_POOL_BLOCK), (size_t)WR_POOL_BULK_MAX);
    bool alone = size > room / 4; /* the current block goes on being filled */
    size_t want = alone ? size + HEADER : room;
    struct wr_block *b;

    if (size > SIZE_MAX / 2 ||
        (b = want >= MAPPED_MIN ? block_map(want) : block_take((want + 15) & ~(size_t)15)) == NULL) {
        out_of_memory(p->name, size);
    }
    p->held += b->size & ~(size_t)MAPPED;
    if (alone && p->first != NULL) {
        b->next = p->first->next;
        p->first->next = b;
        return (uint8_t *)b + HEADER;
    }
    b->next = p->first;
    p->first = b;
    p->at = (uint8_t *)b + HEADER + size;
    p->end = (uint8_t *)b + (b->size & ~(size_t)MAPPED);
    return (uint8_t *)b + HEADER;
}

/* By a block that is not kept, of any size. Not part of wr_pool_grow, which then saves no registers for it. */
static WR_APART void *
grow_by(struct weir_pool *p, size_t size)
{
    size_t want = size + HEADER <= WR_POOL_BLOCK ? WR_POOL_BLOCK : size + HEADER;
    struct wr_block *b;

    if (p->bulk) {
        return bulk_grow(p, size);
    }
    if (size > SIZE_MAX / 2 || (b = block_take(want)) == NULL) {
        out_of_memory(p->name, size);
    }
    p->held += want;
    if (want != WR_POOL_BLOCK && p->first != NULL) { /* large: keep filling the current block */
        b->next = p->first->next;
        p->first->next = b;
        return (uint8_t *)b + HEADER;
    }
    b->next = p->first;
    p->first = b;
    p->at = (uint8_t *)b + HEADER + size;
    p->end = (uint8_t *)b + want;
    return (uint8_t *)b + HEADER;
}

/* Nearly always it is the first of a request, and gets a block that an earlier one gave back. */
void *
wr_pool_grow(struct weir_pool *p, size_t size)
{
    struct wr_block *b = kept;

    if (b == NULL || p->bulk || size > WR_POOL_BLOCK - HEADER) {
        return grow_by(p, size);
    }
    kept = b->next;
    kept_count--;
    b->next = p->first;
    p->first = b;
    p->held += WR_POOL_BLOCK;
    p->at = (uint8_t *)b + HEADER + size;
    p->end = (uint8_t *)b + WR_POOL_BLOCK;
    return (uint8_t *)b + HEADER;
}

void *
wr_pool_array_of(struct weir_pool *p, size_t n, size_t size)
{
    size_t bytes = 0;

    WR_ASSERT(wr_num_mul(n, size, &bytes));
    return wr_pool_zalloc(p, bytes);
}

/* ---- The ABI's names for the same things. ---- */

void *
weir_alloc(weir_pool *pool, size_t size)
{
    return wr_pool_alloc(pool, size);
}

void *
weir_zalloc(weir_pool *pool, size_t size)
{
    return wr_pool_zalloc(pool, size);
}

void *
weir_try_alloc(weir_pool *pool, size_t size)
{
    size_t held = 0;

    if (!wr_num_add(pool->held, size, &held) || (pool->limit != 0 && held > pool->limit)) {
        return NULL;
    }
    if (size <= (size_t)(pool->end - pool->at)) {
        return wr_pool_alloc(pool, size);
    }
    if (size > WR_POOL_BLOCK) {
        void *probe = malloc(size + HEADER); /* ask the system before the call that may not fail */
        if (probe == NULL) {
            return NULL;
        }
        free(probe);
    }
    return wr_pool_alloc(pool, size);
}

weir_str
weir_dup(weir_pool *pool, weir_str s)
{
    char *copy = wr_pool_alloc(pool, s.len + 1);

    if (s.len != 0) {
        memcpy(copy, s.data, s.len);
    }
    copy[s.len] = '\0';
    return (weir_str){ copy, s.len };
}

weir_str
weir_print(weir_pool *pool, const char *fmt, ...)
{
    size_t room = (size_t)(pool->end - pool->at);
    va_list args, again;
    int n;

    if (room < 256) {
        room = 256;
    }
    va_start(args, fmt);
    va_copy(again, args);
    char *to = wr_pool_alloc(pool, room);
    n = vsnprintf(to, room, fmt, args);
    WR_ASSERT(n >= 0);
    if ((size_t)n >= room) { /* longer than the block: print again into a place of its own */
        room = (size_t)n + 1;
        to = wr_pool_alloc(pool, room);
        n = vsnprintf(to, room, fmt, again);
        WR_ASSERT(n >= 0 && (size_t)n < room);
    } else if ((uint8_t *)to + ((room + 15) & ~(size_t)15) == pool->at) { /* give the rest back */
        pool->at = (uint8_t *)to + (((size_t)n + 1 + 15) & ~(size_t)15);
    }
    va_end(again);
    va_end(args);
    return (weir_str){ to, (size_t)n };
}

void
weir_on_end(weir_pool *pool, void (*fn)(void *data), void *data)
{
    struct wr_end *e = wr_pool_alloc(pool, sizeof(*e));

    *e = (struct wr_end){ .next = pool->ends, .fn = fn, .data = data };
    pool->ends = e;
}

weir_pool *
weir_pool_new(weir_pool *parent)
{
    return wr_pool_create("module", parent != NULL ? parent : weir_worker_pool());
}

void
weir_pool_end(weir_pool *pool)
{
    wr_pool_destroy(&pool);
}
