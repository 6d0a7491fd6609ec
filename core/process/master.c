/* process/master.c - the master's course: its first workers, its signals, its end. */
#include "process/master.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "module/metric.h"
#include "module/worker_self.h"
#include "process/channel.h"
#include "process/pidfile.h"

enum { FORCE_MS = 1000 }; /* workers that were told to end at once may take this long */

void
wr_master_set_pid_path(struct wr_master *m, const char *path)
{
    struct wr_strbuf b = wr_strbuf_over(m->pid_path, sizeof(m->pid_path) - 1);

    wr_strbuf_str(&b, weir_str_c(path));
    m->pid_path[b.len] = '\0';
}

void
wr_master_adopt(struct wr_master *m)
{
    struct wr_worker_self self = { .pool = m->instance->pool,
                                   .count = m->current->conf->workers,
                                   .registry = &m->current->registry };

    wr_worker_self_set(&self);
    wr_metrics_use(m->instance->metrics, &m->current->registry);
    wr_log_process_set(&m->current->conf->error_log);
}

/* ---- Leaving. ---- */

static void
force(struct wr_timer *t)
{
    struct wr_master *m = WR_CONTAINER(t, struct wr_master, force);

    wr_spawn_signal(m, SIGKILL, 0, false, true);
}

static void
quit(struct wr_master *m)
{
    if (m->quitting || m->stopping) {
        return;
    }
    m->quitting = true;
    wr_reload_cancel(m);
    if (m->new_binary == 0) {
        WR_LIST_EACH (at, &m->workers) {
            (void)wr_channel_send(WR_CONTAINER(at, struct wr_child, link)->channel.fd,
                                  (struct wr_message){ .kind = WR_MESSAGE_LAST }, -1);
        }
    }
    wr_spawn_signal(m, SIGQUIT, 0, false, true);
    /* A new binary goes on at these sockets, and at the files of unix ones. */
    wr_listen_close_all(m->current->listens, m->new_binary == 0);
}

static void
stop(struct wr_master *m)
{
    if (m->stopping) {
        return;
    }
    m->stopping = true;
    wr_reload_cancel(m);
    wr_spawn_signal(m, SIGTERM, 0, false, true);
    wr_listen_close_all(m->current->listens, m->new_binary == 0);
    m->force.fire = force;
    wr_timer_set(m->loop, &m->force, FORCE_MS);
}

/* ---- Signals. ---- */

static void
send_log(const struct weir_logfile *f, void *data)
{
    struct wr_master *m = data;
    struct wr_message message = { .kind = WR_MESSAGE_LOG, .value = f->id };

    WR_LIST_EACH (at, &m->workers) {
        int rc =
            wr_channel_send(WR_CONTAINER(at, struct wr_child, link)->channel.fd, message, f->fd);
        if (rc != 0 && rc != -EPIPE && rc != -ECONNRESET && rc != -ENOTCONN) {
            wr_log_errno(wr_log_process(), WR_LOG_ERROR, -rc,
                         "a worker process was not given the log \"%s\"", f->path);
        }
    }
}

/* Workers of older generations go on with what they have. */
static void
send_certificate(void *data, uint32_t index, int fd)
{
    struct wr_master *m = data;
    struct wr_message message = { .kind = WR_MESSAGE_CERTIFICATE, .value = index };

    WR_LIST_EACH (at, &m->workers) {
        const struct wr_child *child = WR_CONTAINER(at, struct wr_child, link);
        int rc = child->generation == m->number ? wr_channel_send(child->channel.fd, message, fd) : 0;
        if (rc != 0 && rc != -EPIPE && rc != -ECONNRESET && rc != -ENOTCONN) {
            wr_log_errno(wr_log_process(), WR_LOG_ERROR, -rc,
                         "a worker process was not given a certificate");
        }
    }
}

static void
reap(struct wr_master *m)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (wr_spawn_ended(m, pid, status) || wr_reload_ended(m, pid, status)) {
            continue;
        }
        if (WIFEXITED(status)) {
            wr_say(wr_log_process(), NOTICE, "%s process %d exited with code %d",
                   pid == m->new_binary ? "new binary" : "unknown", (int)pid, WEXITSTATUS(status));
        } else {
            wr_say(wr_log_process(), ALERT, "%s process %d exited on signal %d",
                   pid == m->new_binary ? "new binary" : "unknown", (int)pid, WTERMSIG(status));
        }
        (void)wr_upgrade_ended(m, pid);
    }
}

