/* A connection is told what happened to it, and after its close nothing of it is called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"
#include "net/conn.h"
#include "net/send.h"

struct user {
    struct wr_conn conn; /* first */
    bool closes; /* on ready */
};

static struct wr_loop *loop;
static unsigned n_ready, n_expired, n_dropped, n_quit;

static void
on_ready(struct wr_conn *c)
{
    n_ready++;
    if (((struct user *)c)->closes) {
        wr_conn_close(c, false);
    }
}

static void
on_expired(struct wr_conn *c)
{
    (void)c;
    n_expired++;
}

static void
on_drop(struct wr_conn *c)
{
    n_dropped++;
    wr_conn_close(c, false);
}

static void
on_quit(struct wr_conn *c)
{
    n_quit++;
    wr_conn_close(c, false);
}

static const struct wr_conn_ops ops = {
    .ready = on_ready, .expired = on_expired, .drop = on_drop, .quit = on_quit
};

static int
set_up(void **state)
{
    (void)state;
    loop = wr_loop_create();
    wr_conn_setup(0);
    n_ready = n_expired = n_dropped = n_quit = 0;
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    wr_conn_close_all();
    wr_loop_turn(loop, 0);
    wr_loop_destroy(&loop);
    assert_int_equal(wr_conn_counts.open, 0);
    assert_int_equal(wr_conn_counts.idle, 0);
    return 0;
}

static struct user *
open_user(int *peer)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    *peer = fds[1];
    return (struct user *)wr_conn_open(fds[0], sizeof(struct user), &ops, NULL, NULL);
}

static void
test_bytes_that_came_before_the_watch_are_told(void **state)
{
    int peer;
    struct user *u = open_user(&peer);
    char bytes[8];

    (void)state;
    assert_int_equal(wr_conn_recv(&u->conn, bytes, sizeof(bytes)), -EAGAIN);
    assert_false(u->conn.can_read);
    assert_int_equal(write(peer, "abc", 3), 3);
    assert_true(wr_conn_watch(&u->conn));
    wr_loop_turn(loop, 1000);
    assert_int_equal(n_ready, 1);
    assert_true(u->conn.can_read);
    assert_int_equal(wr_conn_recv(&u->conn, bytes, sizeof(bytes)), 3);
    assert_false(u->conn.can_read);
    (void)close(peer);
}

static void
test_the_peers_end_is_seen_behind_its_last_bytes(void **state)
{
    int peer;
    struct user *u = open_user(&peer);
    char bytes[8];

    (void)state;
    assert_true(wr_conn_watch(&u->conn));
    assert_int_equal(write(peer, "abc", 3), 3);
    (void)shutdown(peer, SHUT_WR);
    wr_loop_turn(loop, 1000);
    assert_true(u->conn.half_closed);
    assert_int_equal(wr_conn_recv(&u->conn, bytes, sizeof(bytes)), 3);
    assert_true(u->conn.can_read); /* no further edge would tell of the end */
    assert_int_equal(wr_conn_recv(&u->conn, bytes, sizeof(bytes)), 0);
    assert_false(u->conn.can_read);
    assert_false(u->conn.gone);
    (void)close(peer);
}

static void
test_a_peer_that_left_is_gone(void **state)
{
    int peer;
    struct user *u = open_user(&peer);

    (void)state;
    assert_true(wr_conn_watch(&u->conn));
    (void)close(peer);
    wr_loop_turn(loop, 1000);
    assert_true(u->conn.gone);
}

static void
test_a_wake_is_one_call_however_often_asked_for(void **state)
{
    int peer;
    struct user *u = open_user(&peer);

    (void)state;
    wr_conn_wake(&u->conn);
    wr_conn_wake(&u->conn);
    wr_loop_turn(loop, -1);
    wr_loop_turn(loop, 0);
    assert_int_equal(n_ready, 1);
    (void)close(peer);
}

