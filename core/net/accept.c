/* net/accept.c - a worker taking connections from its listening sockets.
 *
 * A shared socket wakes one waiting worker (EPOLLEXCLUSIVE), which takes one connection an event,
 * some more under load, and as many as there are with multi_accept. Accepting pauses for 100 ms
 * when there is no place for another connection: at worker_connections, and when only the last few
 * descriptors are free, which are kept for logs, files and upstreams of the connections that are
 * open.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "net/conn.h"
#include "net/listen.h"

enum {
    PAUSE_MS = 100,
    PATIENCE =
        10, /* pauses that descriptors may take to come back; then idle connections give theirs */
    RESERVE = 16, /* descriptors that connections leave free */
    BURST = 16,   /* connections taken in one event without multi_accept, when they come faster than
                     turns */
    TOO_MANY =
        512, /* connections taken in one event, however many wait: others must have their turn */
};

/* This worker's. */
static struct {
    struct wr_listen *first;
    struct wr_timer resume;
    uint32_t worker;
    rlim_t fds_max;  /* descriptors this process may have, when it began */
    uint32_t pauses; /* for want of descriptors, one after the other */
    bool pressed;    /* short of descriptors: said once in the log */
    bool full;       /* likewise, of connections */
} accepting;

static int
fd_of(const struct wr_listen *l)
{
    return l->n_fds != 0 ? l->fds[accepting.worker % l->n_fds] : -1;
}

/* ---- Pausing. ---- */

static void
wait_for_connections(void)
{
    for (struct wr_listen *l = accepting.first; l != NULL; l = l->next) {
        uint32_t events = EPOLLIN | (l->options.reuseport ? 0 : EPOLLEXCLUSIVE);
        int error;
        if (l->io.fd < 0 || l->io.events != 0) {
            continue;
        }
        error = wr_loop_add(wr_loop_self(), &l->io, events);
        if (error != 0) {
            wr_log_errno(wr_log_process(), WR_LOG_ALERT, -error,
                         "waiting at a listening socket failed");
        }
    }
}

static void
pause_accepting(void)
{
    for (struct wr_listen *l = accepting.first; l != NULL; l = l->next) {
        wr_loop_remove(wr_loop_self(), &l->io);
    }
    wr_timer_set(wr_loop_self(), &accepting.resume, PAUSE_MS);
}

/* Is the lowest free descriptor's number so high that only the reserve is left? */
static bool
short_of_descriptors(int fd)
{
    int lowest;

    if (accepting.fds_max <= 2 * RESERVE) {
        return false;
    }
    lowest = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (lowest < 0) {
        return true;
    }
    (void)close(lowest);
    return (rlim_t)lowest >= accepting.fds_max - RESERVE;
}

/* Room for one more connection? Idle ones give theirs. */
static bool
has_place(void)
{
    if (!wr_conn_full()) {
        accepting.full = false;
        return true;
    }
    if (wr_conn_drop_idle(1) != 0) {
        return true;
    }
    if (!accepting.full) {
        accepting.full = true;
        wr_say(wr_log_process(), WARN, "%u worker_connections are not enough",
               wr_conn_counts.limit);
    }
    return false;
}

static void
resume(struct wr_timer *t)
{
    (void)t;
    if (accepting.pressed) {
        int fd = accepting.first != NULL ? fd_of(accepting.first) : -1;
        if (fd >= 0 && short_of_descriptors(fd)) {
            if (++accepting.pauses >= PATIENCE) {
                (void)wr_conn_drop_idle(RESERVE);
            }
            wr_timer_set(wr_loop_self(), &accepting.resume, PAUSE_MS);
            return;
        }
        accepting.pressed = false;
    }
    wait_for_connections();
}

static void
press(int error, const char *what)
{
    if (!accepting.pressed) {
        accepting.pressed = true;
        accepting.pauses = 0;
        wr_log_errno(wr_log_process(), WR_LOG_CRIT, error, "%s", what);
    }
    pause_accepting();
}

/* ---- Accepting. ---- */

/* What accept4 said besides a descriptor. True: try the next one. */
static bool
go_on_after(int error)
{
    switch (error) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        press(error, "accept4() failed");
        return false;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EOPNOTSUPP:
        wr_log_errno(wr_log_process(), WR_LOG_ALERT, error, "accept4() failed");
        return false;
    default: /* the connection died while it waited, or the network passed on its troubles */
        return true;
    }
}

/* True: there may be more. */
static bool
accept_one(struct wr_listen *l)
{
    union wr_peer_addr peer = { .family = AF_UNIX };
    struct sockaddr_storage from;
    socklen_t len = sizeof(from);
    int fd = accept4(l->io.fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        return go_on_after(errno);
    }
    if (from.ss_family == AF_INET || from.ss_family == AF_INET6) {
        memcpy(&peer, &from, WR_MIN(len, sizeof(peer)));
    }
    l->accepted(l, fd, &peer);
    if (accepting.fds_max > 2 * RESERVE && (rlim_t)fd >= accepting.fds_max - RESERVE) {
        press(EMFILE, "descriptors are running out, not accepting connections");
        return false;
    }
    return true;
}

/* How many to take at this event: one, and twice as many each time the socket is ready in turn
 * after turn, which means that more wait than we take. */
static uint32_t
burst_of(struct wr_listen *l)
{
    uint64_t turn = wr_loop_turns(wr_loop_self());

    l->burst = turn == l->last_turn + 1 && l->burst != 0 ? WR_MIN(l->burst * 2, BURST) : 1;
    l->last_turn = turn;
    return l->burst;
}

static void
ready(struct wr_io *io, uint32_t events)
{
    struct wr_listen *l = WR_CONTAINER(io, struct wr_listen, io);
    uint32_t left = l->multi_accept ? TOO_MANY : burst_of(l);

    (void)events;
    for (; left != 0; left--) {
        if (!has_place()) {
            pause_accepting();
            return;
        }
        if (!accept_one(l)) {
            l->burst = 1;
            return;
        }
    }
}

void
wr_listen_start(struct wr_listen *list, uint32_t worker)
{
    struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    accepting.fds_max = limit.rlim_cur;
    accepting.first = list;
    accepting.worker = worker;
    accepting.resume.fire = resume;
    for (struct wr_listen *l = list; l != NULL; l = l->next) {
        WR_ASSERT(l->accepted != NULL);
        l->io = (struct wr_io){ .fd = fd_of(l), .ready = ready };
    }
    wait_for_connections();
}

void
wr_listen_drain(struct wr_listen *list)
{
    if (accepting.first != list) {
        return; /* it has been stopped */
    }
    for (struct wr_listen *l = list; l != NULL; l = l->next) {
        uint32_t left = TOO_MANY;
        while (l->io.fd >= 0 && left-- != 0 && has_place() && accept_one(l)) {
        }
    }
}

void
wr_listen_stop(struct wr_listen *list)
{
    if (accepting.first != list) {
        return;
    }
    for (struct wr_listen *l = list; l != NULL; l = l->next) {
        wr_loop_remove(wr_loop_self(), &l->io);
    }
    wr_timer_clear(wr_loop_self(), &accepting.resume);
    accepting.first = NULL;
}
