/* What a connection was given arrives in order and once, however little the kernel takes at a time. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"
#include "net/buf.h"
#include "net/send.h"

enum { BIG = 3 * 1024 * 1024 };

static struct wr_loop *loop;
static struct weir_pool pool;
static struct wr_conn *conn;
static int peer;
static unsigned ready_calls;
static uint8_t *want, *got;
static size_t n_want, n_got;

static void
on_ready(struct wr_conn *c)
{
    (void)c;
    ready_calls++;
}

static void
on_drop(struct wr_conn *c)
{
    wr_conn_close(c, false);
}

static const struct wr_conn_ops ops = {
    .ready = on_ready, .expired = on_ready, .drop = on_drop, .quit = on_ready
};

static struct wr_conn *
open_pair(int *other)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    *other = fds[1];
    return wr_conn_open(fds[0], sizeof(struct wr_conn), &ops, NULL, NULL);
}

static int
set_up(void **state)
{
    (void)state;
    loop = wr_loop_create();
    wr_pool_init(&pool, "test", NULL);
    wr_conn_setup(0);
    conn = open_pair(&peer);
    want = malloc(4 * BIG);
    got = malloc(4 * BIG);
    n_want = n_got = 0;
    ready_calls = 0;
    return want == NULL || got == NULL;
}

static int
tear_down(void **state)
{
    (void)state;
    wr_conn_close(conn, false);
    wr_loop_turn(loop, 0);
    wr_pool_fini(&pool);
    wr_loop_destroy(&loop);
    (void)close(peer);
    free(want);
    free(got);
    return 0;
}

/* n bytes nobody expects, noted as wanted; they stay where they are. */
static const uint8_t *
make(size_t n)
{
    static uint32_t x = 1;
    const uint8_t *at = want + n_want;

    assert_true(n_want + n <= 4 * BIG);
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        want[n_want++] = (uint8_t)(x >> 24);
    }
    return at;
}

static void
drain(void)
{
    ssize_t n;

    while ((n = read(peer, got + n_got, 4 * BIG - n_got)) > 0) {
        n_got += (size_t)n;
    }
}

/* Flush and read by turns until all has come, or nothing goes on. */
static void
carry(void)
{
    for (unsigned i = 0; i < 100000 && (n_got < n_want || wr_out_pending(conn)); i++) {
        int rc;
        conn->can_write = true; /* what the loop would say once the peer has read */
        rc = wr_out_flush(conn);
        assert_true(rc == 0 || rc == -EAGAIN);
        drain();
    }
    assert_int_equal(n_got, n_want);
    assert_memory_equal(got, want, n_want);
    assert_int_equal(conn->sent, n_want);
    assert_false(wr_out_pending(conn));
}

static int
file_of(const uint8_t *bytes, size_t n)
{
    char name[] = "/tmp/weir-test-XXXXXX";
    int fd = mkstemp(name);

    assert_true(fd >= 0);
    (void)unlink(name);
    while (n != 0) {
        ssize_t w = write(fd, bytes, n);
        assert_true(w > 0);
        bytes += w;
        n -= (size_t)w;
    }
    return fd;
}

static void
add_chain(weir_buf *b)
{
    weir_chain c = { NULL, NULL };

    weir_chain_push(&c, b);
    wr_out_chain(conn, &c);
    assert_null(c.head);
}

static void
test_copies_are_joined_and_sent_at_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        const uint8_t *bytes = make(20);
        wr_out_copy(conn, bytes, 20);
    }
    assert_int_equal(conn->sent, 0);
    assert_int_equal(wr_out_flush(conn), 0);
    assert_int_equal(conn->sent, 2000);
    carry();
}

static void
test_more_copies_than_the_area_has_room_for_arrive(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        wr_out_copy(conn, make(5000), 5000);
    }
    carry();
}

static unsigned released;

static void
release(void *data)
{
    (void)data;
    released++;
}

static void
test_all_kinds_keep_their_order(void **state)
{
    const uint8_t *bytes;

    (void)state;
    released = 0;
    for (unsigned i = 0; i < 100; i++) {
        wr_out_copy(conn, make(i), i);
        wr_out_ref(conn, make(3000), 3000, release, NULL);
        bytes = make(100);
        add_chain(weir_buf_copy(&pool, (weir_str){ (const char *)bytes, 100 }));
        add_chain(weir_buf_mark(&pool, WEIR_BUF_FLUSH));
        bytes = make(7000);
        add_chain(weir_buf_file(&pool, file_of(bytes, 7000), 0, 7000, true));
    }
    carry();
    assert_int_equal(released, 100);
}

static void
test_more_pieces_than_a_gathering_has_arrive_when_the_peer_does_not_read(void **state)
{
    (void)state;
    wr_out_ref(conn, make(BIG), BIG, NULL, NULL); /* the kernel is full from here */
    for (unsigned i = 0; i < 300; i++) {
        wr_out_copy(conn, make(10), 10);
        add_chain(weir_buf_copy(&pool, (weir_str){ (const char *)make(10), 10 }));
    }
    assert_int_equal(wr_out_flush(conn), -EAGAIN);
    assert_false(conn->can_write);
    assert_true(wr_out_waiting(conn) > 0);
    carry();
}

