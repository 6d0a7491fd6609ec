/*
 * origin - what proxies under measurement are put in front of: as little work as can be.
 *
 *     origin PORT
 *
 * GET /N        200 and N bytes of text
 * GET /stale/N  the same with an entity tag, to be kept and asked about each time: 304 for that tag
 * POST          200 and 2 bytes once the body, whose length Content-Length says, has been read
 * Upgrade       101 for the key of [RFC 6455 1.3], and from then on every byte is sent back
 *
 * One request at a time on a connection, as proxies send them. tools/bench runs it on the load
 * generator's processor.
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
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CONNS_MAX = 20000, HEAD_MAX = 8192, BLOCK = 1 << 20, ECHO_MAX = 1 << 16 };

struct conn {
    size_t head_bytes;   /* of the request, gathered in head */
    uint64_t in_left;    /* of its body, to be read */
    uint64_t out_left;   /* of the answer's body, to be sent */
    size_t reply_bytes;  /* of the answer's head */
    size_t reply_sent;
    char *echo;          /* a tunnel's bytes that the socket did not take */
    size_t echo_bytes;
    bool answering;
    bool tunnel;
    bool waiting;        /* for EPOLLOUT, and not for EPOLLIN */
    char head[HEAD_MAX];
    char reply[256];
};

static struct conn *conns[CONNS_MAX];
static char block[BLOCK]; /* bytes of bodies */
static char area[BLOCK];  /* where bytes are read to */
static int epoll_fd;
static char date[64];     /* of the start: what caches take for the age of an answer */

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

static void
watch(int fd, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data = {.fd = fd}};

    if (epoll_ctl(epoll_fd, operation, fd, &event) != 0) {
        die("epoll_ctl");
    }
}

/* Wait for room to write, or for bytes to read. */
static void
conn_wait(int fd, struct conn *c, bool for_room)
{
    if (c->waiting != for_room) {
        c->waiting = for_room;
        watch(fd, EPOLL_CTL_MOD, for_room ? EPOLLOUT : EPOLLIN);
    }
}

/* Send what there is of the answer; false when the connection is over. */
static bool
answer_flush(int fd, struct conn *c)
{
    while (c->reply_sent < c->reply_bytes || c->out_left > 0) {
        struct iovec parts[2] = {
            {c->reply + c->reply_sent, c->reply_bytes - c->reply_sent},
            {block, c->out_left < BLOCK ? (size_t)c->out_left : BLOCK},
        };
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
        size_t of_head;

        if (n < 0) {
            conn_wait(fd, c, true);
            return errno == EAGAIN;
        }
        of_head = (size_t)n < parts[0].iov_len ? (size_t)n : parts[0].iov_len;
        c->reply_sent += of_head;
        c->out_left -= (size_t)n - of_head;
    }
    c->answering = false;
    c->head_bytes = 0;
    conn_wait(fd, c, false);
    return true;
}

/* Fields by which caches keep an answer that is stale at once: nginx and its like do so for a time
 * that is over, and take the first that they know. */
#define STALE "X-Accel-Expires: @1\r\nCache-Control: max-age=0\r\nETag: \"stale\"\r\n"

static bool
answer_stale(int fd, struct conn *c)
{
    bool known = strstr(c->head, "\"stale\"") != NULL;

    c->out_left = known ? 0 : strtoull(c->head + strlen("GET /stale/"), NULL, 10);
    c->reply_bytes =
        known ? (size_t)snprintf(c->reply, sizeof(c->reply),
                                 "HTTP/1.1 304 Not Modified\r\nDate: %s\r\n" STALE "\r\n", date)
              : (size_t)snprintf(c->reply, sizeof(c->reply),
                                 "HTTP/1.1 200 OK\r\nDate: %s\r\n" STALE
                                 "Content-Type: text/plain\r\nContent-Length: %llu\r\n\r\n",
                                 date, (unsigned long long)c->out_left);
    return answer_flush(fd, c);
}

