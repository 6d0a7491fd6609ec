/* event/wake.c - posts from any thread, and weir_offload's threads.
 *
 * A post is a node on a locked list; the first on an empty one writes to an eventfd, for the loop
 * takes all of them at once. A job carries its own, and is freed in the loop after its work; a pool
 * that ends before that leaves it an orphan. A pool that lives on keeps nothing of jobs that are
 * done.
 */
#include "event/wake.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <weir/event.h>

#include "base/assert.h"
#include "base/pool.h"

/* Something to do in the loop: run(p), which frees it. */
struct post {
    struct post *next;
    void (*run)(struct post *p);
};

/* weir_post's. */
struct call {
    struct post post;
    void (*fn)(void *data);
    void *data;
};

struct job {
    struct post post; /* when its work is done */
    struct job *next;
    void (*work)(void *data);
    void (*done)(void *data);
    void (*dropped)(void *data);
    void *data;
    struct wr_owned owned; /* by the pool that started it, until it is done */
    bool orphan;           /* its owner ended: done must not be called (loop thread only) */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct post *first, **last;
    struct job *jobs, **jobs_last;
    uint32_t n_jobs, jobs_max, threads_max, threads;
    pthread_t *ids;
    bool open, ending;
    struct wr_io io;
    struct wr_loop *loop;
} wake = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };

static void
ready(struct wr_io *io, uint32_t events)
{
    uint64_t count;
    struct post *p;

    (void)events;
    (void)!read(io->fd, &count, sizeof(count));
    pthread_mutex_lock(&wake.lock);
    p = wake.first;
    wake.first = NULL;
    wake.last = &wake.first;
    pthread_mutex_unlock(&wake.lock);
    while (p != NULL) {
        struct post *next = p->next;
        p->run(p);
        p = next;
    }
}

int
wr_wake_open(struct wr_loop *loop, uint32_t threads, uint32_t queue)
{
    WR_ASSERT(!wake.open && threads >= 1 && threads <= 64);
    wake.io = (struct wr_io){ .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .ready = ready };
    if (wake.io.fd < 0) {
        return -errno;
    }
    wake.loop = loop;
    wake.last = &wake.first;
    wake.jobs_last = &wake.jobs;
    wake.threads_max = threads;
    wake.jobs_max = queue;
    wake.ids = calloc(threads, sizeof(*wake.ids));
    WR_ASSERT(wake.ids != NULL);
    wake.open = true;
    wake.ending = false;
    return wr_loop_add(loop, &wake.io, EPOLLIN);
}

/* Have the loop run p. Under the lock. */
static void
post(struct post *p)
{
    bool first = wake.first == NULL;
    uint64_t one = 1;

    p->next = NULL;
    *wake.last = p;
    wake.last = &p->next;
    if (first) {
        (void)!write(wake.io.fd, &one, sizeof(one));
    }
}

static void
run_call(struct post *p)
{
    struct call *c = WR_CONTAINER(p, struct call, post);

    c->fn(c->data);
    free(c);
}

int
weir_post(void (*fn)(void *data), void *data)
{
    struct call *c = malloc(sizeof(*c));
    bool open;

    WR_ASSERT(c != NULL);
    *c = (struct call){ .post = { .run = run_call }, .fn = fn, .data = data };
    pthread_mutex_lock(&wake.lock);
    open = wake.open;
    if (open) {
        post(&c->post);
    }
    pthread_mutex_unlock(&wake.lock);
    if (!open) {
        free(c);
    }
    return open ? WEIR_OK : WEIR_CLOSED;
}

/* ---- Offload. ---- */

/* In the loop, after work: tell the owner, or clean up behind one that is gone. */
static void
job_finished(struct post *p)
{
    struct job *j = WR_CONTAINER(p, struct job, post);

    if (j->orphan) {
        if (j->dropped != NULL) {
            j->dropped(j->data);
        }
    } else {
        wr_pool_disown(&j->owned); /* done may end the owner */
        j->done(j->data);
    }
    free(j);
}

static void
owner_ended(struct wr_owned *o)
{
    WR_CONTAINER(o, struct job, owned)->orphan = true;
}

static void *
thread_main(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&wake.lock);
    for (;;) {
        struct job *j = wake.jobs;
        if (j == NULL) {
            if (wake.ending) {
                break;
            }
            pthread_cond_wait(&wake.more, &wake.lock);
            continue;
        }
        wake.jobs = j->next;
        wake.jobs_last = wake.jobs == NULL ? &wake.jobs : wake.jobs_last;
        wake.n_jobs--;
        pthread_mutex_unlock(&wake.lock);
        j->work(j->data);
        pthread_mutex_lock(&wake.lock);
        post(&j->post); /* open: the threads end before it is closed */
    }
    pthread_mutex_unlock(&wake.lock);
    return NULL;
}

/* Signals are the loop's: threads block all. */
static bool
thread_start(void)
{
    sigset_t all, before;
    int error;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&wake.ids[wake.threads], NULL, thread_main, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    wake.threads += error == 0;
    return error == 0;
}

int
weir_offload(weir_pool *owner, void (*work)(void *data), void (*done)(void *data),
             void (*dropped)(void *data), void *data)
{
    struct job *j;

    pthread_mutex_lock(&wake.lock);
    if (!wake.open || wake.n_jobs >= wake.jobs_max) {
        pthread_mutex_unlock(&wake.lock);
        return WEIR_LIMIT;
    }
    if (wake.threads < wake.threads_max && !thread_start() && wake.threads == 0) {
        pthread_mutex_unlock(&wake.lock);
        return WEIR_LIMIT;
    }
    j = malloc(sizeof(*j));
    WR_ASSERT(j != NULL);
    *j = (struct job){ .post = { .run = job_finished },
                       .work = work,
                       .done = done,
                       .dropped = dropped,
                       .data = data };
    wr_pool_own(owner, &j->owned, owner_ended);
    *wake.jobs_last = j;
    wake.jobs_last = &j->next;
    wake.n_jobs++;
    pthread_cond_signal(&wake.more);
    pthread_mutex_unlock(&wake.lock);
    return WEIR_OK;
}

void
wr_wake_close(void)
{
    if (!wake.open) {
        return;
    }
    pthread_mutex_lock(&wake.lock);
    wake.ending = true;
    pthread_cond_broadcast(&wake.more);
    pthread_mutex_unlock(&wake.lock);
    for (uint32_t i = 0; i < wake.threads; i++) {
        (void)pthread_join(wake.ids[i], NULL);
    }
    ready(&wake.io, EPOLLIN);
    pthread_mutex_lock(&wake.lock);
    wake.open = false;
    pthread_mutex_unlock(&wake.lock);
    wr_loop_remove(wake.loop, &wake.io);
    (void)close(wake.io.fd);
    free(wake.ids);
    wake.threads = 0;
}