static void
test_a_part_of_a_file_arrives(void **state)
{
    uint8_t *all = calloc(1, 3 * 4096);
    const uint8_t *bytes = make(4096);

    (void)state;
    memcpy(all + 4096, bytes, 4096);
    add_chain(weir_buf_file(&pool, file_of(all, 3 * 4096), 4096, 4096, true));
    free(all);
    carry();
}

/* A transport that cannot send files. */
static const struct wr_transport *plain = &wr_transport_plain;

static void
test_a_file_goes_through_memory_when_the_transport_cannot(void **state)
{
    struct wr_transport t = *plain;
    const uint8_t *bytes = make(BIG);

    (void)state;
    t.send_file = NULL;
    conn->transport = &t;
    add_chain(weir_buf_file(&pool, file_of(bytes, BIG), 0, BIG, true));
    carry();
    conn->transport = plain;
}

static void
test_a_file_that_became_shorter_breaks_the_connection(void **state)
{
    static const uint8_t bytes[100];
    int fd = file_of(bytes, 100);

    (void)state;
    add_chain(weir_buf_file(&pool, fd, 0, 200, true));
    wr_out_copy(conn, "behind", 6);
    assert_int_equal(wr_out_flush(conn), -EIO);
    assert_true(conn->gone);
    assert_false(wr_out_pending(conn));
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    drain();
    assert_int_equal(n_got, 100);
}

static void
test_a_peer_that_left_breaks_the_connection_and_releases_everything(void **state)
{
    (void)state;
    released = 0;
    (void)close(peer);
    wr_out_ref(conn, "abc", 3, release, NULL);
    add_chain(weir_buf_extern(&pool, WEIR_STR("def"), release, NULL));
    assert_true(wr_out_flush(conn) < 0);
    assert_true(conn->gone);
    assert_int_equal(released, 2);
    peer = -1;
}

static void
test_dropping_releases_what_waits_and_what_is_gathered(void **state)
{
    (void)state;
    released = 0;
    wr_out_ref(conn, make(BIG), BIG, release, NULL);
    assert_int_equal(wr_out_flush(conn), -EAGAIN);
    add_chain(weir_buf_extern(&pool, WEIR_STR("def"), release, NULL));
    assert_int_equal(released, 0);
    wr_out_drop(conn);
    assert_int_equal(released, 2);
    assert_false(wr_out_pending(conn));
}

static void
test_another_connections_output_goes_out_before_ones_own(void **state)
{
    int other_peer;
    struct wr_conn *other = open_pair(&other_peer);
    char bytes[8];

    (void)state;
    wr_out_copy(other, "other", 5);
    wr_out_copy(conn, make(10), 10);
    assert_int_equal(read(other_peer, bytes, sizeof(bytes)), 5);
    carry();
    wr_conn_close(other, false);
    (void)close(other_peer);
}

static void
test_a_full_connections_gathering_is_kept_when_another_begins(void **state)
{
    int other_peer;
    struct wr_conn *other = open_pair(&other_peer);

    (void)state;
    wr_out_ref(conn, make(BIG), BIG, NULL, NULL);
    assert_int_equal(wr_out_flush(conn), -EAGAIN);
    wr_out_copy(conn, make(100), 100);
    wr_out_copy(other, "other", 5);
    assert_int_equal(wr_out_flush(other), 0);
    carry();
    wr_conn_close(other, false);
    (void)close(other_peer);
}

/* Takes everything at once. */
static ssize_t
take_all(struct wr_conn *c, int fd, int64_t offset, size_t len, bool more)
{
    (void)c;
    (void)fd;
    (void)offset;
    (void)more;
    return (ssize_t)len;
}

static void
test_a_fast_client_gets_a_long_file_in_bursts_with_a_wake_between(void **state)
{
    struct wr_transport t = *plain;
    uint64_t size = UINT64_C(40) * 1024 * 1024;
    unsigned turns = 0;

    (void)state;
    t.send_file = take_all;
    conn->transport = &t;
    add_chain(weir_buf_file(&pool, -1, 0, size, false));
    while (wr_out_flush(conn) == -EAGAIN) {
        assert_true(conn->can_write);
        wr_loop_turn(loop, -1); /* would wait for ever without the wake */
        assert_int_equal(ready_calls, ++turns);
        assert_true(turns < 100);
    }
    assert_int_equal(conn->sent, size);
    assert_true(turns >= 5);
    conn->transport = plain;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_copies_are_joined_and_sent_at_once),
        TEST(test_more_copies_than_the_area_has_room_for_arrive),
        TEST(test_all_kinds_keep_their_order),
        TEST(test_more_pieces_than_a_gathering_has_arrive_when_the_peer_does_not_read),
        TEST(test_a_part_of_a_file_arrives),
        TEST(test_a_file_goes_through_memory_when_the_transport_cannot),
        TEST(test_a_file_that_became_shorter_breaks_the_connection),
        TEST(test_a_peer_that_left_breaks_the_connection_and_releases_everything),
        TEST(test_dropping_releases_what_waits_and_what_is_gathered),
        TEST(test_another_connections_output_goes_out_before_ones_own),
        TEST(test_a_full_connections_gathering_is_kept_when_another_begins),
        TEST(test_a_fast_client_gets_a_long_file_in_bursts_with_a_wake_between),
    };

    return cmocka_run_group_tests_name("send", tests, NULL, NULL);
}
