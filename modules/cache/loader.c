/* cache/loader.c - first the snapshot, block by block; then the names in the folder, which say what
 * of the snapshot is still there, and the heads of files that it does not know; then what only the
 * snapshot knew goes.
 *
 * Threads read, the loop enters what they found, a few hundred at a time. Should the worker die,
 * the next with the duty begins anew.
 */
#include "loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "doomed.h"
#include "entry.h"
#include "job.h"
#include "look.h"
#include "path.h"
#include "saver.h"
#include "scan.h"
#include "sip.h"
#include "snapshot.h"
#include "sys.h"

enum { FIRST = 4096, FILES_MAX = 1024, BUCKETS = 4096 };

enum stage { STAGE_SNAPSHOT, STAGE_NAMES, STAGE_SWEEP };

struct file_found {
    struct looked looked;
    int64_t size;
    int rc;
};

struct loader {
    struct store *s;
    weir_timer *timer;
    enum stage stage;
    int fd; /* of the snapshot; -1: not open */
    uint64_t at;
    struct scan *scan;
    bool busy, names_end;
    uint32_t bucket;
};

/* A job: a block of the snapshot, names, or heads of files. */
struct load_job {
    struct job job;
    struct loader *l;
    uint8_t *block; /* NULL: there is none that is right */
    uint32_t n;
    bool end;
    struct scan_name *names;
    struct file_found *files; /* of the names that are not known; NULL: not read yet */
};

static void step(void *data);

static void
next(struct loader *l, uint64_t ms)
{
    l->busy = false;
    if (!l->s->stopping) {
        weir_timer_set(l->timer, ms);
    }
}

static bool
run(struct loader *l, struct load_job *j, void (*work)(struct job *j), void (*done)(struct job *j))
{
    j->l = l;
    l->busy = job_run(l->s, &j->job, work, done);
    return l->busy;
}

/* ---- The snapshot. ---- */

static void
read_block(struct job *job)
{
    struct load_job *j = (struct load_job *)(void *)job;
    struct loader *l = j->l;
    uint8_t head[SNAPSHOT_HEAD];
    char path[PATH_SIZE];
    uint32_t n;

    if (l->fd < 0) {
        l->fd = path_in(path, &job->s->o, "index") ? sys->open(path, O_RDONLY, 0) : -ENOENT;
        l->at = SNAPSHOT_HEAD;
        if (l->fd < 0 || sys_read_all(l->fd, head, SNAPSHOT_HEAD, 0) != 0 ||
            !snapshot_head_read(head, saver_check(job->s))) {
            return;
        }
    }
    if (sys_read_all(l->fd, head, SNAPSHOT_BLOCK_HEAD, l->at) != 0) {
        return;
    }
    n = snapshot_block_tells_size(head);
    j->block = n != 0 ? malloc(SNAPSHOT_BLOCK_HEAD + n) : NULL;
    if (j->block != NULL && (sys_read_all(l->fd, j->block, SNAPSHOT_BLOCK_HEAD + n, l->at) != 0 ||
                             !snapshot_block_whole(j->block))) {
        free(j->block);
        j->block = NULL;
    }
    l->at += SNAPSHOT_BLOCK_HEAD + n;
}

static void
enter_record(struct store *s, const struct snapshot_record *r)
{
    struct entry_known k = { .key = { .text = r->key, .hash = { r->hash[0], r->hash[1] } },
                             .file = r->file };
    uint64_t is[2], now = weir_now() / 1000;
    struct entry *e;

    sip_hash(s->root->secret, r->key.data, r->key.len, is);
    if (is[0] != r->hash[0] || is[1] != r->hash[1] || entry_find_hash(s, r->hash) != NULL) {
        return;
    }
    k.size = r->size;
    k.tags = r->tags;
    k.n_tags = r->n_tags;
    k.stale = (r->flags & 1) != 0;
    e = entry_load(s, &k);
    if (e != NULL) {
        CHANGE(s, e->flags, e->flags | ENTRY_GUESSED);
        e->used_s = (uint32_t)(now > r->unused_s ? now - r->unused_s : 0);
    }
    shared_commit(s);
}

