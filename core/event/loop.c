/* event/loop.c - epoll, a heap of timers, and queues: tasks, last things, burials. */
#include "event/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"

enum {
    EVENTS = 256,
    ROUNDS = 4 /* of what follows of a task: a failure is told, the hook resumed, its answer sent, and one to spare */
};

struct wr_loop {
    int epoll_fd;
    int n_ready, at_ready; /* the batch being handled, so that a removed io's events can be dropped */
    bool firing; /* inside fire_timers */
    uint64_t turns;
    struct wr_heap timers;
    struct wr_list tasks;
    struct wr_list again; /* tasks that have run in this turn, and want to once more */
    struct wr_list last, buried;
    struct epoll_event ready[EVENTS];
};

/* A thread has its own or none: how the other threads are told apart from the loop's. */
static _Thread_local struct wr_loop *self;

struct wr_loop *
wr_loop_self(void)
{
    return self;
}

struct wr_loop *
wr_loop_create(void)
{
    struct wr_loop *loop = calloc(1, sizeof(*loop));

    WR_ASSERT(loop != NULL);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    WR_ASSERT(loop->epoll_fd >= 0);
    wr_heap_init(&loop->timers);
    wr_list_init(&loop->tasks);
    wr_list_init(&loop->again);
    wr_list_init(&loop->last);
    wr_list_init(&loop->buried);
    wr_clock_update();
    self = loop;
    return loop;
}

static void
run_task(struct wr_loop *loop, struct wr_task *t)
{
    wr_list_remove(&t->link);
    t->ran = loop->turns;
    t->run(t);
}

/* Run what is queued now; what these tasks add waits for the next round. */
static void
run_queue(struct wr_loop *loop, struct wr_list *queue)
{
    struct wr_list now;

    wr_list_init(&now);
    wr_list_join(&now, queue);
    while (!wr_list_empty(&now)) {
        run_task(loop, WR_CONTAINER(now.next, struct wr_task, link));
    }
}

/* The turn's tasks, each with what follows of it at once: a hook is resumed, its answer made, and sent while it is all that
 * was gathered, without another wait. What has run in this turn already waits for the next, so that none can starve
 * descriptors. */
static void
run_tasks(struct wr_loop *loop)
{
    struct wr_list now;

    wr_list_init(&now);
    wr_list_join(&now, &loop->tasks);
    wr_list_join(&now, &loop->again);
    while (!wr_list_empty(&now)) {
        run_task(loop, WR_CONTAINER(now.next, struct wr_task, link));
        for (int i = 0; i < ROUNDS && !wr_list_empty(&loop->tasks); i++) {
            run_queue(loop, &loop->tasks);
        }
    }
}

void
wr_loop_destroy(struct wr_loop **loop)
{
    struct wr_loop *old = *loop;

    if (old == NULL) {
        return;
    }
    run_queue(old, &old->buried); /* what ended since the last turn */
    *loop = NULL;
    self = self == old ? NULL : self;
    wr_heap_fini(&old->timers);
    (void)close(old->epoll_fd);
    free(old);
}

uint64_t
wr_loop_turns(const struct wr_loop *loop)
{
    return loop->turns;
}

/* ---- Descriptors. ---- */

static int
control(struct wr_loop *loop, int op, struct wr_io *io, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.ptr = io };

    if (epoll_ctl(loop->epoll_fd, op, io->fd, &e) != 0) {
        return -errno;
    }
    io->events = events;
    return 0;
}

int
wr_loop_add(struct wr_loop *loop, struct wr_io *io, uint32_t events)
{
    return control(loop, EPOLL_CTL_ADD, io, events);
}

int
wr_loop_change(struct wr_loop *loop, struct wr_io *io, uint32_t events)
{
    return control(loop, EPOLL_CTL_MOD, io, events);
}

void
wr_loop_forget(struct wr_loop *loop, struct wr_io *io)
{
    if (io->events == 0) {
        return;
    }
    io->events = 0;
    for (int i = loop->at_ready; i < loop->n_ready; i++) {
        if (loop->ready[i].data.ptr == io) {
            loop->ready[i].data.ptr = NULL;
        }
    }
}

void
wr_loop_remove(struct wr_loop *loop, struct wr_io *io)
{
    if (io->events != 0) {
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
        wr_loop_forget(loop, io);
    }
}

