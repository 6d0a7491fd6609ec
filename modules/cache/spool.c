/* cache/spool.c - writing a fill's blocks to a file by a thread.
 *
 * One job at a time: whole blocks of the file as they are there, at the end the rest, the head, and
 * the file's name. What the thread reads is kept by a mark of the spool's own, for the fill may be
 * over before the thread is. The file is unlinked when nobody needs the body any more, unless it
 * has got its name. Until then it keeps the one it was written under, too, where it has bytes that
 * are in no block.
 */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "doomed.h"
#include "entry.h"
#include "evict.h"
#include "file.h"
#include "handle.h"
#include "job.h"
#include "little.h"
#include "object.h"
#include "path.h"
#include "slot.h"
#include "sys.h"

enum { BATCH = 1 << 20, REST_MS = 1000, ROOM = 1 << 20 };

struct spool {
    struct store *s;
    struct store_fill *f; /* NULL: over */
    struct object *o;
    struct mark *mark;
    char *key;
    uint32_t key_len, head_size;
    uint64_t file, queued; /* bytes given to the thread so far */
    int fd;
    bool busy, ending, failed;
};

struct write_job {
    struct job job;
    struct spool *sp;
    const struct block *first; /* with the byte `from` */
    uint64_t from, to;
    int64_t length;    /* of the body, for the head; -1: not the last job */
    uint64_t expected; /* length, if it is known from the first; for reserving */
    struct store_meta meta;
    uint64_t hash[2];
    uint32_t flags;
    bool linked; /* to keep the name it was written under; out: it did */
    int rc;
};

/* ---- May it be written? ---- */

bool
spool_has_room(struct store *s, int64_t length)
{
    const struct root *r = s->root;
    uint64_t bytes = length > 0 ? (uint64_t)length : 0;

    if (r->disk_off || weir_now() < r->disk_rests_until) {
        return false;
    }
    if (s->o.max_size != 0 && bytes > s->o.max_size) {
        return false;
    }
    return !r->disk_free_known || r->disk_free + r->disk_bytes >= bytes + s->o.min_free;
}

void
spool_failed(struct store *s, int error, uint64_t bytes)
{
    struct root *r = s->root;
    uint64_t now = weir_now();

    if (now >= r->disk_rests_until) { /* said once a rest */
        weir_say(weir_main_log(), ERROR, "cache \"%.*s\": cannot write: %s", WEIR_FMT(s->o.path),
                 strerror(-error));
    }
    r->disk_rests_until = now + REST_MS;
    if (!shared_lock(s)) {
        return;
    }
    CHANGE(s, r->stats.disk_failures, r->stats.disk_failures + 1);
    if (error == -ENOSPC || error == -EDQUOT) {
        shared_commit(s);
        evict_free_disk(s, bytes + ROOM);
    }
    shared_unlock(s);
    doomed_go(s);
}

/* ---- In the thread. ---- */

static int
begin(struct write_job *w)
{
    const struct store_options *o = &w->sp->s->o;
    PATH_ROOM(path);
    int rc;

    if (!path_of_temp(path, o, w->sp->file)) {
        return -ENAMETOOLONG;
    }
    w->sp->fd = sys->open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (w->sp->fd == -ENOENT && path_in(path, o, "temp")) {
        (void)sys->mkdir(path, 0700);
        (void)path_of_temp(path, o, w->sp->file);
        w->sp->fd = sys->open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    }
    if (w->sp->fd < 0) {
        return w->sp->fd;
    }
    if (w->expected == 0) {
        return 0;
    }
    rc = sys->reserve(w->sp->fd, (off_t)file_end(w->sp->head_size, w->expected));
    return rc == -ENOSPC || rc == -EDQUOT ? rc : 0; /* where it is not known, it shows in writing */
}

/* n bytes from `at` on, out of the blocks. */
static const struct block *
copy_out(uint8_t *to, const struct block *block, uint64_t at, size_t n)
{
    while (n != 0) {
        size_t skip, part;
        while (block->at + block->size <= at) {
            block = block->next;
        }
        skip = (size_t)(at - block->at);
        part = block->size - skip < n ? block->size - skip : n;
        memcpy(to, block->data + skip, part);
        to += part;
        at += part;
        n -= part;
    }
    return block;
}

