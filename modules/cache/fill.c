/* cache/fill.c - a response that is coming: its one writer.
 *
 * Bytes are copied to blocks, which every reader sees as soon as `written` says so. A small body
 * stays in them; a larger one goes on to a file, its blocks freed as they are written. What cannot
 * be stored is relayed: its blocks are freed when all who read it have read them. Nobody is cut
 * because of a disk.
 */
#include <stdlib.h>

#include "entry.h"
#include "evict.h"
#include "file.h"
#include "handle.h"
#include "object.h"
#include "slot.h"
#include "tagged.h"
#include "writer.h"

/* ---- Beginning and ending. ---- */

void
fill_detach(struct store *s, struct object *o)
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
break_off(struct store_fill *f, bool failed)
{
    struct store *s = f->s;

    if (shared_lock(s)) {
        CHANGE(s, s->root->stats.fill_failures, s->root->stats.fill_failures + failed);
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
        break_off(f, true);
    }
}

static void
look_for_room(struct watch *w)
{
    fill_go((struct store_fill *)((char *)w - offsetof(struct store_fill, room)));
}

/* The fill of o, which was just made. Under the lock; NULL: no room. */
static struct store_fill *
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
            fill_detach(s, o);
        } else {
            entry_tidy(s, e);
        }
        return NULL;
    }
    f->replaces = e->object != NULL || e->file != 0;
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

bool
store_fill_replaces(const struct store_fill *f)
{
    return f->replaces;
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
    fill_detach(s, f->o);
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
        fill_detach(s, o);
    }
    if (e != NULL && e->fill == NULL && fill_kind(f) != BODY_RELAY) {
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
    enum tagged purged;
    bool fine;

    if (f->ended || !has_place(s, meta->length) || !shared_lock(s)) {
        return false;
    }
    purged = tagged_since(s->root, f->o->born, meta->tags, meta->n_tags);
    fine = purged != TAGGED_GONE && object_set_head(s, f->o, meta);
    if (fine) {
        uint32_t stale = purged == TAGGED_SOFTLY ? OBJECT_STALE : 0;
        CHANGE(s, f->o->flags, f->o->flags | OBJECT_HEAD | stale);
    }
    shared_unlock(s);
    if (fine) {
        wake_watchers(s, f->o->body);
    }
    return fine;
}

bool
store_fill_note(struct store_fill *f, size_t at, weir_str bytes)
{
    weir_str note = f->o->meta.note; /* in our zone; nobody else writes there */

    if (f->ended || (f->o->flags & OBJECT_HEAD) == 0 || at > note.len ||
        bytes.len > note.len - at) {
        return false;
    }
    memcpy((char *)(uintptr_t)note.data + at, bytes.data, bytes.len);
    return true;
}

/* ---- Writing. ---- */

/* How long it may become is known: more is a mistake of who writes. */
static bool
is_too_long(const struct store_fill *f, const weir_chain *c)
{
    int64_t length = f->o->meta.length;

    return length >= 0 && (f->o->flags & OBJECT_HEAD) != 0 &&
           fill_written(f) + weir_chain_len(&f->rest) + weir_chain_len(c) > (uint64_t)length;
}

/* It is not stored, and nobody reads it? Then nobody finds it either. */
static bool
is_forsaken(const struct store_fill *f)
{
    bool forsaken;

    if (f->o->entry != NULL || !shared_lock(f->s)) {
        return false;
    }
    forsaken = f->o->entry == NULL && f->o->refs == 1; /* f's own */
    shared_unlock(f->s);
    return forsaken;
}

int
store_fill_write(struct store_fill *f, weir_chain *c, void (*writable)(void *data), void *data)
{
    bool fits;

    if (f->ended || is_too_long(f, c)) {
        return WEIR_ERROR;
    }
    if (is_forsaken(f)) {
        return WEIR_CLOSED;
    }
    weir_chain_take(&f->rest, c);
    fits = fill_pump(f);
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
    return fill_kind(f) == BODY_RELAY ? WEIR_LIMIT : WEIR_OK;
}

/* ---- The end. ---- */

/* What was stored takes the place of what was there. The entry that has it in memory; NULL: none.
 * Under the lock. */
static struct entry *
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
        return NULL;
    }
    if (memory) {
        if (e->file != 0) {
            entry_forget_file(s, e);
        }
        entry_set_object(s, e, o);
        return e;
    }
    entry_set_object(s, e, NULL);
    entry_set_file(s, e, o->body->file,
                   file_end(o->body->head_size, atomic_load(&o->body->written)));
    entry_softened(s, e);
    if (stale != 0) {
        entry_soften(s, e, UINT64_MAX); /* its head may have been written before */
    }
    CHANGE(s, o->entry, NULL);
    object_unref(s, o);
    return NULL;
}

/* The object that a cut fill in memory becomes: its readers go on with the one that they were
 * promised more by. NULL: no room. It may commit. */
static struct object *
shorten(struct store_fill *f)
{
    struct store *s = f->s;
    struct object *o = f->o, *new;
    struct entry *e = o->entry;

    new = object_make_like(s, o, &o->meta);
    if (new == NULL) {
        return NULL;
    }
    CHANGE(s, new->refs, 1);
    if (o->entry == NULL) { /* making room has thrown it out */
        object_unref(s, new);
        return NULL;
    }
    new->meta.length = (int64_t)fill_written(f);
    atomic_store(&new->flags, OBJECT_HEAD | (o->flags & OBJECT_STALE));
    new->born = o->born;
    CHANGE(s, new->entry, e);
    CHANGE(s, e->fill, new);
    CHANGE(s, o->entry, NULL);
    object_unref(s, o);
    return new;
}

/* What the fill was for gets it. The entry that has it in memory; NULL: none. Under the lock. */
static struct entry *
settle(struct store_fill *f)
{
    struct store *s = f->s;
    struct object *o = f->o;

    if (o->entry == NULL || o->entry->fill != o || fill_kind(f) == BODY_RELAY) {
        fill_detach(s, o);
        return NULL;
    }
    if (f->cut && fill_kind(f) == BODY_MEMORY) {
        o = shorten(f);
        if (o == NULL) {
            fill_detach(s, f->o);
            return NULL;
        }
    }
    return settle_in(s, o);
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
        o->meta.length = (int64_t)fill_written(f);
    }
    CHANGE(s, b->state, BODY_WHOLE);
    e = settle(f);
    shared_commit(s);
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

    if (f->complete && f->s->o.memory == 0 && fill_kind(f) == BODY_MEMORY) {
        f->spool = spool_open(f);
        if (f->spool == NULL) {
            fill_relay(f);
        }
    }
    if (!f->complete ||
        (f->cut ? fill_written(f) == 0 : length >= 0 && fill_written(f) != (uint64_t)length)) {
        break_off(f, true);
    } else if (f->spool != NULL && fill_kind(f) == BODY_FILE) {
        spool_end(f->spool); /* it calls fill_whole */
    } else {
        fill_whole(f);
    }
}

void
fill_go(struct store_fill *f)
{
    bool fits = fill_pump(f);

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

void
store_fill_drop(struct store_fill *f)
{
    if (!f->ended) {
        f->ended = true;
        break_off(f, false);
    }
}

void
store_fill_cut(struct store_fill *f)
{
    f->cut = f->o->meta.length > 0 && !f->ended;
    store_fill_end(f, f->cut);
}
