/* event/loop.h - one thread's wait for things to happen: descriptors, timers, tasks, and what must wait for a turn's end.
 *
 * A turn: wait, read the clock, call what is ready, fire timers, run tasks, then free what died during the turn. Memory of a
 * thing that events may still name is given back only at the turn's end (wr_loop_bury), so no callback sees a freed one.
 */
#ifndef WR_EVENT_LOOP_H
#define WR_EVENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/heap.h"
#include "base/list.h"

struct wr_loop;

/* A descriptor that is waited for; lives in its owner's struct. ready(io, EPOLL*) is called with what epoll reported. */
struct wr_io {
    int fd; /* -1: none */
    uint32_t events; /* as registered; 0: not registered */
    void (*ready)(struct wr_io *io, uint32_t events);
};

/* A deadline. Moving it later is a store; the heap looks again when the old time comes. */
struct wr_timer {
    struct wr_heap_node node; /* in the heap under the time it was last placed for */
    uint64_t due_ms;          /* 0: not running */
    void (*fire)(struct wr_timer *t);
};

/* Something to do soon, on this thread: lives in its owner's struct; adding it twice is adding it once. */
struct wr_task {
    struct wr_list link;
    void (*run)(struct wr_task *t);
    uint64_t ran; /* the turn it ran in last */
};

struct wr_loop *wr_loop_create(void);
void wr_loop_destroy(struct wr_loop **loop);

/* The loop of this thread; NULL in threads that have none. */
struct wr_loop *wr_loop_self(void);

/* One turn, waiting at most max_ms (-1: until something happens). */
void wr_loop_turn(struct wr_loop *loop, int max_ms);

/* Wait for io->fd; events as epoll_ctl takes them (EPOLLET and EPOLLEXCLUSIVE included). 0 or -errno. */
int wr_loop_add(struct wr_loop *loop, struct wr_io *io, uint32_t events);
int wr_loop_change(struct wr_loop *loop, struct wr_io *io, uint32_t events);

/* Stop waiting for it. Events of this turn that name it are dropped. The descriptor stays open. */
void wr_loop_remove(struct wr_loop *loop, struct wr_io *io);

/* Forget io without a system call because its descriptor is about to be closed by its only holder. */
void wr_loop_forget(struct wr_loop *loop, struct wr_io *io);

/* (Re)start t to fire in ms milliseconds; 0 fires in the next turn. */
void wr_timer_set(struct wr_loop *loop, struct wr_timer *t, uint64_t ms);
void wr_timer_clear(struct wr_loop *loop, struct wr_timer *t);

/* Stop t for a while: it keeps its place in the heap, so that setting it again is a store. It must be cleared before its
 * memory goes. */
static inline void
wr_timer_rest(struct wr_timer *t)
{
    t->due_ms = 0;
}
static inline bool
wr_timer_running(const struct wr_timer *t)
{
    return t->due_ms != 0;
}

/* Run t->run(t) later in this turn; in the next if it has run in this one already, or the turn's tasks are over. */
void wr_task_add(struct wr_loop *loop, struct wr_task *t);
void wr_task_remove(struct wr_task *t);
static inline void
wr_task_init(struct wr_task *t, void (*run)(struct wr_task *t))
{
    wr_list_init(&t->link);
    t->run = run;
    t->ran = 0;
}

/* Run t->run(t) at the very end of the turn, after all tasks: gathered writes (logs). */
void wr_task_add_last(struct wr_loop *loop, struct wr_task *t);

/* Call free_it(t) when the turn is over and no event can name the thing any more. */
void wr_loop_bury(struct wr_loop *loop, struct wr_task *t, void (*free_it)(struct wr_task *t));

/* Turns since the loop began: "once a turn" caches compare it. */
uint64_t wr_loop_turns(const struct wr_loop *loop);


#endif
