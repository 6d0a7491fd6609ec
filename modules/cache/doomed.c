/* cache/doomed.c - the list, in the zone: a file stays on it until its file is gone, so that one
 * who dies leaves it to the next who has the duty. A file that has got another number meanwhile is
 * another's. */
#include "doomed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "entry.h"
#include "file.h"
#include "job.h"
#include "little.h"
#include "path.h"
#include "sys.h"

enum { BATCH = 64, NUMBER_AT = 48 /* where a head has its file's number */ };

struct undertaking {
    struct job job;
    uint32_t n;
    struct doomed *at[BATCH]; /* in the list */
    struct doomed of[BATCH];  /* what they say */
    bool failed;
};

/* At the end, behind those that came before. */
static void
append(struct store *s, struct doomed *d)
{
    struct root *r = s->root;

    CHANGE(s, r->doomed_count, r->doomed_count + 1);
    CHANGE(s, d->number, r->doomed_count);
    CHANGE(s, d->next, NULL);
    if (r->doomed_last != NULL) {
        CHANGE(s, r->doomed_last->next, d);
    } else {
        CHANGE(s, r->doomed, d);
    }
    CHANGE(s, r->doomed_last, d);
}

static bool
add(struct store *s, const struct doomed *what)
{
    struct doomed *d = shared_alloc(s, sizeof(*d));

    if (d == NULL) {
        CHANGE(s, s->root->strays, true);
        return false;
    }
    *d = *what;
    append(s, d);
    return true;
}

bool
doomed_add(struct store *s, const uint64_t hash[2], uint64_t file)
{
    return add(
        s, &(struct doomed){ .hash = { hash[0], hash[1] }, .file = file, .writer = SHARED_SLOTS });
}

bool
doomed_add_temp(struct store *s, uint64_t file)
{
    return add(s, &(struct doomed){ .file = file, .writer = SHARED_SLOTS, .temp = true });
}

bool
doomed_add_coming(struct store *s, const uint64_t hash[2], uint64_t file, uint32_t writer,
                  uint32_t writer_turn)
{
    return add(s, &(struct doomed){ .hash = { hash[0], hash[1] },
                                    .file = file,
                                    .writer = writer,
                                    .writer_turn = writer_turn });
}

void
doomed_add_entry(struct store *s, struct entry *e)
{
    struct doomed *d = (struct doomed *)(void *)e;
    uint64_t file = e->file;
    uint32_t writer = e->writer, turn = e->writer_turn;

    _Static_assert(sizeof(*d) <= sizeof(*e), "it lies in an entry's memory");
    _Static_assert(offsetof(struct doomed, hash) == offsetof(struct entry, hash), "");
    if (!entry_is_coming(e)) {
        writer = SHARED_SLOTS;
    }
    CHANGE(s, d->file, file);
    CHANGE(s, d->writer, writer);
    CHANGE(s, d->writer_turn, turn);
    CHANGE(s, d->temp, false);
    append(s, d);
}

bool
doomed_named(struct store *s, const uint64_t hash[2], uint64_t file)
{
    for (struct doomed *d = s->root->doomed; d != NULL; d = d->next) {
        if (d->writer != SHARED_SLOTS && d->file == file && d->hash[0] == hash[0] &&
            d->hash[1] == hash[1]) {
            CHANGE(s, d->writer, SHARED_SLOTS);
            return true;
        }
    }
    return false;
}

bool
doomed_gone(const struct store *s, uint64_t count)
{
    const struct doomed *d = s->root->doomed;

    return !s->root->strays && (d == NULL || d->number > count);
}

/* ---- In the thread. ---- */

static bool
has_number(const char *path, uint64_t file)
{
    uint8_t head[NUMBER_AT + 8];
    int fd = sys->open(path, O_RDONLY, 0);
    int rc;

    if (fd < 0) {
        return fd != -ENOENT; /* try to unlink what cannot be opened */
    }
    rc = sys_read_all(fd, head, sizeof(head), 0);
    (void)sys->close(fd);
    return rc != 0 || little_get(head + NUMBER_AT, 8) == file;
}

static void
work(struct job *j)
{
    struct undertaking *u = (struct undertaking *)(void *)j;
    PATH_ROOM(path);

    for (uint32_t i = 0; i < u->n; i++) {
        const struct doomed *d = &u->of[i];
        bool named =
            d->temp ? path_of_temp(path, &j->s->o, d->file) : path_of(path, &j->s->o, d->hash);
        if (named && (d->temp || d->file == 0 || has_number(path, d->file))) {
            int rc = sys->unlink(path);
            u->failed |= rc != 0 && rc != -ENOENT && !d->temp;
        }
    }
}

/* ---- In the loop. ---- */

static void
drop(struct store *s, struct doomed *d)
{
    struct doomed *before = NULL, *at = s->root->doomed;

    while (at != NULL && at != d) {
        before = at;
        at = at->next;
    }
    if (at == NULL) {
        return;
    }
    if (before != NULL) {
        CHANGE(s, before->next, d->next);
    } else {
        CHANGE(s, s->root->doomed, d->next);
    }
    if (d->next == NULL) {
        CHANGE(s, s->root->doomed_last, before);
    }
    shared_free(s, d);
}

static void
done(struct job *j)
{
    struct undertaking *u = (struct undertaking *)(void *)j;
    struct store *s = j->s;

    s->unlinking = false;
    if (!shared_lock(s)) {
        return;
    }
    if (u->failed) { /* the journal keeps what was purged out after the next start */
        CHANGE(s, s->root->strays, true);
    }
    for (uint32_t i = 0; i < u->n; i++) {
        drop(s, u->at[i]);
        shared_commit(s);
    }
    shared_unlock(s);
    if (s->root->doomed != NULL) {
        doomed_go(s);
    }
}

/* Is a file of that name being written now? Then the old one goes by the rename. Or is it not named
 * yet itself? */
static bool
must_wait(struct store *s, const struct doomed *d)
{
    const struct entry *e = d->temp ? NULL : entry_find_hash(s, d->hash);

    if (d->writer < SHARED_SLOTS && s->root->slots[d->writer].used &&
        s->root->slots[d->writer].turn == d->writer_turn) {
        return true;
    }
    return e != NULL && (e->flags & ENTRY_WRITING) != 0;
}

void
doomed_go(struct store *s)
{
    struct undertaking *u;

    if (s->unlinking || !s->on_duty || s->root->doomed == NULL) {
        return;
    }
    u = calloc(1, sizeof(*u));
    if (u == NULL || !shared_lock(s)) {
        free(u);
        return;
    }
    for (struct doomed *d = s->root->doomed; d != NULL && u->n < BATCH; d = d->next) {
        if (!must_wait(s, d)) {
            u->at[u->n] = d;
            u->of[u->n++] = *d;
        }
    }
    shared_unlock(s);
    s->unlinking = u->n != 0 && job_run(s, &u->job, work, done);
    if (!s->unlinking) {
        free(u);
    }
}
