/* Names and waiters of a resolver are bounded, and who is over the limit is told so. */
#include "unit/net/name_server.h"

/* ---- Limits. ---- */

static void
test_names_are_bounded_and_the_least_used_goes(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    resolver->names_max = 2;
    ask_and_answer(&s, "a.test", 60, "192.0.2.1");
    ask_and_answer(&s, "b.test", 60, "192.0.2.2");
    assert_non_null(wr_resolve_known(resolver, WR_RESOLVE_ADDRS, WEIR_STR("a.test")));
    ask_and_answer(&s, "c.test", 60, "192.0.2.3");
    assert_non_null(wr_resolve_known(resolver, WR_RESOLVE_ADDRS, WEIR_STR("a.test")));
    assert_null(wr_resolve_known(resolver, WR_RESOLVE_ADDRS, WEIR_STR("b.test")));
    assert_int_equal(resolver->live->count, 2);
}

static void
test_a_name_over_the_limit_is_denied_while_all_are_asked_for(void **state)
{
    struct seen s = { .calls = 0 }, over = { .calls = 0 };

    (void)state;
    resolver->names_max = 1;
    ask(&s, "a.test");
    ask(&over, "b.test");
    await(&over, 1);
    assert_int_equal(over.code, WR_RESOLVE_LIMIT);
    answer("a.test", 60, "192.0.2.1");
    await(&s, 1);
}

static void
test_names_that_nobody_waits_for_any_more_hold_no_places(void **state)
{
    struct seen s = { .calls = 0 }, gone = { .calls = 0 };
    struct question q;

    (void)state;
    resolver->names_max = 2;
    for (int round = 0; round < 3; round++) {
        char first[16], second[16];
        (void)snprintf(first, sizeof(first), "a%d.test", round);
        (void)snprintf(second, sizeof(second), "b%d.test", round);
        struct wr_resolve_wait *a = ask_kind(&gone, WR_RESOLVE_ADDRS, first, 0);
        struct wr_resolve_wait *b = ask_kind(&gone, WR_RESOLVE_ADDRS, second, 0);
        await_question(&q);
        await_question(&q);
        wr_resolve_cancel(a);
        wr_resolve_cancel(b);
    }
    ask_and_answer(&s, "c.test", 60, "192.0.2.3");
    assert_string_equal(s.text, "192.0.2.3:0/0/0");
    assert_int_equal(gone.calls, 0);
    assert_true(resolver->live->count <= 2);
}

static void
test_who_still_waits_is_answered_when_others_lose_their_places(void **state)
{
    struct seen s = { .calls = 0 }, stays = { .calls = 0 }, gone = { .calls = 0 };
    struct wr_resolve_wait *w;
    struct question q;
    struct reply r;

    (void)state;
    resolver->names_max = 2;
    ask(&stays, "a.test");
    await_question(&q);
    w = ask_kind(&gone, WR_RESOLVE_ADDRS, "b.test", 0);
    await_question(&q);
    wr_resolve_cancel(w);
    ask(&s, "c.test");
    for (int i = 0; i < 2; i++) { /* a.test once more, and c.test */
        await_question(&q);
        r = begin(&q, 0);
        put_a(&r, q.name, 60, "192.0.2.1");
        send_reply(&q, &r);
    }
    await(&s, 1);
    await(&stays, 1);
    assert_int_equal(stays.code, WR_RESOLVE_FOUND);
    assert_int_equal(s.code, WR_RESOLVE_FOUND);
    assert_int_equal(gone.calls, 0);
}

static void
test_who_waits_over_the_limit_is_denied(void **state)
{
    struct seen s = { .calls = 0 }, over = { .calls = 0 };

    (void)state;
    resolver->waiting_max = 1;
    ask(&s, "a.test");
    ask(&over, "a.test");
    await(&over, 1);
    assert_int_equal(over.code, WR_RESOLVE_LIMIT);
    answer("a.test", 60, "192.0.2.1");
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_FOUND);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_names_are_bounded_and_the_least_used_goes),
        TEST(test_a_name_over_the_limit_is_denied_while_all_are_asked_for),
        TEST(test_names_that_nobody_waits_for_any_more_hold_no_places),
        TEST(test_who_still_waits_is_answered_when_others_lose_their_places),
        TEST(test_who_waits_over_the_limit_is_denied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
