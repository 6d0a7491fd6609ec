/* Sessions in a worker's own memory: one place an id, for a time. */
#include "two.h"

static const struct wr_tls_sessions *s;

static int
set_up(void **state)
{
    (void)two_set_up(state);
    s = wr_tls_sessions_create(two.pool, 1);
    return 0;
}

static void
test_what_was_put_is_got(void **state)
{
    char to[16];

    (void)state;
    assert_int_equal(s->get(s->data, WEIR_STR("id"), to, sizeof(to)), 0);
    s->put(s->data, WEIR_STR("id"), WEIR_STR("session"), 10);
    assert_int_equal(s->get(s->data, WEIR_STR("id"), to, sizeof(to)), 7);
    assert_memory_equal(to, "session", 7);
    assert_int_equal(s->get(s->data, WEIR_STR("other"), to, sizeof(to)), 0);
    assert_int_equal(s->get(s->data, WEIR_STR("id"), to, 6), 0); /* no room, nothing */
}

static void
test_the_last_one_pushes_the_others_out(void **state)
{
    char to[16];

    (void)state;
    s->put(s->data, WEIR_STR("one"), WEIR_STR("1"), 10);
    s->put(s->data, WEIR_STR("two"), WEIR_STR("2"), 10);
    assert_int_equal(s->get(s->data, WEIR_STR("one"), to, sizeof(to)), 0);
    assert_int_equal(s->get(s->data, WEIR_STR("two"), to, sizeof(to)), 1);
}

static void
test_removed_is_gone(void **state)
{
    char to[16];

    (void)state;
    s->put(s->data, WEIR_STR("one"), WEIR_STR("1"), 10);
    s->remove(s->data, WEIR_STR("two"));
    assert_int_equal(s->get(s->data, WEIR_STR("one"), to, sizeof(to)), 1);
    s->remove(s->data, WEIR_STR("one"));
    assert_int_equal(s->get(s->data, WEIR_STR("one"), to, sizeof(to)), 0);
}

static void
test_its_time_ends(void **state)
{
    uint64_t now = wr_clock.now_ms;
    char to[16];

    (void)state;
    s->put(s->data, WEIR_STR("one"), WEIR_STR("1"), 10);
    wr_clock.now_ms = now + 10000;
    assert_int_equal(s->get(s->data, WEIR_STR("one"), to, sizeof(to)), 1);
    wr_clock.now_ms = now + 10001;
    assert_int_equal(s->get(s->data, WEIR_STR("one"), to, sizeof(to)), 0);
    wr_clock.now_ms = now;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_was_put_is_got, set_up, two_tear_down),
        cmocka_unit_test_setup_teardown(test_the_last_one_pushes_the_others_out, set_up, two_tear_down),
        cmocka_unit_test_setup_teardown(test_removed_is_gone, set_up, two_tear_down),
        cmocka_unit_test_setup_teardown(test_its_time_ends, set_up, two_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
