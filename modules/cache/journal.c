/* cache/journal.c - gathering, appending, tidying. A file is appended to by all workers; one write
 * takes a number of whole records. */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "doomed.h"
#include "job.h"
#include "path.h"
#include "scan.h"
#include "sys.h"

enum { GATHERED_MAX = 1 << 20, SAY_MS = 1000 };

struct journal {
    struct store *s;
    uint64_t file; /* where what is gathered goes */
    uint8_t *bytes;
    size_t n, room;
    struct journal_wait *gathered, *writing; /* who waits for what */
    uint64_t said_at;
    bool all; /* what is gathered is too much, or there was no memory: a purge of all stands for it
               */
    bool busy, tidying;
};

struct append {
    struct job job;
    uint64_t file;
    uint8_t *bytes;
    size_t n;
    bool all;
    int rc;
};

struct tidy {
    struct job job;
    uint64_t keep; /* the present file */
};

void
journal_open(struct store *s)
{
    s->journal = weir_zalloc(weir_worker_pool(), sizeof(*s->journal));
    s->journal->s = s;
}

/* "PATH/purges/0123456789abcdef"; false: too long. */
static bool
journal_path(char *to, const struct store_options *o, uint64_t file)
{
    char name[40];

    (void)snprintf(name, sizeof(name), "purges/%016llx", (unsigned long long)file);
    return path_in(to, o, name);
}

/* ---- In the thread. ---- */

static int
open_file(const struct store_options *o, uint64_t file)
{
    const int flags = O_WRONLY | O_APPEND | O_CREAT;
    char path[PATH_SIZE], above[PATH_SIZE];
    int fd;

    if (!journal_path(path, o, file) || !path_in(above, o, "purges")) {
        return -ENAMETOOLONG;
    }
    fd = sys->open(path, flags, 0600);
    if (fd == -ENOENT) {
        (void)sys->mkdir(above, 0700);
        fd = sys->open(path, flags, 0600);
    }
    return fd;
}

static void
append(struct job *j)
{
    static const struct purge_record all = { .what = PURGE_ALL };
    struct append *a = (struct append *)(void *)j;
    uint8_t bytes[PURGE_RECORD_FIXED];
    int64_t size;
    int fd = open_file(&j->s->o, a->file);

    if (fd < 0) {
        a->rc = fd;
        return;
    }
    size = sys->size(fd);
    a->rc = size < 0 ? (int)size : 0;
    if (a->rc == 0 && a->all) {
        (void)purge_record_write(bytes, &all);
        a->rc = sys_write_all(fd, bytes, sizeof(bytes), 0);
    } else if (a->rc == 0 && size <= JOURNAL_MAX) {
        a->rc = sys_write_all(fd, a->bytes, a->n, 0); /* at the end, wherever that is by now */
    }
    (void)sys->close(fd);
}

/* ---- In the loop. ---- */

static void
tell_all(struct journal_wait **list, bool kept)
{
    struct journal_wait *w;

    while ((w = *list) != NULL) {
        *list = w->next;
        w->journal = NULL;
        w->done(w->data, kept);
    }
}

static void
appended(struct job *job)
{
    struct append *a = (struct append *)(void *)job;
    struct store *s = job->s;
    struct journal *j = s->journal;

    free(a->bytes);
    if (a->rc != 0 && shared_lock(s)) {
        CHANGE(s, s->root->stats.disk_failures, s->root->stats.disk_failures + 1);
        shared_unlock(s);
    }
    if (a->rc != 0 && weir_now() >= j->said_at + SAY_MS) {
        j->said_at = weir_now();
        weir_say(weir_main_log(), ERROR, "cache \"%.*s\": cannot write down a purge: %s",
                 WEIR_FMT(s->o.path), strerror(-a->rc));
    }
    tell_all(&j->writing, a->rc == 0);
    j->busy = false;
    journal_go(s);
}

void
journal_go(struct store *s)
{
    struct journal *j = s->journal;
    struct append *a;

    if (j->busy || (j->n == 0 && !j->all) || (a = calloc(1, sizeof(*a))) == NULL) {
        return;
    }
    a->file = j->file;
    a->bytes = j->bytes;
    a->n = j->n;
    a->all = j->all;
    if (!job_run(s, &a->job, append, appended)) {
        free(a); /* tried again with the next tick */
        return;
    }
    j->busy = true;
    j->bytes = NULL;
    j->n = j->room = 0;
    j->all = false;
    j->writing = j->gathered;
    j->gathered = NULL;
}