static void
block_read(struct job *job)
{
    struct load_job *j = (struct load_job *)(void *)job;
    struct loader *l = j->l;
    struct snapshot_record r;
    const uint8_t *p;
    size_t n;

    if (j->block == NULL) {
        if (l->fd >= 0) {
            (void)sys->close(l->fd);
            l->fd = -1;
        }
        l->stage = STAGE_NAMES;
        next(l, 0);
        return;
    }
    p = j->block + SNAPSHOT_BLOCK_HEAD;
    n = snapshot_block_tells_size(j->block);
    if (shared_lock(l->s)) {
        while (snapshot_record_read(&p, &n, &r)) {
            enter_record(l->s, &r);
        }
        shared_unlock(l->s);
    }
    free(j->block);
    next(l, 0);
}

/* ---- Names and heads. ---- */

static void
read_names(struct job *job)
{
    struct load_job *j = (struct load_job *)(void *)job;
    const struct store_options *o = &job->s->o;
    uint32_t max = o->loader_files < FILES_MAX ? o->loader_files : FILES_MAX;

    if (j->l->scan == NULL) {
        j->l->scan = scan_open(o);
    }
    j->names = calloc(FILES_MAX, sizeof(*j->names));
    j->end = j->l->scan == NULL || j->names == NULL;
    if (!j->end) {
        j->n = scan_next(j->l->scan, j->names, max != 0 ? max : 1, o->loader_threshold_ms, &j->end);
    }
}

static void
read_heads(struct job *job)
{
    struct load_job *j = (struct load_job *)(void *)job;
    char path[PATH_SIZE];

    for (uint32_t i = 0; i < j->n; i++) {
        struct file_found *f = &j->files[i];
        int fd =
            path_of(path, &job->s->o, j->names[i].hash) ? sys->open(path, O_RDONLY, 0) : -ENOENT;
        f->rc = fd;
        if (fd >= 0) {
            f->size = sys->size(fd);
            f->rc = look_into(&f->looked, fd, FIRST, j->names[i].hash);
            (void)sys->close(fd);
        }
    }
}

static void
enter_file(struct store *s, const struct scan_name *name, const struct file_found *f)
{
    const struct file_head *h = &f->looked.head;
    struct entry_known k = { .key = { .text = h->key, .hash = { name->hash[0], name->hash[1] } } };
    uint64_t is[2], tags[STORE_TAGS_MAX];

    if (f->rc == 0) {
        sip_hash(s->root->secret, h->key.data, h->key.len, is);
    }
    if (f->rc == -ESTALE && entry_find_hash(s, name->hash) == NULL) {
        doomed_add(s, name->hash, 0);
    } else if (f->rc == -EBADMSG || f->rc == -EIO ||
               (f->rc == 0 && (is[0] != name->hash[0] || is[1] != name->hash[1]))) {
        CHANGE(s, s->root->stats.damaged, s->root->stats.damaged + 1);
        if (entry_find_hash(s, name->hash) == NULL) {
            (void)doomed_add(s, name->hash, 0);
        }
    } else if (f->rc == 0 && entry_find_hash(s, name->hash) == NULL) {
        file_head_tags(h, tags);
        k.file = h->file;
        k.size = (uint64_t)f->size;
        k.tags = tags;
        k.n_tags = h->n_tags;
        k.stale = (h->flags & FILE_STALE) != 0;
        if (entry_load(s, &k) == NULL) {
            CHANGE(s, s->root->strays, true);
        }
    }
    shared_commit(s);
}

static void
heads_read(struct job *job)
{
    struct load_job *j = (struct load_job *)(void *)job;
    struct loader *l = j->l;

    if (shared_lock(l->s)) {
        for (uint32_t i = 0; i < j->n; i++) {
            enter_file(l->s, &j->names[i], &j->files[i]);
        }
        shared_unlock(l->s);
    }
    for (uint32_t i = 0; i < j->n; i++) {
        looked_free(&j->files[i].looked);
    }
    free(j->files);
    free(j->names);
    l->stage = l->names_end ? STAGE_SWEEP : l->stage;
    next(l, l->s->o.loader_sleep_ms);
}

