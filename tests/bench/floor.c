/*
 * floor - the least a server in user space can do: an epoll loop that counts requests by the empty
 * line that ends them and answers each with bytes made beforehand. Nothing is parsed or checked.
 *
 *     floor PORT HEAD-FILE BODY-FILE [file] [close]
 *
 * file   the body goes by sendfile after the head instead of with it from memory
 * close  one request a connection
 *
 * tools/bench starts it beside the servers, as the limit they can be held against.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONNS_MAX = 20000, IN_BYTES = 65536, BATCH_MAX = 64 };

/* What is still to be sent on a connection, and how much of the empty line has been seen. */
struct conn {
    uint32_t pending;  /* whole answers, the one begun included */
    size_t sent_bytes; /* of the answer begun */
    uint8_t matched;   /* bytes of CR LF CR LF at the end of what was read */
    bool waiting;      /* for EPOLLOUT */
};

static struct conn conns[CONNS_MAX];
static char in_area[IN_BYTES];
static char *batch;        /* BATCH_MAX answers, head and body, one behind the other */
static size_t head_bytes;
static size_t body_bytes;
static int body_fd = -1;
static bool by_file;
static bool close_after;
static int epoll_fd;

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

static char *
read_whole(const char *path, size_t *bytes)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *data;

    if (fd < 0 || fstat(fd, &st) != 0) {
        die(path);
    }
    *bytes = (size_t)st.st_size;
    data = malloc(*bytes + 1);
    if (data == NULL || read(fd, data, *bytes) != (ssize_t)*bytes) {
        die(path);
    }
    close(fd);
    return data;
}

/* Lay out BATCH_MAX copies of the answer, or of its head alone when the body goes by sendfile. */
static void
build_answers(const char *head_path, const char *body_path)
{
    char *head = read_whole(head_path, &head_bytes);
    char *body = NULL;
    size_t each;

    if (by_file) {
        struct stat st;

        body_fd = open(body_path, O_RDONLY | O_CLOEXEC);
        if (body_fd < 0 || fstat(body_fd, &st) != 0) {
            die(body_path);
        }
        body_bytes = (size_t)st.st_size;
    } else {
        body = read_whole(body_path, &body_bytes);
    }
    each = head_bytes + (by_file ? 0 : body_bytes);
    batch = malloc(each * BATCH_MAX);
    if (batch == NULL) {
        die("malloc");
    }
    for (size_t i = 0; i < BATCH_MAX; i++) {
        memcpy(batch + i * each, head, head_bytes);
        if (!by_file) {
            memcpy(batch + i * each + head_bytes, body, body_bytes);
        }
    }
    free(head);
    free(body);
}

static int
listen_on(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (bind(fd, (const void *)&address, sizeof(address)) != 0 || listen(fd, 4096) != 0) {
        die("listen");
    }
    return fd;
}

static void
watch(int fd, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data = {.fd = fd}};

    if (epoll_ctl(epoll_fd, operation, fd, &event) != 0) {
        die("epoll_ctl");
    }
}

/* Requests that ended within these bytes: how often CR LF CR LF was completed. */
static uint32_t
count_requests(struct conn *c, const char *data, size_t bytes)
{
    static const char END[4] = "\r\n\r\n";
    uint32_t count = 0;

    if (c->matched == 0 && bytes >= 4 && memcmp(data + bytes - 4, END, 4) == 0 &&
        memmem(data, bytes - 1, END, 4) == NULL) {
        return 1;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (data[i] == END[c->matched]) {
            if (++c->matched == 4) {
                c->matched = 0;
                count++;
            }
        } else {
            c->matched = data[i] == '\r';
        }
    }
    return count;
}

