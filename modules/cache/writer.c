/* cache/writer.c - writing behind: a thread writes, from memory that is held meanwhile, and the
 * index is told afterwards. While it writes, the entry is marked, so that nobody else does.
 */
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "doomed.h"
#include "entry.h"
#include "file.h"
#include "job.h"
#include "little.h"
#include "look.h"
#include "object.h"
#include "path.h"
#include "slot.h"
#include "spool.h"
#include "sys.h"

enum { AT_ONCE = 8, FIRST = 4096 };

struct writing {
    struct job job;
    struct object *o; /* held by mark; NULL: the file's own head, made stale */
    struct mark *mark;
    bool head_only;
    uint32_t flags; /* FILE_* */
    uint64_t hash[2], file, size;
    int rc;
    uint32_t key_len;
    char key[];
};

/* ---- In the thread. ---- */

/* The file as it will be, in one piece. NULL: no memory. */
static uint8_t *
make_image(const struct writing *w, size_t *size)
{
    const struct object *o = w->o;
    weir_str key = { w->key, w->key_len };
    size_t head = file_head_size(key, &o->meta), length = (size_t)o->meta.length, in_block = 0;
    uint8_t *image, *to, *from;
    uint64_t i = 0;

    *size = (size_t)file_end((uint32_t)head, length);
    image = head != 0 ? malloc(*size + 1) : NULL;
    if (image == NULL) {
        return NULL;
    }
    file_head_write(image, key, &o->meta, w->file, w->hash, w->flags);
    to = from = image + head;
    for (const struct block *b = o->body->first; b != NULL; b = b->next) {
        for (size_t at = 0; at < b->used;) {
            size_t n = b->used - at < FILE_BLOCK - in_block ? b->used - at : FILE_BLOCK - in_block;
            memcpy(to, b->data + at, n);
            to += n;
            at += n;
            in_block += n;
            if (in_block == FILE_BLOCK || (at == b->used && b->next == NULL)) {
                uint32_t crc = file_block_crc(w->file, i++, from, in_block);
                little_put(to, crc, FILE_CRC);
                from = to += FILE_CRC;
                in_block = 0;
            }
        }
    }
    return image;
}

static int
create(const struct store_options *o, char *path, uint64_t file)
{
    int fd;

    if (!path_of_temp(path, o, file)) {
        return -ENAMETOOLONG;
    }
    fd = sys->open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd == -ENOENT && path_in(path, o, "temp")) {
        (void)sys->mkdir(path, 0700);
        (void)path_of_temp(path, o, file);
        fd = sys->open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    }
    return fd;
}

static int
write_whole(const struct store_options *o, struct writing *w)
{
    PATH_ROOM(from);
    PATH_ROOM(to);
    size_t size;
    uint8_t *image = make_image(w, &size);
    int fd = image != NULL ? create(o, from, w->file) : -ENOMEM;
    int rc = fd;

    if (fd >= 0) {
        rc = sys_write_all(fd, image, size, 0);
        if (sys->close(fd) != 0 && rc == 0) {
            rc = -EIO;
        }
        if (rc == 0) {
            rc = !path_of(to, o, w->hash) ? -ENAMETOOLONG : sys->rename(from, to);
        }
        if (rc == -ENOENT) {
            rc = path_make_folders(o, w->hash);
            rc = rc == 0 ? sys->rename(from, to) : rc;
        }
        if (rc != 0) {
            (void)sys->unlink(from);
        }
    }
    free(image);
    w->size = size;
    return rc;
}

