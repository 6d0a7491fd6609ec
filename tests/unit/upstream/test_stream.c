/* Streams over real sockets on loopback; the test is the peer, between turns of the loop. */
#include "peer.h"

#include <stdlib.h>
#include <weir/event.h>

#include "base/clock.h"
#include "upstream/link.h"
#include "upstream/stream.h"

/* What a stream's callbacks saw. */
struct seen {
    int opened, closed, result;
    bool reused;
    char text[256]; /* all that was offered in the last call */
    size_t calls;
    /* what to do in received */
    size_t use;     /* bytes used up; SIZE_MAX: all */
    bool keep, close, end_owner;
    bool in_call;   /* set while the test calls in: no callback may come */
};

static void
on_opened(weir_stream *s, void *data, bool reused)
{
    struct seen *seen = data;

    (void)s;
    assert_false(seen->in_call);
    seen->opened++;
    seen->reused = reused;
}

static size_t
on_received(weir_stream *s, void *data, weir_str bytes)
{
    struct seen *seen = data;

    assert_false(seen->in_call);
    seen->calls++;
    snprintf(seen->text, sizeof(seen->text), "%.*s", WEIR_FMT(bytes));
    if (seen->keep) {
        weir_stream_keep(s, 2);
    }
    if (seen->close) {
        weir_stream_close(s);
    }
    if (seen->end_owner) {
        weir_pool_end(owner);
        owner = NULL;
    }
    return seen->use < bytes.len ? seen->use : bytes.len;
}

static void
on_closed(weir_stream *s, void *data, int result)
{
    struct seen *seen = data;

    (void)s;
    assert_false(seen->in_call);
    seen->closed++;
    seen->result = result;
}

static weir_stream *
open_stream(weir_upstream *u, struct seen *seen, const char *protocol, uint64_t ms)
{
    weir_stream_options o = { .size = sizeof(o), .to = u, .protocol = protocol, .connect_ms = ms,
                              .idle_ms = ms, .opened = on_opened, .received = on_received,
                              .closed = on_closed };
    weir_stream *s;

    seen->in_call = true;
    s = weir_stream_open(owner, &o, seen);
    seen->in_call = false;
    return s;
}

/* ---- Tests. ---- */

static void
test_bytes_go_both_ways(void **state)
{
    struct seen seen = { .use = SIZE_MAX };
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_stream *s = open_stream(group_at(&port, 1), &seen, "p", 0);

    (void)state;
    assert_int_equal(weir_stream_peer(s).len, 0);
    assert_int_equal(weir_stream_write(s, WEIR_STR("one ")), WEIR_OK); /* before opened */
    assert_int_equal(weir_stream_write(s, WEIR_STR("two")), WEIR_OK);
    peer = take(listener);
    expect(peer, "one two");
    assert_int_equal(seen.opened, 1);
    assert_false(seen.reused);
    assert_true(weir_stream_peer(s).len > strlen("127.0.0.1:"));
    say(peer, "answer");
    turn_until(seen.calls == 1);
    assert_string_equal(seen.text, "answer");
    close(peer);
    turn_until(seen.closed == 1);
    assert_int_equal(seen.result, WEIR_CLOSED);
    close(listener);
}

static void
test_unused_bytes_come_again_with_more(void **state)
{
    struct seen seen = { .use = 0 };
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    open_stream(group_at(&port, 1), &seen, "p", 0);
    peer = take(listener);
    say(peer, "abc");
    turn_until(seen.calls == 1);
    assert_string_equal(seen.text, "abc");
    seen.use = 2;
    say(peer, "def");
    turn_until(seen.calls == 2);
    assert_string_equal(seen.text, "abcdef");
    say(peer, "g");
    turn_until(seen.calls == 3);
    assert_string_equal(seen.text, "cdefg");
    close(peer);
    close(listener);
}

static void
test_a_kept_stream_is_reused_by_its_protocol_only(void **state)
{
    struct seen first = { .use = SIZE_MAX, .keep = true }, other = { .use = SIZE_MAX },
                same = { .use = SIZE_MAX };
    uint16_t port;
    int listener = listen_at(&port), peer, peer_two;
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    weir_stream_write(open_stream(u, &first, "p", 0), WEIR_STR("1"));
    peer = take(listener);
    expect(peer, "1");
    say(peer, "ok");
    turn_until(first.calls == 1);
    weir_stream_write(open_stream(u, &other, "q", 0), WEIR_STR("2"));
    peer_two = take(listener);
    expect(peer_two, "2");
    assert_false(other.reused);
    weir_stream_write(open_stream(u, &same, "p", 0), WEIR_STR("3"));
    expect(peer, "3");
    assert_int_equal(same.opened, 1);
    assert_true(same.reused);
    assert_int_equal(first.closed, 0);
    close(peer);
    close(peer_two);
    close(listener);
}

