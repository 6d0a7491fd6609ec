/* SRV records: services as places with ports, by priority and weight. [RFC 2782] */
#include "unit/net/name_server.h"

/* Ask for a service, and begin the answer to the question that comes. */
static struct reply
ask_for_service(struct seen *s, const char *name, struct question *q)
{
    (void)ask_kind(s, WR_RESOLVE_SRV, name, 0);
    await_question(q);
    return begin(q, 0);
}

/* Ask for a service of one target, a.test, and wait for the question for that one's address. */
static void
ask_up_to_the_target(struct seen *s, struct question *q)
{
    struct reply r = ask_for_service(s, "s.test", q);

    put_srv(&r, "s.test", 1, 1, 80, "a.test");
    send_reply(q, &r);
    await_question(q);
    assert_string_equal(q->name, "a.test");
}

static void
test_srv_records_become_places_by_priority(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;

    (void)state;
    r = ask_for_service(&s, "_http._tcp.test", &q);
    assert_string_equal(q.name, "_http._tcp.test");
    assert_int_equal(q.type, T_SRV);
    put_srv(&r, "_http._tcp.test", 20, 1, 8082, "b.test");
    put_srv(&r, "_http._tcp.test", 10, 5, 8081, "a.test");
    put_srv(&r, "_http._tcp.test", 10, 3, 8080, "a.test");
    send_reply(&q, &r);
    answer("a.test", 30, "192.0.2.1"); /* asked for once */
    answer("b.test", 60, "192.0.2.2");
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_FOUND);
    assert_string_equal(s.text, "192.0.2.1:8081/10/5 192.0.2.1:8080/10/3 192.0.2.2:8082/20/1");
    assert_true(s.until_ms <= wr_clock.now_ms + 30000);
    assert_true(s.until_ms > wr_clock.now_ms + 20000);
}

static void
test_an_srv_target_without_address_is_left_out(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;

    (void)state;
    r = ask_for_service(&s, "_http._tcp.test", &q);
    put_srv(&r, "_http._tcp.test", 1, 1, 80, "none.test");
    put_srv(&r, "_http._tcp.test", 1, 1, 80, "a.test");
    put_srv(&r, "_http._tcp.test", 1, 1, 0, "c.test");    /* no port */
    put_srv(&r, "_http._tcp.test", 1, 1, 80, "-b.test");  /* no host */
    put_srv(&r, "_http._tcp.test", 1, 1, 80, "127.0.0.1"); /* an address, and no name */
    send_reply(&q, &r);
    answer_code("none.test", 3);
    answer("a.test", 60, "192.0.2.1");
    await(&s, 1);
    assert_string_equal(s.text, "192.0.2.1:80/1/1");
}

static void
test_an_srv_target_of_a_dot_is_no_service(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;

    (void)state;
    r = ask_for_service(&s, "_http._tcp.test", &q);
    put_record(&r, "_http._tcp.test", T_SRV, 60, 7);
    put_number(&r, 0, 4);
    put_number(&r, 80, 2);
    put_number(&r, 0, 1);
    send_reply(&q, &r);
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_NONE);
}

static void
test_targets_of_an_srv_answer_are_bounded(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;
    bool asked[WR_RESOLVE_TARGETS_MAX + 10] = { false }; /* once or, as their stream ends, again */

    (void)state;
    r = ask_for_service(&s, "s.test", &q);
    for (unsigned i = 0; i < WR_RESOLVE_TARGETS_MAX + 10; i++) {
        char name[32];
        snprintf(name, sizeof(name), "t%u", i);
        put_srv(&r, "s.test", i, 1, 80, name);
    }
    reply_over_tcp(&q, &r);
    for (int i = 0; i < TURNS && s.calls == 0; i++) {
        wr_loop_turn(loop, PATIENCE_MS);
        while (take_question(&q)) {
            struct reply none = begin(&q, 3);
            send_reply(&q, &none);
            asked[atoi(q.name + 1)] = true;
        }
    }
    assert_int_equal(s.calls, 1);
    for (int i = 0; i < WR_RESOLVE_TARGETS_MAX + 10; i++) {
        assert_int_equal(asked[i], i < WR_RESOLVE_TARGETS_MAX);
    }
    assert_int_equal(s.code, WR_RESOLVE_NONE);
}

static void
test_an_owner_may_end_while_targets_are_asked_for(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;

    (void)state;
    ask_up_to_the_target(&s, &q);
    wr_pool_destroy(&owner);
    r = begin(&q, 0);
    put_a(&r, "a.test", 60, "192.0.2.1");
    send_reply(&q, &r);
    assert_nothing_asked();
    assert_int_equal(s.calls, 0);
    assert_non_null(wr_resolve_known(resolver, WR_RESOLVE_SRV, WEIR_STR("s.test")));
}

static void
test_a_resolver_may_be_closed_while_targets_are_asked_for(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;

    (void)state;
    ask_up_to_the_target(&s, &q);
    wr_resolver_close(resolver);
    assert_int_equal(s.calls, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_srv_records_become_places_by_priority),
        TEST(test_an_srv_target_without_address_is_left_out),
        TEST(test_an_srv_target_of_a_dot_is_no_service),
        TEST(test_targets_of_an_srv_answer_are_bounded),
        TEST(test_an_owner_may_end_while_targets_are_asked_for),
        TEST(test_a_resolver_may_be_closed_while_targets_are_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