/* The file's own head once more, stale. */
static int
append_stale(int fd, const struct looked *l)
{
    weir_pair *pairs = malloc((l->head.n_fields + 1) * sizeof(*pairs));
    weir_header *fields = calloc(l->head.n_fields + 1, sizeof(*fields));
    struct store_meta m = { .status = l->head.status, .flags = l->head.meta_flags };
    uint64_t tags[STORE_TAGS_MAX];
    uint8_t *image = NULL;
    int rc = -ENOMEM;
    size_t size;

    if (pairs != NULL && fields != NULL) {
        file_head_pairs(&l->head, pairs);
        file_head_tags(&l->head, tags);
        for (uint32_t i = 0; i < l->head.n_fields; i++) {
            fields[i].name = pairs[i].name;
            fields[i].value = pairs[i].value;
            fields[i].next = i + 1 < l->head.n_fields ? &fields[i + 1] : NULL;
        }
        memcpy(m.times, l->head.times, sizeof(m.times));
        m.length = (int64_t)l->head.length;
        m.reason = l->head.reason;
        m.note = l->head.note;
        m.tags = tags;
        m.n_tags = l->head.n_tags;
        m.fields = l->head.n_fields != 0 ? fields : NULL;
        size = file_head_size(l->head.key, &m);
        image = malloc(size + 1);
        if (image != NULL) {
            file_head_write(image, l->head.key, &m, l->head.file, l->head.hash, FILE_STALE);
            rc = sys_write_all(fd, image, size, l->heads_end);
        }
    }
    free(image);
    free(fields);
    free(pairs);
    return rc;
}

static int
append_head(int fd, const struct writing *w, const struct looked *l)
{
    weir_str key = { w->key, w->key_len };
    struct store_meta m = w->o->meta;
    size_t size = file_head_size(key, &m);
    uint8_t *image = size != 0 ? malloc(size) : NULL;
    int rc;

    if (image == NULL) {
        return -ENOMEM;
    }
    file_head_write(image, key, &m, w->file, w->hash, w->flags);
    rc = sys_write_all(fd, image, size, l->heads_end);
    free(image);
    return rc;
}

/* Behind what is there: a head that is cut leaves the one before it in force. */
static int
append(const struct store_options *o, struct writing *w)
{
    PATH_ROOM(path);
    struct looked l;
    int fd = path_of(path, o, w->hash) ? sys->open(path, O_RDWR, 0) : -ENAMETOOLONG;
    int rc;

    if (fd < 0) {
        return fd;
    }
    rc = look_into(&l, fd, FIRST, w->hash);
    if (rc == 0 && w->file != 0 && l.head.file != w->file) {
        rc = -ENOENT;
    }
    if (rc == 0 && l.heads_end - file_end(l.head.size, l.head.length) > FILE_TAIL_MAX / 2) {
        rc = -EFBIG;
    }
    if (rc == 0) {
        rc = w->o != NULL ? append_head(fd, w, &l) : append_stale(fd, &l);
    }
    w->size = l.heads_end;
    looked_free(&l);
    (void)sys->close(fd);
    return rc;
}

static void
work(struct job *j)
{
    struct writing *w = (struct writing *)(void *)j;

    w->rc = w->head_only ? append(&j->s->o, w) : write_whole(&j->s->o, w);
}

/* ---- In the loop. ---- */

/* A whole response has been written, or has not. */
static void
wrote(struct store *s, struct entry *e, struct writing *w)
{
    if (w->rc == 0) {
        entry_set_file(s, e, w->file, w->size);
        CHANGE(s, w->o->body->file, w->file);
        CHANGE(s, w->o->body->head_size, (uint32_t)file_head_size(entry_key(e), &w->o->meta));
    } else {
        entry_set_file(s, e, 0, 0);
        entry_tidy(s, e);
    }
}

/* A head could not be added. An older one may stay if it is only less fresh. */
static void
gave_up(struct store *s, struct entry *e, const struct writing *w)
{
    bool older_will_do = (w->flags & FILE_STALE) == 0 && (w->rc == -ENOSPC || w->rc == -EDQUOT ||
                                                          w->rc == -EIO || w->rc == -ENOMEM);

    if (w->rc != 0 && !older_will_do) {
        entry_forget_file(s, e);
        entry_tidy(s, e);
    }
}

