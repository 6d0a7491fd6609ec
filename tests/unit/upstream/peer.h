/* tests/unit/upstream/peer.h - the other end of connections to an upstream, played by the test
 * between turns of the loop: listeners on loopback, connections taken from them, bytes said and
 * expected. */
#ifndef WR_TEST_PEER_H
#define WR_TEST_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weir/upstream.h>

#include "base/pool.h"
#include "event/loop.h"
#include "net/conn.h"
#include "upstream/group.h"

enum { TURNS = 500, PATIENCE_MS = 20 };

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
