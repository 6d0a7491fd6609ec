/* cache/object.c - objects, bodies, blocks: made, counted, freed. */
#include "object.h"

#include "doomed.h"
#include "entry.h"
#include "evict.h"
#include "file.h"
#include "wake.h"

enum { BLOCK_LEAST = 512 };

/* ---- Making. ---- */

static struct object *
make(struct store *s, const struct entry *keep)
{
    struct object *o = evict_alloc(s, sizeof(*o), keep);
    struct body *b;

    if (o == NULL) {
        return NULL;
    }
    b = evict_alloc(s, sizeof(*b), keep);
    if (b == NULL) {
        shared_free(s, o);
        return NULL;
    }
    b->refs = 1;
    b->filler = s->me;
    o->body = b;
    return o;
}

struct object *
object_make_fill(struct store *s, struct entry *e)
{
    struct object *o = make(s, e);

    if (o != NULL) {
        o->refs = 1;
        o->entry = e;
        o->born = s->root->clock;
        o->hash[0] = e->hash[0];
        o->hash[1] = e->hash[1];
        CHANGE(s, e->fill, o);
    }
    return o;
}

struct object *
object_make_like(struct store *s, struct object *o, const struct store_meta *meta)
{
    struct object *new = evict_alloc(s, sizeof(*new), o->entry);

    if (new == NULL || !object_set_head(s, new, meta)) {
        shared_free(s, new);
        return NULL;
    }
    new->meta.length = o->meta.length;
    new->hash[0] = o->hash[0];
    new->hash[1] = o->hash[1];
    new->body = o->body;
    CHANGE(s, o->body->refs, o->body->refs + 1);
    return new;
}

/* ---- Heads. ---- */

/* Where the parts of a head stand in its memory. */
struct plan {
    size_t tags, reason, note, size;
};

/* For n fields, whose names and values have `text` bytes. */
static bool
make_plan(const struct store_meta *m, uint32_t n, size_t text, struct plan *p)
{
    p->tags = (weir_fields_size(n, text) + 15) & ~(size_t)15;
    p->reason = p->tags + m->n_tags * sizeof(uint64_t);
    p->note = p->reason + m->reason.len;
    p->size = p->note + m->note.len + 1;
    return n <= FILE_FIELDS_MAX && m->n_tags <= STORE_TAGS_MAX && p->size <= FILE_HEAD_MAX;
}

static weir_str
copy_text(char *at, weir_str from)
{
    if (from.len != 0) {
        memcpy(at, from.data, from.len);
    }
    return (weir_str){ from.data != NULL ? at : NULL, from.len };
}

/* All of meta but its fields, for which there is room where the answer says. NULL: there is none. */
static char *
begin_head(struct store *s, struct object *o, const struct store_meta *meta, uint32_t n,
           size_t text)
{
    struct plan p;
    char *at = make_plan(meta, n, text, &p) ? evict_alloc(s, p.size, o->entry) : NULL;

    if (at == NULL) {
        return NULL;
    }
    o->meta = *meta;
    o->meta.n_fields = n;
    if (meta->n_tags != 0) {
        memcpy(at + p.tags, meta->tags, meta->n_tags * sizeof(uint64_t));
    }
    o->meta.tags = (const uint64_t *)(const void *)(at + p.tags);
    o->meta.reason = copy_text(at + p.reason, meta->reason);
    o->meta.note = copy_text(at + p.note, meta->note);
    CHANGE(s, o->head, at);
    CHANGE(s, o->head_bytes, (uint32_t)p.size);
    return at;
}

bool
object_set_head(struct store *s, struct object *o, const struct store_meta *meta)
{
    size_t text = 0;
    uint32_t n = 0;
    char *at;

    for (const weir_header *h = meta->fields; h != NULL; h = h->next) {
        text += h->name.len + h->value.len;
        n++;
    }
    at = begin_head(s, o, meta, n, text);
    if (at != NULL) {
        o->meta.fields = weir_fields_copy(at, meta->fields, n);
    }
    return at != NULL;
}

/* The same with fields that are no list yet. */
static bool
set_head_of(struct store *s, struct object *o, const struct store_meta *meta,
            const weir_pair *fields, uint32_t n)
{
    size_t text = 0;
    char *at;

    for (uint32_t i = 0; i < n; i++) {
        text += fields[i].name.len + fields[i].value.len;
    }
    at = begin_head(s, o, meta, n, text);
    if (at != NULL) {
        o->meta.fields = weir_fields_make(at, fields, n);
    }
    return at != NULL;
}