/* The request is whole: say what there is to say. */
static bool
answer_begin(int fd, struct conn *c)
{
    c->reply_sent = 0;
    c->answering = true;
    if (strcasestr(c->head, "\r\nUpgrade:") != NULL) {
        c->tunnel = true;
        c->reply_bytes = (size_t)snprintf(c->reply, sizeof(c->reply),
                                          "HTTP/1.1 101 Switching Protocols\r\n"
                                          "Connection: upgrade\r\nUpgrade: websocket\r\n"
                                          "Sec-WebSocket-Accept: s3pPLBMiTxaQ9kYGzzhZRbK+xOo="
                                          "\r\n\r\n");
        return answer_flush(fd, c);
    }
    if (strncmp(c->head, "GET /stale/", 11) == 0) {
        return answer_stale(fd, c);
    }
    c->out_left = 2;
    if (strncmp(c->head, "GET /", 5) == 0) {
        c->out_left = strtoull(c->head + 5, NULL, 10);
    }
    c->reply_bytes = (size_t)snprintf(c->reply, sizeof(c->reply),
                                      "HTTP/1.1 200 OK\r\nDate: %s\r\n"
                                      "Content-Type: text/plain\r\nContent-Length: %llu\r\n\r\n",
                                      date, (unsigned long long)c->out_left);
    return answer_flush(fd, c);
}

/* Bytes of a request, which may be all of it. */
static bool
request_take(int fd, struct conn *c, const char *data, size_t bytes)
{
    const char *end, *length;
    size_t room = HEAD_MAX - 1 - c->head_bytes;
    size_t taken = bytes < room ? bytes : room;
    size_t extra;

    if (c->in_left > 0) {
        c->in_left -= bytes < c->in_left ? bytes : c->in_left;
        return c->in_left > 0 || answer_begin(fd, c);
    }
    memcpy(c->head + c->head_bytes, data, taken);
    c->head_bytes += taken;
    c->head[c->head_bytes] = '\0';
    end = strstr(c->head, "\r\n\r\n");
    if (end == NULL) {
        return c->head_bytes < HEAD_MAX - 1;
    }
    length = strcasestr(c->head, "\r\nContent-Length:");
    c->in_left = length != NULL && length < end ? strtoull(length + 17, NULL, 10) : 0;
    extra = bytes - taken + c->head_bytes - (size_t)(end + 4 - c->head);
    c->in_left -= extra < c->in_left ? extra : c->in_left;
    return c->in_left > 0 || answer_begin(fd, c);
}

/* Send bytes of a tunnel back; what does not fit waits. */
static bool
echo_back(int fd, struct conn *c, const char *data, size_t bytes)
{
    ssize_t n = send(fd, data, bytes, MSG_NOSIGNAL);
    size_t sent = n > 0 ? (size_t)n : 0;

    if (n < 0 && errno != EAGAIN) {
        return false;
    }
    if (sent < bytes && c->echo == NULL && (c->echo = malloc(ECHO_MAX)) == NULL) {
        die("malloc");
    }
    if (sent < bytes) {
        memmove(c->echo, data + sent, bytes - sent);
    }
    c->echo_bytes = bytes - sent;
    conn_wait(fd, c, c->echo_bytes > 0);
    return true;
}

/* What epoll said of a connection; false when it is over. */
static bool
conn_ready(int fd, struct conn *c)
{
    ssize_t n;

    if (c->echo_bytes > 0) {
        return echo_back(fd, c, c->echo, c->echo_bytes);
    }
    if (c->answering) {
        return answer_flush(fd, c);
    }
    n = recv(fd, area, c->tunnel ? ECHO_MAX : BLOCK, 0);
    if (n <= 0) {
        return n < 0 && errno == EAGAIN;
    }
    return c->tunnel ? echo_back(fd, c, area, (size_t)n) : request_take(fd, c, area, (size_t)n);
}

static void
accept_all(int listener)
{
    for (;;) {
        int on = 1;
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            return;
        }
        if (fd >= CONNS_MAX || (conns[fd] = calloc(1, sizeof(*conns[fd]))) == NULL) {
            die("too many connections");
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        watch(fd, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static int
listen_on(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const void *)&address, sizeof(address)) != 0 || listen(fd, 4096) != 0) {
        die("listen");
    }
    return fd;
}

int
main(int argc, char **argv)
{
    struct epoll_event events[512];
    time_t now = time(NULL);
    struct tm parts;
    int listener;

    if (argc != 2) {
        fprintf(stderr, "usage: origin PORT\n");
        return 1;
    }
    for (size_t i = 0; i < BLOCK; i++) {
        block[i] = (char)(i % 64 == 63 ? '\n' : 'a' + i % 26);
    }
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    listener = listen_on((uint16_t)strtoul(argv[1], NULL, 10));
    watch(listener, EPOLL_CTL_ADD, EPOLLIN);
    for (;;) {
        int n = epoll_wait(epoll_fd, events, 512, -1);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;

            if (fd == listener) {
                accept_all(listener);
            } else if (!conn_ready(fd, conns[fd])) {
                free(conns[fd]->echo);
                free(conns[fd]);
                conns[fd] = NULL;
                close(fd);
            }
        }
    }
}