/* ---- Timers. ---- */

static WR_APART void
place(struct wr_loop *loop, struct wr_timer *t)
{
    wr_heap_move(&loop->timers, &t->node, t->due_ms);
}

void
wr_timer_set(struct wr_loop *loop, struct wr_timer *t, uint64_t ms)
{
    if (ms == 0 && loop->firing) {
        ms = 1; /* of this turn's timers it would be one more, and so for ever */
    }
    if (__builtin_add_overflow(wr_clock.now_ms, ms, &t->due_ms)) {
        t->due_ms = UINT64_MAX;
    }
    if (!wr_heap_holds(&t->node) || t->due_ms < t->node.key) {
        place(loop, t);
    }
}

void
wr_timer_clear(struct wr_loop *loop, struct wr_timer *t)
{
    t->due_ms = 0;
    wr_heap_remove(&loop->timers, &t->node);
}

/* Milliseconds until the next timer has to be looked at; -1: there is none. */
static int
next_timer(const struct wr_loop *loop)
{
    const struct wr_heap_node *n = wr_heap_first(&loop->timers);
    uint64_t left;

    if (n == NULL) {
        return -1;
    }
    left = n->key > wr_clock.now_ms ? n->key - wr_clock.now_ms : 0;
    return (int)WR_MIN(left, 3600u * 1000u);
}

static void
fire_timers(struct wr_loop *loop)
{
    struct wr_heap_node *n;

    loop->firing = true;
    while ((n = wr_heap_first(&loop->timers)) != NULL && n->key <= wr_clock.now_ms) {
        struct wr_timer *t = WR_CONTAINER(n, struct wr_timer, node);
        if (t->due_ms == 0) { /* rests */
            wr_heap_remove(&loop->timers, n);
            continue;
        }
        if (t->due_ms > wr_clock.now_ms) { /* was moved later meanwhile */
            wr_heap_move(&loop->timers, n, t->due_ms);
            continue;
        }
        wr_heap_remove(&loop->timers, n);
        t->due_ms = 0;
        t->fire(t);
    }
    loop->firing = false;
}

/* ---- Tasks. ---- */

void
wr_task_add(struct wr_loop *loop, struct wr_task *t)
{
    if (wr_list_empty(&t->link)) {
        wr_list_add(t->ran == loop->turns ? &loop->again : &loop->tasks, &t->link);
    }
}

void
wr_task_remove(struct wr_task *t)
{
    wr_list_remove(&t->link);
}

void
wr_task_add_last(struct wr_loop *loop, struct wr_task *t)
{
    if (wr_list_empty(&t->link)) {
        wr_list_add(&loop->last, &t->link);
    }
}

void
wr_loop_bury(struct wr_loop *loop, struct wr_task *t, void (*free_it)(struct wr_task *t))
{
    wr_list_remove(&t->link);
    t->run = free_it;
    wr_list_add(&loop->buried, &t->link);
}

/* ---- The turn. ---- */

static void
dispatch(struct wr_loop *loop)
{
    for (loop->at_ready = 0; loop->at_ready < loop->n_ready;) {
        const struct epoll_event *e = &loop->ready[loop->at_ready++];
        struct wr_io *io = e->data.ptr;
        if (io != NULL) {
            io->ready(io, e->events);
        }
    }
    loop->n_ready = loop->at_ready = 0;
}

void
wr_loop_turn(struct wr_loop *loop, int max_ms)
{
    bool idle = wr_list_empty(&loop->tasks) && wr_list_empty(&loop->again) && wr_list_empty(&loop->last);
    int wait_ms = idle ? next_timer(loop) : 0;
    int n;

    if (max_ms >= 0 && (wait_ms < 0 || wait_ms > max_ms)) {
        wait_ms = max_ms;
    }
    n = epoll_wait(loop->epoll_fd, loop->ready, EVENTS, wait_ms);
    if (n < 0 && errno != EINTR) {
        wr_log_errno(wr_log_process(), WR_LOG_ALERT, errno, "epoll_wait() failed");
    }
    wr_clock_update();
    loop->turns++;
    loop->n_ready = n > 0 ? n : 0;
    dispatch(loop);
    fire_timers(loop);
    run_tasks(loop);
    run_queue(loop, &loop->last);
    run_queue(loop, &loop->buried);
}
