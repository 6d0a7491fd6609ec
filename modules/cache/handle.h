/* cache/handle.h - what the store's opaque types are in this process. */
#ifndef CACHE_HANDLE_H
#define CACHE_HANDLE_H

#include "shared.h"
#include "spool.h"
#include "wake.h"

struct store_object {
    struct store *s;
    struct object *o;
    struct mark *mark;   /* NULL: released, or hot */
    struct hot *hot;     /* holds it in its place; NULL: none */
    struct opened *file; /* its file, open; NULL: its body is in memory */
};

struct store_fill {
    struct store *s;
    struct object *o;
    struct mark *mark;
    weir_pool *pool;   /* its own: it may end after its owner */
    struct watch room; /* waits for blocks to be freed, or written */
    weir_chain rest;   /* taken, and not in blocks yet */
    void (*writable)(void *data);
    void *data;
    struct spool *spool; /* writes it to a file; NULL: it stays in memory */
    bool owned;          /* its owner has not ended it yet */
    bool replaces;       /* there was a response under its key when it began */
    bool ended, complete;
    bool cut;  /* what came is all there will be, and is kept */
    bool told; /* said WEIR_AGAIN and not writable yet */
};

/* A handle on o, which its owner gives back; the reference is taken here. Under the lock; NULL: no
 * room. */
struct store_object *handle_hold(struct store *s, weir_pool *owner, struct object *o);

/* The one that fills key; NULL as for store_fill_begin. Under the lock. */
struct store_fill *fill_begin_locked(struct store *s, weir_pool *owner, const struct store_key *key,
                                     bool *others);

/* A reader with a mark that is there already. */
struct store_reader *reader_make(struct store *s, weir_pool *owner, struct object *o,
                                 struct mark *mark, uint64_t from, uint64_t length);

static inline uint32_t
fill_kind(const struct store_fill *f)
{
    return atomic_load_explicit(&f->o->body->kind, memory_order_relaxed);
}

static inline uint64_t
fill_written(const struct store_fill *f)
{
    return atomic_load_explicit(&f->o->body->written, memory_order_relaxed);
}

/* From its rest to blocks, and tell who waits. False: there is no room now. */
bool fill_pump(struct store_fill *f);
/* Out of its entry: nobody finds it any more. Under the lock. */
void fill_detach(struct store *s, struct object *o);

/* All is stored, or in the file: what it filled is what a find gives from now on. */
void fill_whole(struct store_fill *f);
/* The file is no use: go on in memory. */
void fill_relay(struct store_fill *f);
/* Go on with what waits for room. */
void fill_go(struct store_fill *f);

#endif
