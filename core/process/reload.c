/* process/reload.c - a new configuration in the place of the old one, or nothing changed at all.
 *
 * A forked probe does everything first: it reads, checks, initialises and opens, and its crash or
 * hang costs only itself. Then the master does the same, starts new workers, and only when all of
 * them say that they serve are the old ones told to leave, and what only they listened at is
 * closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "process/console.h"
#include "process/load.h"
#include "process/master.h"
#include "process/pidfile.h"

enum {
    PROBE_LIMIT_MS = 30 * 1000,
    TEXT_ROOM = 64 * 1024, /* of a probe's report; what is more is not told */
    PROBE_REFUSED = 1
};

/* ---- In the probe. ---- */

struct probe_target {
    struct wr_log_target pub;
    int fd;
};

static void
probe_write(struct wr_log_target *t, uint32_t level, const char *line, size_t len)
{
    (void)level;
    (void)!write(WR_CONTAINER(t, struct probe_target, pub)->fd, line, len);
}

/* Try it all; the sockets that only we opened are closed and their files removed. */
static int
try_configuration(struct wr_master *m)
{
    const struct wr_load_report report = { .fd = -1, .kinds = 1u << WR_DIAG_ERROR };
    struct wr_privileges_user user;
    struct wr_err err;
    bool ok;
    struct wr_generation *g = wr_load(m->instance, &report, &ok);

    if (ok && (!wr_privileges_find(g->conf, &user, &err) ||
               !wr_generation_open(g, m->current->listens, &err))) {
        wr_say(wr_log_process(), EMERG, "%s", err.text);
        ok = false;
    }
    if (ok) {
        wr_listen_close_unused(g->listens, m->current->listens, true);
    }
    return ok ? 0 : PROBE_REFUSED;
}

_Noreturn static void
be_probe(struct wr_master *m, int report)
{
    struct probe_target target = {
        .pub = { .level = WR_LOG_WARN, .fd = -1, .write = probe_write },
        .fd = report,
    };
    struct wr_log_sink sink = { .first = &target.pub };

    wr_log_process_set(&sink);
    _exit(try_configuration(m));
}

/* ---- What it says. ---- */

static void
report_ready(struct wr_io *io, uint32_t events)
{
    struct wr_master *m = WR_CONTAINER(io, struct wr_master, reload.report);
    struct wr_reload *r = &m->reload;
    ssize_t n;

    (void)events;
    do {
        char more[4096];
        n = read(io->fd, more, sizeof(more));
        if (n > 0) {
            size_t fits = WR_MIN((size_t)n, (size_t)TEXT_ROOM - r->len);
            memcpy(r->text + r->len, more, fits);
            r->len += fits;
        }
    } while (n > 0);
    if (n == 0) {
        wr_loop_remove(m->loop, io);
    }
}

/* Its lines as ours. */
static void
log_report(const struct wr_reload *r)
{
    weir_str rest = { r->text, r->len };

    while (rest.len != 0) {
        size_t end = weir_str_find(rest, '\n');
        uint32_t level;
        weir_str message;
        if (wr_console_split(weir_str_cut(rest, 0, end), &level, &message)) {
            wr_log_line(wr_log_process(), level, "%.*s", WEIR_FMT(message));
        }
        rest = weir_str_cut(rest, end + 1, rest.len);
    }
}

static void
close_report(struct wr_master *m)
{
    struct wr_reload *r = &m->reload;

    if (r->report.fd > 0) {
        wr_loop_remove(m->loop, &r->report);
        (void)close(r->report.fd);
    }
    r->report.fd = -1;
    free(r->text);
    r->text = NULL;
    r->len = 0;
}

/* ---- Steps. ---- */

/* Back to rest; and on to the next, if one was asked for. */
static void
rest(struct wr_master *m)
{
    m->reload.step = WR_RELOAD_NONE;
    m->reload.next = NULL;
    wr_timer_clear(m->loop, &m->reload.limit);
    if (m->reload.again) {
        m->reload.again = false;
        wr_reload_begin(m);
    }
}

static void
fail(struct wr_master *m, const char *why)
{
    wr_say(wr_log_process(), ERROR, "%s; the configuration in force stays", why);
    rest(m);
}

static void
limit_over(struct wr_timer *t)
{
    struct wr_master *m = WR_CONTAINER(t, struct wr_master, reload.limit);

    if (m->reload.step == WR_RELOAD_PROBING) {
        wr_say(wr_log_process(), ERROR, "the new configuration takes longer than %d s to load",
               PROBE_LIMIT_MS / 1000);
        (void)kill(m->reload.probe, SIGKILL);
    } else if (m->reload.step == WR_RELOAD_STARTING) {
        wr_reload_worker_failed(m);
    }
}

