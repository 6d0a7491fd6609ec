/* process/signals.c - signalfd and the names of signals. */
#include "process/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/strbuf.h"

static const int handled[] = {
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD
};

static sigset_t
handled_set(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < WR_COUNT(handled); i++) {
        (void)sigaddset(&set, handled[i]);
    }
    return set;
}

void
wr_signals_block(void)
{
    sigset_t set = handled_set();

    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of that write, as a full disk is */
}

void
wr_signals_unblock(void)
{
    sigset_t set = handled_set();

    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGXFSZ, SIG_DFL);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void
ready(struct wr_io *io, uint32_t events)
{
    struct wr_signals *s = WR_CONTAINER(io, struct wr_signals, io);
    struct signalfd_siginfo info;

    (void)events;
    while (io->fd >= 0 && read(io->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        s->got(s, (int)info.ssi_signo, (pid_t)info.ssi_pid);
    }
}

int
wr_signals_open(struct wr_signals *s, struct wr_loop *loop,
                void (*got)(struct wr_signals *s, int number, pid_t from))
{
    sigset_t set = handled_set();
    int rc;

    s->got = got;
    s->io = (struct wr_io){ .fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), .ready = ready };
    if (s->io.fd < 0) {
        return -errno;
    }
    rc = wr_loop_add(loop, &s->io, EPOLLIN);
    if (rc != 0) {
        (void)close(s->io.fd);
        s->io.fd = -1;
    }
    return rc;
}

void
wr_signals_close(struct wr_signals *s, struct wr_loop *loop)
{
    if (s->io.fd >= 0) {
        wr_loop_remove(loop, &s->io);
        (void)close(s->io.fd);
        s->io.fd = -1;
    }
}

/* "SIGHUP" */
static const char *
name_of(int number, char room[32])
{
    const char *name = sigabbrev_np(number);
    struct wr_strbuf b = wr_strbuf_over(room, 31);

    wr_strbuf_lit(&b, "SIG");
    wr_strbuf_str(&b, weir_str_c(name != NULL ? name : "UNKNOWN"));
    room[b.len] = '\0';
    return room;
}

void
wr_signals_log(int number, pid_t from, const char *action)
{
    char name[32];

    wr_say(wr_log_process(), NOTICE, "signal %d (%s) received from %d%s%s", number,
           name_of(number, name), (int)from, action[0] != '\0' ? ", " : "", action);
}