/* One part of the answers; false when the socket is full or gone (then *gone). */
static bool
send_some(int fd, struct conn *c, bool *gone)
{
    ssize_t n;

    if (!by_file) {
        size_t each = head_bytes + body_bytes;
        size_t answers = c->pending < BATCH_MAX ? c->pending : BATCH_MAX;

        n = send(fd, batch + c->sent_bytes, answers * each - c->sent_bytes, MSG_NOSIGNAL);
        if (n > 0) {
            size_t done = c->sent_bytes + (size_t)n;

            c->pending -= (uint32_t)(done / each);
            c->sent_bytes = done % each;
        }
    } else {
        if (c->sent_bytes < head_bytes) {
            n = send(fd, batch + c->sent_bytes, head_bytes - c->sent_bytes,
                     MSG_MORE | MSG_NOSIGNAL);
        } else {
            off_t at = (off_t)(c->sent_bytes - head_bytes);

            n = sendfile(fd, body_fd, &at, head_bytes + body_bytes - c->sent_bytes);
        }
        if (n > 0) {
            c->sent_bytes += (size_t)n;
            if (c->sent_bytes == head_bytes + body_bytes) {
                c->sent_bytes = 0;
                c->pending--;
            }
        }
    }
    *gone = n < 0 && errno != EAGAIN;
    return n > 0;
}

/* Send what is pending; false when the connection is over. */
static bool
conn_flush(int fd, struct conn *c)
{
    bool gone = false;

    while (c->pending > 0 && send_some(fd, c, &gone)) {
    }
    if (gone || (close_after && c->pending == 0)) {
        return false;
    }
    if (c->pending > 0 && !c->waiting) {
        c->waiting = true;
        watch(fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    } else if (c->pending == 0 && c->waiting) {
        c->waiting = false;
        watch(fd, EPOLL_CTL_MOD, EPOLLIN);
    }
    return true;
}

/* Read what is there and answer it; false when the connection is over. */
static bool
conn_read(int fd, struct conn *c)
{
    ssize_t n = recv(fd, in_area, sizeof(in_area), 0);

    if (n <= 0) {
        return n < 0 && errno == EAGAIN;
    }
    c->pending += count_requests(c, in_area, (size_t)n);
    return c->pending == 0 || conn_flush(fd, c);
}

/* With `close` the request is mostly there already: try before asking epoll. */
static void
accept_all(int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            return;
        }
        if (fd >= CONNS_MAX) {
            close(fd);
            continue;
        }
        conns[fd] = (struct conn){0};
        if (close_after) {
            ssize_t n = recv(fd, in_area, sizeof(in_area), 0);

            if (n > 0) {
                conns[fd].pending = count_requests(&conns[fd], in_area, (size_t)n);
                if (conns[fd].pending > 0 && !by_file &&
                    send(fd, batch, head_bytes + body_bytes, MSG_NOSIGNAL) ==
                        (ssize_t)(head_bytes + body_bytes)) {
                    close(fd);
                    continue;
                }
            }
        }
        watch(fd, EPOLL_CTL_ADD, EPOLLIN);
    }
}

int
main(int argc, char **argv)
{
    struct epoll_event events[512];
    int listener;

    if (argc < 4) {
        fprintf(stderr, "usage: floor PORT HEAD-FILE BODY-FILE [file] [close]\n");
        return 1;
    }
    for (int i = 4; i < argc; i++) {
        by_file = by_file || strcmp(argv[i], "file") == 0;
        close_after = close_after || strcmp(argv[i], "close") == 0;
    }
    signal(SIGPIPE, SIG_IGN); /* sendfile has no flag against it */
    build_answers(argv[2], argv[3]);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    listener = listen_on((uint16_t)strtoul(argv[1], NULL, 10));
    watch(listener, EPOLL_CTL_ADD, EPOLLIN);

    for (;;) {
        int n = epoll_wait(epoll_fd, events, 512, -1);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            struct conn *c = &conns[fd];
            bool alive = true;

            if (fd == listener) {
                accept_all(listener);
                continue;
            }
            if ((events[i].events & EPOLLOUT) != 0) {
                alive = conn_flush(fd, c);
            }
            if (alive && (events[i].events & ~(uint32_t)EPOLLOUT) != 0) {
                alive = conn_read(fd, c);
            }
            if (!alive) {
                close(fd);
            }
        }
    }
}
