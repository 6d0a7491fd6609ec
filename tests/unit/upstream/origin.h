/* tests/unit/upstream/origin.h - the other end of an exchange, played by the test between turns of
 * the loop: listeners on loopback, connections taken from them, bytes said and expected; and an
 * exchange whose callbacks note what they are told. */
#ifndef WR_TEST_ORIGIN_H
#define WR_TEST_ORIGIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weir/request.h>
#include <weir/upstream.h>

#include "base/assert.h"
#include "base/pool.h"
#include "event/loop.h"
#include "net/conn.h"
#include "upstream/group.h"

enum { TURNS = 500, PATIENCE_MS = 20, SEEN = 512 * 1024 };

static struct wr_loop *loop;
static weir_pool *conf_pool, *owner;

#define turn_until(cond)                                                                           \
    do {                                                                                           \
        for (int turn_ = 0; turn_ < TURNS && !(cond); turn_++) {                                   \
            wr_loop_turn(loop, PATIENCE_MS);                                                       \
        }                                                                                          \
        assert_true(cond);                                                                         \
    } while (0)

/* ---- The peer. ---- */

static inline int
listen_at(uint16_t *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static inline uint16_t
closed_port(void)
{
    uint16_t port;

    close(listen_at(&port));
    return port;
}

static inline weir_upstream *
group_at(const uint16_t *ports, size_t n)
{
    weir_upstream *u = wr_group_create(conf_pool, WEIR_STR("g"));
    struct wr_group_server like = { .weight = 1, .max_fails = 1, .fail_timeout_ms = 10000 };

    for (size_t i = 0; i < n; i++) {
        weir_str at = weir_print(conf_pool, "127.0.0.1:%u", ports[i]);
        assert_true(wr_group_add(u, at, 0, &like, NULL));
    }
    return u;
}

static inline bool
readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    return poll(&p, 1, 0) == 1;
}

static inline int
take(int listener)
{
    int fd;

    turn_until(readable(listener));
    fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    return fd;
}

static inline void
expect_bytes(int fd, const char *text, size_t len)
{
    char got[4096];

    while (len != 0) {
        ssize_t n;
        turn_until(readable(fd));
        n = recv(fd, got, len < sizeof(got) ? len : sizeof(got), 0);
        assert_true(n > 0);
        assert_memory_equal(got, text, (size_t)n);
        text += n;
        len -= (size_t)n;
    }
}

static inline void
expect(int fd, const char *text)
{
    expect_bytes(fd, text, strlen(text));
}

static inline void
say_bytes(int fd, const char *text, size_t len)
{
    while (len != 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            wr_loop_turn(loop, PATIENCE_MS);
            continue;
        }
        text += n;
        len -= (size_t)n;
    }
}

static inline void
say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text));
}

static inline bool
ended(int fd)
{
    char c;

    return readable(fd) && recv(fd, &c, 1, MSG_DONTWAIT) <= 0;
}

/* Close so that what was not read resets the connection. */
static inline void
reset(int fd)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

/* ---- The exchange. ---- */

struct seen {
    weir_exchange *x;
    int heads, interims, readables, writables, faileds;
    int result; /* of failed, or of the read that ended it */
    uint32_t status, interim_status;
    const weir_reply *reply;
    char *body; /* what was read */
    size_t len;
    bool over; /* a read said that it is */
    bool idle; /* nobody reads */
    size_t want;
    bool end_in_head, owner_in_head, owner_in_failed;
    bool in_call; /* set while the test calls in: no callback may come */
};

/* Read all there is. */
static inline void
drink(struct seen *s)
{
    int rc = WEIR_OK;

    while (!s->over && rc == WEIR_OK) {
        weir_chain out = { NULL, NULL };
        weir_buf *b;
        s->in_call = true;
        rc = weir_exchange_read(s->x, owner, &out, s->want);
        s->in_call = false;
        while ((b = weir_chain_pop(&out)) != NULL) {
            assert_true(s->len + b->len <= SEEN);
            memcpy(s->body + s->len, b->data, b->len);
            s->len += b->len;
            weir_buf_drop(b);
        }
    }
    if (rc != WEIR_AGAIN) {
        s->over = true;
        s->result = rc;
    }
}

static inline void
on_head(weir_exchange *x, void *data, const weir_reply *reply)
{
    struct seen *s = data;

    assert_false(s->in_call);
    s->heads++;
    s->status = reply->status;
    s->reply = reply;
    s->x = x;
    if (s->owner_in_head) {
        wr_pool_destroy(&owner);
    } else if (s->end_in_head) {
        weir_exchange_end(x);
    } else if (!s->idle) {
        drink(s);
    }
}

static inline void
on_interim(weir_exchange *x, void *data, const weir_reply *reply)
{
    struct seen *s = data;

    (void)x;
    assert_false(s->in_call);
    s->interims++;
    s->interim_status = reply->status;
}

static inline void
on_readable(weir_exchange *x, void *data)
{
    struct seen *s = data;

    (void)x;
    assert_false(s->in_call);
    s->readables++;
    drink(s);
}

static inline void
on_writable(weir_exchange *x, void *data)
{
    struct seen *s = data;

    (void)x;
    assert_false(s->in_call);
    s->writables++;
}

static inline void
on_failed(weir_exchange *x, void *data, int result)
{
    struct seen *s = data;

    (void)x;
    assert_false(s->in_call);
    s->faileds++;
    s->result = result;
    if (s->owner_in_failed) {
        wr_pool_destroy(&owner);
    }
}

static const weir_exchange_ops ops = { on_head, on_interim, on_readable, on_writable, on_failed };

static inline struct seen
nothing_seen(void)
{
    struct seen s = { .want = 65536, .body = malloc(SEEN) };

    assert_non_null(s.body);
    return s;
}

#define GET_HEAD "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"

/* What an exchange begins with, to be changed before it starts. */
static inline weir_exchange_options
options(weir_upstream *u, struct seen *s, const weir_exchange_policy *policy)
{
    return (weir_exchange_options){ .size = sizeof(weir_exchange_options),
                                    .to = u,
                                    .policy = policy,
                                    .ops = &ops,
                                    .data = s,
                                    .head = WEIR_STR(GET_HEAD),
                                    .method = WEIR_GET };
}

static inline void
start(struct seen *s, const weir_exchange_options *o)
{
    s->in_call = true;
    s->x = weir_exchange_start(owner, o);
    s->in_call = false;
}

/* A GET of /x with this policy. */
static inline void
get(struct seen *s, weir_upstream *u, const weir_exchange_policy *policy)
{
    weir_exchange_options o = options(u, s, policy);

    start(s, &o);
}

/* The text that was read is this. */
#define assert_body(s, text)                                                                       \
    do {                                                                                           \
        assert_int_equal((s)->len, strlen(text));                                                  \
        assert_memory_equal((s)->body, (text), strlen(text));                                      \
    } while (0)

/* ---- Setting up. ---- */

static inline int
setup(void **state)
{
    (void)state;
    loop = wr_loop_create();
    conf_pool = wr_pool_create("configuration", NULL);
    owner = wr_pool_create("request", NULL);
    wr_conn_setup(0);
    return 0;
}

static inline int
teardown(void **state)
{
    (void)state;
    if (owner != NULL) {
        wr_pool_destroy(&owner);
    }
    wr_pool_destroy(&conf_pool);
    wr_loop_turn(loop, 0); /* what was buried */
    wr_loop_destroy(&loop);
    assert_int_equal(wr_conn_counts.outgoing, 0);
    return 0;
}

#endif
