/* cache/doomed.c - the list, in the zone: an entry stays on it until its file is gone, so that one
 * who dies leaves it to the next who has the duty. A file that has got another number meanwhile is
 * another's. */
#include "doomed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "entry.h"
#include "file.h"
#include "job.h"
#include "path.h"
#include "sys.h"

enum { BATCH = 64, NUMBER_AT = 48 /* where a head has its file's number */ };

struct undertaking {
    struct job job;
    uint32_t n;
    struct doomed *at[BATCH]; /* in the list */
    struct doomed of[BATCH];  /* what they say */
    bool gone[BATCH];
};

static void
add(struct store *s, const uint64_t hash[2], uint64_t file, bool temp)
{
    struct doomed *d = shared_alloc(s, sizeof(*d));

    if (d == NULL) {
        return; /* the loader finds the file at the next start */
    }
    d->hash[0] = hash[0];
    d->hash[1] = hash[1];
    d->file = file;
    d->temp = temp;
    d->next = s->root->doomed;
    CHANGE(s, s->root->doomed, d);
}

void
doomed_add(struct store *s, const uint64_t hash[2], uint64_t file)
{
    add(s, hash, file, false);
}

void
doomed_add_temp(struct store *s, uint64_t file)
{
    static const uint64_t none[2];

    add(s, none, file, true);
}

/* ---- In the thread. ---- */

static bool
has_number(const char *path, uint64_t file)
{
    uint8_t head[NUMBER_AT + 8];
    uint64_t number = 0;
    int fd = sys->open(path, O_RDONLY, 0);
    int rc;

    if (fd < 0) {
        return fd != -ENOENT; /* try to unlink what cannot be opened */
    }
    rc = sys_read_all(fd, head, sizeof(head), 0);
    (void)sys->close(fd);
    for (int i = 0; i < 8; i++) {
        number |= (uint64_t)head[NUMBER_AT + i] << 8 * i;
    }
    return rc != 0 || number == file;
}

static void
work(struct job *j)
{
    struct undertaking *u = (struct undertaking *)(void *)j;
    char path[PATH_SIZE];

    for (uint32_t i = 0; i < u->n; i++) {
        const struct doomed *d = &u->of[i];
        bool named =
            d->temp ? path_of_temp(path, &j->s->o, d->file) : path_of(path, &j->s->o, d->hash);
        if (named && (d->temp || d->file == 0 || has_number(path, d->file))) {
            (void)sys->unlink(path);
        }
        u->gone[i] = true;
    }
}

/* ---- In the loop. ---- */

static void
drop(struct store *s, struct doomed *d)
{
    struct doomed **at = &s->root->doomed;

    while (*at != NULL && *at != d) {
        at = &(*at)->next;
    }
    if (*at == d) {
        CHANGE(s, *at, d->next);
        shared_free(s, d);
    }
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
    for (uint32_t i = 0; i < u->n; i++) {
        if (u->gone[i]) {
            drop(s, u->at[i]);
            shared_commit(s);
        }
    }
    shared_unlock(s);
    if (s->root->doomed != NULL) {
        doomed_go(s);
    }
}

/* Is a file of that name being written now? Then the old one goes by the rename. */
static bool
must_wait(struct store *s, const struct doomed *d)
{
    const struct entry *e = d->temp ? NULL : entry_find_hash(s, d->hash);

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
