/*
 * load - a generator for tools/bench where wrk does not do: a fixed number of requests (counting
 * system calls and instructions), a fixed rate whatever the server does (latency while it reloads),
 * and connections that are opened and kept.
 *
 *     load [-c CONNS] [-p DEPTH] [-x] [-u [-k KEYS]] [-h "Name: value"] -n REQUESTS PORT PATH     closed loop
 *     load [-c CONNS] -r PER-SECOND -t SECONDS PORT PATH                           open loop
 *     load -c CONNS -i PORT PATH      one request each, prints "ready", holds them until stdin ends
 *
 * -h takes the place of Host when it names that. -p requests sent at once on a connection; -x one request a connection;
 * -u a number of ten digits behind PATH, another with each request; -k as many numbers, again and again.
 * In the open loop a request's latency counts from the moment it was due, so waiting for a free
 * connection is part of it. A request that was sent and got no answer because the server closed a
 * kept connection is "raced". Prints one line of name=value.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 4096, CONNS_MAX = 19900, QUEUE = 1 << 20, LATENCIES = 1 << 22, NUMBER = 10 };

/* What of a response is awaited. */
enum awaited { AWAIT_HEAD, AWAIT_LENGTH, AWAIT_CHUNK_LINE, AWAIT_CHUNK_DATA, AWAIT_TRAILER };

struct conn {
    enum awaited awaited;
    int fd;
    uint32_t outstanding;   /* requests sent and not answered */
    size_t head_bytes;
    uint64_t left_bytes;    /* of a body or a chunk with its line end */
    uint64_t due_ns;        /* open loop: when the outstanding request was due */
    bool any;               /* bytes of the answer have come */
    bool last;              /* the answer says that the server closes behind it */
    char head[HEAD_MAX];
};

static struct {
    uint32_t conns, depth;
    uint64_t requests, rate, seconds, keys;
    bool close, idle, numbered;
    const char *header, *path;
    uint16_t port;
} opt = {.conns = 64, .depth = 1, .keys = UINT32_MAX};

static struct conn *conns;
static int epoll_fd;
static char request[HEAD_MAX];
static size_t request_bytes;
static char *burst;              /* depth requests */
static uint64_t sent, answered, raced, failed, closed_idle, bad_status;
static uint64_t queue[QUEUE];    /* open loop: due times not sent yet */
static uint64_t queue_first, queue_end;
static uint32_t *latency_us;
static size_t latencies;

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

static void
conn_open(struct conn *c)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(opt.port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = c}};
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const void *)&address, sizeof(address)) != 0) {
        die("connect");
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    c->awaited = AWAIT_HEAD;
    c->head_bytes = 0;
    c->outstanding = 0;
    c->any = false;
    c->last = false;
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0) {
        die("epoll_ctl");
    }
}

/* Give the next count requests the next numbers. */
static void
number_requests(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char digits[NUMBER + 1];

        snprintf(digits, sizeof(digits), "%0*u", NUMBER, (uint32_t)((sent + i) % opt.keys));
        memcpy(burst + i * request_bytes + strlen("GET ") + strlen(opt.path), digits, NUMBER);
    }
}

/* Send count requests at once. A peer that is gone is noticed by reading. */
static void
conn_send(struct conn *c, uint32_t count)
{
    size_t bytes = request_bytes * count;

    if (opt.numbered) {
        number_requests(count);
    }
    if (send(c->fd, burst, bytes, MSG_NOSIGNAL) != (ssize_t)bytes && errno != EPIPE &&
        errno != ECONNRESET) {
        die("send");
    }
    c->outstanding += count;
    sent += count;
}

/* The closed loop's next requests on a connection that has none outstanding. */
static void
conn_more(struct conn *c)
{
    uint64_t left = opt.requests - sent;
    uint32_t count = left < opt.depth ? (uint32_t)left : opt.depth;

    if (count > 0) {
        conn_send(c, count);
    }
}

static void
note_answer(struct conn *c)
{
    answered++;
    c->outstanding--;
    c->awaited = AWAIT_HEAD;
    c->head_bytes = 0;
    c->any = false;
    if (opt.rate > 0 && latencies < LATENCIES) {
        latency_us[latencies++] = (uint32_t)((now_ns() - c->due_ns) / 1000);
    }
}

/* The head is whole: what comes after it? */
static void
read_head(struct conn *c)
{
    const char *length = strcasestr(c->head, "\r\nContent-Length:");

    if (strncmp(c->head, "HTTP/1.1 200", 12) != 0) {
        bad_status++;
    }
    c->last = strcasestr(c->head, "\r\nConnection: close\r\n") != NULL;
    if (strcasestr(c->head, "\r\nTransfer-Encoding: chunked") != NULL) {
        c->awaited = AWAIT_CHUNK_LINE;
        c->head_bytes = 0;
    } else {
        c->left_bytes = length != NULL ? strtoull(length + 17, NULL, 10) : 0;
        c->awaited = AWAIT_LENGTH;
    }
}