struct object *
object_make_file(struct store *s, const struct store_meta *meta, const weir_pair *fields,
                 uint32_t n, const uint64_t hash[2])
{
    struct object *o = make(s, NULL);

    if (o == NULL) {
        return NULL;
    }
    if (!set_head_of(s, o, meta, fields, n)) {
        shared_free(s, o->body);
        shared_free(s, o);
        return NULL;
    }
    o->hash[0] = hash[0];
    o->hash[1] = hash[1];
    atomic_store(&o->flags, OBJECT_HEAD);
    atomic_store(&o->body->kind, BODY_FILE);
    atomic_store(&o->body->written, (uint64_t)meta->length);
    atomic_store(&o->body->on_disk, (uint64_t)meta->length);
    atomic_store(&o->body->state, BODY_WHOLE);
    return o;
}

/* ---- Counting. ---- */

static void
free_block(struct store *s, struct body *b, struct block *block)
{
    CHANGE(s, b->in_blocks, b->in_blocks - (sizeof(*block) + block->size));
    if (block->pins != 0) {
        CHANGE(s, block->gone, true);
    } else {
        shared_free(s, block);
    }
}

static void
unref_body(struct store *s, struct body *b)
{
    CHANGE(s, b->refs, b->refs - 1);
    if (b->refs != 0) {
        return;
    }
    /* nobody reads any more, so nothing is pinned */
    if (b->first != NULL) {
        shared_free_list(s, b->first, b->last);
    }
    if (b->temp) {
        (void)doomed_add_temp(s, b->file);
        (void)doomed_add(s, b->hash, b->file); /* who died may have named it just before */
    } else if (b->linked) {
        (void)doomed_add_temp(s, b->file);
    }
    shared_free(s, b);
}

void
object_ref(struct store *s, struct object *o)
{
    CHANGE(s, o->refs, o->refs + 1);
}

void
object_unref(struct store *s, struct object *o)
{
    CHANGE(s, o->refs, o->refs - 1);
    if (o->refs == 0) {
        unref_body(s, o->body);
        shared_free(s, o->head);
        shared_free(s, o);
    }
}

void
object_break(struct store *s, struct object *o)
{
    if (atomic_load(&o->body->state) == BODY_FILLING) {
        CHANGE(s, o->body->state, BODY_BROKEN);
    }
    if (o->entry != NULL && o->entry->fill == o) {
        struct entry *e = o->entry;
        CHANGE(s, e->fill, NULL);
        CHANGE(s, o->entry, NULL);
        CHANGE(s, o->refs, o->refs - 1); /* its filler's mark is still there */
        entry_tidy(s, e);
    }
    wake_watchers(s, o->body);
}

uint64_t
object_bytes(const struct object *o)
{
    return sizeof(*o) + o->head_bytes + sizeof(*o->body) + o->body->in_blocks;
}

/* ---- Blocks. ---- */

struct block *
object_add_block(struct store *s, struct object *o, uint32_t size)
{
    struct body *b = o->body;
    struct block *block = NULL;

    while ((block = evict_alloc(s, sizeof(*block) + size, o->entry)) == NULL) {
        if (size <= BLOCK_LEAST) {
            return NULL;
        }
        size /= 2;
    }
    block->size = size;
    block->at = atomic_load_explicit(&b->written, memory_order_relaxed);
    CHANGE(s, b->in_blocks, b->in_blocks + sizeof(*block) + block->size);
    if (b->last != NULL) {
        CHANGE(s, b->last->next, block);
    } else {
        CHANGE(s, b->first, block);
    }
    CHANGE(s, b->last, block);
    return block;
}

void
object_trim(struct store *s, struct body *b, uint64_t upto)
{
    while (b->first != NULL && b->first->at + b->first->used <= upto &&
           (b->first != b->last || b->first->used == b->first->size)) {
        struct block *block = b->first;
        CHANGE(s, b->trimmed, true);
        CHANGE(s, b->first, block->next);
        if (block->next == NULL) {
            CHANGE(s, b->last, NULL);
        }
        free_block(s, b, block);
        shared_commit(s);
    }
}

static void
tell_filler(struct store *s, struct body *b)
{
    if (b->wants_room && atomic_load(&b->state) == BODY_FILLING) {
        wake_slot(s, b->filler);
    }
}

void
object_reader_gone(struct store *s, struct object *o)
{
    tell_filler(s, o->body);
}

void
object_unpin(struct store *s, struct body *b, struct block *block)
{
    CHANGE(s, block->pins, block->pins - 1);
    if (block->pins == 0 && block->gone) {
        shared_free(s, block);
    }
    tell_filler(s, b);
    unref_body(s, b);
}