static void
test_a_stream_kept_with_unread_bytes_is_closed(void **state)
{
    struct seen seen = { .use = 2, .keep = true };
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    open_stream(u, &seen, "p", 0);
    peer = take(listener);
    say(peer, "ok and more");
    turn_until(ended(peer));
    assert_int_equal(seen.closed, 0);
    close(peer);
    close(listener);
}

static void
test_an_idle_stream_that_speaks_or_ends_is_not_reused(void **state)
{
    struct seen first = { .use = SIZE_MAX, .keep = true }, second = { .use = SIZE_MAX };
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    open_stream(u, &first, "p", 0);
    peer = take(listener);
    say(peer, "ok");
    turn_until(first.calls == 1);
    assert_int_equal(wr_conn_counts.outgoing, 1);
    say(peer, "late");
    open_stream(u, &second, "p", 0); /* in the turn in which nobody has heard it yet */
    close(take(listener));
    turn_until(second.closed == 1);
    assert_false(second.reused);
    turn_until(ended(peer));
    close(peer);
    close(listener);
}

static void
test_no_more_than_keep_are_idle(void **state)
{
    struct seen seen[3] = { { .use = SIZE_MAX, .keep = true },
                            { .use = SIZE_MAX, .keep = true },
                            { .use = SIZE_MAX, .keep = true } };
    uint16_t port;
    int listener = listen_at(&port), peers[3];
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    for (int i = 0; i < 3; i++) {
        open_stream(u, &seen[i], "p", 0);
        peers[i] = take(listener);
    }
    for (int i = 0; i < 3; i++) {
        say(peers[i], "ok");
        turn_until(seen[i].calls == 1);
    }
    assert_int_equal(wr_conn_counts.outgoing, 2);
    turn_until(ended(peers[0])); /* the oldest gave way */
    assert_false(readable(peers[1]) || readable(peers[2]));
    wr_link_close_idle(u);
    assert_int_equal(wr_conn_counts.outgoing, 0);
    for (int i = 0; i < 3; i++) {
        close(peers[i]);
    }
    close(listener);
}

static void
test_keepalive_zero_keeps_none(void **state)
{
    struct seen seen = { .use = SIZE_MAX, .keep = true };
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    u->keepalive = 0;
    open_stream(u, &seen, "p", 0);
    peer = take(listener);
    say(peer, "ok");
    turn_until(ended(peer));
    close(peer);
    close(listener);
}

static void
test_an_idle_stream_ends_after_keepalive_timeout(void **state)
{
    struct seen seen = { .use = SIZE_MAX, .keep = true };
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    u->keepalive_ms = 5;
    open_stream(u, &seen, "p", 0);
    peer = take(listener);
    say(peer, "ok");
    turn_until(ended(peer));
    assert_int_equal(seen.closed, 0);
    close(peer);
    close(listener);
}

static void
test_the_next_peer_is_tried_when_one_refuses(void **state)
{
    struct seen seen = { .use = SIZE_MAX };
    uint16_t ports[3] = { closed_port(), closed_port(), 0 };
    int listener = listen_at(&ports[2]), peer;
    weir_stream *s = open_stream(group_at(ports, 3), &seen, "p", 0);

    (void)state;
    weir_stream_write(s, WEIR_STR("hello"));
    peer = take(listener);
    expect(peer, "hello");
    assert_int_equal(seen.closed, 0);
    close(peer);
    close(listener);
}

static void
test_no_peer_left_is_an_error_told_by_the_loop(void **state)
{
    struct seen seen = { .use = 0 };
    uint16_t ports[2] = { closed_port(), closed_port() };

    (void)state;
    open_stream(group_at(ports, 2), &seen, "p", 0);
    turn_until(seen.closed == 1);
    assert_int_equal(seen.result, WEIR_ERROR);
    assert_int_equal(seen.opened, 0);
}

static void
test_a_group_of_none_but_down_peers_is_an_error(void **state)
{
    struct seen seen = { .use = 0 };
    uint16_t port = closed_port();
    weir_upstream *u = group_at(&port, 1);
    weir_stream *s;

    (void)state;
    assert_int_equal(weir_peer_set_down(u, weir_upstream_peer(u, 0)->id, true), WEIR_OK);
    s = open_stream(u, &seen, "p", 0);
    assert_int_equal(weir_stream_write(s, WEIR_STR("x")), WEIR_CLOSED);
    turn_until(seen.closed == 1);
    assert_int_equal(seen.result, WEIR_ERROR);
}

