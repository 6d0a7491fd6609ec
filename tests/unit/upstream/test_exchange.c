/* Exchanges over real sockets on loopback: the plain course, keeping connections, ends. */
#include "origin.h"
#include "upstream/exchange.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One: 1\r\n\r\n"

static void
test_a_request_is_sent_and_its_response_read(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    get(&seen, group_at(&port, 1), NULL);
    peer = take(listener);
    expect(peer, GET_HEAD);
    say(peer, OK_HEAD "hello");
    turn_until(seen.over);
    assert_int_equal(seen.result, WEIR_DONE);
    assert_int_equal(seen.status, 200);
    assert_int_equal(seen.reply->version, 11);
    assert_int_equal(seen.reply->length, 5);
    assert_true(weir_str_eq(seen.reply->reason, WEIR_STR("OK")));
    assert_true(weir_str_eq(seen.reply->first->next->value, WEIR_STR("1")));
    assert_non_null(seen.reply->at[WEIR_H_CONTENT_LENGTH]);
    assert_body(&seen, "hello");
    weir_exchange_end(seen.x);
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_a_kept_connection_is_used_again(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port), peer = -1;
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    for (int i = 0; i < 3; i++) {
        seen.over = false;
        seen.len = 0;
        get(&seen, u, NULL);
        peer = peer < 0 ? take(listener) : peer;
        expect(peer, GET_HEAD);
        say(peer, OK_HEAD "again");
        turn_until(seen.over);
        assert_body(&seen, "again");
        weir_exchange_end(seen.x);
    }
    assert_false(readable(listener));
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_a_response_in_single_bytes_is_the_same(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "3;a=b\r\none\r\n4\r\n two\r\n0\r\nX-T: 1\r\n\r\n";
    struct seen seen = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    get(&seen, group_at(&port, 1), NULL);
    peer = take(listener);
    expect(peer, GET_HEAD);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        say_bytes(peer, &text[i], 1);
        wr_loop_turn(loop, PATIENCE_MS);
    }
    turn_until(seen.over);
    assert_int_equal(seen.result, WEIR_DONE);
    assert_int_equal(seen.reply->length, -1);
    assert_body(&seen, "one two");
    assert_true(weir_str_eq(weir_exchange_trailers(seen.x)->name, WEIR_STR("X-T")));
    weir_exchange_end(seen.x);
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_small_chunks_arrive_as_one_buffer(void **state)
{
    struct seen seen = nothing_seen();
    weir_chain out = { NULL, NULL };
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    seen.idle = true;
    get(&seen, group_at(&port, 1), NULL);
    peer = take(listener);
    expect(peer, GET_HEAD);
    say(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
              "1\r\na\r\n1\r\nb\r\n2\r\ncd\r\n0\r\n\r\n");
    turn_until(seen.heads == 1);
    assert_int_equal(weir_exchange_read(seen.x, owner, &out, 100), WEIR_DONE);
    assert_ptr_equal(out.head, out.tail);
    assert_int_equal(out.head->len, 4);
    assert_memory_equal(out.head->data, "abcd", 4);
    weir_exchange_end(seen.x);
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_a_body_until_the_end_is_complete_at_a_clean_end(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    get(&seen, group_at(&port, 1), NULL);
    peer = take(listener);
    expect(peer, GET_HEAD);
    say(peer, "HTTP/1.0 200 OK\r\n\r\nall of it");
    close(peer);
    turn_until(seen.over);
    assert_int_equal(seen.result, WEIR_DONE);
    assert_int_equal(seen.reply->length, -1);
    assert_body(&seen, "all of it");
    weir_exchange_end(seen.x);
    free(seen.body);
    close(listener);
}

static void
test_a_large_body_arrives_whole_and_a_little_at_a_time(void **state)
{
    enum { BYTES = 400 * 1024 };
    struct seen seen = nothing_seen();
    char *bytes = malloc(BYTES);
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    for (size_t i = 0; i < BYTES; i++) {
        bytes[i] = (char)(i * 7 >> 3);
    }
    seen.want = 10000;
    get(&seen, group_at(&port, 1), NULL);
    peer = take(listener);
    expect(peer, GET_HEAD);
    say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 409600\r\n\r\n");
    say_bytes(peer, bytes, BYTES);
    turn_until(seen.over);
    assert_int_equal(seen.result, WEIR_DONE);
    assert_int_equal(seen.len, BYTES);
    assert_memory_equal(seen.body, bytes, BYTES);
    weir_exchange_end(seen.x);
    free(seen.body);
    free(bytes);
    close(peer);
    close(listener);
}

static void
test_what_nobody_reads_stays_with_the_peer(void **state)
{
    enum { BYTES = 64 * 1024 };
    struct seen seen = nothing_seen();
    static char bytes[BYTES];
    size_t sent = 0;
    uint16_t port;
    int listener = listen_at(&port), peer;
    ssize_t n;

    (void)state;
    seen.idle = true;
    get(&seen, group_at(&port, 1), NULL);
    peer = take(listener);
    expect(peer, GET_HEAD);
    say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    turn_until(seen.heads == 1);
    do {
        n = send(peer, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
        wr_loop_turn(loop, 0);
    } while (n > 0);
    assert_true(sent < 100u * 1024 * 1024); /* what the kernel holds, and no more */
    weir_exchange_end(seen.x);
    turn_until(ended(peer));
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_what_readers_keep_stays_as_it_was(void **state)
{
    enum { BYTES = 8 * 1024 * 1024 }; /* more than the blocks of a worker hold */
    struct seen seen = nothing_seen();
    weir_chain kept = { NULL, NULL };
    char *bytes = malloc(BYTES);
    size_t sent = 0, at = 0;
    uint16_t port;
    int listener = listen_at(&port), peer, rc = WEIR_OK;

    (void)state;
    for (size_t i = 0; i < BYTES; i++) {
        bytes[i] = (char)(i * 13 >> 5);
    }
    seen.idle = true;
    get(&seen, group_at(&port, 1), NULL);
    peer = take(listener);
    expect(peer, GET_HEAD);
    say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n");
    turn_until(seen.heads == 1);
    while (rc != WEIR_DONE) {
        ssize_t n = send(peer, bytes + sent, BYTES - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
        rc = weir_exchange_read(seen.x, owner, &kept, 65536);
        assert_true(rc == WEIR_OK || rc == WEIR_AGAIN || rc == WEIR_DONE);
        seen.over = true; /* readable has nothing to read */
        wr_loop_turn(loop, 0);
    }
    for (const weir_buf *b = kept.head; b != NULL; b = b->next) {
        assert_memory_equal(b->data, bytes + at, b->len);
        at += b->len;
    }
    assert_int_equal(at, BYTES);
    weir_exchange_end(seen.x);
    free(bytes);
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_a_head_request_has_no_body_and_its_length(void **state)
{
    struct seen seen = nothing_seen();
    weir_exchange_options o;
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    o = options(u, &seen, NULL);
    o.method = WEIR_HEAD;
    start(&seen, &o);
    peer = take(listener);
    expect(peer, GET_HEAD);
    say(peer, OK_HEAD);
    turn_until(seen.over);
    assert_int_equal(seen.result, WEIR_DONE);
    assert_int_equal(seen.reply->length, 5);
    assert_int_equal(seen.len, 0);
    weir_exchange_end(seen.x);
    get(&seen, u, NULL); /* over the same connection */
    expect(peer, GET_HEAD);
    weir_exchange_end(seen.x);
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_a_body_is_sent_behind_the_head(void **state)
{
    struct seen seen = nothing_seen();
    weir_chain body = { NULL, NULL };
    weir_exchange_options o;
    uint16_t port;
    int listener = listen_at(&port), peer;
    char name[] = "/tmp/weir-test-XXXXXX";
    int file = mkstemp(name);

    (void)state;
    assert_int_equal(write(file, "0123456789", 10), 10);
    weir_chain_push(&body, weir_buf_ref(owner, WEIR_STR("one")));
    weir_chain_push(&body, weir_buf_file(owner, file, 2, 5, true));
    weir_chain_push(&body, weir_buf_ref(owner, WEIR_STR("two")));
    o = options(group_at(&port, 1), &seen, NULL);
    o.method = WEIR_POST;
    o.body = &body;
    start(&seen, &o);
    assert_null(body.head);
    peer = take(listener);
    expect(peer, GET_HEAD "one23456two");
    say(peer, OK_HEAD "there");
    turn_until(seen.over);
    assert_body(&seen, "there");
    weir_exchange_end(seen.x);
    free(seen.body);
    unlink(name);
    close(peer);
    close(listener);
}

static void
test_callbacks_may_end_the_exchange_or_its_owner(void **state)
{
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct seen seen = nothing_seen();
        seen.end_in_head = i == 0;
        seen.owner_in_head = i == 1;
        get(&seen, u, NULL);
        peer = take(listener);
        expect(peer, GET_HEAD);
        say(peer, OK_HEAD "he");
        turn_until(seen.heads == 1);
        turn_until(ended(peer));
        free(seen.body);
        close(peer);
    }
    close(listener);
}

static void
test_no_live_peer_is_told_from_the_loop(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t port = closed_port();

    (void)state;
    seen.owner_in_failed = true;
    get(&seen, group_at(&port, 1), NULL);
    turn_until(seen.faileds == 1);
    assert_int_equal(seen.result, WEIR_ERROR);
    free(seen.body);
}

static void
test_the_buffers_of_the_socket_are_sized_as_told(void **state)
{
    /* The system doubles what it is told, for its own use. [socket(7)] */
    const weir_exchange_policy policy = { .size = sizeof(policy), .rcvbuf = 20000, .sndbuf = 30000 };
    struct seen seen = nothing_seen();
    int rcvbuf = 0, sndbuf = 0, peer, listener;
    socklen_t len = sizeof(int);
    uint16_t port;

    (void)state;
    listener = listen_at(&port);
    get(&seen, group_at(&port, 1), &policy);
    peer = take(listener);
    assert_int_equal(
        getsockopt(seen.x->link->conn.io.fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, &len), 0);
    assert_int_equal(
        getsockopt(seen.x->link->conn.io.fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, &len), 0);
    assert_int_equal(rcvbuf, 40000);
    assert_int_equal(sndbuf, 60000);
    weir_exchange_end(seen.x);
    free(seen.body);
    close(peer);
    close(listener);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_buffers_of_the_socket_are_sized_as_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_request_is_sent_and_its_response_read, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_kept_connection_is_used_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_response_in_single_bytes_is_the_same, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_small_chunks_arrive_as_one_buffer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_body_until_the_end_is_complete_at_a_clean_end, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_large_body_arrives_whole_and_a_little_at_a_time,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_nobody_reads_stays_with_the_peer, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_readers_keep_stays_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_head_request_has_no_body_and_its_length, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_body_is_sent_behind_the_head, setup, teardown),
        cmocka_unit_test_setup_teardown(test_callbacks_may_end_the_exchange_or_its_owner, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_no_live_peer_is_told_from_the_loop, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
