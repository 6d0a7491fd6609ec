/* process/start.c - starting to serve, in nginx's order. */
#include "process/start.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "module/metric.h"
#include "process/build_info.h"
#include "process/console.h"
#include "process/daemon.h"
#include "process/load.h"
#include "process/master.h"
#include "process/pidfile.h"
#include "process/signals.h"
#include "process/title.h"
#include "process/worker.h"

enum { TRIES = 5, WAIT_MS = 500 }; /* for an address that a leaving server still has, as nginx */

static bool
open_sockets(struct wr_generation *g, const struct wr_listen *have)
{
    const struct timespec pause = { 0, WAIT_MS * 1000000L };
    struct wr_err err;

    for (int left = TRIES; left > 0; left--) {
        if (wr_generation_open(g, have, &err)) {
            return true;
        }
        wr_say(wr_log_process(), EMERG, "%s", err.text);
        if (strstr(err.text, strerror(EADDRINUSE)) == NULL) {
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    wr_say(wr_log_process(), EMERG, "still could not bind()");
    return false;
}

/* What libraries and a dying process print on stderr belongs into the log once there is nobody to
 * read it. A log that is "stderr", in whatever block, means stderr as it was given. */
static void
redirect_stderr(const struct wr_instance *in, const struct wr_main_conf *conf)
{
    for (const struct weir_logfile *f = in->logs.first; f != NULL; f = f->next) {
        if (f->fd == STDERR_FILENO) {
            return;
        }
    }
    for (const struct wr_log_target *t = conf->error_log.first; t != NULL; t = t->next) {
        if (t->fd >= 0) {
            (void)dup2(t->fd, STDERR_FILENO);
            return;
        }
    }
}

static int
run_single(struct wr_instance *in, struct wr_generation *g)
{
    struct wr_privileges_user user;
    struct wr_err err;
    struct wr_worker_start start = { .generation = g, .user = &user, .channel = -1 };
    char pid_path[PATH_MAX];
    int code;

    if (!wr_privileges_find(g->conf, &user, &err)) {
        wr_say(wr_log_process(), EMERG, "%s", err.text);
        return 1;
    }
    user.change = false; /* as nginx: one process stays who it is, to reopen logs */
    start.metrics_row = wr_metrics_row_take(in->metrics);
    memccpy(pid_path, g->conf->pid.data, '\0', sizeof(pid_path));
    code = wr_worker_run(&start);
    wr_pidfile_remove(pid_path, getpid());
    wr_generation_destroy(&g);
    return code == WR_WORKER_DONE ? 0 : 1;
}

/* In the background from here on, if it is to be. */
static bool
settle(struct wr_instance *in, const struct wr_generation *g, bool inherited, int *ready)
{
    struct wr_err err;

    if (g->conf->daemon && !inherited && !wr_daemon_leave(ready, &err)) {
        wr_say(wr_log_process(), EMERG, "%s", err.text);
        return false;
    }
    wr_signals_block();
    if (!wr_pidfile_write(g->conf->pid.data, getpid(), &err)) {
        wr_say(wr_log_process(), EMERG, "%s", err.text);
        return false;
    }
    if (g->conf->master) {
        wr_title_set_master(in->argc, in->argv);
    }
    wr_console_close(&g->conf->error_log);
    redirect_stderr(in, g->conf);
    wr_build_info_log();
    wr_daemon_ready(ready);
    return true;
}

static int
give_up(struct wr_generation *g)
{
    wr_log_process_set(NULL); /* its targets are the generation's */
    wr_generation_destroy(&g);
    return 1;
}

int
wr_start_server(struct wr_instance *in)
{
    struct wr_err err = { "" };
    bool inherited;
    struct wr_listen *have = wr_upgrade_sockets(in->pool, &inherited, &err);
    /* The diagnosis goes to the terminal whole, its first lines to the log. */
    const struct wr_load_report report = { .fd = STDERR_FILENO,
                                           .kinds = 1u << WR_DIAG_ERROR | 1u << WR_DIAG_WARN,
                                           .console = true };
    bool ok;
    struct wr_generation *g;
    int ready = -1;

    if (err.text[0] != '\0') {
        wr_say(wr_log_process(), EMERG, "%s", err.text);
    }
    g = wr_load(in, &report, &ok);
    if (!ok) {
        wr_generation_destroy(&g);
        return 1;
    }
    (void)wr_load_faulty_sites(&in->sites);
    wr_sites_commit(&in->sites);
    wr_generation_settle(g);
    wr_console_attach(&g->conf->error_log);
    if (!open_sockets(g, have)) {
        return give_up(g);
    }
    wr_listen_close_unused(have, g->listens, false);
    if (!settle(in, g, inherited, &ready)) {
        wr_listen_close_all(g->listens, !inherited);
        return give_up(g);
    }
    return g->conf->master ? wr_master_run(in, g, inherited) : run_single(in, g);
}