static void
test_a_peer_that_does_not_take_the_connection_times_out(void **state)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    struct seen seen = { .use = 0 };
    int listener = socket(AF_INET, SOCK_STREAM, 0), fillers[8];
    uint16_t port;

    (void)state;
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    for (int i = 0; i < 8; i++) { /* a full queue answers no further SYN */
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(fillers[i], (struct sockaddr *)&at, sizeof(at));
    }
    port = ntohs(at.sin_port);
    open_stream(group_at(&port, 1), &seen, "p", 30);
    turn_until(seen.closed == 1);
    assert_int_equal(seen.result, WEIR_TIMEOUT);
    assert_int_equal(seen.opened, 0);
    for (int i = 0; i < 8; i++) {
        close(fillers[i]);
    }
    close(listener);
}

static void
test_silence_times_out_and_counts_against_the_peer(void **state)
{
    struct seen seen = { .use = 0 };
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    weir_stream_write(open_stream(u, &seen, "p", 20), WEIR_STR("question"));
    peer = take(listener);
    turn_until(seen.closed == 1);
    assert_int_equal(seen.result, WEIR_TIMEOUT);
    assert_int_equal(weir_upstream_peer(u, 0)->fails, 1);
    close(peer);
    close(listener);
}

static void
test_the_owners_end_closes_it_without_a_call(void **state)
{
    struct seen seen = { .use = 0 };
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    open_stream(group_at(&port, 1), &seen, "p", 0);
    peer = take(listener);
    turn_until(seen.opened == 1);
    wr_pool_destroy(&owner);
    turn_until(ended(peer));
    assert_int_equal(seen.closed, 0);
    close(peer);
    close(listener);
}

static void
test_the_owner_may_end_before_a_failure_is_told(void **state)
{
    struct seen seen = { .use = 0 };
    uint16_t port = closed_port();

    (void)state;
    open_stream(group_at(&port, 1), &seen, "p", 0);
    wr_pool_destroy(&owner);
    wr_loop_turn(loop, 0);
    wr_loop_turn(loop, 0);
    assert_int_equal(seen.closed, 0);
}

static void
test_the_owner_may_end_inside_received(void **state)
{
    struct seen seen = { .use = SIZE_MAX, .end_owner = true };
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    open_stream(group_at(&port, 1), &seen, "p", 0);
    peer = take(listener);
    say(peer, "x");
    turn_until(ended(peer));
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.closed, 0);
    close(peer);
    close(listener);
}

static void
test_keeping_and_then_ending_the_owner_keeps_the_link(void **state)
{
    struct seen seen = { .use = SIZE_MAX, .keep = true, .end_owner = true };
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    open_stream(group_at(&port, 1), &seen, "p", 0);
    peer = take(listener);
    say(peer, "x");
    turn_until(seen.calls == 1);
    assert_int_equal(wr_conn_counts.outgoing, 1);
    assert_false(readable(peer));
    close(peer);
    close(listener);
}

static void
test_closing_inside_received_ends_it(void **state)
{
    struct seen seen = { .use = SIZE_MAX, .close = true };
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    open_stream(group_at(&port, 1), &seen, "p", 0);
    peer = take(listener);
    say(peer, "x");
    turn_until(ended(peer));
    assert_int_equal(seen.closed, 0);
    close(peer);
    close(listener);
}

static void
test_more_than_64k_that_nobody_takes_is_an_error(void **state)
{
    struct seen seen = { .use = 0 };
    uint16_t port;
    int listener = listen_at(&port), peer;
    char *much = calloc(1, WR_STREAM_IN_MAX + 1);

    (void)state;
    memset(much, 'x', WR_STREAM_IN_MAX);
    open_stream(group_at(&port, 1), &seen, "p", 0);
    peer = take(listener);
    say(peer, much);
    for (size_t sent = 0; sent < 3; sent++) {
        wr_loop_turn(loop, PATIENCE_MS);
    }
    assert_int_equal(seen.closed, 0);
    say(peer, "y");
    turn_until(seen.closed == 1);
    assert_int_equal(seen.result, WEIR_ERROR);
    free(much);
    close(peer);
    close(listener);
}

