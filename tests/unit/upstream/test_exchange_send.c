/* Bodies that come in pieces, peers that do not take them, and answers that do not wait for them.
 */
#include "origin.h"

#define OK_5 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"

static const weir_exchange_policy by_default = { .size = sizeof(by_default),
                                                 .retry = WEIR_RETRY_ERROR | WEIR_RETRY_TIMEOUT };

static void
stream(struct seen *s, weir_upstream *u, uint32_t flags, const weir_exchange_policy *policy)
{
    weir_exchange_options o = options(u, s, policy);

    o.method = WEIR_PUT;
    o.flags = WEIR_EXCHANGE_STREAM | flags;
    start(s, &o);
}

static int
pour(struct seen *s, const char *text, bool last)
{
    weir_chain body = { NULL, NULL };
    int rc;

    if (text != NULL) {
        weir_chain_push(&body, weir_buf_copy(owner, weir_str_c(text)));
    }
    s->in_call = true;
    rc = weir_exchange_send(s->x, &body, last);
    s->in_call = false;
    return rc;
}

static void
test_pieces_are_sent_as_they_come(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    stream(&seen, group_at(&port, 1), 0, NULL);
    assert_int_equal(pour(&seen, "one ", false), WEIR_OK); /* before there is a connection */
    peer = take(listener);
    expect(peer, GET_HEAD "one ");
    assert_int_equal(pour(&seen, "two", false), WEIR_OK);
    expect(peer, "two");
    assert_int_equal(pour(&seen, NULL, true), WEIR_OK);
    assert_int_equal(pour(&seen, "late", false), WEIR_CLOSED);
    say(peer, OK_5 "hello");
    turn_until(seen.over);
    assert_int_equal(seen.result, WEIR_DONE);
    weir_exchange_end(seen.x);
    wr_loop_turn(loop, 0);
    assert_false(ended(peer)); /* kept */
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_pieces_become_chunks(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    stream(&seen, group_at(&port, 1), WEIR_EXCHANGE_CHUNKED, NULL);
    peer = take(listener);
    expect(peer, GET_HEAD);
    assert_int_equal(pour(&seen, "0123456789abcdef", false), WEIR_OK);
    assert_int_equal(pour(&seen, NULL, false), WEIR_OK); /* an empty piece is not the end */
    assert_int_equal(pour(&seen, "!", true), WEIR_OK);
    expect(peer, "10\r\n0123456789abcdef\r\n1\r\n!\r\n0\r\n\r\n");
    weir_exchange_end(seen.x);
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_a_peer_that_takes_nothing_stops_the_sender(void **state)
{
    enum { PIECE = 32 * 1024 };
    struct seen seen = nothing_seen();
    char *piece = malloc(PIECE + 1), got[65536];
    size_t poured = 0, drunk = 0;
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    memset(piece, 'x', PIECE);
    piece[PIECE] = '\0';
    stream(&seen, group_at(&port, 1), 0, NULL);
    peer = take(listener);
    expect(peer, GET_HEAD);
    while (pour(&seen, piece, false) == WEIR_OK) {
        poured += PIECE;
        assert_true(poured < 100u * 1024 * 1024);
    }
    poured += PIECE;
    while (drunk < poured) {
        ssize_t n = recv(peer, got, sizeof(got), MSG_DONTWAIT);
        drunk += n > 0 ? (size_t)n : 0;
        wr_loop_turn(loop, n > 0 ? 0 : PATIENCE_MS);
    }
    assert_int_equal(seen.writables, 1);
    assert_int_equal(pour(&seen, piece, true), WEIR_OK);
    weir_exchange_end(seen.x);
    free(piece);
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_a_peer_that_takes_nothing_times_out(void **state)
{
    enum { PIECE = 1024 * 1024 };
    struct seen seen = nothing_seen();
    weir_exchange_policy policy = by_default;
    char *piece = malloc(PIECE + 1);
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    policy.send_ms = 50;
    memset(piece, 'x', PIECE);
    piece[PIECE] = '\0';
    stream(&seen, group_at(&port, 1), 0, &policy);
    peer = take(listener);
    expect(peer, GET_HEAD);
    while (pour(&seen, piece, false) == WEIR_OK) {
    }
    turn_until(seen.faileds == 1);
    assert_int_equal(seen.result, WEIR_TIMEOUT);
    assert_int_equal(pour(&seen, "more", false), WEIR_CLOSED);
    free(piece);
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_who_waits_for_its_sender_does_not_time_out(void **state)
{
    struct seen seen = nothing_seen();
    weir_exchange_policy policy = by_default;
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    policy.send_ms = policy.read_ms = 20;
    stream(&seen, group_at(&port, 1), 0, &policy);
    peer = take(listener);
    expect(peer, GET_HEAD);
    for (int i = 0; i < 5; i++) { /* nothing comes: each turn waits PATIENCE_MS */
        wr_loop_turn(loop, PATIENCE_MS);
    }
    assert_int_equal(seen.faileds, 0);
    assert_int_equal(pour(&seen, "late", true), WEIR_OK);
    expect(peer, "late");
    turn_until(seen.faileds == 1); /* now it is the peer's turn */
    assert_int_equal(seen.result, WEIR_TIMEOUT);
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_an_answer_before_the_body_was_sent_ends_the_connection(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    stream(&seen, group_at(&port, 1), 0, NULL);
    peer = take(listener);
    expect(peer, GET_HEAD);
    say(peer, "HTTP/1.1 413 Large\r\nContent-Length: 2\r\n\r\nno");
    turn_until(seen.over);
    assert_int_equal(seen.status, 413);
    assert_body(&seen, "no");
    assert_int_equal(pour(&seen, "more", false), WEIR_CLOSED);
    turn_until(ended(peer));
    weir_exchange_end(seen.x);
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_an_answer_of_a_peer_that_reads_no_more_is_heard(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    stream(&seen, group_at(&port, 1), 0, NULL);
    peer = take(listener);
    expect(peer, GET_HEAD);
    say(peer, "HTTP/1.1 413 Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    close(peer);
    while (pour(&seen, "more", false) == WEIR_OK && !seen.over) {
        wr_loop_turn(loop, 1);
    }
    turn_until(seen.over || seen.faileds != 0);
    assert_int_equal(seen.status, 413);
    assert_body(&seen, "no");
    weir_exchange_end(seen.x);
    free(seen.body);
    close(listener);
}

static void
test_both_directions_go_at_once(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    stream(&seen, group_at(&port, 1), WEIR_EXCHANGE_CHUNKED, NULL);
    peer = take(listener);
    expect(peer, GET_HEAD);
    say(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    turn_until(seen.heads == 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pour(&seen, "ab", false), WEIR_OK);
        expect(peer, "2\r\nab\r\n");
        say(peer, "2\r\nab\r\n");
        turn_until(seen.len == 2 * (size_t)(i + 1));
    }
    assert_int_equal(pour(&seen, NULL, true), WEIR_OK);
    expect(peer, "0\r\n\r\n");
    say(peer, "0\r\n\r\n");
    turn_until(seen.over);
    assert_int_equal(seen.result, WEIR_DONE);
    weir_exchange_end(seen.x);
    wr_loop_turn(loop, 0);
    assert_false(ended(peer));
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_a_stream_that_was_not_sent_goes_to_the_next_peer(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t ports[2] = { closed_port(), 0 };
    int listener = listen_at(&ports[1]), peer;

    (void)state;
    stream(&seen, group_at(ports, 2), 0, &by_default);
    assert_int_equal(pour(&seen, "all", true), WEIR_OK);
    peer = take(listener);
    expect(peer, GET_HEAD "all");
    weir_exchange_end(seen.x);
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_a_large_body_goes_to_the_next_peer_whole(void **state)
{
    enum { BYTES = 3 * 1024 * 1024 };
    struct seen seen = nothing_seen();
    weir_chain body = { NULL, NULL };
    weir_exchange_options o;
    char *bytes = malloc(BYTES);
    uint16_t ports[2];
    int listeners[2] = { listen_at(&ports[0]), listen_at(&ports[1]) }, peer;

    (void)state;
    for (size_t i = 0; i < BYTES; i++) {
        bytes[i] = (char)(i * 11 >> 4);
    }
    weir_chain_push(&body, weir_buf_ref(owner, (weir_str){ bytes, BYTES / 2 }));
    weir_chain_push(&body, weir_buf_ref(owner, (weir_str){ bytes + BYTES / 2, BYTES / 2 }));
    o = options(group_at(ports, 2), &seen, &by_default);
    o.method = WEIR_PUT;
    o.body = &body;
    start(&seen, &o);
    peer = take(listeners[0]);
    expect(peer, GET_HEAD);
    expect_bytes(peer, bytes, BYTES / 3);
    reset(peer);
    peer = take(listeners[1]);
    expect(peer, GET_HEAD);
    expect_bytes(peer, bytes, BYTES);
    say(peer, OK_5 "hello");
    turn_until(seen.over);
    assert_body(&seen, "hello");
    weir_exchange_end(seen.x);
    free(bytes);
    free(seen.body);
    close(peer);
    close(listeners[0]);
    close(listeners[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pieces_are_sent_as_they_come, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pieces_become_chunks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_peer_that_takes_nothing_stops_the_sender, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_peer_that_takes_nothing_times_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_waits_for_its_sender_does_not_time_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_an_answer_before_the_body_was_sent_ends_the_connection,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_answer_of_a_peer_that_reads_no_more_is_heard, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_both_directions_go_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_stream_that_was_not_sent_goes_to_the_next_peer,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_large_body_goes_to_the_next_peer_whole, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