static int
write_blocks(struct write_job *w, uint8_t *buffer)
{
    const struct block *block = w->first;
    int rc = 0;

    for (uint64_t at = w->from; at < w->to && rc == 0;) {
        uint64_t i = at / FILE_BLOCK;
        size_t n = w->to - at < FILE_BLOCK ? (size_t)(w->to - at) : FILE_BLOCK;
        uint32_t crc;
        block = copy_out(buffer, block, at, n);
        crc = file_block_crc(w->sp->file, i, buffer, n);
        little_put(buffer + n, crc, FILE_CRC);
        rc = sys_write_all(w->sp->fd, buffer, n + FILE_CRC, file_block_at(w->sp->head_size, i));
        at += n;
    }
    return rc;
}

/* The one name makes way for the other. [any thread] */
static int
move(const struct write_job *w, const char *from, const char *to)
{
    int rc = sys->rename(from, to);

    if (rc == -ENOENT) {
        rc = path_make_folders(&w->sp->s->o, w->hash);
        rc = rc == 0 ? sys->rename(from, to) : rc;
    }
    return rc;
}

/* A reader that is far behind may need the file for the first time when another has taken its name,
 * or it is not wanted any more: until the last has gone there is a name that is nobody else's.
 * False: the file system has no links. */
static bool
move_copy(const struct write_job *w, const char *from, const char *to)
{
    char copy[PATH_SIZE];

    if (!path_of_temp(copy, &w->sp->s->o, ~w->sp->file) || sys->link(from, copy) != 0) {
        return false;
    }
    if (move(w, copy, to) != 0) {
        (void)sys->unlink(copy);
        return false;
    }
    return true;
}

/* The head, and then the name. */
static int
name_it(struct write_job *w)
{
    const struct spool *sp = w->sp;
    PATH_ROOM(from);
    PATH_ROOM(to);
    uint8_t *head = malloc(sp->head_size);
    int rc = head == NULL ? -ENOMEM : 0;

    if (rc == 0) {
        file_head_write(head, (weir_str){ sp->key, sp->key_len }, &w->meta, sp->file, w->hash,
                        w->flags);
        rc = sys_write_all(sp->fd, head, sp->head_size, 0);
    }
    free(head);
    if (rc == 0 && (!path_of_temp(from, &sp->s->o, sp->file) || !path_of(to, &sp->s->o, w->hash))) {
        rc = -ENAMETOOLONG;
    }
    w->linked = rc == 0 && w->linked && move_copy(w, from, to);
    return rc == 0 && !w->linked ? move(w, from, to) : rc;
}

static void
work(struct job *j)
{
    struct write_job *w = (struct write_job *)(void *)j;
    uint8_t *buffer = malloc(FILE_BLOCK + FILE_CRC);

    w->rc = buffer == NULL ? -ENOMEM : w->sp->fd < 0 ? begin(w) : 0;
    if (w->rc == 0) {
        w->rc = write_blocks(w, buffer);
    }
    if (w->rc == 0 && w->length >= 0) {
        w->rc = name_it(w);
    }
    free(buffer);
}

/* ---- In the loop. ---- */

static void
destroy(struct spool *sp)
{
    if (sp->fd >= 0) {
        (void)sys->close(sp->fd);
    }
    if ((atomic_load(&sp->o->flags) & OBJECT_DOOMED) != 0 && shared_lock(sp->s)) {
        (void)doomed_named(sp->s, sp->o->hash, sp->file); /* it never will be */
        shared_unlock(sp->s);
    }
    slot_release(sp->s, sp->mark);
    free(sp->key);
    free(sp);
}

/* It has its name now: is the response still wanted? */
static void
named(struct spool *sp, bool linked)
{
    struct store *s = sp->s;
    struct object *o = sp->o;

    if (!shared_lock(s)) {
        return;
    }
    CHANGE(s, o->body->linked, linked);
    CHANGE(s, o->body->temp, false);
    if ((o->entry == NULL || o->entry->fill != o) && !doomed_named(s, o->hash, sp->file)) {
        (void)doomed_add(s, o->hash, sp->file);
    }
    shared_unlock(s);
}

static void
done(struct job *j)
{
    struct write_job *w = (struct write_job *)(void *)j;
    struct spool *sp = w->sp;
    struct body *b = sp->o->body;

    sp->busy = false;
    if (w->rc == 0) {
        atomic_store(&b->on_disk, w->to);
        if (w->length >= 0) {
            named(sp, w->linked);
        }
    } else {
        sp->failed = true;
        spool_failed(sp->s, w->rc, w->expected);
    }
    if (sp->f == NULL) {
        destroy(sp);
        return;
    }
    wake_watchers(sp->s, b);
    if (sp->failed) {
        fill_relay(sp->f);
        fill_go(sp->f);
    } else if (w->length >= 0) {
        fill_whole(sp->f); /* sp is closed by it */
    } else {
        fill_go(sp->f);
    }
}