static void
test_a_slow_peer_makes_write_say_again_and_loses_nothing(void **state)
{
    struct seen seen = { .use = 0 };
    uint16_t port;
    int listener = listen_at(&port), peer, rc = WEIR_OK;
    char piece[8192], got[65536];
    size_t sent = 0, received = 0;
    weir_stream *s = open_stream(group_at(&port, 1), &seen, "p", 0);

    (void)state;
    peer = take(listener);
    turn_until(seen.opened == 1);
    for (int i = 0; i < 2000 && rc == WEIR_OK; i++) {
        for (size_t k = 0; k < sizeof(piece); k++) {
            piece[k] = (char)('a' + (sent + k) % 23);
        }
        rc = weir_stream_write(s, (weir_str){ piece, sizeof(piece) });
        sent += sizeof(piece);
    }
    assert_int_equal(rc, WEIR_AGAIN);
    while (received < sent) {
        ssize_t n;
        turn_until(readable(peer));
        n = recv(peer, got, sizeof(got), 0);
        assert_true(n > 0);
        for (ssize_t k = 0; k < n; k++) {
            assert_int_equal(got[k], 'a' + (char)((received + (size_t)k) % 23));
        }
        received += (size_t)n;
    }
    assert_int_equal(received, sent);
    assert_int_equal(weir_stream_write(s, WEIR_STR("x")), WEIR_OK);
    close(peer);
    close(listener);
}

static void
test_what_a_peer_says_before_it_closes_is_received(void **state)
{
    struct seen seen = { .use = SIZE_MAX };
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    open_stream(group_at(&port, 1), &seen, "p", 0);
    peer = take(listener);
    say(peer, "last words");
    close(peer);
    turn_until(seen.closed == 1);
    assert_string_equal(seen.text, "last words");
    assert_int_equal(seen.result, WEIR_CLOSED);
    close(listener);
}

static void
test_worker_connections_bounds_streams(void **state)
{
    struct seen first = { .use = 0 }, second = { .use = 0 };
    uint16_t port;
    int listener = listen_at(&port);
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    wr_conn_setup(1);
    open_stream(u, &first, "p", 0);
    open_stream(u, &second, "p", 0);
    turn_until(second.closed == 1);
    assert_int_equal(second.result, WEIR_ERROR);
    assert_int_equal(first.closed, 0);
    assert_int_equal(weir_upstream_peer(u, 0)->fails, 0); /* not its fault */
    close(listener);
}

static void
test_the_worker_closing_everything_tells_the_module(void **state)
{
    struct seen seen = { .use = 0 };
    uint16_t port;
    int listener = listen_at(&port);

    (void)state;
    open_stream(group_at(&port, 1), &seen, "p", 0);
    turn_until(seen.opened == 1);
    wr_conn_quit_all(); /* lets it finish */
    assert_int_equal(seen.closed, 0);
    wr_conn_close_all();
    assert_int_equal(seen.closed, 1);
    assert_int_equal(seen.result, WEIR_CLOSED);
    close(listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bytes_go_both_ways),
        TEST(test_unused_bytes_come_again_with_more),
        TEST(test_a_kept_stream_is_reused_by_its_protocol_only),
        TEST(test_a_stream_kept_with_unread_bytes_is_closed),
        TEST(test_an_idle_stream_that_speaks_or_ends_is_not_reused),
        TEST(test_no_more_than_keep_are_idle),
        TEST(test_keepalive_zero_keeps_none),
        TEST(test_an_idle_stream_ends_after_keepalive_timeout),
        TEST(test_the_next_peer_is_tried_when_one_refuses),
        TEST(test_no_peer_left_is_an_error_told_by_the_loop),
        TEST(test_a_group_of_none_but_down_peers_is_an_error),
        TEST(test_a_peer_that_does_not_take_the_connection_times_out),
        TEST(test_silence_times_out_and_counts_against_the_peer),
        TEST(test_the_owners_end_closes_it_without_a_call),
        TEST(test_the_owner_may_end_before_a_failure_is_told),
        TEST(test_the_owner_may_end_inside_received),
        TEST(test_keeping_and_then_ending_the_owner_keeps_the_link),
        TEST(test_closing_inside_received_ends_it),
        TEST(test_more_than_64k_that_nobody_takes_is_an_error),
        TEST(test_a_slow_peer_makes_write_say_again_and_loses_nothing),
        TEST(test_what_a_peer_says_before_it_closes_is_received),
        TEST(test_worker_connections_bounds_streams),
        TEST(test_the_worker_closing_everything_tells_the_module),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
