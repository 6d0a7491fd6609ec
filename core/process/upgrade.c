/* process/upgrade.c - another binary beside this one, with the same sockets: USR2, and the way
 * back.
 *
 * The sockets are named in the environment ("WEIR_SOCKETS=4;5;"). The old master's pid file becomes
 * "....oldbin" and the new one writes its own; when the new one ends first, everything is as
 * before.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "process/master.h"

enum { SOCKETS_BYTES = 64 * 1024 };

static const char variable[] = "WEIR_SOCKETS";

struct wr_listen *
wr_upgrade_sockets(struct weir_pool *pool, bool *inherited, struct wr_err *err)
{
    const char *text = getenv(variable);
    struct wr_listen *list;

    *inherited = text != NULL;
    if (text == NULL) {
        return NULL;
    }
    wr_say(wr_log_process(), NOTICE, "using inherited sockets from \"%s\"", text);
    list = wr_listen_import(pool, weir_str_c(text), err);
    (void)unsetenv(variable);
    return list;
}

/* ---- In the child. ---- */

static void
keep_over_exec(const struct wr_listen *l)
{
    for (; l != NULL; l = l->next) {
        for (uint32_t i = 0; i < l->n_fds; i++) {
            (void)fcntl(l->fds[i], F_SETFD, 0);
        }
    }
}

_Noreturn static void
be_new_binary(const struct wr_master *m, const char *sockets)
{
    keep_over_exec(m->current->listens);
    wr_signals_unblock();
    if (setenv(variable, sockets, 1) == 0) {
        (void)execv(m->instance->binary, m->instance->argv);
    }
    wr_log_errno(wr_log_process(), WR_LOG_ALERT, errno,
                 "execve() failed while executing new binary "
                 "process \"%s\"",
                 m->instance->binary);
    _exit(1);
}

/* ---- In the master. ---- */

/* Both paths are the current configuration's, at most PATH_MAX long. */
static bool
old_path(const struct wr_master *m, char path[PATH_MAX])
{
    struct wr_strbuf b = wr_strbuf_over(path, PATH_MAX - 1);

    wr_strbuf_str(&b, m->current->conf->pid);
    wr_strbuf_lit(&b, ".oldbin");
    path[b.len] = '\0';
    return !b.full;
}

/* A new binary's USR2 waits until the old one has left: there is one .oldbin. */
static bool
may_begin(const struct wr_master *m)
{
    return m->new_binary == 0 && !m->quitting && !m->stopping &&
           !(m->inherited && getppid() == m->parent);
}

void
wr_upgrade_begin(struct wr_master *m)
{
    char sockets[SOCKETS_BYTES];
    struct wr_strbuf b = wr_strbuf_over(sockets, sizeof(sockets) - 1);
    char aside[PATH_MAX];
    pid_t pid;

    if (!may_begin(m)) {
        wr_say(wr_log_process(), NOTICE, "an upgrade is under way, ignoring");
        return;
    }
    wr_say(wr_log_process(), NOTICE, "changing binary");
    wr_listen_export(m->current->listens, &b);
    sockets[b.len] = '\0';
    if (b.full || !old_path(m, aside)) {
        wr_say(wr_log_process(), ALERT, "too many sockets for another binary");
        return;
    }
    if (rename(m->pid_path, aside) != 0) {
        wr_log_errno(wr_log_process(), WR_LOG_ALERT, errno, "rename() %s to %s failed", m->pid_path,
                     aside);
        return;
    }
    wr_logfiles_detach(&m->instance->logs);
    pid = fork();
    if (pid == 0) {
        be_new_binary(m, sockets);
    }
    if (pid < 0) {
        wr_log_errno(wr_log_process(), WR_LOG_ALERT, errno, "fork() failed");
        (void)rename(aside, m->pid_path);
        return;
    }
    wr_master_set_pid_path(m, aside);
    m->new_binary = pid;
    wr_say(wr_log_process(), NOTICE, "start new binary process %d", (int)pid);
}

bool
wr_upgrade_ended(struct wr_master *m, pid_t pid)
{
    const char *path = m->current->conf->pid.data;

    if (m->new_binary != pid) {
        return false;
    }
    m->new_binary = 0;
    if (rename(m->pid_path, path) != 0) {
        wr_log_errno(wr_log_process(), WR_LOG_ALERT, errno,
                     "rename() %s back to %s failed after "
                     "the new binary ended",
                     m->pid_path, path);
    } else {
        wr_master_set_pid_path(m, path);
    }
    if (m->no_workers) {
        m->no_workers = false;
        wr_spawn_missing(m);
    }
    return true;
}