/* HUP. After WINCH with a new binary at work it means: take it back, with what we have. */
static void
reconfigure(struct wr_master *m)
{
    if (m->quitting || m->stopping) {
        return;
    }
    if (m->no_workers) {
        m->no_workers = false;
        if (m->new_binary != 0) {
            wr_spawn_missing(m);
            return;
        }
    }
    wr_reload_begin(m);
}

static void
got_signal(struct wr_signals *s, int number, pid_t from)
{
    struct wr_master *m = WR_CONTAINER(s, struct wr_master, signals);

    switch (number) {
    case SIGHUP:
        wr_signals_log(number, from, "reconfiguring");
        reconfigure(m);
        break;
    case SIGUSR1:
        wr_signals_log(number, from, "reopening logs");
        wr_logfiles_reopen(&m->instance->logs, send_log, m);
        break;
    case SIGUSR2:
        wr_signals_log(number, from, "changing binary");
        wr_upgrade_begin(m);
        break;
    case SIGWINCH:
        if (m->foreground) { /* somebody makes the terminal's window larger */
            wr_signals_log(number, from, "");
            break;
        }
        wr_signals_log(number, from, "stop accepting connections");
        m->no_workers = true;
        wr_reload_cancel(m);
        wr_spawn_signal(m, SIGQUIT, 0, false, true);
        break;
    case SIGQUIT:
        wr_signals_log(number, from, "shutting down");
        quit(m);
        break;
    case SIGTERM:
    case SIGINT:
        wr_signals_log(number, from, "exiting");
        stop(m);
        break;
    default:
        wr_signals_log(number, from, "");
        reap(m);
        break;
    }
}

/* ---- The course. ---- */

/* It is to end, and its children have. */
static bool
is_over(const struct wr_master *m)
{
    return (m->quitting || m->stopping) && wr_list_empty(&m->workers) && m->reload.probe == 0;
}

static bool
begin(struct wr_master *m)
{
    struct wr_err err;
    int rc;

    wr_list_init(&m->workers);
    m->reload.report.fd = -1;
    m->signals.io.fd = -1;
    if (!wr_privileges_find(m->current->conf, &m->user, &err)) {
        wr_say(wr_log_process(), EMERG, "%s", err.text);
        return false;
    }
    rc = wr_board_open(&m->board);
    if (rc == 0) {
        m->loop = wr_loop_create();
        rc = wr_signals_open(&m->signals, m->loop, got_signal);
    }
    if (rc != 0) {
        wr_log_errno(wr_log_process(), WR_LOG_EMERG, -rc, "the master process cannot start");
        return false;
    }
    wr_master_adopt(m);
    wr_metrics_worker_start(m->instance->metrics, 0);
    return true;
}

static void
end(struct wr_master *m)
{
    wr_pidfile_remove(m->pid_path, getpid());
    wr_logfiles_detach(&m->instance->logs);
    wr_signals_close(&m->signals, m->loop);
    wr_board_close(&m->board);
    wr_say(wr_log_process(), NOTICE, "exit");
    wr_loop_destroy(&m->loop);
}

int
wr_master_run(struct wr_instance *in, struct wr_generation *g, bool inherited)
{
    struct wr_master *m = calloc(1, sizeof(*m));
    int code;

    WR_ASSERT(m != NULL);
    m->instance = in;
    m->current = g;
    m->number = m->last_number = 1;
    m->inherited = inherited;
    m->foreground = !g->conf->daemon && !inherited;
    m->parent = getppid();
    wr_master_set_pid_path(m, g->conf->pid.data);
    if (!begin(m)) {
        free(m);
        return 1;
    }
    if (wr_spawn_all(m, g, m->number, &m->user) == 0) {
        m->stopping = true;
        m->exit_code = 1;
    }
    wr_spawn_watch(m);
    wr_certificates_watch(&m->certificates, &m->current, send_certificate, m);
    while (!is_over(m)) {
        wr_loop_turn(m->loop, -1);
    }
    code = m->exit_code;
    end(m);
    wr_generation_destroy(&m->current);
    free(m);
    return code;
}
