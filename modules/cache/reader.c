/* cache/reader.c - a place in a body. What is in blocks is handed out by reference, pinned while
 * the body still changes; what is in the file alone is read by a thread and checked. */
#include "entry.h"
#include "fetcher.h"
#include "handle.h"
#include "object.h"
#include "slot.h"

struct store_reader {
    struct watch watch;
    struct store *s;
    struct object *o;
    struct mark *mark;       /* NULL: the handle of its object holds it, or the owner has ended */
    struct fetcher *fetcher; /* of the file; NULL: not needed so far */
    struct opened *file;     /* of the object's handle */
    weir_pool *owner;
    uint64_t at, end; /* end: UINT64_MAX: of the body */
    void (*readable)(void *data);
    void *data;
    bool over;
};

/* What keeps a pinned block: given back when the buffer is gone. */
struct pin {
    struct store *s;
    struct mark *mark;
};

static void
unpin(void *data)
{
    struct pin *p = data;

    slot_release(p->s, p->mark);
}

void
store_reader_end(struct store_reader *rd)
{
    rd->over = true;
    wake_disarm(rd->s, &rd->watch);
    if (rd->mark != NULL) {
        slot_release(rd->s, rd->mark);
        rd->mark = NULL;
    }
}

static void
owner_ended(void *data)
{
    store_reader_end(data);
}

static void
look(struct watch *w)
{
    struct store_reader *rd = (struct store_reader *)(void *)w;
    void (*readable)(void *data) = rd->readable;

    rd->readable = NULL;
    if (readable != NULL && !rd->over) {
        readable(rd->data);
    }
}

struct store_reader *
reader_make(struct store *s, weir_pool *owner, struct object *o, struct mark *mark, uint64_t from,
            uint64_t length)
{
    struct store_reader *rd = weir_zalloc(owner, sizeof(*rd));

    rd->watch.look = look;
    rd->s = s;
    rd->o = o;
    rd->mark = mark;
    rd->owner = owner;
    rd->at = from;
    rd->end = length > UINT64_MAX - from ? UINT64_MAX : from + length;
    if (mark != NULL) {
        atomic_store_explicit(&mark->at, from, memory_order_relaxed);
    }
    weir_on_end(owner, owner_ended, rd);
    return rd;
}

struct store_reader *
store_read_object(weir_pool *owner, struct store_object *o, uint64_t from, uint64_t length)
{
    struct store *s = o->s;
    struct mark *mark = NULL;
    struct store_reader *rd;

    if (shared_lock(s)) {
        mark = slot_mark(s, MARK_OBJECT, o->o, NULL);
        if (mark != NULL) {
            object_ref(s, o->o);
        }
        shared_unlock(s);
    }
    rd = reader_make(s, owner, o->o, mark, from, length);
    rd->over = mark == NULL;
    rd->file = o->file;
    return rd;
}

struct store_reader *
store_read_fill(weir_pool *owner, struct store_fill *f)
{
    struct store *s = f->s;
    struct mark *mark = NULL;

    if (shared_lock(s)) {
        mark = slot_mark(s, MARK_READER, f->o, NULL);
        if (mark != NULL) {
            object_ref(s, f->o);
        }
        shared_unlock(s);
    }
    return mark != NULL ? reader_make(s, owner, f->o, mark, 0, UINT64_MAX) : NULL;
}

void
store_reader_span(struct store_reader *rd, uint64_t from, uint64_t length)
{
    rd->at = from;
    rd->end = length > UINT64_MAX - from ? UINT64_MAX : from + length;
    if (rd->mark != NULL) {
        atomic_store_explicit(&rd->mark->at, from, memory_order_relaxed);
    }
}

const struct store_meta *
store_reader_meta(const struct store_reader *rd)
{
    return &rd->o->meta;
}

/* ---- Blocks. ---- */

static struct block *
block_at(const struct body *b, uint64_t at, uint64_t upto)
{
    struct block *block = b->first;

    while (block != NULL && block->at + block->size <= at) {
        block = block->next;
    }
    return block != NULL && block->at <= at && at < upto ? block : NULL;
}

static weir_str
bytes_in(const struct block *block, uint64_t at, uint64_t upto)
{
    uint64_t end = block->at + block->size;
    size_t n = (size_t)((end < upto ? end : upto) - at);

    return (weir_str){ (const char *)block->data + (at - block->at), n };
}

/* A body that changes no more and is all in memory: no pins, no lock; the reader's mark holds it.
 */
static void
take_constant(struct store_reader *rd, weir_pool *pool, weir_chain *out, uint64_t upto)
{
    const struct block *block = block_at(rd->o->body, rd->at, upto);

    for (; block != NULL && rd->at < upto; block = block->next) {
        weir_str bytes = bytes_in(block, rd->at, upto);
        weir_chain_push(out, weir_buf_ref(pool, bytes));
        rd->at += bytes.len;
    }
}

