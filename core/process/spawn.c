/* process/spawn.c - workers: starting them, hearing from them, noticing their end, shooting those
 * that hang. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "module/metric.h"
#include "process/channel.h"
#include "process/master.h"
#include "process/worker.h"

enum {
    CRASH_SPAN_MS = 10 * 1000, /* WR_CRASHES in this time are too many */
    RESPAWN_MS = 1000,         /* then one try a second */
    WATCH_MS = 500,
    START_LIMIT_MS = 30 * 1000 /* modules may take this long to start in a worker */
};

#define EACH_CHILD(c, m)                                                                           \
    WR_LIST_EACH (at, &(m)->workers)                                                               \
        for (struct wr_child *c = WR_CONTAINER(at, struct wr_child, link); c != NULL; c = NULL)

/* Start a worker of generation g, number `number`. False after a logged error. */
static bool spawn(struct wr_master *m, struct wr_generation *g, uint64_t number,
                  const struct wr_privileges_user *user, uint32_t index);

/* ---- Hearing from them. ---- */

static void
heard(struct wr_child *c, const struct wr_message *m)
{
    struct wr_master *master = c->master;

    if (m->kind == WR_MESSAGE_READY) {
        c->ready = true;
        c->beat_ms = wr_clock.now_ms;
        if (c->generation == master->number) {
            master->serving = true;
        } else {
            wr_reload_worker_ready(master);
        }
    } else if (m->kind == WR_MESSAGE_REPLACE && !c->leaving && c->generation == master->number) {
        c->leaving = true;
        if (spawn(master, master->current, master->number, &master->user, c->index)) {
            (void)kill(c->pid, SIGQUIT);
        } else {
            c->leaving = false;
        }
    }
}

static void
channel_ready(struct wr_io *io, uint32_t events)
{
    struct wr_child *c = WR_CONTAINER(io, struct wr_child, channel);
    struct wr_message m;
    int passed, rc;

    (void)events;
    while ((rc = wr_channel_receive(io->fd, &m, &passed)) == 0) {
        if (passed >= 0) {
            (void)close(passed);
        }
        heard(c, &m);
    }
    if (rc != -EAGAIN) { /* its end tells more */
        wr_loop_remove(c->master->loop, io);
    }
}

/* ---- Starting one. ---- */

/* In the child: let go of what is the master's, of sockets that only another generation listens at,
 * and of that one's memory: when the master ends it, nothing of it is left anywhere. */
static void
forget_master(struct wr_master *m, const struct wr_generation *g, const struct wr_child *self)
{
    struct wr_generation *other = m->current != g ? m->current : m->reload.next;

    EACH_CHILD(c, m)
    {
        if (c != self && c->channel.fd >= 0) {
            (void)close(c->channel.fd);
        }
    }
    if (other != NULL && other != g) {
        wr_listen_close_unused(other->listens, g->listens, false);
        wr_generation_forget(other);
    }
    if (m->reload.report.fd > 0) {
        (void)close(m->reload.report.fd);
    }
    (void)close(m->signals.io.fd);
    wr_loop_destroy(&m->loop);
}

_Noreturn static void
be_worker(struct wr_master *m, struct wr_generation *g, const struct wr_privileges_user *user,
          struct wr_child *self, const int ends[2], pid_t master)
{
    struct wr_worker_start start = {
        .generation = g,
        .row = &m->board.rows[self->row],
        .user = user,
        .metrics_row = self->row,
        .index = self->index,
        .channel = ends[1],
        .master = master,
    };

    (void)close(ends[0]);
    wr_log_process_set(&g->conf->error_log);
    forget_master(m, g, self);
    exit(wr_worker_run(&start));
}

static struct wr_child *
make_child(struct wr_master *m, const struct wr_generation *g, uint64_t number, uint32_t index,
           int row)
{
    struct wr_child *c = calloc(1, sizeof(*c));
    struct wr_board_row *board = &m->board.rows[row];

    WR_ASSERT(c != NULL);
    c->master = m;
    c->index = index;
    c->row = row;
    c->generation = number;
    c->started_ms = c->beat_ms = wr_clock.now_ms;
    c->watchdog_ms = g->conf->watchdog_ms;
    c->channel = (struct wr_io){ .fd = -1, .ready = channel_ready };
    board->crash[0] = '\0';
    c->beat = atomic_load_explicit(&board->beat, memory_order_relaxed);
    return c;
}

