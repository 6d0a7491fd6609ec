/* cache/fill.c - a response that is coming: its one writer.
 *
 * Bytes are copied to blocks, which every reader sees as soon as `written` says so. A small body stays in them; a larger one goes
 * on to a file, its blocks freed as they are written. What cannot be stored is relayed: its blocks are freed when all who
 * read it have read them. Nobody is cut because of a disk.
 */
#include <stdlib.h>

#include "entry.h"
#include "evict.h"
#include "file.h"
#include "handle.h"
#include "object.h"
#include "slot.h"
#include "writer.h"

enum {
    WINDOW = 1 << 20,        /* bytes of blocks, where they go on to a file or are relayed */
    BLOCK_KNOWN = 128 << 10, /* largest block of a body whose length is known */
    BLOCK_FIRST = 4 << 10,
    BLOCK_NEXT = 64 << 10,
    BLOCK_HEAD = sizeof(struct block)
};

/* ---- Beginning and ending. ---- */

static uint32_t
kind_of(const struct store_fill *f)
{
    return atomic_load_explicit(&f->o->body->kind, memory_order_relaxed);
}

/* Out of the entry, under the lock: nobody finds it any more. */
static void
detach(struct store *s, struct object *o)
{
    struct entry *e = o->entry;

    if (e != NULL && e->fill == o) {
        CHANGE(s, e->fill, NULL);
        CHANGE(s, o->entry, NULL);
        object_unref(s, o);
        entry_tidy(s, e);
    }
}

/* It is over for this process. */
static void
finish(struct store_fill *f)
{
    struct store *s = f->s;
    weir_pool *pool = f->pool;

    wake_disarm(s, &f->room);
    if (f->spool != NULL) {
        spool_close(f->spool);
        f->spool = NULL;
    }
    f->mark = NULL;
    if (!f->owned) {
        weir_pool_end(pool);
    }
}

/* Nothing comes any more: who reads is cut. */
static void
break_off(struct store_fill *f)
{
    struct store *s = f->s;

    if (shared_lock(s)) {
        CHANGE(s, s->root->stats.fill_failures, s->root->stats.fill_failures + 1);
        object_break(s, f->o);
        slot_release_now(s, f->mark);
        shared_unlock(s);
    }
    finish(f);
}

static void
owner_ended(void *data)
{
    struct store_fill *f = data;

    f->owned = false;
    if (f->mark == NULL) {
        weir_pool_end(f->pool);
    } else if (!f->ended) {
        f->ended = true;
        break_off(f);
    }
}

static void
look_for_room(struct watch *w)
{
    fill_go((struct store_fill *)((char *)w - offsetof(struct store_fill, room)));
}

struct store_fill *
handle_fill(struct store *s, weir_pool *owner, struct object *o)
{
    struct mark *mark = slot_mark(s, MARK_FILLER, o, NULL);
    struct store_fill *f;
    weir_pool *pool;

    if (mark == NULL) {
        return NULL;
    }
    object_ref(s, o);
    pool = weir_pool_new(NULL);
    f = weir_zalloc(pool, sizeof(*f));
    f->s = s;
    f->o = o;
    f->mark = mark;
    f->pool = pool;
    f->room.look = look_for_room;
    f->owned = true;
    weir_on_end(owner, owner_ended, f);
    return f;
}

struct store_fill *
fill_begin_locked(struct store *s, weir_pool *owner, const struct store_key *key, bool *others)
{
    struct entry *e = entry_make(s, key);
    struct object *o;
    struct store_fill *f;

    *others = e != NULL && e->fill != NULL;
    if (e == NULL || *others) {
        return NULL;
    }
    o = object_make_fill(s, e);
    f = o != NULL ? handle_fill(s, owner, o) : NULL;
    if (f == NULL) {
        if (o != NULL) {
            detach(s, o);
        } else {
            entry_tidy(s, e);
        }
        return NULL;
    }
    CHANGE(s, s->root->stats.fills, s->root->stats.fills + 1);
    return f;
}

struct store_fill *
store_fill_begin(struct store *s, weir_pool *owner, const struct store_key *key, bool *others)
{
    struct store_fill *f;

    *others = false;
    if (!shared_lock(s)) {
        return NULL;
    }
    f = fill_begin_locked(s, owner, key, others);
    shared_unlock(s);
    return f;
}

/* ---- What it is. ---- */

void
store_fill_pass(struct store_fill *f)
{
    struct store *s = f->s;

    if (f->ended || !shared_lock(s)) {
        return;
    }
    CHANGE(s, f->o->flags, f->o->flags | OBJECT_PASS);
    detach(s, f->o);
    shared_unlock(s);
    wake_watchers(s, f->o->body);
}

