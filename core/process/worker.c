/* process/worker.c - the life of a worker: start, turns of the loop, signals, leaving.
 *
 * It leaves gracefully (QUIT, or its master is gone): no new connections, idle ones closed, the
 * others may end what they have, up to worker_shutdown_timeout. Or at once (TERM).
 */
#include "process/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "event/wake.h"
#include "http/background.h"
#include "module/metric.h"
#include "module/worker_self.h"
#include "net/conn.h"
#include "net/pressure.h"
#include "process/certificates.h"
#include "process/channel.h"
#include "process/crash.h"
#include "process/memory.h"
#include "process/signals.h"
#include "process/title.h"

enum {
    ORPHAN_MS = 10 * 1000, /* what a worker without a master may take to end its work */
    BEAT_MAX_MS = 1000,
    BEATS = 4 /* that must be missed for a worker to count as hanging */
};

struct worker {
    const struct wr_worker_start *start;
    struct wr_generation *g;
    struct wr_loop *loop;
    struct weir_pool *pool;
    struct wr_signals signals;
    struct wr_io channel;
    struct wr_timer beat, deadline;
    struct wr_certificates certificates; /* of a single process */
    int statm; /* /proc/self/statm; -1: not needed */
    bool leaving, now, asked_replacement, last;
};

static struct worker *
of_signals(struct wr_signals *s)
{
    return WR_CONTAINER(s, struct worker, signals);
}

/* ---- Leaving. ---- */

static void
deadline_over(struct wr_timer *t)
{
    (void)t;
    if (wr_conn_counts.open != 0) {
        wr_say(wr_log_process(), NOTICE,
               "%u connections still open at the end of the time to leave", wr_conn_counts.open);
    }
    if (wr_background_count() != 0) {
        wr_say(wr_log_process(), NOTICE,
               "%u requests in the background not done at the end of the time to leave",
               wr_background_count());
    }
    wr_conn_close_all();
    wr_background_end_all();
}

static void
leave(struct worker *w, uint64_t at_most_ms)
{
    uint64_t ms = w->g->conf->shutdown_timeout_ms;

    if (w->leaving) {
        return;
    }
    w->leaving = true;
    wr_title_set("worker process is shutting down");
    wr_say(wr_log_process(), NOTICE, "gracefully shutting down");
    if (w->last || w->start->master == 0) {
        wr_listen_drain(w->g->listens);
    }
    wr_listen_stop(w->g->listens);
    wr_listen_close_all(w->g->listens, w->start->master == 0);
    wr_conn_quit_all();
    if (at_most_ms != 0 && (ms == 0 || ms > at_most_ms)) {
        ms = at_most_ms;
    }
    if (ms != 0) {
        w->deadline.fire = deadline_over;
        wr_timer_set(w->loop, &w->deadline, ms);
    }
}

static void
leave_now(struct worker *w)
{
    wr_say(wr_log_process(), NOTICE, "exiting");
    w->now = true;
    w->leaving = true;
    wr_listen_stop(w->g->listens);
    wr_listen_close_all(w->g->listens, w->start->master == 0);
    wr_conn_close_all();
    wr_background_end_all();
}

static void
got_orphaned(struct worker *w)
{
    if (!w->leaving) {
        wr_say(wr_log_process(), ERROR, "the master process is gone");
    }
    w->leaving = false; /* under the shorter limit, also when it was on its way already */
    leave(w, ORPHAN_MS);
}

/* ---- What comes from outside. ---- */

static void
count_reopened(const struct weir_logfile *f, void *data)
{
    (void)f;
    (void)data;
}

static void
channel_ready(struct wr_io *io, uint32_t events)
{
    struct worker *w = WR_CONTAINER(io, struct worker, channel);
    struct wr_message m;
    int passed, rc;

    (void)events;
    while ((rc = wr_channel_receive(io->fd, &m, &passed)) == 0) {
        w->last |= m.kind == WR_MESSAGE_LAST;
        if (m.kind == WR_MESSAGE_LOG && passed >= 0) {
            wr_logfiles_replace(&w->g->instance->logs, m.value, passed);
        } else if (m.kind == WR_MESSAGE_CERTIFICATE && passed >= 0) {
            wr_certificates_take(w->g, m.value, passed);
        } else if (passed >= 0) {
            (void)close(passed);
        }
    }
    if (rc == -EPIPE) {
        wr_loop_remove(w->loop, io);
        got_orphaned(w);
    }
}

static void
got_signal(struct wr_signals *s, int number, pid_t from)
{
    struct worker *w = of_signals(s);
    bool single = w->start->master == 0;

    switch (number) {
    case SIGQUIT:
        wr_signals_log(number, from, "shutting down");
        if (w->channel.events != 0) { /* what was sent before the signal */
            channel_ready(&w->channel, 0);
        }
        leave(w, 0);
        break;
    case SIGTERM:
    case SIGINT:
        wr_signals_log(number, from, "exiting");
        leave_now(w);
        break;
    case SIGUSR1:
        wr_signals_log(number, from, "reopening logs");
        if (single) {
            wr_logfiles_reopen(&w->g->instance->logs, count_reopened, NULL);
        }
        break;
    case SIGHUP:
        if (single) {
            wr_say(wr_log_process(), WARN, "a reload needs \"master_process on\", ignoring");
        }
        break;
    default: /* the master's */
        break;
    }
}

/* ---- The beat: proof of life, and a look at memory. ---- */