static bool
start_failed(struct wr_master *m, struct wr_child *c, int error, const char *what)
{
    wr_log_errno(wr_log_process(), WR_LOG_ALERT, error, "%s failed while starting a worker process",
                 what);
    wr_metrics_row_free(m->instance->metrics, c->row);
    free(c);
    return false;
}

static bool
spawn(struct wr_master *m, struct wr_generation *g, uint64_t number,
      const struct wr_privileges_user *user, uint32_t index)
{
    int row = wr_metrics_row_take(m->instance->metrics), ends[2], rc;
    pid_t master = getpid();
    struct wr_child *c;

    if (row < 0) {
        wr_say(wr_log_process(), ALERT, "too many worker processes at one time");
        return false;
    }
    c = make_child(m, g, number, index, row);
    rc = wr_channel_open(ends);
    if (rc != 0) {
        return start_failed(m, c, -rc, "socketpair()");
    }
    wr_logfiles_detach(&m->instance->logs);
    c->pid = fork();
    if (c->pid == 0) {
        be_worker(m, g, user, c, ends, master);
    }
    (void)close(ends[1]);
    if (c->pid < 0) {
        int error = errno;
        (void)close(ends[0]);
        return start_failed(m, c, error, "fork()");
    }
    c->channel.fd = ends[0];
    (void)wr_loop_add(m->loop, &c->channel, EPOLLIN);
    wr_list_add(&m->workers, &c->link);
    wr_say(wr_log_process(), NOTICE, "start worker process %d", (int)c->pid);
    return true;
}

uint32_t
wr_spawn_all(struct wr_master *m, struct wr_generation *g, uint64_t number,
             const struct wr_privileges_user *user)
{
    uint32_t n = 0;

    wr_say(wr_log_process(), NOTICE, "start worker processes");
    for (uint32_t i = 0; i < g->conf->workers; i++) {
        n += spawn(m, g, number, user, i);
    }
    return n;
}

/* ---- All of them. ---- */

void
wr_spawn_signal(struct wr_master *m, int number, uint64_t generation, bool others, bool leaving)
{
    EACH_CHILD(c, m)
    {
        if (generation == 0 || (c->generation == generation) != others) {
            c->leaving |= leaving;
            if (kill(c->pid, number) != 0 && errno != ESRCH) {
                wr_log_errno(wr_log_process(), WR_LOG_ALERT, errno, "kill(%d, %d) failed",
                             (int)c->pid, number);
            }
        }
    }
}

uint32_t
wr_spawn_count(const struct wr_master *m, uint64_t generation, bool ready_only)
{
    uint32_t n = 0;

    EACH_CHILD(c, m)
    {
        n += (generation == 0 || c->generation == generation) && (!ready_only || c->ready);
    }
    return n;
}

/* Is the worker `index` of the current generation there? */
static bool
has_index(const struct wr_master *m, uint32_t index)
{
    EACH_CHILD(c, m)
    {
        if (c->generation == m->number && c->index == index && !c->leaving) {
            return true;
        }
    }
    return false;
}

void
wr_spawn_missing(struct wr_master *m)
{
    const uint64_t oldest = m->crashes_ms[m->crash_at];

    if (m->quitting || m->stopping || m->no_workers) {
        return;
    }
    if (oldest != 0 && wr_clock.now_ms - oldest < CRASH_SPAN_MS && !wr_timer_running(&m->respawn)) {
        wr_say(wr_log_process(), ERROR, "worker processes end too fast, starting the next in %d ms",
               RESPAWN_MS);
        wr_timer_set(m->loop, &m->respawn, RESPAWN_MS);
    }
    if (wr_timer_running(&m->respawn)) {
        return;
    }
    for (uint32_t i = 0; i < m->current->conf->workers; i++) {
        if (!has_index(m, i) && !spawn(m, m->current, m->number, &m->user, i)) {
            wr_timer_set(m->loop, &m->respawn, RESPAWN_MS);
            return;
        }
    }
}

/* ---- Their end. ---- */