void
store_fill_move(struct store_fill *f, const struct store_key *to)
{
    struct store *s = f->s;
    struct object *o = f->o;
    struct entry *e;

    if (f->spool != NULL) { /* the file would say the old key */
        fill_relay(f);
    }
    if (f->ended || !shared_lock(s)) {
        return;
    }
    e = entry_make(s, to);
    CHANGE(s, o->flags, o->flags | OBJECT_MOVED);
    CHANGE(s, o->hash[0], to->hash[0]);
    CHANGE(s, o->hash[1], to->hash[1]);
    if (o->entry != NULL) {
        detach(s, o);
    }
    if (e != NULL && e->fill == NULL && kind_of(f) != BODY_RELAY) {
        object_ref(s, o);
        CHANGE(s, e->fill, o);
        CHANGE(s, o->entry, e);
    }
    shared_unlock(s);
    wake_watchers(s, o->body);
}

/* Is there a place for a body of this length? One that is not known may be small. */
static bool
has_place(struct store *s, int64_t length)
{
    if (length >= 0 ? (uint64_t)length <= s->object_max : s->object_max != 0) {
        return true;
    }
    return spool_has_room(s, length);
}

bool
store_fill_head(struct store_fill *f, const struct store_meta *meta)
{
    struct store *s = f->s;
    bool fine;

    if (f->ended || !has_place(s, meta->length) || !shared_lock(s)) {
        return false;
    }
    fine = object_set_head(s, f->o, meta);
    if (fine) {
        CHANGE(s, f->o->flags, f->o->flags | OBJECT_HEAD);
    }
    shared_unlock(s);
    if (fine) {
        wake_watchers(s, f->o->body);
    }
    return fine;
}

/* ---- Writing. ---- */

static uint64_t
written(const struct store_fill *f)
{
    return atomic_load_explicit(&f->o->body->written, memory_order_relaxed);
}

void
fill_relay(struct store_fill *f)
{
    struct store *s = f->s;

    if (kind_of(f) == BODY_RELAY || !shared_lock(s)) {
        return;
    }
    CHANGE(s, f->o->body->kind, BODY_RELAY);
    detach(s, f->o);
    shared_unlock(s);
}

/* Room for the next bytes: how large a block? */
static uint32_t
block_size(const struct store_fill *f)
{
    int64_t length = f->o->meta.length;
    uint64_t left;

    if (kind_of(f) != BODY_MEMORY) {
        return BLOCK_NEXT - BLOCK_HEAD;
    }
    if (length < 0 || (f->o->flags & OBJECT_HEAD) == 0) {
        return (written(f) == 0 ? BLOCK_FIRST : BLOCK_NEXT) - BLOCK_HEAD;
    }
    left = (uint64_t)length - written(f);
    return left < BLOCK_KNOWN - BLOCK_HEAD ? (uint32_t)left : BLOCK_KNOWN - BLOCK_HEAD;
}

