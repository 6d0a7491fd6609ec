/* cache/open.c - from a file's head to an object that is held. The file is read by a thread; all in
 * this worker who want the same response at the same time wait for one reading. A small body comes
 * into memory whole; of a larger one the head does, and the file stays open for who holds it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "damage.h"
#include "doomed.h"
#include "entry.h"
#include "evict.h"
#include "file.h"
#include "handle.h"
#include "job.h"
#include "look.h"
#include "object.h"
#include "opened.h"
#include "path.h"
#include "slot.h"
#include "sys.h"

enum { FIRST = 8 << 10 /* bytes read at once: more than most heads */ };

/* Somebody who wants it; in his pool. */
struct asker {
    struct asker *next;
    struct opening *x; /* NULL: told, or refused */
    weir_pool *owner;
    void (*done)(void *data, enum store_found found, struct store_object *o);
    void *data;
};

struct opening {
    struct job job;
    struct opening *next; /* of this worker's */
    uint64_t hash[2];
    struct asker *askers;
    uint64_t object_max;
    /* what the thread found */
    int rc;
    struct opened *file;
    struct looked looked;
    uint8_t *body; /* whole, if it is small; NULL: it is not */
};

/* ---- In the thread. ---- */

static int
read_body(struct opening *x)
{
    size_t n = (size_t)x->looked.head.length, good;
    int rc;

    if (x->looked.head.length > x->object_max) {
        return 0;
    }
    x->body = malloc(opened_size(n) + 1);
    if (x->body == NULL) {
        return -ENOMEM;
    }
    rc = opened_read(x->file, 0, x->body, n, &good);
    for (size_t at = FILE_BLOCK; rc == 0 && at < n; at += FILE_BLOCK) { /* close the gaps */
        size_t part = n - at < FILE_BLOCK ? n - at : FILE_BLOCK;
        memmove(x->body + at, x->body + file_block_at(0, at / FILE_BLOCK), part);
    }
    return rc;
}

static void
work(struct job *j)
{
    struct opening *x = (struct opening *)(void *)j;
    PATH_ROOM(path);
    int fd = path_of(path, &j->s->o, x->hash) ? sys->open(path, O_RDONLY, 0) : -ENAMETOOLONG;

    if (fd < 0) {
        x->rc = fd;
        return;
    }
    x->rc = look_into(&x->looked, fd, FIRST, x->hash);
    if (x->rc != 0) {
        (void)sys->close(fd);
        return;
    }
    x->file = opened_make(fd, x->looked.head.file, x->looked.head.size, x->looked.head.length);
    x->rc = x->file != NULL ? read_body(x) : -ENOMEM;
}

/* ---- From what was read to an object. ---- */

static bool
make_blocks(struct store *s, struct object *o, const uint8_t *bytes, size_t n)
{
    atomic_store(&o->body->written, 0);
    for (size_t at = 0; at < n;) {
        struct block *block = object_add_block(s, o, (uint32_t)(n - at));
        if (block == NULL) {
            return false;
        }
        block->used = n - at < block->size ? (uint32_t)(n - at) : block->size;
        memcpy(block->data, bytes + at, block->used);
        at += block->used;
        atomic_store(&o->body->written, at);
    }
    atomic_store(&o->body->kind, BODY_MEMORY);
    return true;
}

/* The response as an object; nobody holds it yet. */
static struct object *
make_object(struct store *s, const struct opening *x)
{
    const struct file_head *h = &x->looked.head;
    struct store_meta m = { .status = h->status, .flags = h->meta_flags, .n_tags = h->n_tags };
    weir_pair *pairs = malloc((h->n_fields + 1) * sizeof(*pairs));
    uint64_t tags[STORE_TAGS_MAX];
    struct object *o;

    if (pairs == NULL) {
        return NULL;
    }
    memcpy(m.times, h->times, sizeof(m.times));
    m.length = (int64_t)h->length;
    m.reason = h->reason;
    m.note = h->note;
    m.tags = tags;
    file_head_tags(h, tags);
    file_head_pairs(h, pairs);
    o = object_make_file(s, &m, pairs, h->n_fields, x->hash);
    free(pairs);
    if (o != NULL) {
        o->body->file = h->file;
        o->body->head_size = h->size;
    }
    if (o != NULL && x->body != NULL && !make_blocks(s, o, x->body, (size_t)h->length)) {
        CHANGE(s, o->refs, 1);
        object_unref(s, o);
        return NULL;
    }
    return o;
}

/* The loader has not come to it yet. */
static struct entry *
load(struct store *s, const struct opening *x)
{
    const struct file_head *h = &x->looked.head;
    struct entry_known k = { .key = { .text = h->key, .hash = { x->hash[0], x->hash[1] } },
                             .file = h->file };
    uint64_t tags[STORE_TAGS_MAX];

    file_head_tags(h, tags);
    k.size = file_end(h->size, h->length);
    k.tags = tags;
    k.n_tags = h->n_tags;
    k.stale = (h->flags & FILE_STALE) != 0;
    return entry_load(s, &k);
}

/* Does the index know this file as the key's? While it is being loaded, it may not have come to it
 * yet. */
static struct entry *
entry_for(struct store *s, const struct opening *x)
{
    struct store_key key = { .text = x->looked.head.key, .hash = { x->hash[0], x->hash[1] } };
    struct entry *e = entry_find(s, &key);

    if (e == NULL && s->root->loading && entry_find_hash(s, x->hash) == NULL &&
        load(s, x) != NULL) {
        e = entry_find(s, &key); /* which heeds purges */
    }
    return e != NULL && e->file == x->looked.head.file && (e->flags & ENTRY_WRITING) == 0 ? e
                                                                                          : NULL;
}

