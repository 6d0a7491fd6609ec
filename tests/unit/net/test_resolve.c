/* Questions and answers: what is believed, for how long, and who is told. */
#include "unit/net/name_server.h"

/* ---- Answers. ---- */

static void
test_an_address_is_told_once_from_the_loop(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "App.Test.");
    answer("app.test", 60, "192.0.2.1");
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_FOUND);
    assert_string_equal(s.text, "192.0.2.1:0/0/0");
    assert_int_equal(s.until_ms, wr_clock.now_ms + 60000);
    assert_int_equal(counts[WR_RESOLVE_ASKED], 1);
    assert_int_equal(counts[WR_RESOLVE_GOT_FOUND], 1);
    assert_int_equal(resolver->live->waiting, 0);
}

static void
test_questions_for_a_name_are_joined(void **state)
{
    struct seen s[3] = { { .calls = 0 } };

    (void)state;
    ask(&s[0], "app.test");
    ask(&s[1], "APP.test");
    ask(&s[2], "app.test");
    answer("app.test", 60, "192.0.2.1");
    for (int i = 0; i < 3; i++) {
        await(&s[i], 1);
    }
    assert_nothing_asked();
    assert_int_equal(counts[WR_RESOLVE_JOINED], 2);
}

static void
test_a_good_answer_needs_no_question(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask_and_answer(&s, "app.test", 60, "192.0.2.1");
    ask(&s, "app.test");
    await(&s, 2);
    assert_string_equal(s.text, "192.0.2.1:0/0/0");
    assert_nothing_asked();
    assert_int_equal(counts[WR_RESOLVE_FROM_CACHE], 1);
    assert_non_null(wr_resolve_known(resolver, WR_RESOLVE_ADDRS, WEIR_STR("app.TEST")));
    assert_null(wr_resolve_known(resolver, WR_RESOLVE_SRV, WEIR_STR("app.test")));
}

static void
test_an_answer_of_no_time_is_asked_for_again(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask_and_answer(&s, "app.test", 0, "192.0.2.1");
    assert_null(wr_resolve_known(resolver, WR_RESOLVE_ADDRS, WEIR_STR("app.test")));
    ask_and_answer(&s, "app.test", 0, "192.0.2.2");
    assert_string_equal(s.text, "192.0.2.2:0/0/0");
}

static void
test_an_answer_is_forgotten_when_its_time_is_over(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask_and_answer(&s, "app.test", 60, "192.0.2.1");
    wr_clock.now_ms += 60000;
    assert_null(wr_resolve_known(resolver, WR_RESOLVE_ADDRS, WEIR_STR("app.test")));
}

static void
test_valid_stands_for_the_time_of_the_answer(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    resolver->valid_ms = 5000;
    ask_and_answer(&s, "app.test", 60, "192.0.2.1");
    assert_int_equal(s.until_ms, wr_clock.now_ms + 5000);
}

static void
test_no_answer_is_believed_for_longer_than_a_day(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask_and_answer(&s, "app.test", 0x7fffffff, "192.0.2.1");
    assert_int_equal(s.until_ms, wr_clock.now_ms + WR_RESOLVE_TTL_MAX_MS);
}

static void
test_that_there_is_no_such_name_is_believed_briefly(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "none.test");
    answer_code("none.test", 3);
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_NONE);
    assert_int_equal(s.until_ms, wr_clock.now_ms + WR_RESOLVE_NONE_MS);
    ask(&s, "none.test");
    await(&s, 2);
    assert_nothing_asked();
    assert_int_equal(counts[WR_RESOLVE_GOT_NONE], 1);
}

static void
test_who_asks_again_does_not_hear_of_it_twice(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "later.test");
    answer_code("later.test", 3);
    await(&s, 1);
    (void)wr_resolve_again(resolver, owner, WR_RESOLVE_ADDRS, WEIR_STR("later.test"), 0, on_answer,
                           &s);
    answer("later.test", 60, "192.0.2.1");
    await(&s, 2);
    (void)wr_resolve_again(resolver, owner, WR_RESOLVE_ADDRS, WEIR_STR("later.test"), 0, on_answer,
                           &s);
    await(&s, 3);
    assert_string_equal(s.text, "192.0.2.1:0/0/0");
    assert_nothing_asked();
}