/* Gather a line, or a head, in c->head up to its end mark; bytes used. */
static size_t
gather(struct conn *c, const char *data, size_t bytes, const char *mark, bool *whole)
{
    size_t mark_bytes = strlen(mark);

    *whole = false;
    for (size_t i = 0; i < bytes; i++) {
        if (c->head_bytes + 1 >= HEAD_MAX) {
            fprintf(stderr, "load: head too long\n");
            exit(1);
        }
        c->head[c->head_bytes++] = data[i];
        if (data[i] == '\n' && c->head_bytes >= mark_bytes &&
            memcmp(c->head + c->head_bytes - mark_bytes, mark, mark_bytes) == 0) {
            c->head[c->head_bytes] = '\0';
            *whole = true;
            return i + 1;
        }
    }
    return bytes;
}

static size_t
skip_body(struct conn *c, size_t bytes)
{
    size_t n = bytes < c->left_bytes ? bytes : (size_t)c->left_bytes;

    c->left_bytes -= n;
    return n;
}

/* Take one step in a response; bytes used. */
static size_t
response_step(struct conn *c, const char *data, size_t bytes)
{
    bool whole;
    size_t used;

    switch (c->awaited) {
    case AWAIT_HEAD:
        used = gather(c, data, bytes, "\r\n\r\n", &whole);
        if (whole) {
            read_head(c);
        }
        break;
    case AWAIT_CHUNK_LINE:
        used = gather(c, data, bytes, "\r\n", &whole);
        if (whole) {
            c->left_bytes = strtoull(c->head, NULL, 16);
            c->awaited = c->left_bytes == 0 ? AWAIT_TRAILER : AWAIT_CHUNK_DATA;
            c->left_bytes += 2;
            c->head_bytes = 0;
        }
        break;
    case AWAIT_TRAILER:
        used = gather(c, data, bytes, "\r\n", &whole);
        if (whole && c->head_bytes == 2) {
            note_answer(c);
        }
        c->head_bytes = whole ? 0 : c->head_bytes;
        return used;
    case AWAIT_CHUNK_DATA:
        used = skip_body(c, bytes);
        if (c->left_bytes == 0) {
            c->awaited = AWAIT_CHUNK_LINE;
        }
        break;
    case AWAIT_LENGTH:
    default:
        used = skip_body(c, bytes);
        break;
    }
    if (c->awaited == AWAIT_LENGTH && c->left_bytes == 0) {
        note_answer(c);
    }
    return used;
}

/* The server closed: which requests were lost by it? Then connect again. */
static void
conn_closed(struct conn *c)
{
    if (c->outstanding > 0) {
        if (c->any) {
            failed += c->outstanding;
        } else {
            raced += c->outstanding;
        }
    } else {
        closed_idle++;
    }
    close(c->fd);
    conn_open(c);
}

static void
conn_read(struct conn *c)
{
    static char data[262144];
    ssize_t n = recv(c->fd, data, sizeof(data), 0);
    size_t at = 0;

    if (n <= 0) {
        conn_closed(c);
        if (opt.rate == 0 && !opt.idle) {
            conn_more(c);
        }
        return;
    }
    while (at < (size_t)n && c->outstanding > 0) {
        c->any = true;
        at += response_step(c, data + at, (size_t)n - at);
    }
    if (c->last && c->outstanding == 0 && !opt.close) { /* nothing may be sent on it any more */
        close(c->fd);
        conn_open(c);
    }
    if (c->outstanding > 0 || opt.rate > 0 || opt.idle) {
        return;
    }
    if (opt.close) {
        close(c->fd);
        conn_open(c);
    }
    conn_more(c);
}

static void
wait_events(int timeout_ms)
{
    struct epoll_event events[512];
    int n = epoll_wait(epoll_fd, events, 512, timeout_ms);

    for (int i = 0; i < n; i++) {
        conn_read(events[i].data.ptr);
    }
}

static void
run_closed(void)
{
    for (uint32_t i = 0; i < opt.conns; i++) {
        conn_more(&conns[i]);
    }
    while (answered + raced + failed < sent || sent < opt.requests) {
        wait_events(1000);
    }
}

/* Give queued requests to connections that are free. */
static void
dispatch(void)
{
    static uint32_t next;

    for (uint32_t tried = 0; tried < opt.conns && queue_first < queue_end; tried++) {
        struct conn *c = &conns[next];

        next = (next + 1) % opt.conns;
        if (c->outstanding == 0) {
            c->due_ns = queue[queue_first++ % QUEUE];
            conn_send(c, 1);
        }
    }
}

