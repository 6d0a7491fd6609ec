/*
 * stream - the client of tools/bench for what is not one answer after the other: messages in
 * tunnels, and one long body each way.
 *
 *     stream messages [-c CONNS] [-s BYTES] (-n MESSAGES | -t SECONDS) PORT PATH
 *     stream up -s BYTES [-r BYTES-PER-SECOND] PORT PATH         one POST
 *     stream down -s BYTES [-r BYTES-PER-SECOND] PORT PATH       one GET of so many bytes
 *
 * A message is a masked frame of BYTES [RFC 6455 5.2] and goes out when the one before has come
 * back; the peer is expected to return the bytes as they are. Prints one line of name=value.
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
#include <time.h>
#include <unistd.h>

enum { CONNS_MAX = 10000, HEAD_MAX = 4096, BLOCK = 1 << 18 };

static struct {
    uint32_t conns;
    uint64_t bytes, messages, seconds, rate;
    uint16_t port;
    const char *path;
} opt = {.conns = 64, .bytes = 128};

static char block[BLOCK];
static uint64_t begin_ns;

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int
dial(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(opt.port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0 || connect(fd, (const void *)&address, sizeof(address)) != 0) {
        die("connect");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void
send_all(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = send(fd, data, bytes, MSG_NOSIGNAL);

        if (n <= 0) {
            die("send");
        }
        data += n;
        bytes -= (size_t)n;
    }
}

/* Read a head, which has to be of this status; how many bytes behind it came along. */
static size_t
read_head(int fd, const char *status)
{
    static char head[HEAD_MAX];
    const char *end = NULL;
    size_t have = 0;

    while (end == NULL) {
        ssize_t n = recv(fd, head + have, HEAD_MAX - 1 - have, 0);

        if (n <= 0) {
            die("no answer");
        }
        have += (size_t)n;
        head[have] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    if (strncmp(head + 9, status, 3) != 0) {
        fprintf(stderr, "stream: %.60s\n", head);
        exit(1);
    }
    return have - (size_t)(end + 4 - head);
}

/* Do not be further than the rate allows. */
static void
keep_pace(uint64_t done)
{
    struct timespec pause;
    uint64_t due, now = now_ns();

    if (opt.rate == 0) {
        return;
    }
    due = begin_ns + (uint64_t)((double)done / (double)opt.rate * 1e9);
    if (due > now) {
        due -= now;
        pause = (struct timespec){(time_t)(due / 1000000000u), (long)(due % 1000000000u)};
        nanosleep(&pause, NULL);
    }
}

static uint64_t
run_up(void)
{
    char head[HEAD_MAX];
    int fd = dial();
    int n = snprintf(head, sizeof(head),
                     "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %llu\r\n\r\n",
                     opt.path, (unsigned long long)opt.bytes);

    send_all(fd, head, (size_t)n);
    for (uint64_t done = 0; done < opt.bytes;) {
        size_t part = opt.bytes - done < BLOCK ? (size_t)(opt.bytes - done) : BLOCK;

        send_all(fd, block, part);
        done += part;
        keep_pace(done);
    }
    (void)read_head(fd, "200");
    close(fd);
    return opt.bytes;
}

static uint64_t
run_down(void)
{
    char head[HEAD_MAX];
    int fd = dial();
    int n = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", opt.path);
    uint64_t done;

    send_all(fd, head, (size_t)n);
    done = read_head(fd, "200");
    while (done < opt.bytes) {
        ssize_t got = recv(fd, block, BLOCK, 0);

        if (got <= 0) {
            die("cut");
        }
        done += (uint64_t)got;
        keep_pace(done);
    }
    close(fd);
    return done;
}

/* The head of a masked frame of opt.bytes; its mask is zero, so that bytes stay as they are.
 * [RFC 6455 5.2] */
static size_t
frame_head(unsigned char *to)
{
    size_t n = 2;

    to[0] = 0x82;
    if (opt.bytes < 126) {
        to[1] = (unsigned char)(0x80 | opt.bytes);
    } else {
        n = opt.bytes < 65536 ? 4 : 10;
        to[1] = n == 4 ? 0x80 | 126 : 0x80 | 127;
        for (size_t i = 2; i < n; i++) {
            to[i] = (unsigned char)(opt.bytes >> 8 * (n - 1 - i));
        }
    }
    memset(to + n, 0, 4);
    return n + 4;
}

static void
open_tunnel(int fd)
{
    char head[HEAD_MAX];
    int n = snprintf(head, sizeof(head),
                     "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                     opt.path);

    send_all(fd, head, (size_t)n);
    (void)read_head(fd, "101");
}

/* Tunnels to the peer, each with its first message under way; left: bytes of it to come back. */
static void
open_tunnels(int epoll_fd, const char *frame, size_t whole, uint64_t *left)
{
    for (uint32_t i = 0; i < opt.conns; i++) {
        int fd = dial();
        struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};

        open_tunnel(fd);
        left[fd] = whole;
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
            die("epoll_ctl");
        }
        send_all(fd, frame, whole);
    }
}

/* All tunnels at once, each with one message under way. */
static uint64_t
run_messages(void)
{
    static uint64_t left[CONNS_MAX + 64];
    struct epoll_event events[512];
    char *frame = calloc(1, opt.bytes + 14);
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    uint64_t answered = 0, end_ns;
    size_t whole;

    if (frame == NULL) {
        die("malloc");
    }
    whole = opt.bytes + frame_head((unsigned char *)frame);
    open_tunnels(epoll_fd, frame, whole, left);
    begin_ns = now_ns();
    end_ns = begin_ns + opt.seconds * 1000000000u;
    while (opt.messages > 0 ? answered < opt.messages : now_ns() < end_ns) {
        int n = epoll_wait(epoll_fd, events, 512, 1000);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            ssize_t got = recv(fd, block, BLOCK, 0);

            if (got <= 0 || (uint64_t)got > left[fd]) {
                die("a tunnel");
            }
            left[fd] -= (uint64_t)got;
            if (left[fd] == 0) {
                answered++;
                left[fd] = whole;
                send_all(fd, frame, whole);
            }
        }
    }
    free(frame);
    return answered;
}

int
main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    uint64_t answered;
    int o;

    optind = 2;
    while ((o = getopt(argc, argv, "c:s:n:t:r:")) != -1) {
        switch (o) {
        case 'c': opt.conns = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 's': opt.bytes = strtoull(optarg, NULL, 10); break;
        case 'n': opt.messages = strtoull(optarg, NULL, 10); break;
        case 't': opt.seconds = strtoull(optarg, NULL, 10); break;
        case 'r': opt.rate = strtoull(optarg, NULL, 10); break;
        default: return 1;
        }
    }
    if (argc - optind != 2 || opt.conns > CONNS_MAX) {
        fprintf(stderr, "stream: see the head of tests/bench/stream.c\n");
        return 1;
    }
    opt.port = (uint16_t)strtoul(argv[optind], NULL, 10);
    opt.path = argv[optind + 1];
    begin_ns = now_ns();
    answered = strcmp(mode, "up") == 0     ? run_up()
               : strcmp(mode, "down") == 0 ? run_down()
                                           : run_messages();
    printf("answered=%llu seconds=%.3f\n", (unsigned long long)answered,
           (double)(now_ns() - begin_ns) / 1e9);
    return 0;
}