/* Which of them does the index not know? */
static void
keep_unknown(struct store *s, struct load_job *j)
{
    uint32_t n = 0;

    if (!shared_lock(s)) {
        j->n = 0;
        return;
    }
    for (uint32_t i = 0; i < j->n; i++) {
        struct entry *e = entry_find_hash(s, j->names[i].hash);
        if (e == NULL) {
            j->names[n++] = j->names[i];
        } else if ((e->flags & ENTRY_GUESSED) != 0) {
            CHANGE(s, e->flags, e->flags & ~(uint32_t)ENTRY_GUESSED);
            shared_commit(s);
        }
    }
    shared_unlock(s);
    j->n = n;
}

static void
names_read(struct job *job)
{
    struct load_job *j = (struct load_job *)(void *)job;
    struct loader *l = j->l;
    bool all_known, end = j->end;
    struct load_job *heads;

    keep_unknown(l->s, j);
    all_known = j->n == 0;
    l->names_end = end;
    if (end && l->scan != NULL) {
        scan_close(l->scan);
        l->scan = NULL;
    }
    heads = all_known ? NULL : calloc(1, sizeof(*heads));
    if (heads != NULL) {
        heads->n = j->n;
        heads->names = j->names;
        heads->files = calloc(j->n, sizeof(*heads->files));
        if (heads->files != NULL && run(l, heads, read_heads, heads_read)) {
            return;
        }
        free(heads->files);
        free(heads);
    }
    free(j->names);
    l->stage = end ? STAGE_SWEEP : l->stage;
    next(l, all_known ? 0 : l->s->o.loader_sleep_ms);
}

/* ---- The end. ---- */

/* What only the snapshot knew, a part of the buckets. True: that was all. */
static bool
sweep(struct loader *l)
{
    struct store *s = l->s;
    struct root *r = s->root;
    struct entry *e, *after;
    bool over;

    if (!shared_lock(s)) {
        return true;
    }
    for (uint32_t i = 0; i < BUCKETS && l->bucket < r->n_buckets; i++, l->bucket++) {
        for (e = r->buckets[l->bucket]; e != NULL; e = after) {
            after = e->next;
            if ((e->flags & ENTRY_GUESSED) != 0) {
                CHANGE(s, e->flags, e->flags & ~(uint32_t)ENTRY_GUESSED);
                entry_file_missing(s, e->hash);
                shared_commit(s);
            }
        }
    }
    over = l->bucket == r->n_buckets;
    if (over) {
        CHANGE(s, r->loading, false);
        CHANGE(s, r->loaded, true);
    }
    shared_unlock(s);
    return over;
}

static void
step(void *data)
{
    struct loader *l = data;
    struct load_job *j;
    bool started;

    if (l->busy || l->s->stopping) {
        return;
    }
    if (l->stage == STAGE_SWEEP) {
        if (!sweep(l)) {
            next(l, 0);
        }
        return;
    }
    j = calloc(1, sizeof(*j));
    started = j != NULL && (l->stage == STAGE_SNAPSHOT ? run(l, j, read_block, block_read)
                                                       : run(l, j, read_names, names_read));
    if (!started) {
        free(j);
        next(l, l->s->o.loader_sleep_ms + 1);
    }
}

void
loader_go(struct store *s)
{
    struct loader *l;

    if (!s->root->loading || s->loader != NULL) {
        return;
    }
    l = weir_zalloc(weir_worker_pool(), sizeof(*l));
    l->s = s;
    l->fd = -1;
    s->loader = l;
    l->timer = weir_timer_start(weir_worker_pool(), 0, step, l);
}

void
loader_stop(struct store *s)
{
    struct loader *l = s->loader;

    if (l == NULL) {
        return;
    }
    weir_timer_stop(l->timer);
    if (l->scan != NULL) {
        scan_close(l->scan);
    }
    if (l->fd >= 0) {
        (void)sys->close(l->fd);
    }
}
