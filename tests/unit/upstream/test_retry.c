/* What is tried again, at whom, and what is not. */
#include "origin.h"

#include "upstream/queue.h"

#define OK_5 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"

static const weir_exchange_policy by_default = { .size = sizeof(by_default),
                                                 .retry = WEIR_RETRY_ERROR | WEIR_RETRY_TIMEOUT };

/* Two peers that listen; the first connection goes to the first. */
static void
two_peers(int listeners[2], uint16_t ports[2])
{
    for (int i = 0; i < 2; i++) {
        listeners[i] = listen_at(&ports[i]);
    }
}

static void
close_both(int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

/* The other peer is asked the same, and answers. */
static void
is_answered_by(struct seen *seen, int listener)
{
    int peer = take(listener);

    expect(peer, GET_HEAD);
    say(peer, OK_5 "hello");
    turn_until(seen->over);
    assert_int_equal(seen->result, WEIR_DONE);
    assert_int_equal(seen->heads, 1);
    assert_body(seen, "hello");
    weir_exchange_end(seen->x);
    close(peer);
}

static void
test_a_peer_that_refuses_is_passed_over(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t ports[2] = { closed_port(), 0 };
    int listener = listen_at(&ports[1]);

    (void)state;
    get(&seen, group_at(ports, 2), &by_default);
    is_answered_by(&seen, listener);
    free(seen.body);
    close(listener);
}

static void
test_a_peer_that_closes_before_its_head_is_passed_over(void **state)
{
    static const char *const before[] = { "", "HTTP/1.1 200 OK\r\nContent-Le" };

    (void)state;
    for (size_t i = 0; i < WR_COUNT(before); i++) {
        struct seen seen = nothing_seen();
        int listeners[2], peer;
        uint16_t ports[2];
        two_peers(listeners, ports);
        get(&seen, group_at(ports, 2), &by_default);
        peer = take(listeners[0]);
        expect(peer, GET_HEAD);
        say(peer, before[i]);
        close(peer);
        is_answered_by(&seen, listeners[1]);
        free(seen.body);
        close_both(listeners);
    }
}

static void
test_a_broken_head_is_retried_only_where_the_policy_says_so(void **state)
{
    (void)state;
    for (int says = 0; says < 2; says++) {
        struct seen seen = nothing_seen();
        weir_exchange_policy policy = by_default;
        int listeners[2], peer;
        uint16_t ports[2];
        two_peers(listeners, ports);
        policy.retry |= says ? WEIR_RETRY_INVALID_HEADER : 0;
        get(&seen, group_at(ports, 2), &policy);
        peer = take(listeners[0]);
        expect(peer, GET_HEAD);
        say(peer, "garbage\r\n\r\n");
        if (says) {
            is_answered_by(&seen, listeners[1]);
        } else {
            turn_until(seen.faileds == 1);
            assert_int_equal(seen.result, WEIR_INVALID);
        }
        free(seen.body);
        close(peer);
        close_both(listeners);
    }
}

static void
test_a_silent_peer_times_out_and_the_next_is_asked(void **state)
{
    struct seen seen = nothing_seen();
    weir_exchange_policy policy = by_default;
    int listeners[2], peer;
    uint16_t ports[2];

    (void)state;
    policy.read_ms = 50;
    two_peers(listeners, ports);
    get(&seen, group_at(ports, 2), &policy);
    peer = take(listeners[0]);
    expect(peer, GET_HEAD);
    is_answered_by(&seen, listeners[1]);
    assert_true(ended(peer));
    free(seen.body);
    close(peer);
    close_both(listeners);
}

static void
test_an_error_status_is_retried_while_there_is_another_peer(void **state)
{
    struct seen seen = nothing_seen();
    weir_exchange_policy policy = by_default;
    int listeners[2], peer;
    uint16_t ports[2];

    (void)state;
    policy.retry |= WEIR_RETRY_503;
    two_peers(listeners, ports);
    get(&seen, group_at(ports, 2), &policy);
    for (int i = 0; i < 2; i++) {
        peer = take(listeners[i]);
        expect(peer, GET_HEAD);
        say(peer, "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy");
        if (i == 0) {
            turn_until(ended(peer));
        }
        close(peer);
    }
    turn_until(seen.over);
    assert_int_equal(seen.heads, 1);
    assert_int_equal(seen.status, 503); /* the last one's is the answer */
    assert_body(&seen, "busy");
    weir_exchange_end(seen.x);
    free(seen.body);
    close_both(listeners);
}

static void
test_tries_are_limited(void **state)
{
    struct seen seen = nothing_seen();
    weir_exchange_policy policy = by_default;
    uint16_t ports[3] = { closed_port(), closed_port(), 0 };
    int listener = listen_at(&ports[2]);

    (void)state;
    policy.tries = 2;
    get(&seen, group_at(ports, 3), &policy);
    turn_until(seen.faileds == 1);
    assert_int_equal(seen.result, WEIR_ERROR);
    assert_false(readable(listener));
    free(seen.body);
    close(listener);
}

static void
test_no_try_begins_when_the_time_for_tries_is_over(void **state)
{
    struct seen seen = nothing_seen();
    weir_exchange_policy policy = by_default;
    int listeners[2], peer;
    uint16_t ports[2];

    (void)state;
    policy.read_ms = 60;
    policy.tries_ms = 30;
    two_peers(listeners, ports);
    get(&seen, group_at(ports, 2), &policy);
    peer = take(listeners[0]);
    turn_until(seen.faileds == 1);
    assert_int_equal(seen.result, WEIR_TIMEOUT);
    assert_false(readable(listeners[1]));
    free(seen.body);
    close(peer);
    close_both(listeners);
}

/* ---- What is not idempotent. ---- */

static void
post(struct seen *s, weir_upstream *u, const weir_exchange_policy *policy)
{
    weir_exchange_options o = options(u, s, policy);
    weir_chain body = { NULL, NULL };

    weir_chain_push(&body, weir_buf_ref(owner, WEIR_STR("body")));
    o.method = WEIR_POST;
    o.body = &body;
    start(s, &o);
}

static void
test_a_post_is_sent_once(void **state)
{
    struct seen seen = nothing_seen();
    int listeners[2], peer;
    uint16_t ports[2];

    (void)state;
    two_peers(listeners, ports);
    post(&seen, group_at(ports, 2), &by_default);
    peer = take(listeners[0]);
    expect(peer, GET_HEAD "body");
    close(peer);
    turn_until(seen.faileds == 1);
    assert_int_equal(seen.result, WEIR_ERROR);
    assert_false(readable(listeners[1]));
    free(seen.body);
    close_both(listeners);
}

static void
test_a_post_that_was_not_sent_is_tried_again(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t ports[2] = { closed_port(), 0 };
    int listener = listen_at(&ports[1]), peer;

    (void)state;
    post(&seen, group_at(ports, 2), &by_default);
    peer = take(listener);
    expect(peer, GET_HEAD "body");
    free(seen.body);
    weir_exchange_end(seen.x);
    close(peer);
    close(listener);
}

static void
test_a_post_is_sent_twice_where_the_policy_says_so(void **state)
{
    struct seen seen = nothing_seen();
    weir_exchange_policy policy = by_default;
    int listeners[2], peer;
    uint16_t ports[2];

    (void)state;
    policy.retry |= WEIR_RETRY_NON_IDEMPOTENT;
    two_peers(listeners, ports);
    post(&seen, group_at(ports, 2), &policy);
    for (int i = 0; i < 2; i++) {
        peer = take(listeners[i]);
        expect(peer, GET_HEAD "body");
        close(peer);
    }
    turn_until(seen.faileds == 1);
    free(seen.body);
    close_both(listeners);
}

/* ---- Kept connections that have ended. ---- */

/* One exchange, after which its connection is kept: the peer's end of it. */
static int
kept_connection(weir_upstream *u, int listener)
{
    struct seen seen = nothing_seen();
    int peer;

    get(&seen, u, &by_default);
    peer = take(listener);
    expect(peer, GET_HEAD);
    say(peer, OK_5 "hello");
    turn_until(seen.over);
    weir_exchange_end(seen.x);
    free(seen.body);
    return peer;
}

static void
test_a_get_over_a_connection_that_ended_is_sent_anew(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    peer = kept_connection(u, listener);
    get(&seen, u, &by_default); /* before the loop has seen the end */
    reset(peer);
    is_answered_by(&seen, listener);
    assert_int_equal(weir_upstream_peer(u, 0)->fails, 0);
    free(seen.body);
    close(listener);
}

static void
test_a_get_that_its_kept_connection_read_and_closed_is_sent_anew(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    peer = kept_connection(u, listener);
    get(&seen, u, &by_default);
    expect(peer, GET_HEAD);
    close(peer);
    is_answered_by(&seen, listener);
    free(seen.body);
    close(listener);
}

static void
test_a_kept_connection_that_answers_with_408_is_tried_anew(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    peer = kept_connection(u, listener);
    get(&seen, u, &by_default);
    expect(peer, GET_HEAD);
    say(peer, "HTTP/1.1 408 Tired\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    is_answered_by(&seen, listener);
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_a_post_takes_no_kept_connection_that_has_ended(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    close(kept_connection(u, listener));
    post(&seen, u, &by_default);
    peer = take(listener);
    expect(peer, GET_HEAD "body");
    weir_exchange_end(seen.x);
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_a_post_that_a_kept_connection_may_have_read_fails(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    peer = kept_connection(u, listener);
    post(&seen, u, &by_default);
    expect(peer, GET_HEAD "body");
    close(peer);
    turn_until(seen.faileds == 1);
    assert_int_equal(seen.result, WEIR_ERROR);
    assert_false(readable(listener));
    free(seen.body);
    close(listener);
}

/* ---- Peers that have max_conns. ---- */

static weir_upstream *
one_place_at(uint16_t port)
{
    weir_upstream *u = wr_group_create(conf_pool, WEIR_STR("g"));
    struct wr_group_server like = { .weight = 1, .max_conns = 1 };

    assert_true(wr_group_add(u, weir_print(conf_pool, "127.0.0.1:%u", port), 0, &like, NULL));
    return u;
}

static void
test_a_group_without_a_queue_says_that_it_is_busy(void **state)
{
    struct seen first = nothing_seen(), second = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port);
    weir_upstream *u = one_place_at(port);

    (void)state;
    get(&first, u, &by_default);
    get(&second, u, &by_default);
    turn_until(second.faileds == 1);
    assert_int_equal(second.result, WEIR_LIMIT);
    weir_exchange_end(first.x);
    free(first.body);
    free(second.body);
    close(listener);
}

static void
test_exchanges_wait_for_a_place(void **state)
{
    struct seen seen[3] = { nothing_seen(), nothing_seen(), nothing_seen() };
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_upstream *u = one_place_at(port);

    (void)state;
    u->queue = wr_queue_create(u, 2, 15000);
    for (int i = 0; i < 3; i++) {
        get(&seen[i], u, &by_default);
    }
    weir_exchange_end(seen[1].x); /* gives up waiting */
    peer = take(listener);
    expect(peer, GET_HEAD);
    say(peer, OK_5 "first");
    turn_until(seen[0].over);
    expect(peer, GET_HEAD); /* over the same connection, now kept */
    say(peer, OK_5 "third");
    turn_until(seen[2].over);
    assert_body(&seen[2], "third");
    assert_false(readable(listener));
    for (int i = 0; i < 3; i++) {
        free(seen[i].body);
    }
    weir_exchange_end(seen[0].x);
    weir_exchange_end(seen[2].x);
    close(peer);
    close(listener);
}

static void
test_nobody_waits_for_ever(void **state)
{
    struct seen seen[2] = { nothing_seen(), nothing_seen() };
    uint16_t port;
    int listener = listen_at(&port);
    weir_upstream *u = one_place_at(port);

    (void)state;
    u->queue = wr_queue_create(u, 2, 50);
    get(&seen[0], u, &by_default);
    get(&seen[1], u, &by_default);
    turn_until(seen[1].faileds == 1);
    assert_int_equal(seen[1].result, WEIR_LIMIT);
    weir_exchange_end(seen[0].x);
    free(seen[0].body);
    free(seen[1].body);
    close(listener);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_peer_that_refuses_is_passed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_peer_that_closes_before_its_head_is_passed_over,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_broken_head_is_retried_only_where_the_policy_says_so,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_silent_peer_times_out_and_the_next_is_asked, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_an_error_status_is_retried_while_there_is_another_peer,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_tries_are_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_try_begins_when_the_time_for_tries_is_over, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_post_is_sent_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_post_that_was_not_sent_is_tried_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_post_is_sent_twice_where_the_policy_says_so, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_get_over_a_connection_that_ended_is_sent_anew, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_a_get_that_its_kept_connection_read_and_closed_is_sent_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_kept_connection_that_answers_with_408_is_tried_anew,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_post_takes_no_kept_connection_that_has_ended, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_post_that_a_kept_connection_may_have_read_fails,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_group_without_a_queue_says_that_it_is_busy, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_exchanges_wait_for_a_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_waits_for_ever, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