static void
run_open(void)
{
    uint64_t begin = now_ns();
    uint64_t gap = 1000000000u / opt.rate;
    uint64_t total = opt.rate * opt.seconds;
    uint64_t due = 0;
    uint64_t end = begin + (opt.seconds + 5) * 1000000000u;

    while (answered + raced + failed < total && now_ns() < end) {
        while (due < total && begin + due * gap <= now_ns() && queue_end - queue_first < QUEUE) {
            queue[queue_end++ % QUEUE] = begin + due * gap;
            due++;
        }
        dispatch();
        wait_events(queue_first < queue_end || due == total ? 1 : 0);
    }
    failed += total - (answered + raced + failed);
}

static void
run_idle(void)
{
    char byte;

    for (uint32_t i = 0; i < opt.conns; i++) {
        conn_send(&conns[i], 1);
        wait_events(0);
    }
    while (answered < sent && raced + failed == 0) {
        wait_events(1000);
    }
    printf("ready answered=%llu\n", (unsigned long long)answered);
    fflush(stdout);
    while (read(0, &byte, 1) > 0) {
    }
}

static int
compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static double
percentile_ms(double share)
{
    size_t at = (size_t)(share * (double)latencies);

    return latencies == 0 ? 0 : latency_us[at < latencies ? at : latencies - 1] / 1000.0;
}

static void
report(double seconds)
{
    printf("sent=%llu answered=%llu raced=%llu failed=%llu closed_idle=%llu bad_status=%llu seconds=%.3f",
           (unsigned long long)sent, (unsigned long long)answered, (unsigned long long)raced,
           (unsigned long long)failed, (unsigned long long)closed_idle,
           (unsigned long long)bad_status, seconds);
    if (latencies > 0) {
        qsort(latency_us, latencies, sizeof(latency_us[0]), compare);
        printf(" p50=%.3f p99=%.3f p999=%.3f max=%.3f", percentile_ms(0.5), percentile_ms(0.99),
               percentile_ms(0.999), percentile_ms(1));
    }
    putchar('\n');
}

static void
read_options(int argc, char **argv)
{
    int o;

    while ((o = getopt(argc, argv, "c:p:n:r:t:h:k:xiu")) != -1) {
        switch (o) {
        case 'c': opt.conns = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'p': opt.depth = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'n': opt.requests = strtoull(optarg, NULL, 10); break;
        case 'r': opt.rate = strtoull(optarg, NULL, 10); break;
        case 't': opt.seconds = strtoull(optarg, NULL, 10); break;
        case 'h': opt.header = optarg; break;
        case 'x': opt.close = true; break;
        case 'i': opt.idle = true; break;
        case 'u': opt.numbered = true; break;
        case 'k': opt.keys = strtoull(optarg, NULL, 10); break;
        default: exit(1);
        }
    }
    if (argc - optind != 2 || opt.conns == 0 || opt.conns > CONNS_MAX || opt.depth == 0 ||
        opt.keys == 0) {
        fprintf(stderr, "load: see the head of tests/bench/load.c\n");
        exit(1);
    }
    opt.port = (uint16_t)strtoul(argv[optind], NULL, 10);
    opt.path = argv[optind + 1];
}

int
main(int argc, char **argv)
{
    uint64_t begin;

    read_options(argc, argv);
    request_bytes = (size_t)snprintf(request, sizeof(request),
                                     "GET %s%s HTTP/1.1\r\n%s%s%s%s\r\n", opt.path,
                                     opt.numbered ? "0000000000" : "",
                                     opt.header != NULL && strncasecmp(opt.header, "Host:", 5) == 0
                                         ? ""
                                         : "Host: localhost\r\n",
                                     opt.header != NULL ? opt.header : "",
                                     opt.header != NULL ? "\r\n" : "",
                                     opt.close ? "Connection: close\r\n" : "");
    burst = malloc(request_bytes * opt.depth);
    conns = calloc(opt.conns, sizeof(*conns));
    latency_us = malloc(sizeof(*latency_us) * LATENCIES);
    if (burst == NULL || conns == NULL || latency_us == NULL) {
        die("malloc");
    }
    for (uint32_t i = 0; i < opt.depth; i++) {
        memcpy(burst + i * request_bytes, request, request_bytes);
    }
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (uint32_t i = 0; i < opt.conns; i++) {
        conn_open(&conns[i]);
    }
    begin = now_ns();
    if (opt.idle) {
        run_idle();
        return raced + failed > 0;
    }
    if (opt.rate > 0) {
        run_open();
    } else {
        run_closed();
    }
    report((double)(now_ns() - begin) / 1e9);
    return 0;
}