static bool
take_one(struct store_reader *rd, weir_pool *pool, weir_chain *out, uint64_t upto)
{
    struct store *s = rd->s;
    struct body *b = rd->o->body;
    struct block *block = block_at(b, rd->at, upto);
    struct mark *mark = block != NULL ? slot_mark(s, MARK_BLOCK, block, b) : NULL;
    struct pin *pin;
    weir_str bytes;

    if (block == NULL) {
        return false;
    }
    if (mark == NULL) { /* the zone is full */
        bytes = bytes_in(block, rd->at, upto);
        weir_chain_push(out, weir_buf_copy(pool, bytes));
        rd->at += bytes.len;
        return true;
    }
    CHANGE(s, block->pins, block->pins + 1);
    CHANGE(s, b->refs, b->refs + 1); /* the pin may outlive the reader */
    pin = weir_alloc(pool, sizeof(*pin));
    *pin = (struct pin){ s, mark };
    bytes = bytes_in(block, rd->at, upto);
    weir_chain_push(out, weir_buf_extern(pool, bytes, unpin, pin));
    rd->at += bytes.len;
    shared_commit(s);
    return true;
}

static void
take_pinned(struct store_reader *rd, weir_pool *pool, weir_chain *out, uint64_t upto)
{
    if (!shared_lock(rd->s)) {
        return;
    }
    while (rd->at < upto && take_one(rd, pool, out, upto)) {
    }
    atomic_store_explicit(&rd->mark->at, rd->at, memory_order_relaxed);
    if (rd->o->body->wants_room) {
        object_reader_gone(rd->s, rd->o);
    }
    shared_unlock(rd->s);
}

/* ---- Reading. ---- */

static int
wait_for_more(struct store_reader *rd, void (*readable)(void *data), void *data)
{
    struct body *b = rd->o->body;

    rd->readable = readable;
    rd->data = data;
    wake_arm(rd->s, &rd->watch, b);
    if (atomic_load(&b->written) > rd->at || atomic_load(&b->state) != BODY_FILLING) {
        wake_soon(rd->s, &rd->watch);
    }
    return WEIR_AGAIN;
}

/* A thread has read: bytes, or nothing to be had. */
static void
fetched(void *data)
{
    struct store_reader *rd = data;

    if (!rd->over) {
        wake_soon(rd->s, &rd->watch);
    }
}

/* What is in the file alone. */
static int
take_from_file(struct store_reader *rd, weir_pool *pool, weir_chain *out, uint64_t upto)
{
    if (rd->fetcher == NULL) {
        rd->fetcher = fetcher_make(rd->s, rd->owner, rd->o, rd->file, fetched, rd);
    }
    return fetcher_take(rd->fetcher, pool, out, &rd->at, upto);
}

/* Is it all of a fill that was cut, whose head promised more? */
static bool
is_cut(const struct store_reader *rd, uint32_t state, uint64_t written)
{
    return state == BODY_WHOLE && rd->at >= written && rd->at < rd->end &&
           rd->o->meta.length > (int64_t)written;
}

static int
result(const struct store_reader *rd, uint32_t state, uint64_t written)
{
    uint64_t end = rd->end < written ? rd->end : written;

    return rd->at >= end && (state == BODY_WHOLE || rd->at >= rd->end) &&
                   !is_cut(rd, state, written)
               ? WEIR_DONE
               : WEIR_OK;
}

int
store_read(struct store_reader *rd, weir_pool *pool, weir_chain *out, size_t want,
           void (*readable)(void *data), void *data)
{
    struct body *b = rd->o->body;
    uint32_t state = atomic_load(&b->state); /* before written: what is whole by now is written */
    uint64_t written = atomic_load(&b->written), upto = written, before = rd->at;
    int rc = WEIR_OK;

    if (rd->over) {
        return WEIR_CLOSED;
    }
    upto = upto < rd->end ? upto : rd->end;
    if (upto > rd->at && upto - rd->at > want) {
        upto = rd->at + (want != 0 ? want : 1);
    }
    if (rd->at >= upto) {
        rc = result(rd, state, written);
        return rc == WEIR_DONE ? rc
               : state == BODY_BROKEN || is_cut(rd, state, written)
                   ? WEIR_CLOSED
                   : wait_for_more(rd, readable, data);
    }
    if (state == BODY_WHOLE && atomic_load(&b->kind) == BODY_MEMORY) {
        take_constant(rd, pool, out, upto);
    } else {
        take_pinned(rd, pool, out, upto);
    }
    if (rd->at == before) {
        rc = take_from_file(rd, pool, out, upto);
        if (rc == WEIR_AGAIN) {
            rd->readable = readable;
            rd->data = data;
        }
    }
    return rc == WEIR_OK ? result(rd, state, written) : rc;
}