void
wr_reload_begin(struct wr_master *m)
{
    struct wr_reload *r = &m->reload;
    int ends[2];

    if (r->step != WR_RELOAD_NONE) {
        r->again = true;
        return;
    }
    wr_say(wr_log_process(), NOTICE, "reconfiguring");
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        wr_log_errno(wr_log_process(), WR_LOG_ALERT, errno, "pipe() failed");
        return;
    }
    wr_logfiles_detach(&m->instance->logs);
    r->probe = fork();
    if (r->probe == 0) {
        (void)close(ends[0]);
        be_probe(m, ends[1]);
    }
    (void)close(ends[1]);
    if (r->probe < 0) {
        wr_log_errno(wr_log_process(), WR_LOG_ALERT, errno, "fork() failed");
        (void)close(ends[0]);
        r->probe = 0;
        return;
    }
    r->text = malloc(TEXT_ROOM);
    WR_ASSERT(r->text != NULL);
    r->len = 0;
    r->report = (struct wr_io){ .fd = ends[0], .ready = report_ready };
    (void)wr_loop_add(m->loop, &r->report, EPOLLIN);
    r->limit.fire = limit_over;
    wr_timer_set(m->loop, &r->limit, PROBE_LIMIT_MS);
    r->step = WR_RELOAD_PROBING;
}

/* The probe was content: the same here, and workers for it. */
static void
start_next(struct wr_master *m)
{
    struct wr_reload *r = &m->reload;
    const struct wr_load_report report = {
        .fd = -1, .kinds = 1u << WR_DIAG_ERROR | 1u << WR_DIAG_WARN
    };
    struct wr_err err = { "" };
    bool ok;
    struct wr_generation *g = wr_load(m->instance, &report, &ok);

    (void)wr_load_faulty_sites(&m->instance->sites);
    wr_generation_settle(g);
    if (ok && (!wr_privileges_find(g->conf, &r->user, &err) ||
               !wr_generation_open(g, m->current->listens, &err))) {
        wr_say(wr_log_process(), EMERG, "%s", err.text);
        ok = false;
    }
    if (!ok) {
        wr_generation_destroy(&g);
        fail(m, "the new configuration was refused");
        return;
    }
    r->next = g;
    r->number = ++m->last_number;
    r->step = WR_RELOAD_STARTING;
    wr_timer_set(m->loop, &r->limit, PROBE_LIMIT_MS);
    if (wr_spawn_all(m, g, r->number, &r->user) != g->conf->workers) {
        wr_reload_worker_failed(m);
    }
}

bool
wr_reload_ended(struct wr_master *m, pid_t pid, int status)
{
    struct wr_reload *r = &m->reload;

    if (r->probe != pid || pid == 0) {
        return false;
    }
    r->probe = 0;
    if (r->step != WR_RELOAD_PROBING) { /* it was cancelled */
        return true;
    }
    report_ready(&r->report, 0);
    wr_timer_clear(m->loop, &r->limit);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        close_report(m);
        start_next(m);
        return true;
    }
    log_report(r);
    close_report(m);
    if (WIFSIGNALED(status)) {
        wr_say(wr_log_process(), ERROR, "trying the new configuration ended by signal %d",
               WTERMSIG(status));
    }
    fail(m, "the new configuration was refused");
    return true;
}

/* The new generation becomes the current one. */
static void
commit(struct wr_master *m)
{
    struct wr_reload *r = &m->reload;
    struct wr_generation *old = m->current;
    const char *pid_path = r->next->conf->pid.data;
    struct wr_err err;

    m->current = r->next;
    wr_sites_commit(&m->instance->sites);
    m->number = r->number;
    m->user = r->user;
    wr_master_adopt(m);
    wr_spawn_signal(m, SIGQUIT, m->number, true, true);
    wr_listen_close_unused(old->listens, m->current->listens, true);
    if (m->new_binary == 0 && strcmp(m->pid_path, pid_path) != 0) {
        if (wr_pidfile_write(pid_path, getpid(), &err)) {
            wr_pidfile_remove(m->pid_path, getpid());
            wr_master_set_pid_path(m, pid_path);
        } else {
            wr_say(wr_log_process(), ALERT, "%s", err.text);
        }
    }
    wr_generation_destroy(&old);
    rest(m);
}

void
wr_reload_worker_ready(struct wr_master *m)
{
    struct wr_reload *r = &m->reload;

    if (r->step == WR_RELOAD_STARTING &&
        wr_spawn_count(m, r->number, true) >= r->next->conf->workers) {
        commit(m);
    }
}

/* Undo: its workers leave, what only it listens at is closed. */
static void
drop_next(struct wr_master *m)
{
    struct wr_reload *r = &m->reload;

    wr_spawn_signal(m, SIGTERM, r->number, false, true);
    wr_listen_close_unused(r->next->listens, m->current->listens, true);
    wr_generation_destroy(&r->next);
}

void
wr_reload_worker_failed(struct wr_master *m)
{
    if (m->reload.step == WR_RELOAD_STARTING) {
        drop_next(m);
        fail(m, "a worker process of the new configuration cannot start");
    }
}

void
wr_reload_cancel(struct wr_master *m)
{
    struct wr_reload *r = &m->reload;

    r->again = false;
    if (r->step == WR_RELOAD_PROBING) {
        (void)kill(r->probe, SIGKILL);
        close_report(m);
    } else if (r->step == WR_RELOAD_STARTING) {
        drop_next(m);
    }
    r->step = WR_RELOAD_NONE;
    wr_timer_clear(m->loop, &r->limit);
}