static void
test_nothing_is_called_after_the_close(void **state)
{
    int peer;
    struct user *u = open_user(&peer);

    (void)state;
    assert_true(wr_conn_watch(&u->conn));
    assert_int_equal(write(peer, "abc", 3), 3);
    wr_conn_deadline(&u->conn, 1);
    wr_conn_wake(&u->conn);
    wr_conn_close(&u->conn, false);
    wr_conn_close(&u->conn, true);
    wr_conn_wake(&u->conn);
    (void)usleep(2000);
    wr_loop_turn(loop, 0);
    wr_loop_turn(loop, 0);
    assert_int_equal(n_ready + n_expired, 0);
    (void)close(peer);
}

static void
test_a_connection_may_close_itself_when_told(void **state)
{
    int peer;
    struct user *u = open_user(&peer);
    char byte;

    (void)state;
    u->closes = true;
    assert_true(wr_conn_watch(&u->conn));
    assert_int_equal(write(peer, "abc", 3), 3);
    wr_conn_wake(&u->conn);
    wr_loop_turn(loop, 1000);
    assert_int_equal(n_ready, 1);
    (void)!read(peer, &byte, 1);
    assert_int_equal(read(peer, &byte, 1), 0);
    (void)close(peer);
}

static void
test_a_deadline_moved_on_expires_once(void **state)
{
    int peer;
    struct user *u = open_user(&peer);

    (void)state;
    wr_conn_deadline(&u->conn, 1);
    wr_conn_deadline(&u->conn, 5);
    while (n_expired == 0) {
        wr_loop_turn(loop, -1);
    }
    wr_loop_turn(loop, 0);
    assert_int_equal(n_expired, 1);
    (void)close(peer);
}

static void
test_the_longest_idle_makes_place(void **state)
{
    int peers[4];
    struct user *a, *b;
    char byte;

    (void)state;
    wr_conn_setup(2);
    a = open_user(&peers[0]);
    b = open_user(&peers[1]);
    wr_conn_idle(&b->conn, true);
    wr_conn_idle(&a->conn, true);
    assert_int_equal(wr_conn_counts.idle, 2);
    assert_non_null(open_user(&peers[2]));
    assert_int_equal(n_dropped, 1);
    assert_int_equal(read(peers[1], &byte, 1), 0); /* b was idle first */
    wr_conn_idle(&a->conn, false);
    assert_null(open_user(&peers[3]));
    assert_int_equal(read(peers[3], &byte, 1), 0);
    assert_int_equal(wr_conn_counts.open, 2);
    for (size_t i = 0; i < WR_COUNT(peers); i++) {
        (void)close(peers[i]);
    }
}

static void
test_all_are_asked_to_quit_idle_or_not(void **state)
{
    int peers[3];

    (void)state;
    for (size_t i = 0; i < WR_COUNT(peers); i++) {
        struct user *u = open_user(&peers[i]);
        wr_conn_idle(&u->conn, i == 1);
    }
    wr_conn_quit_all();
    assert_int_equal(n_quit, 3);
    assert_int_equal(wr_conn_counts.open, 0);
    for (size_t i = 0; i < WR_COUNT(peers); i++) {
        (void)close(peers[i]);
    }
}

static void
test_the_owner_of_a_connection_closes_it_when_all_are_closed(void **state)
{
    int peers[2];

    (void)state;
    (void)open_user(&peers[0]);
    wr_conn_idle(&open_user(&peers[1])->conn, true);
    wr_conn_close_all();
    assert_int_equal(n_dropped, 2);
    (void)close(peers[0]);
    (void)close(peers[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bytes_that_came_before_the_watch_are_told),
        TEST(test_the_peers_end_is_seen_behind_its_last_bytes),
        TEST(test_a_peer_that_left_is_gone),
        TEST(test_a_wake_is_one_call_however_often_asked_for),
        TEST(test_nothing_is_called_after_the_close),
        TEST(test_a_connection_may_close_itself_when_told),
        TEST(test_a_deadline_moved_on_expires_once),
        TEST(test_the_longest_idle_makes_place),
        TEST(test_all_are_asked_to_quit_idle_or_not),
        TEST(test_the_owner_of_a_connection_closes_it_when_all_are_closed),
    };

    return cmocka_run_group_tests_name("conn", tests, NULL, NULL);
}
