/*
 * relay - the least a proxy in user space can do: for each client a connection to the origin, and
 * bytes moved both ways as they come. Nothing is parsed, checked or changed.
 *
 *     relay PORT ORIGIN-PORT
 *
 * tools/bench starts it beside the proxies, as the limit they can be held against. A side that
 * cannot take bytes stops the reading of the other, so that memory stays bounded.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNS_MAX = 40000, AREA = 1 << 18 };

/* One end: bytes that it has to take before its peer is read again. */
struct end {
    int peer; /* -1: not in use */
    char *held;
    size_t held_bytes;
    size_t held_sent;
    bool over;       /* no more bytes come from it */
    uint32_t events; /* that epoll watches for */
};

static struct end ends[CONNS_MAX];
static char area[AREA];
static uint16_t origin_port;
static int epoll_fd;

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

static void
watch(int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data = {.fd = fd}};

    if (ends[fd].events != events) {
        ends[fd].events = events;
        if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event) != 0) {
            die("epoll_ctl");
        }
    }
}

/* What each end waits for follows from what is held for it and for its peer. */
static void
watch_both(int fd)
{
    int pair[2] = {fd, ends[fd].peer};

    for (int i = 0; i < 2; i++) {
        const struct end *own = &ends[pair[i]];
        const struct end *peer = &ends[own->peer];

        watch(pair[i], (own->held_bytes > 0 ? EPOLLOUT : 0) |
                           (peer->held_bytes == 0 && !own->over ? EPOLLIN : 0));
    }
}

static void
end_both(int fd)
{
    int pair[2] = {fd, ends[fd].peer};

    for (int i = 0; i < 2; i++) {
        free(ends[pair[i]].held);
        ends[pair[i]] = (struct end){.peer = -1};
        close(pair[i]);
    }
}

/* Hold what a socket did not take. */
static void
hold(struct end *e, const char *data, size_t bytes)
{
    if (e->held == NULL && (e->held = malloc(AREA)) == NULL) {
        die("malloc");
    }
    memcpy(e->held, data, bytes);
    e->held_bytes = bytes;
    e->held_sent = 0;
}

/* Bytes from one end to the other; false when both are done. */
static bool
pass(int fd)
{
    struct end *to = &ends[ends[fd].peer];
    ssize_t n = recv(fd, area, AREA, 0);
    ssize_t sent;

    if (n < 0) {
        return errno == EAGAIN;
    }
    if (n == 0) {
        ends[fd].over = true;
        shutdown(ends[fd].peer, SHUT_WR);
        return !to->over;
    }
    sent = send(ends[fd].peer, area, (size_t)n, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        return false;
    }
    if (sent < n) {
        sent = sent < 0 ? 0 : sent;
        hold(to, area + sent, (size_t)(n - sent));
    }
    return true;
}

static bool
flush(int fd)
{
    struct end *e = &ends[fd];
    ssize_t n = send(fd, e->held + e->held_sent, e->held_bytes - e->held_sent, MSG_NOSIGNAL);

    if (n < 0) {
        return errno == EAGAIN;
    }
    e->held_sent += (size_t)n;
    if (e->held_sent == e->held_bytes) {
        e->held_bytes = 0;
    }
    return true;
}

static void
add(int fd, int peer)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    int on = 1;

    if (fd >= CONNS_MAX) {
        die("too many connections");
    }
    ends[fd] = (struct end){.peer = peer, .events = EPOLLIN};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        die("epoll_ctl");
    }
}

static void
accept_all(int listener)
{
    struct sockaddr_in origin = {.sin_family = AF_INET,
                                 .sin_port = htons(origin_port),
                                 .sin_addr = {htonl(INADDR_LOOPBACK)}};

    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        int up;

        if (fd < 0) {
            return;
        }
        up = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (up < 0 || (connect(up, (const void *)&origin, sizeof(origin)) != 0 &&
                       errno != EINPROGRESS)) {
            die("origin");
        }
        add(fd, up);
        add(up, fd);
    }
}

static int
listen_on(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const void *)&address, sizeof(address)) != 0 || listen(fd, 4096) != 0 ||
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        die("listen");
    }
    return fd;
}

/* What epoll said of one end; a peer may have ended both earlier in this turn. */
static void
end_ready(int fd, uint32_t events)
{
    bool alive = true;

    if (ends[fd].peer < 0) {
        return;
    }
    if ((events & EPOLLERR) != 0) {
        alive = false;
    } else if (ends[fd].held_bytes > 0 && (events & EPOLLOUT) != 0) {
        alive = flush(fd);
    } else if ((events & (EPOLLIN | EPOLLHUP)) != 0) {
        alive = pass(fd);
    }
    if (alive) {
        watch_both(fd);
    } else {
        end_both(fd);
    }
}

int
main(int argc, char **argv)
{
    struct epoll_event events[512];
    int listener;

    if (argc != 3) {
        fprintf(stderr, "usage: relay PORT ORIGIN-PORT\n");
        return 1;
    }
    for (int i = 0; i < CONNS_MAX; i++) {
        ends[i].peer = -1;
    }
    origin_port = (uint16_t)strtoul(argv[2], NULL, 10);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    listener = listen_on((uint16_t)strtoul(argv[1], NULL, 10));
    for (;;) {
        int n = epoll_wait(epoll_fd, events, 512, -1);

        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener) {
                accept_all(listener);
            } else {
                end_ready(events[i].data.fd, events[i].events);
            }
        }
    }
}