/* The object that a find gives from now on; NULL: it is not there any more. Under the lock. */
static struct object *
settle(struct store *s, const struct opening *x)
{
    struct entry *e = entry_for(s, x);
    struct object *o;

    if (e == NULL) {
        return NULL;
    }
    if (e->object != NULL && e->object->body->file == x->looked.head.file &&
        (x->body == NULL || atomic_load(&e->object->body->kind) == BODY_MEMORY)) {
        return e->object; /* another was quicker, or knows a newer head */
    }
    if (e->object != NULL) {
        return atomic_load(&e->object->body->kind) == BODY_MEMORY ? e->object : NULL;
    }
    o = make_object(s, x);
    e = entry_for(s, x); /* making room may have thrown it out */
    if (o != NULL) {
        CHANGE(s, o->refs, 1);
    }
    if (e == NULL || o == NULL) {
        if (o != NULL) {
            object_unref(s, o);
        }
        return NULL;
    }
    if ((x->looked.head.flags & FILE_STALE) != 0 || (e->flags & ENTRY_STALE) != 0) {
        CHANGE(s, o->flags, o->flags | OBJECT_STALE);
        CHANGE(s, e->flags, e->flags | ENTRY_STALE);
    }
    entry_set_object(s, e, o);
    return o;
}

static struct store_object *
hold(struct store *s, struct asker *a, struct object *o, struct opened *file)
{
    struct store_object *h = o != NULL ? handle_hold(s, a->owner, o) : NULL;

    if (h != NULL && atomic_load(&o->body->kind) == BODY_FILE) {
        h->file = opened_ref(file);
    }
    return h;
}

/* ---- In the loop. ---- */

static void
forget(struct opening *x)
{
    struct opening **at = &x->job.s->openings;

    while (*at != x) {
        at = &(*at)->next;
    }
    *at = x->next;
}

/* One after the other: what is done for one may end another. */
static void
tell_all(struct opening *x, struct object *o, struct mark *mark)
{
    struct store *s = x->job.s;
    struct asker *a;

    while ((a = x->askers) != NULL) {
        struct store_object *h = NULL;
        x->askers = a->next;
        a->x = NULL;
        if (shared_lock(s)) {
            h = o != NULL ? hold(s, a, o, x->file) : NULL;
            s->root->stats.hits_disk += h != NULL;
            s->root->stats.misses += h == NULL;
            shared_unlock(s);
        }
        a->done(a->data, h != NULL ? STORE_HELD : STORE_ABSENT, h);
    }
    if (mark != NULL) {
        slot_release(s, mark);
    }
}

/* A large one that is asked for again and again: the next find opens nothing. */
static void
keep_open(const struct opening *x, const struct object *o)
{
    const struct entry *e = o->entry;

    if (e != NULL && e->place[TIER_DISK].uses > 1 && e->file == x->file->file &&
        atomic_load(&o->body->kind) == BODY_FILE) {
        opened_keep(x->job.s, x->hash, x->file);
    }
}

static void
done(struct job *j)
{
    struct opening *x = (struct opening *)(void *)j;
    struct store *s = j->s;
    struct object *o = NULL;
    struct mark *mark = NULL;

    forget(x);
    if (x->rc == -EBADMSG || x->rc == -EIO) {
        damage_found(s, x->hash, 0);
    } else if (shared_lock(s)) {
        if (x->rc == 0) {
            o = settle(s, x);
        } else if (x->rc == -ENOENT || x->rc == -ESTALE) {
            entry_file_missing(s, x->hash);
        }
        if (x->rc == -ESTALE && entry_find_hash(s, x->hash) == NULL) {
            doomed_add(s, x->hash, 0);
        }
        mark = o != NULL ? slot_mark(s, MARK_OBJECT, o, NULL) : NULL;
        if (mark != NULL) {
            object_ref(s, o);
            keep_open(x, o);
        }
        shared_commit(s);
        (void)evict_settle(s, 16, o != NULL ? o->entry : NULL);
        shared_unlock(s);
    }
    tell_all(x, mark != NULL ? o : NULL, mark);
    opened_unref(x->file);
    looked_free(&x->looked);
    free(x->body);
}

static void
asker_ended(void *data)
{
    struct asker *a = data, **at;

    if (a->x != NULL) {
        for (at = &a->x->askers; *at != a; at = &(*at)->next) {
        }
        *at = a->next;
    }
}

/* There can be no thread for it. */
static void
refuse(void *data)
{
    struct asker *a = data;

    a->done(a->data, STORE_ABSENT, NULL);
}

static struct opening *
start(struct store *s, const struct store_key *key)
{
    struct opening *x = calloc(1, sizeof(*x));

    if (x == NULL) {
        return NULL;
    }
    x->hash[0] = key->hash[0];
    x->hash[1] = key->hash[1];
    x->object_max = s->object_max;
    if (!job_run(s, &x->job, work, done)) {
        free(x);
        return NULL;
    }
    x->next = s->openings;
    s->openings = x;
    return x;
}

void
store_open(struct store *s, weir_pool *owner, const struct store_key *key,
           void (*done_fn)(void *data, enum store_found found, struct store_object *o), void *data)
{
    struct opening *x = s->openings;
    struct asker *a = weir_zalloc(owner, sizeof(*a)), **last;

    while (x != NULL && (x->hash[0] != key->hash[0] || x->hash[1] != key->hash[1])) {
        x = x->next;
    }
    x = x != NULL ? x : start(s, key);
    *a = (struct asker){ .x = x, .owner = owner, .done = done_fn, .data = data };
    if (x == NULL) {
        (void)weir_timer_start(owner, 0, refuse, a);
        return;
    }
    for (last = &x->askers; *last != NULL; last = &(*last)->next) {
    }
    *last = a;
    weir_on_end(owner, asker_ended, a);
}
