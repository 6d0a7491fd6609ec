/* The rules of the `expires` directive: what they mean is nginx's documentation of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "../../../modules/headers/expires.c"

/* 2024-03-10 12:00:00 UTC */
enum { NOON = 1710072000 };

static struct expires_times
times(uint32_t kind, int64_t seconds, int64_t last_modified)
{
    return expires_at((struct expires_rule){ kind, seconds }, NOON, last_modified);
}

static struct expires_rule
parsed(const char *text, bool modified)
{
    struct expires_rule rule = { .kind = 99 };

    assert_null(expires_parse(weir_str_c(text), modified, &rule));
    return rule;
}

static void
refused(const char *text, bool modified)
{
    struct expires_rule rule = { .kind = 99 };

    assert_non_null(expires_parse(weir_str_c(text), modified, &rule));
    assert_int_equal(rule.kind, 99);
}

static void
test_words_are_rules_of_their_own(void **state)
{
    (void)state;
    assert_int_equal(parsed("off", false).kind, EXPIRES_OFF);
    assert_int_equal(parsed("epoch", false).kind, EXPIRES_EPOCH);
    assert_int_equal(parsed("max", false).kind, EXPIRES_MAX);
}

static void
test_a_time_counts_seconds_with_its_sign(void **state)
{
    (void)state;
    assert_int_equal(parsed("90", false).seconds, 90);
    assert_int_equal(parsed("+24h", false).seconds, 86400);
    assert_int_equal(parsed("-1", false).seconds, -1);
    assert_int_equal(parsed("@15h30m", false).seconds, 55800);
    assert_int_equal(parsed("@15h30m", false).kind, EXPIRES_DAILY);
    assert_int_equal(parsed("1d", true).kind, EXPIRES_MODIFIED);
}

static void
test_what_is_no_time_is_refused(void **state)
{
    (void)state;
    refused("", false);
    refused("soon", false);
    refused("-", false);
    refused("--1", false);
    refused("@25h", false);
    refused("1500ms", false);
    refused("epoch", true);
    refused("@1h", true);
}

static void
test_epoch_and_max_are_fixed(void **state)
{
    struct expires_times t = times(EXPIRES_EPOCH, 0, -1);

    (void)state;
    assert_int_equal(t.at, 1);
    assert_true(t.max_age < 0);
    t = times(EXPIRES_MAX, 0, -1);
    assert_int_equal(t.at, 2145916555);
    assert_int_equal(t.max_age, 315360000);
}

static void
test_a_rule_counts_from_now_or_from_the_last_change(void **state)
{
    struct expires_times t = times(EXPIRES_ACCESS, 60, NOON - 50);

    (void)state;
    assert_int_equal(t.at, NOON + 60);
    assert_int_equal(t.max_age, 60);
    t = times(EXPIRES_MODIFIED, 60, NOON - 50);
    assert_int_equal(t.at, NOON + 10);
    assert_int_equal(t.max_age, 10);
    t = times(EXPIRES_MODIFIED, 60, -1);
    assert_int_equal(t.at, NOON + 60);
}

static void
test_a_past_instant_is_not_cached(void **state)
{
    (void)state;
    assert_true(times(EXPIRES_ACCESS, -1, -1).max_age < 0);
    assert_true(times(EXPIRES_MODIFIED, 60, NOON - 100).max_age < 0);
}

static void
test_nothing_expires_outside_the_dates(void **state)
{
    (void)state;
    assert_int_equal(times(EXPIRES_ACCESS, INT64_MAX / 1000, -1).at, 253402300799);
    assert_int_equal(times(EXPIRES_ACCESS, -2 * (int64_t)NOON, -1).at, 0);
}

static void
test_a_time_of_day_is_the_next_such(void **state)
{
    struct expires_times t = times(EXPIRES_DAILY, 13 * 3600, -1);

    (void)state;
    assert_int_equal(t.max_age, 3600);
    t = times(EXPIRES_DAILY, 11 * 3600, -1);
    assert_int_equal(t.max_age, 23 * 3600);
    t = times(EXPIRES_DAILY, 12 * 3600, -1);
    assert_int_equal(t.max_age, 24 * 3600);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_are_rules_of_their_own),
        cmocka_unit_test(test_a_time_counts_seconds_with_its_sign),
        cmocka_unit_test(test_what_is_no_time_is_refused),
        cmocka_unit_test(test_epoch_and_max_are_fixed),
        cmocka_unit_test(test_a_rule_counts_from_now_or_from_the_last_change),
        cmocka_unit_test(test_a_past_instant_is_not_cached),
        cmocka_unit_test(test_nothing_expires_outside_the_dates),
        cmocka_unit_test(test_a_time_of_day_is_the_next_such),
    };

    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
