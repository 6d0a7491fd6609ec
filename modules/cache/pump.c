/* cache/pump.c - a fill's bytes from its writer's buffers to blocks: of which size, and what has to
 * go before there is room for the next one. */
#include "file.h"
#include "handle.h"
#include "object.h"
#include "slot.h"

enum {
    WINDOW = 1 << 20,        /* bytes of blocks, where they go on to a file or are relayed */
    BLOCK_KNOWN = 128 << 10, /* largest block of a body whose length is known */
    BLOCK_FIRST = 4 << 10,
    BLOCK_NEXT = 64 << 10,
    BLOCK_HEAD = sizeof(struct block)
};

void
fill_relay(struct store_fill *f)
{
    struct store *s = f->s;

    if (fill_kind(f) == BODY_RELAY || !shared_lock(s)) {
        return;
    }
    CHANGE(s, f->o->body->kind, BODY_RELAY);
    fill_detach(s, f->o);
    shared_unlock(s);
}

/* Room for the next bytes: how large a block? */
static uint32_t
block_size(const struct store_fill *f)
{
    int64_t length = f->o->meta.length;
    uint64_t left;

    if (fill_kind(f) != BODY_MEMORY) {
        return BLOCK_NEXT - BLOCK_HEAD;
    }
    if (length < 0 || (f->o->flags & OBJECT_HEAD) == 0) {
        return (fill_written(f) == 0 ? BLOCK_FIRST : BLOCK_NEXT) - BLOCK_HEAD;
    }
    left = (uint64_t)length - fill_written(f);
    return left < BLOCK_KNOWN - BLOCK_HEAD ? (uint32_t)left : BLOCK_KNOWN - BLOCK_HEAD;
}

/* Free what is not needed any more, all of it where the zone is full; is there room in the window? Under the lock. */
static bool
make_way(struct store_fill *f, bool full)
{
    struct body *b = f->o->body;
    uint64_t upto = atomic_load(&b->on_disk);

    if (fill_kind(f) == BODY_RELAY) { /* what is in the file can be read there */
        uint64_t least = slot_least(f->s, f->o);
        upto = least > upto ? least : upto;
    }
    if (fill_kind(f) == BODY_RELAY || full || b->in_blocks > WINDOW / 2) {
        object_trim(f->s, b, upto);
    }
    return b->in_blocks < WINDOW;
}

/* Not in memory alone any more. */
static void
leave_memory(struct store_fill *f)
{
    f->spool = spool_open(f);
    if (f->spool == NULL) {
        fill_relay(f);
    }
}

/* Has the file all that it takes before the end? */
static bool
is_written(const struct store_fill *f)
{
    uint64_t there = fill_written(f);

    return atomic_load(&f->o->body->on_disk) >= there - there % FILE_BLOCK;
}

/* The zone is full of what comes and is held: this one needs less of it from now on. Were each to wait until another has gone,
 * all would. False: it has nothing more to give. */
static bool
give_up_memory(struct store_fill *f)
{
    if (fill_kind(f) == BODY_MEMORY) {
        leave_memory(f);
        return true;
    }
    if (fill_kind(f) == BODY_FILE && is_written(f) && spool_rest(f->spool)) {
        fill_relay(f);
        return true;
    }
    return false;
}

/* A new block; NULL: there is none now. */
static struct block *
add_block(struct store_fill *f, bool *full)
{
    struct store *s = f->s;
    struct block *block = NULL;
    bool wait;

    if (!shared_lock(s)) {
        return NULL;
    }
    wait = fill_kind(f) != BODY_MEMORY && !make_way(f, *full);
    block = wait ? NULL : object_add_block(s, f->o, block_size(f));
    *full = block == NULL && !wait;
    CHANGE(s, f->o->body->wants_room, block == NULL);
    shared_unlock(s);
    return block;
}

/* The block the next bytes go to; NULL: there is none now. */
static struct block *
next_block(struct store_fill *f)
{
    struct block *block = f->o->body->last;
    bool full = false;

    if (block != NULL && block->used < block->size) {
        return block;
    }
    if (fill_kind(f) == BODY_MEMORY && fill_written(f) >= f->s->object_max &&
        fill_written(f) != (uint64_t)f->o->meta.length) {
        leave_memory(f);
    }
    do {
        block = add_block(f, &full);
    } while (full && give_up_memory(f));
    if (full && fill_kind(f) == BODY_FILE) { /* once more: what is on disk by now can go */
        block = add_block(f, &full);
    }
    f->s->stalled |= full; /* others have to go first */
    return block;
}

bool
fill_pump(struct store_fill *f)
{
    struct body *b = f->o->body;
    uint64_t before = fill_written(f), at = before;
    struct block *block = NULL;

    while (f->rest.head != NULL) {
        const weir_buf *from = f->rest.head;
        size_t n = from->len;
        if (n == 0) {
            weir_buf_drop(weir_chain_pop(&f->rest));
            continue;
        }
        atomic_store_explicit(&b->written, at, memory_order_release);
        block = next_block(f);
        if (block == NULL) {
            break;
        }
        if (n > block->size - block->used) {
            n = block->size - block->used;
        }
        memcpy(block->data + block->used, from->data, n);
        block->used += (uint32_t)n;
        at += n;
        weir_chain_skip(&f->rest, n);
    }
    atomic_store_explicit(&b->written, at, memory_order_release);
    if (at != before) {
        wake_watchers(f->s, b);
    }
    return f->rest.head == NULL;
}
