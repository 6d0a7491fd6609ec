/* tests/unit/net/name_server.h - a resolver and its name server, over a real socket on loopback:
 * the test is the name server, between turns of the loop. */
#ifndef WR_TESTS_UNIT_NET_NAME_SERVER_H
#define WR_TESTS_UNIT_NET_NAME_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pool.h"
#include "event/loop.h"
#include "net/resolve.h"
#include "net/resolve_live.h"

enum { TURNS = 500, PATIENCE_MS = 20, T_A = 1, T_SRV = 33 };

static struct wr_loop *loop;
static weir_pool *conf_pool, *owner;
static struct wr_resolver *resolver;
static int server;
static uint32_t counts[WR_RESOLVE_EVENTS];

static inline void
count(enum wr_resolve_event what)
{
    counts[what]++;
}

static inline int
open_server(uint16_t *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static inline void
add_server(uint16_t port)
{
    struct wr_addr *a = wr_vec_add(&resolver->servers);

    a->at.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    a->len = sizeof(a->at.v4);
}

/* The name server's port for streams, at which it listens when an answer is too long. */
static int stream = -1;

static inline bool
open_stream(uint16_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(stream >= 0);
    if (bind(stream, (struct sockaddr *)&at, sizeof(at)) == 0) {
        return true;
    }
    (void)close(stream);
    return false;
}

static inline int
set_up(void **state)
{
    uint16_t port;

    (void)state;
    loop = wr_loop_create();
    conf_pool = wr_pool_create("conf", NULL);
    owner = wr_pool_create("owner", NULL);
    resolver = wr_resolver_create(conf_pool);
    resolver->ipv6 = false;
    resolver->hosts = "/nonexistent";
    resolver->count = count;
    memset(counts, 0, sizeof(counts));
    server = open_server(&port);
    while (!open_stream(port)) { /* somebody else has that port for streams */
        (void)close(server);
        server = open_server(&port);
    }
    add_server(port);
    return 0;
}

static inline int
tear_down(void **state)
{
    (void)state;
    wr_pool_destroy(&owner);
    wr_resolver_close(resolver);
    wr_pool_destroy(&conf_pool);
    (void)close(server);
    (void)close(stream);
    wr_loop_destroy(&loop);
    return 0;
}

/* ---- The name server. ---- */

struct question {
    struct sockaddr_in from;
    uint8_t bytes[512];
    size_t len; /* of the head and the question */
    char name[256];
    uint16_t type;
};

static inline uint16_t
number(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* False: nothing was asked. */
static inline bool
take_question(struct question *q)
{
    socklen_t len = sizeof(q->from);
    ssize_t n = recvfrom(server, q->bytes, sizeof(q->bytes), 0, (struct sockaddr *)&q->from, &len);
    size_t at = 12, to = 0;

    if (n <= 12) {
        return false;
    }
    while (q->bytes[at] != 0) {
        memcpy(q->name + to, q->bytes + at + 1, q->bytes[at]);
        to += q->bytes[at];
        q->name[to++] = '.';
        at += q->bytes[at] + 1u;
    }
    q->name[to - 1] = '\0';
    q->type = number(q->bytes + at + 1);
    q->len = at + 5;
    return true;
}

static inline void
await_question(struct question *q)
{
    for (int i = 0; i < TURNS; i++) {
        if (take_question(q)) {
            return;
        }
        wr_loop_turn(loop, PATIENCE_MS);
    }
    fail_msg("nothing was asked");
}

static inline void
assert_nothing_asked(void)
{
    struct question q;

    for (int i = 0; i < 3; i++) {
        wr_loop_turn(loop, 1);
    }
    assert_false(take_question(&q));
}

struct reply {
    uint8_t bytes[8192];
    size_t len;
};

static inline void
put(struct reply *r, const void *bytes, size_t len)
{
    assert_true(r->len + len <= sizeof(r->bytes));
    memcpy(r->bytes + r->len, bytes, len);
    r->len += len;
}

static inline void
put_number(struct reply *r, uint32_t value, size_t size)
{
    for (size_t i = size; i-- != 0;) {
        uint8_t byte = (uint8_t)(value >> 8 * i);
        put(r, &byte, 1);
    }
}

static inline void
put_name(struct reply *r, const char *name)
{
    while (*name != '\0') {
        size_t len = strcspn(name, ".");
        put_number(r, (uint32_t)len, 1);
        put(r, name, len);
        name += len + (name[len] == '.' ? 1 : 0);
    }
    put_number(r, 0, 1);
}

static inline struct reply
begin(const struct question *q, int code)
{
    struct reply r = { .len = 0 };

    put(&r, q->bytes, 2);
    put_number(&r, 0x8180u | (unsigned)code, 2);
    put_number(&r, 1, 2);
    put_number(&r, 0, 2);
    put_number(&r, 0, 4);
    put(&r, q->bytes + 12, q->len - 12);
    return r;
}

static inline void
put_record(struct reply *r, const char *name, uint16_t type, uint32_t ttl, size_t len)
{
    uint16_t answers = (uint16_t)(number(r->bytes + 6) + 1);

    r->bytes[6] = (uint8_t)(answers >> 8);
    r->bytes[7] = (uint8_t)answers;
    put_name(r, name);
    put_number(r, type, 2);
    put_number(r, 1, 2);
    put_number(r, ttl, 4);
    put_number(r, (uint32_t)len, 2);
}

static inline void
put_a(struct reply *r, const char *name, uint32_t ttl, const char *addr)
{
    put_record(r, name, T_A, ttl, 4);
    put_number(r, ntohl(inet_addr(addr)), 4);
}

static inline void
put_srv(struct reply *r, const char *name, unsigned priority, unsigned weight, unsigned port,
        const char *target)
{
    put_record(r, name, T_SRV, 60, 6 + strlen(target) + 2);
    put_number(r, priority, 2);
    put_number(r, weight, 2);
    put_number(r, port, 2);
    put_name(r, target);
}

static inline void
send_reply(const struct question *q, const struct reply *r)
{
    assert_int_equal(sendto(server, r->bytes, r->len, 0, (const struct sockaddr *)&q->from,
                            sizeof(q->from)),
                     r->len);
}

/* Answer the next question with one address. */
static inline void
answer(const char *name, uint32_t ttl, const char *addr)
{
    struct question q;
    struct reply r;

    await_question(&q);
    assert_string_equal(q.name, name);
    r = begin(&q, 0);
    put_a(&r, name, ttl, addr);
    send_reply(&q, &r);
}

static inline void
answer_code(const char *name, int code)
{
    struct question q;
    struct reply r;

    await_question(&q);
    assert_string_equal(q.name, name);
    r = begin(&q, code);
    send_reply(&q, &r);
}

/* Say that the answer does not fit, and give it to whom comes for it. */
static inline void
reply_over_tcp(const struct question *q, struct reply *r)
{
    struct reply cut = begin(q, 0), framed = { .len = 0 };
    int fd = -1;
    uint8_t question[512];

    assert_int_equal(listen(stream, 1), 0);
    cut.bytes[2] |= 2;
    send_reply(q, &cut);
    for (int i = 0; i < TURNS && fd < 0; i++) {
        wr_loop_turn(loop, PATIENCE_MS);
        fd = accept4(stream, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    assert_true(fd >= 0);
    for (int i = 0; i < TURNS && recv(fd, question, sizeof(question), 0) <= 2; i++) {
        wr_loop_turn(loop, PATIENCE_MS);
    }
    memcpy(r->bytes, question + 2, 2);
    put_number(&framed, (uint32_t)r->len, 2);
    put(&framed, r->bytes, r->len);
    assert_int_equal(send(fd, framed.bytes, framed.len, 0), framed.len);
    (void)close(fd);
}

/* ---- Who asks. ---- */

struct seen {
    int calls;
    bool in_call;
    enum wr_resolve_code code;
    uint64_t until_ms;
    char text[1024]; /* "127.0.0.1:0/priority/weight " each */
    /* what to do when told */
    struct wr_resolve_wait **cancels;
    bool ends_owner;
    struct seen *asks;
};

static inline void ask(struct seen *s, const char *name);

static inline void
on_answer(void *data, const struct wr_resolved *a)
{
    struct seen *s = data;
    size_t len = 0;

    assert_false(s->in_call);
    s->calls++;
    s->code = a->code;
    s->until_ms = a->until_ms;
    s->text[0] = '\0';
    for (uint32_t i = 0; i < a->count; i++) {
        const struct wr_resolved_addr *at = &a->at[i];
        len += (size_t)snprintf(s->text + len, sizeof(s->text) - len, "%s%s:%u/%u/%u",
                                i != 0 ? " " : "", inet_ntoa(at->addr.v4.sin_addr),
                                ntohs(at->addr.v4.sin_port), at->priority, at->weight);
    }
    if (s->cancels != NULL) {
        wr_resolve_cancel(*s->cancels);
    }
    if (s->asks != NULL) {
        ask(s->asks, "app.test");
    }
    if (s->ends_owner) {
        wr_pool_destroy(&owner);
    }
}

static inline struct wr_resolve_wait *
ask_kind(struct seen *s, enum wr_resolve_kind kind, const char *name, uint64_t ms)
{
    struct wr_resolve_wait *w;

    s->in_call = true;
    w = wr_resolve_ask(resolver, owner, kind, weir_str_c(name), ms, on_answer, s);
    s->in_call = false;
    return w;
}

static inline void
ask(struct seen *s, const char *name)
{
    (void)ask_kind(s, WR_RESOLVE_ADDRS, name, 0);
}

static inline void
await(const struct seen *s, int calls)
{
    for (int i = 0; i < TURNS && s->calls < calls; i++) {
        wr_loop_turn(loop, PATIENCE_MS);
    }
    assert_int_equal(s->calls, calls);
}

/* Ask for a name, answer with one address, and wait until that is told. */
static inline void
ask_and_answer(struct seen *s, const char *name, uint32_t ttl, const char *addr)
{
    int calls = s->calls;

    ask(s, name);
    answer(name, ttl, addr);
    await(s, calls + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