/* Write up to `to`; last: and be done with it. */
static void
start(struct spool *sp, uint64_t to, bool last)
{
    struct write_job *w = malloc(sizeof(*w));
    struct object *o = sp->o;
    const struct block *block = o->body->first;
    uint64_t from = sp->queued;

    if (w == NULL) {
        return;
    }
    while (block != NULL && block->at + block->size <= sp->queued) {
        block = block->next;
    }
    *w = (struct write_job){ .sp = sp, .first = block, .from = sp->queued, .to = to };
    w->length = last ? (int64_t)to : -1;
    w->linked = o->body->trimmed; /* else all of it stays in memory, as long as somebody reads */
    w->expected = o->meta.length > 0 ? (uint64_t)o->meta.length : 0;
    w->meta = o->meta;
    w->meta.length = (int64_t)to;
    w->hash[0] = o->hash[0];
    w->hash[1] = o->hash[1];
    w->flags = (o->flags & OBJECT_STALE) != 0 ? FILE_STALE : 0;
    sp->busy = true;
    sp->queued = to;
    if (!job_run(sp->s, &w->job, work, done)) {
        free(w); /* the queue of the threads is full: tried again with whatever comes next */
        sp->busy = false;
        sp->queued = from;
        sp->s->stalled = true;
        wake_arm(sp->s, &sp->f->room, o->body);
    }
}

void
spool_go(struct spool *sp)
{
    uint64_t there = atomic_load(&sp->o->body->written), to = there;

    if (sp->busy || sp->failed) {
        return;
    }
    if (to - sp->queued > BATCH) {
        to = sp->queued + BATCH;
    }
    if (!sp->ending || to != there) {
        to -= to % FILE_BLOCK;
    }
    if (to > sp->queued || (sp->ending && to == there)) {
        start(sp, to, sp->ending && to == there);
    }
}

void
spool_end(struct spool *sp)
{
    sp->ending = true;
    if (sp->failed) {
        fill_whole(sp->f);
    } else {
        spool_go(sp);
    }
}

bool
spool_rest(struct spool *sp)
{
    sp->failed = sp->failed || !sp->busy;
    return !sp->busy;
}

void
spool_close(struct spool *sp)
{
    sp->f = NULL;
    if (!sp->busy) {
        destroy(sp);
    }
}

/* The key is copied: the entry may go before the file has its name. Under the lock. */
static bool
set_up(struct spool *sp, const struct entry *e)
{
    struct store *s = sp->s;
    struct body *b = sp->o->body;

    sp->head_size = (uint32_t)file_head_size(entry_key(e), &sp->o->meta);
    sp->key_len = e->key_len;
    sp->key = malloc(e->key_len + 1);
    sp->mark =
        sp->key != NULL && sp->head_size != 0 ? slot_mark(s, MARK_OBJECT, sp->o, NULL) : NULL;
    if (sp->mark == NULL) {
        return false;
    }
    memcpy(sp->key, e->key, e->key_len);
    object_ref(s, sp->o);
    CHANGE(s, b->file, sp->file);
    CHANGE(s, b->hash[0], sp->o->hash[0]);
    CHANGE(s, b->hash[1], sp->o->hash[1]);
    CHANGE(s, b->temp, true);
    CHANGE(s, b->head_size, sp->head_size);
    CHANGE(s, b->kind, BODY_FILE);
    return true;
}

struct spool *
spool_open(struct store_fill *f)
{
    struct store *s = f->s;
    struct object *o = f->o;
    struct spool *sp;
    bool fine = false;

    if ((o->flags & OBJECT_HEAD) == 0 || !spool_has_room(s, o->meta.length)) {
        return NULL;
    }
    sp = calloc(1, sizeof(*sp));
    if (sp == NULL) {
        return NULL;
    }
    sp->s = s;
    sp->f = f;
    sp->o = o;
    sp->fd = -1;
    do {
        weir_random(&sp->file, sizeof(sp->file));
    } while (sp->file == 0);
    if (shared_lock(s)) {
        fine = o->entry != NULL && set_up(sp, o->entry);
        shared_unlock(s);
    }
    if (!fine) {
        free(sp->key);
        free(sp);
        return NULL;
    }
    return sp;
}