static void
log_end(const struct wr_master *m, const struct wr_child *c, int status)
{
    const char *words = m->board.rows[c->row].crash;

    if (WIFSIGNALED(status)) {
        wr_say(wr_log_process(), ALERT, "worker process %d exited on signal %d%s", (int)c->pid,
               WTERMSIG(status), WCOREDUMP(status) ? " (core dumped)" : "");
        if (words[0] != '\0') {
            wr_say(wr_log_process(), ERROR, "worker process %d %.*s", (int)c->pid, WR_BOARD_TEXT,
                   words);
        }
    } else {
        wr_say(wr_log_process(), NOTICE, "worker process %d exited with code %d", (int)c->pid,
               WEXITSTATUS(status));
    }
}

static void
note_crash(struct wr_master *m)
{
    m->crashes_ms[m->crash_at] = wr_clock.now_ms;
    m->crash_at = (m->crash_at + 1) % WR_CRASHES;
}

/* What its end means for the others. */
static void
consider_end(struct wr_master *m, const struct wr_child *c, int status)
{
    if (m->reload.step == WR_RELOAD_STARTING && c->generation == m->reload.number) {
        wr_reload_worker_failed(m);
        return;
    }
    if (!m->serving && !c->leaving && WIFEXITED(status) && WEXITSTATUS(status) == WR_WORKER_FATAL) {
        wr_say(wr_log_process(), EMERG, "a worker process cannot start, giving up");
        m->stopping = true;
        m->exit_code = 1;
        wr_spawn_signal(m, SIGTERM, 0, false, true);
        return;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != WR_WORKER_DONE) {
        note_crash(m);
    }
    if (!c->leaving) {
        wr_spawn_missing(m);
    }
}

bool
wr_spawn_ended(struct wr_master *m, pid_t pid, int status)
{
    EACH_CHILD(c, m)
    {
        if (c->pid != pid) {
            continue;
        }
        if (c->channel.events != 0) { /* it may have said that it was ready */
            channel_ready(&c->channel, 0);
        }
        wr_loop_remove(m->loop, &c->channel);
        (void)close(c->channel.fd);
        wr_list_remove(&c->link);
        log_end(m, c, status);
        wr_metrics_row_free(m->instance->metrics, c->row);
        consider_end(m, c, status);
        free(c);
        return true;
    }
    return false;
}

/* ---- Watchdog. ---- */

/* First a signal that lets it name the code it hangs in, then one that it cannot refuse. */
static void
shoot(struct wr_child *c, const char *why)
{
    wr_say(wr_log_process(), ERROR, "worker process %d %s, ending it", (int)c->pid, why);
    (void)kill(c->pid, c->shot ? SIGKILL : SIGABRT);
    c->shot = true;
    c->beat_ms = wr_clock.now_ms;
}

static void
look(struct wr_master *m, struct wr_child *c)
{
    uint64_t beat = atomic_load_explicit(&m->board.rows[c->row].beat, memory_order_relaxed);
    uint64_t limit = c->shot ? 2 * WATCH_MS : c->watchdog_ms;

    if (beat != c->beat) {
        c->beat = beat;
        c->beat_ms = wr_clock.now_ms;
    } else if (!c->ready) {
        if (wr_clock.now_ms - c->started_ms > START_LIMIT_MS) {
            shoot(c, "does not start");
        }
    } else if (limit != 0 && wr_clock.now_ms - c->beat_ms > limit) {
        shoot(c, "hangs");
    }
}

static void
watch(struct wr_timer *t)
{
    struct wr_master *m = WR_CONTAINER(t, struct wr_master, watchdog);
    /* When we did not run, neither did they: the machine slept. */
    bool slept = m->watched_ms != 0 && wr_clock.now_ms - m->watched_ms > 4 * WATCH_MS;

    m->watched_ms = wr_clock.now_ms;
    EACH_CHILD(c, m)
    {
        if (slept) {
            c->beat_ms = wr_clock.now_ms;
        } else {
            look(m, c);
        }
    }
    wr_timer_set(m->loop, &m->watchdog, WATCH_MS);
}

static void
respawn_due(struct wr_timer *t)
{
    struct wr_master *m = WR_CONTAINER(t, struct wr_master, respawn);

    memset(m->crashes_ms, 0, sizeof(m->crashes_ms));
    wr_spawn_missing(m);
}

void
wr_spawn_watch(struct wr_master *m)
{
    m->watchdog.fire = watch;
    m->respawn.fire = respawn_due;
    wr_timer_set(m->loop, &m->watchdog, WATCH_MS);
}