static void
test_a_server_that_fails_is_a_failure(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "app.test");
    for (int i = 0; i < 8 && s.calls == 0; i++) {
        struct question q;
        wr_loop_turn(loop, PATIENCE_MS);
        if (take_question(&q)) {
            struct reply r = begin(&q, 2);
            send_reply(&q, &r);
        }
    }
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_SERVER);
    assert_int_equal(s.until_ms, wr_clock.now_ms + WR_RESOLVE_FAILED_MS);
}

static void
test_another_server_is_asked_when_one_fails(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;
    uint16_t port;
    int first = server, second = open_server(&port), asked[2] = { 0, 0 };

    (void)state;
    add_server(port);
    ask(&s, "app.test");
    for (int i = 0; i < TURNS && s.calls == 0; i++) {
        wr_loop_turn(loop, PATIENCE_MS);
        server = i % 2 == 0 ? first : second;
        if (take_question(&q)) {
            r = begin(&q, asked[0] + asked[1] == 0 ? 5 : 0); /* the first one refuses */
            if (asked[0] + asked[1] != 0) {
                put_a(&r, "app.test", 60, "192.0.2.1");
            }
            asked[i % 2]++;
            send_reply(&q, &r);
        }
    }
    server = first;
    (void)close(second);
    assert_int_equal(s.calls, 1);
    assert_int_equal(s.code, WR_RESOLVE_FOUND);
    assert_int_equal(asked[0], 1);
    assert_int_equal(asked[1], 1);
}

static void
test_nobody_answers_in_time(void **state)
{
    struct seen s = { .calls = 0 }, later = { .calls = 0 };

    (void)state;
    (void)ask_kind(&s, WR_RESOLVE_ADDRS, "app.test", 5);
    ask(&later, "app.test");
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_TIMEOUT);
    assert_int_equal(later.calls, 0);
    answer("app.test", 60, "192.0.2.1"); /* which the other one still waits for */
    await(&later, 1);
    assert_int_equal(later.code, WR_RESOLVE_FOUND);
    assert_int_equal(s.calls, 1);
}

static void
test_a_stranger_s_answer_is_not_heard(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;
    uint16_t port;
    int stranger = open_server(&port), own = server;

    (void)state;
    ask(&s, "app.test");
    await_question(&q);
    r = begin(&q, 0);
    put_a(&r, "app.test", 60, "192.0.2.66");
    server = stranger;
    send_reply(&q, &r); /* all right, but from another port */
    server = own;
    r.bytes[0] ^= 1;
    send_reply(&q, &r); /* another id */
    for (int i = 0; i < 5; i++) {
        wr_loop_turn(loop, 1);
    }
    assert_int_equal(s.calls, 0);
    r = begin(&q, 0);
    put_a(&r, "app.test", 60, "192.0.2.1");
    send_reply(&q, &r);
    await(&s, 1);
    assert_string_equal(s.text, "192.0.2.1:0/0/0");
    (void)close(stranger);
}

static void
test_records_of_other_names_are_not_believed(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;

    (void)state;
    ask(&s, "app.test");
    await_question(&q);
    r = begin(&q, 0);
    put_a(&r, "bank.test", 60, "192.0.2.66");
    send_reply(&q, &r);
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_NONE);
}

/* ---- Names that are not asked for. ---- */

static void
test_a_bad_name_is_told_and_not_asked(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "a b.test");
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_BAD_NAME);
    ask(&s, "127.0.0.1");
    await(&s, 2);
    assert_int_equal(s.code, WR_RESOLVE_BAD_NAME);
    assert_nothing_asked();
    assert_int_equal(counts[WR_RESOLVE_DENIED], 2);
}

static void
test_localhost_is_not_asked_of_name_servers(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "localhost");
    await(&s, 1);
    assert_string_equal(s.text, "127.0.0.1:0/0/0");
    assert_nothing_asked();
    assert_int_equal(counts[WR_RESOLVE_FROM_HOSTS], 1);
}