static uint64_t
resident_bytes(int statm)
{
    char text[128];
    ssize_t n = pread(statm, text, sizeof(text), 0);
    weir_str rest = { text, n > 0 ? (size_t)n : 0 };
    uint64_t pages = 0;
    size_t blank = 0;

    while (blank < rest.len && rest.data[blank] != ' ') {
        blank++;
    }
    for (size_t i = blank + 1; i < rest.len && rest.data[i] >= '0' && rest.data[i] <= '9'; i++) {
        pages = pages * 10 + (uint64_t)(rest.data[i] - '0');
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t
beat_ms(const struct worker *w)
{
    uint64_t watchdog = w->g->conf->watchdog_ms;

    return watchdog == 0 ? BEAT_MAX_MS : WR_MAX(WR_MIN(watchdog / BEATS, BEAT_MAX_MS), 1);
}

static void
beat(struct wr_timer *t)
{
    struct worker *w = WR_CONTAINER(t, struct worker, beat);

    if (w->start->row != NULL) {
        atomic_fetch_add_explicit(&w->start->row->beat, 1, memory_order_relaxed);
    }
    (void)wr_pressure_now();
    wr_pressure_give_back();
    if (w->statm >= 0 && !w->asked_replacement && resident_bytes(w->statm) > w->g->conf->max_rss) {
        w->asked_replacement = true;
        wr_say(wr_log_process(), NOTICE,
               "more memory than worker_max_rss, asking for a replacement");
        (void)wr_channel_send(w->channel.fd, (struct wr_message){ .kind = WR_MESSAGE_REPLACE }, -1);
    }
    wr_timer_set(w->loop, &w->beat, beat_ms(w));
}

/* ---- Starting. ---- */

static bool
start_channel(struct worker *w)
{
    w->channel = (struct wr_io){ .fd = w->start->channel, .ready = channel_ready };
    if (w->channel.fd < 0) {
        return true;
    }
    /* The master's end of the channel tells its death; this is for a master whose channel something
     * else holds open. */
    (void)prctl(PR_SET_PDEATHSIG, SIGQUIT, 0, 0, 0);
    return wr_loop_add(w->loop, &w->channel, EPOLLIN) == 0 && getppid() == w->start->master;
}

static int
error_log_fd(const struct wr_main_conf *conf)
{
    for (const struct wr_log_target *t = conf->error_log.first; t != NULL; t = t->next) {
        if (t->fd >= 0) {
            return t->fd;
        }
    }
    return -1;
}

static bool
start_modules(struct worker *w)
{
    struct wr_worker_self self = { .pool = w->pool,
                                   .index = w->start->index,
                                   .count = w->g->conf->workers,
                                   .registry = &w->g->registry };

    wr_worker_self_set(&self);
    wr_metrics_use(w->g->instance->metrics, &w->g->registry);
    wr_metrics_worker_start(w->g->instance->metrics, w->start->metrics_row);
    return wr_generation_worker_start(w->g);
}

static void
start_beat(struct worker *w)
{
    w->statm = -1;
    if (w->g->conf->max_rss != 0 && w->channel.fd >= 0) {
        w->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    }
    w->beat.fire = beat;
    wr_timer_set(w->loop, &w->beat, beat_ms(w));
}

static bool
start(struct worker *w)
{
    const struct wr_main_conf *conf = w->g->conf;
    struct wr_err err;
    int rc;

    wr_title_set(w->start->master != 0 ? "worker process" : "single process");
    if (!wr_privileges_drop(conf, w->start->user, w->start->index, w->g->events->connections,
                            &err)) {
        wr_say(wr_log_process(), EMERG, "%s", err.text);
        return false;
    }
    wr_crash_watch(w->start->row, error_log_fd(conf));
    w->loop = wr_loop_create();
    w->pool = wr_pool_create("worker", NULL);
    wr_conn_setup((uint32_t)w->g->events->connections);
    wr_pressure_setup(conf->memory != 0 ? conf->memory : wr_memory_share(conf->workers));
    rc = wr_signals_open(&w->signals, w->loop, got_signal);
    if (rc == 0) {
        rc = wr_wake_open(w->loop, conf->threads.threads, conf->threads.queue);
    }
    if (rc != 0) {
        wr_log_errno(wr_log_process(), WR_LOG_EMERG, -rc, "the worker cannot start");
        return false;
    }
    if (!start_modules(w)) {
        wr_say(wr_log_process(), EMERG, "a module cannot start in a worker");
        return false;
    }
    if (w->start->master == 0) {
        wr_certificates_watch(&w->certificates, &w->g, NULL, NULL);
    }
    wr_listen_start(w->g->listens, w->start->index);
    start_beat(w);
    return true;
}

/* ---- The course. ---- */

static void
serve(struct worker *w)
{
    if (!start_channel(w)) {
        got_orphaned(w);
    }
    if (w->channel.fd >= 0) {
        (void)wr_channel_send(w->channel.fd, (struct wr_message){ .kind = WR_MESSAGE_READY }, -1);
    }
    while (!w->leaving || (!w->now && (wr_conn_counts.open != 0 || wr_background_count() != 0))) {
        wr_loop_turn(w->loop, -1);
    }
    wr_loop_turn(w->loop, 0); /* what ended in the last turn is buried here */
}

static void
end(struct worker *w)
{
    wr_generation_worker_stop(w->g);
    wr_logfiles_detach(&w->g->instance->logs);
    wr_wake_close();
    wr_pool_destroy(&w->pool);
    wr_signals_close(&w->signals, w->loop);
    wr_say(wr_log_process(), NOTICE, "exit");
    wr_loop_destroy(&w->loop);
}

int
wr_worker_run(const struct wr_worker_start *from)
{
    struct worker w = { .start = from, .g = from->generation };

    if (!start(&w)) {
        return WR_WORKER_FATAL;
    }
    serve(&w);
    end(&w);
    return WR_WORKER_DONE;
}
