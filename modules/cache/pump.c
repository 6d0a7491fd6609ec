/* cache/pump.c - a fill's bytes from its writer's buffers to blocks: of which size, and what has to
 * go before there is room for the next one. */
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

/* Free what is not needed any more; is there room in the window? Under the lock. */
static bool
make_way(struct store_fill *f)
{
    struct body *b = f->o->body;
    uint64_t upto = atomic_load(&b->on_disk);

    if (fill_kind(f) == BODY_RELAY) { /* what is in the file can be read there */
        uint64_t least = slot_least(f->s, f->o);
        upto = least > upto ? least : upto;
    }
    if (fill_kind(f) == BODY_RELAY || b->in_blocks > WINDOW / 2) {
        object_trim(f->s, b, upto);
    }
    return b->in_blocks < WINDOW;
}

/* The block the next bytes go to; NULL: there is none now. */
static struct block *
next_block(struct store_fill *f)
{
    struct store *s = f->s;
    struct body *b = f->o->body;
    struct block *block = b->last;
    bool wait = false;

    if (block != NULL && block->used < block->size) {
        return block;
    }
    if (fill_kind(f) == BODY_MEMORY && fill_written(f) >= s->object_max &&
        fill_written(f) != (uint64_t)f->o->meta.length) {
        f->spool = spool_open(f);
        if (f->spool == NULL) {
            fill_relay(f);
        }
    }
    if (!shared_lock(s)) {
        return NULL;
    }
    wait = fill_kind(f) != BODY_MEMORY && !make_way(f);
    block = wait ? NULL : object_add_block(s, f->o, block_size(f));
    CHANGE(s, b->wants_room, block == NULL);
    shared_unlock(s);
    s->stalled |= block == NULL && !wait; /* the zone is full: others have to go first */
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