/* ---- Ends. ---- */

static void
test_nothing_is_told_after_the_owner_s_end(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "app.test");
    wr_pool_destroy(&owner);
    answer("app.test", 60, "192.0.2.1");
    assert_nothing_asked();
    assert_int_equal(s.calls, 0);
    assert_int_equal(resolver->live->waiting, 0);
}

static void
test_nothing_is_told_after_a_cancel(void **state)
{
    struct seen s = { .calls = 0 }, other = { .calls = 0 };
    struct wr_resolve_wait *w = ask_kind(&s, WR_RESOLVE_ADDRS, "app.test", 0);

    (void)state;
    ask(&other, "app.test");
    wr_resolve_cancel(w);
    answer("app.test", 60, "192.0.2.1");
    await(&other, 1);
    assert_int_equal(s.calls, 0);
}

static void
test_one_told_may_cancel_the_next(void **state)
{
    struct seen first = { .calls = 0 }, second = { .calls = 0 };
    struct wr_resolve_wait *w;

    (void)state;
    ask(&first, "app.test");
    w = ask_kind(&second, WR_RESOLVE_ADDRS, "app.test", 0);
    first.cancels = &w;
    answer("app.test", 60, "192.0.2.1");
    await(&first, 1);
    assert_nothing_asked();
    assert_int_equal(second.calls, 0);
}

static void
test_one_told_may_end_the_owner_of_all(void **state)
{
    struct seen s[3] = { { .ends_owner = true } };

    (void)state;
    for (int i = 0; i < 3; i++) {
        ask(&s[i], "app.test");
    }
    answer("app.test", 60, "192.0.2.1");
    await(&s[0], 1);
    assert_nothing_asked();
    assert_int_equal(s[1].calls + s[2].calls, 0);
}

static void
test_one_told_may_ask_again_when_the_answer_has_no_time(void **state)
{
    struct seen again = { .calls = 0 }, s = { .asks = &again };

    (void)state;
    ask_and_answer(&s, "app.test", 0, "192.0.2.1");
    answer("app.test", 0, "192.0.2.2");
    await(&again, 1);
    assert_string_equal(again.text, "192.0.2.2:0/0/0");
}

static void
test_a_closed_resolver_tells_nobody(void **state)
{
    struct seen s = { .calls = 0 }, bad = { .calls = 0 };
    struct wr_resolve_wait *w = ask_kind(&s, WR_RESOLVE_ADDRS, "app.test", 5);

    (void)state;
    ask(&bad, "-");
    wr_resolver_close(resolver);
    wr_loop_turn(loop, PATIENCE_MS);
    wr_resolve_cancel(w); /* its owner still may */
    assert_int_equal(s.calls + bad.calls, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_address_is_told_once_from_the_loop),
        TEST(test_questions_for_a_name_are_joined),
        TEST(test_a_good_answer_needs_no_question),
        TEST(test_an_answer_of_no_time_is_asked_for_again),
        TEST(test_an_answer_is_forgotten_when_its_time_is_over),
        TEST(test_valid_stands_for_the_time_of_the_answer),
        TEST(test_no_answer_is_believed_for_longer_than_a_day),
        TEST(test_that_there_is_no_such_name_is_believed_briefly),
        TEST(test_who_asks_again_does_not_hear_of_it_twice),
        TEST(test_a_server_that_fails_is_a_failure),
        TEST(test_another_server_is_asked_when_one_fails),
        TEST(test_nobody_answers_in_time),
        TEST(test_a_stranger_s_answer_is_not_heard),
        TEST(test_records_of_other_names_are_not_believed),
        TEST(test_a_bad_name_is_told_and_not_asked),
        TEST(test_localhost_is_not_asked_of_name_servers),
        TEST(test_nothing_is_told_after_the_owner_s_end),
        TEST(test_nothing_is_told_after_a_cancel),
        TEST(test_one_told_may_cancel_the_next),
        TEST(test_one_told_may_end_the_owner_of_all),
        TEST(test_one_told_may_ask_again_when_the_answer_has_no_time),
        TEST(test_a_closed_resolver_tells_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