void
journal_close(struct store *s)
{
    struct journal *j = s->journal;
    struct append a = { .job.s = s, .file = j->file, .bytes = j->bytes, .n = j->n, .all = j->all };

    if (j->n != 0 || j->all) {
        append(&a.job);
    }
    for (struct journal_wait *w = j->gathered; w != NULL; w = w->next) {
        w->journal = NULL;
    }
    j->gathered = NULL;
    free(j->bytes);
    j->bytes = NULL;
    j->n = j->room = 0;
}

static bool
make_room(struct journal *j, size_t n)
{
    size_t room = j->room != 0 ? j->room : 256;
    uint8_t *bytes;

    if (j->n + n > GATHERED_MAX) {
        return false;
    }
    while (room < j->n + n) {
        room *= 2;
    }
    if (room > j->room) {
        bytes = realloc(j->bytes, room);
        if (bytes == NULL) {
            return false;
        }
        j->bytes = bytes;
        j->room = room;
    }
    return true;
}

void
journal_add(struct store *s, const struct purge_record *r, struct journal_wait *w)
{
    struct journal *j = s->journal;

    j->file = s->root->journal; /* one that is older would do as well: it goes later */
    if (make_room(j, purge_record_size(r))) {
        j->n = (size_t)(purge_record_write(j->bytes + j->n, r) - j->bytes);
    } else {
        j->all = true;
    }
    CHANGE(s, s->root->journal_used, true);
    if (w != NULL) {
        w->journal = j;
        w->next = j->gathered;
        j->gathered = w;
    }
}

static void
take_off(struct journal_wait **list, const struct journal_wait *w)
{
    while (*list != NULL && *list != w) {
        list = &(*list)->next;
    }
    if (*list != NULL) {
        *list = w->next;
    }
}

void
journal_leave(struct journal_wait *w)
{
    if (w->journal != NULL) {
        take_off(&w->journal->gathered, w);
        take_off(&w->journal->writing, w);
        w->journal = NULL;
    }
}

/* ---- What is done goes. ---- */

static void
unlink_old(struct job *j)
{
    scan_clean_purges(&j->s->o, ((struct tidy *)(void *)j)->keep);
}

static void
unlinked_old(struct job *j)
{
    struct store *s = j->s;

    s->journal->tidying = false;
    if (shared_lock(s)) {
        CHANGE(s, s->root->journal_closed, false);
        shared_unlock(s);
    }
}

/* Is nothing of it to be done but unlinking? */
static bool
is_quiet(const struct root *r)
{
    return r->n_bans == 0 && r->n_softened == 0 && !r->loading;
}

/* From here on another file. Purges whose walks are under way would be in both. Under the lock. */
static void
close_file(struct store *s)
{
    struct root *r = s->root;
    uint64_t file;

    weir_random(&file, sizeof(file));
    CHANGE(s, r->journal, file);
    CHANGE(s, r->journal_used, false);
    CHANGE(s, r->journal_closed, true);
    CHANGE(s, r->journal_until, r->doomed_count);
}

void
journal_tidy(struct store *s)
{
    struct root *r = s->root;
    struct tidy *t;
    bool gone = false;

    if (s->journal->tidying || (!r->journal_used && !r->journal_closed) || !shared_lock(s)) {
        return;
    }
    if (!r->journal_closed && is_quiet(r)) {
        close_file(s);
    }
    gone = r->journal_closed && doomed_gone(s, r->journal_until);
    shared_unlock(s);
    t = gone ? calloc(1, sizeof(*t)) : NULL;
    if (t != NULL) {
        t->keep = r->journal;
        s->journal->tidying = job_run(s, &t->job, unlink_old, unlinked_old);
        if (!s->journal->tidying) {
            free(t);
        }
    }
}

void
journal_end(struct store *s)
{
    const struct root *r = s->root;

    if ((r->journal_used || r->journal_closed) && is_quiet(r) && doomed_gone(s, r->doomed_count)) {
        scan_clean_purges(&s->o, 0);
    }
}