/* Free what is not needed any more; is there room in the window? Under the lock. */
static bool
make_way(struct store_fill *f)
{
    struct body *b = f->o->body;
    uint64_t upto = atomic_load(&b->on_disk);

    if (kind_of(f) == BODY_RELAY) { /* what is in the file can be read there */
        uint64_t least = slot_least(f->s, f->o);
        upto = least > upto ? least : upto;
    }
    if (kind_of(f) == BODY_RELAY || b->in_blocks > WINDOW / 2) {
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
    if (kind_of(f) == BODY_MEMORY && written(f) >= s->object_max &&
        written(f) != (uint64_t)f->o->meta.length) {
        f->spool = spool_open(f);
        if (f->spool == NULL) {
            fill_relay(f);
        }
    }
    if (!shared_lock(s)) {
        return NULL;
    }
    wait = kind_of(f) != BODY_MEMORY && !make_way(f);
    block = wait ? NULL : object_add_block(s, f->o, block_size(f));
    CHANGE(s, b->wants_room, block == NULL);
    shared_unlock(s);
    s->stalled |= block == NULL && !wait; /* the zone is full: others have to go first */
    return block;
}

/* From rest to blocks. False: there is no room now. */
static bool
pump(struct store_fill *f)
{
    struct body *b = f->o->body;
    uint64_t before = written(f), at = before;
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

/* How long it may become is known: more is a mistake of who writes. */
static bool
is_too_long(const struct store_fill *f, const weir_chain *c)
{
    int64_t length = f->o->meta.length;

    return length >= 0 && (f->o->flags & OBJECT_HEAD) != 0 &&
           written(f) + weir_chain_len(&f->rest) + weir_chain_len(c) > (uint64_t)length;
}

int
store_fill_write(struct store_fill *f, weir_chain *c, void (*writable)(void *data), void *data)
{
    bool fits;

    if (f->ended || is_too_long(f, c)) {
        return WEIR_ERROR;
    }
    weir_chain_take(&f->rest, c);
    fits = pump(f);
    if (f->spool != NULL) {
        spool_go(f->spool);
    }
    if (!fits) {
        f->writable = writable;
        f->data = data;
        f->told = true;
        wake_arm(f->s, &f->room, f->o->body);
        return WEIR_AGAIN;
    }
    return kind_of(f) == BODY_RELAY ? WEIR_LIMIT : WEIR_OK;
}

/* ---- The end. ---- */

/* What was stored takes the place of what was there. Under the lock. */
static void
settle_in(struct store *s, struct object *o)
{
    struct entry *e = o->entry;
    bool memory = atomic_load(&o->body->kind) == BODY_MEMORY;
    uint32_t stale = o->flags & OBJECT_STALE;

    CHANGE(s, e->fill, NULL);
    CHANGE(s, e->born, o->born);
    CHANGE(s, e->flags, stale != 0 ? e->flags | ENTRY_STALE : e->flags & ~(uint32_t)ENTRY_STALE);
    if (!entry_set_tags(s, e, o->meta.tags, o->meta.n_tags)) {
        CHANGE(s, o->entry, NULL); /* what a purge would not find is not kept */
        object_unref(s, o);
        entry_remove(s, e);
        return;
    }
    if (memory) {
        if (e->file != 0) {
            entry_forget_file(s, e);
        }
        entry_set_object(s, e, o);
        return;
    }
    entry_set_object(s, e, NULL);
    entry_set_file(s, e, o->body->file,
                   file_end(o->body->head_size, (uint64_t)o->meta.length));
    CHANGE(s, o->entry, NULL);
    object_unref(s, o);
}

void
fill_whole(struct store_fill *f)
{
    struct store *s = f->s;
    struct object *o = f->o;
    struct body *b = o->body;
    struct entry *e;

    if (!shared_lock(s)) {
        finish(f);
        return;
    }
    if (o->meta.length < 0) {
        o->meta.length = (int64_t)written(f);
    }
    CHANGE(s, b->state, BODY_WHOLE);
    e = o->entry;
    if (e != NULL && e->fill == o && kind_of(f) != BODY_RELAY) {
        settle_in(s, o);
    } else {
        detach(s, o);
    }
    shared_commit(s);
    e = o->entry; /* of what is in memory */
    if (e != NULL) {
        writer_look_at(s, e);
        shared_commit(s);
    }
    (void)evict_settle(s, 16, e);
    slot_release_now(s, f->mark);
    shared_unlock(s);
    wake_watchers(s, b);
    finish(f);
}

/* Everything is in blocks: what else is to be done? */
static void
end_now(struct store_fill *f)
{
    int64_t length = f->o->meta.length;

    if (f->complete && f->s->o.memory == 0 && kind_of(f) == BODY_MEMORY) {
        f->spool = spool_open(f);
        if (f->spool == NULL) {
            fill_relay(f);
        }
    }
    if (!f->complete || (length >= 0 && written(f) != (uint64_t)length)) {
        break_off(f);
    } else if (f->spool != NULL && kind_of(f) == BODY_FILE) {
        spool_end(f->spool); /* it calls fill_whole */
    } else {
        fill_whole(f);
    }
}

void
fill_go(struct store_fill *f)
{
    bool fits = pump(f);

    if (f->spool != NULL) {
        spool_go(f->spool);
    }
    if (!fits) {
        wake_arm(f->s, &f->room, f->o->body);
        return;
    }
    if (f->ended) {
        end_now(f);
    } else if (f->told) {
        f->told = false;
        f->writable(f->data);
    }
}

/* Buffers of the owner's are not there when it has ended. */
static void
keep_rest(struct store_fill *f)
{
    weir_chain copy = { NULL, NULL };
    weir_buf *b;

    while ((b = weir_chain_pop(&f->rest)) != NULL) {
        weir_chain_push(&copy, weir_buf_copy(f->pool, (weir_str){ (const char *)b->data, b->len }));
        weir_buf_drop(b);
    }
    f->rest = copy;
}

void
store_fill_end(struct store_fill *f, bool complete)
{
    if (f->ended) {
        return;
    }
    f->ended = true;
    f->complete = complete && (f->o->flags & OBJECT_HEAD) != 0;
    f->told = false;
    if (f->rest.head == NULL || !f->complete) {
        end_now(f);
    } else {
        keep_rest(f);
    }
}