static void
settle(struct store *s, struct writing *w)
{
    struct entry *e = entry_find_hash(s, w->hash);
    bool same = e != NULL && e->file == w->file;

    if (same || (e != NULL && e->file == 0)) { /* and not one that another writes meanwhile */
        CHANGE(s, e->flags, e->flags & ~(uint32_t)ENTRY_WRITING);
    }
    if (same) {
        if (w->head_only) {
            gave_up(s, e, w);
        } else {
            wrote(s, e, w);
        }
    } else if (!w->head_only && !doomed_named(s, w->hash, w->file) && w->rc == 0) {
        (void)doomed_add(s, w->hash, w->file); /* not wanted any more */
    }
    if (w->mark != NULL) {
        slot_release_now(s, w->mark);
    }
    e = entry_find_hash(s, w->hash);
    if (e != NULL && same && (e->flags & ENTRY_DIRTY) == 0) {
        entry_softened(s, e);
    }
    if (e != NULL && w->rc == 0) {
        writer_look_at(s, e); /* it may have changed again */
    }
}

static void
done(struct job *j)
{
    struct writing *w = (struct writing *)(void *)j;
    struct store *s = j->s;

    s->n_writing--;
    if (w->rc != 0 && w->rc != -ENOENT && w->rc != -EFBIG && w->rc != -EBADMSG) {
        spool_failed(s, w->rc, w->size);
    }
    if (shared_lock(s)) {
        settle(s, w);
        shared_unlock(s);
    }
}

static struct writing *
make(struct store *s, struct entry *e, bool head_only)
{
    struct writing *w = malloc(sizeof(*w) + e->key_len);

    if (w == NULL) {
        return NULL;
    }
    *w = (struct writing){ .head_only = head_only,
                           .flags = (e->flags & ENTRY_STALE) != 0 ? FILE_STALE : 0,
                           .hash = { e->hash[0], e->hash[1] },
                           .file = e->file,
                           .key_len = e->key_len };
    while (w->file == 0) {
        weir_random(&w->file, sizeof(w->file));
    }
    memcpy(w->key, e->key, e->key_len);
    if (e->object != NULL) {
        w->mark = slot_mark(s, MARK_OBJECT, e->object, NULL);
        if (w->mark == NULL) {
            free(w);
            return NULL;
        }
        w->o = e->object;
        object_ref(s, w->o);
    }
    return w;
}

static void
consider(struct store *s, struct entry *e)
{
    bool whole =
        e->file == 0 && e->object != NULL && atomic_load(&e->object->body->kind) == BODY_MEMORY;
    bool head = e->file != 0 && (e->flags & ENTRY_DIRTY) != 0;
    struct writing *w;

    if ((!whole && !head) || (e->flags & ENTRY_WRITING) != 0 || s->stopping ||
        !spool_has_room(s, whole ? e->object->meta.length : 0)) {
        return;
    }
    if (s->n_writing >= AT_ONCE) {
        s->root->behind = true; /* a hint: needs no note */
        return;
    }
    w = make(s, e, head);
    if (w == NULL) {
        return;
    }
    if (!job_run(s, &w->job, work, done)) {
        if (w->mark != NULL) {
            slot_release_now(s, w->mark);
        }
        free(w);
        return;
    }
    s->n_writing++;
    CHANGE(s, e->flags, (e->flags | ENTRY_WRITING) & ~(uint32_t)ENTRY_DIRTY);
    CHANGE(s, e->writer, s->me);
    CHANGE(s, e->writer_turn, s->slot->turn);
    if (whole) {
        CHANGE(s, e->file, w->file);
    }
}

/* Its writer died in the middle: nobody knows what is there. */
static void
take_over(struct store *s, struct entry *e)
{
    const struct slot *sl = &s->root->slots[e->writer];

    if ((e->flags & ENTRY_WRITING) == 0 || (sl->used && sl->turn == e->writer_turn)) {
        return;
    }
    CHANGE(s, e->flags, e->flags & ~(uint32_t)ENTRY_WRITING);
    if (e->file != 0) {
        entry_forget_file(s, e);
    }
}

bool
writer_is_busy(struct store *s)
{
    return s->n_writing >= AT_ONCE || s->stopping || !spool_has_room(s, 0);
}

int
writer_make_stale(const struct store_options *o, const uint64_t hash[2])
{
    struct writing w = { .hash = { hash[0], hash[1] }, .head_only = true, .flags = FILE_STALE };

    return append(o, &w);
}

void
writer_look_at(struct store *s, struct entry *e)
{
    take_over(s, e);
    consider(s, e);
}
