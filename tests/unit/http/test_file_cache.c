/* A file that changed a moment ago may change again without its times telling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/file_cache.h"

enum { MS = 1000000 };

static bool
settled(int64_t ctime_s, int64_t ctime_ns, int64_t wall_s, uint32_t wall_ms)
{
    struct wr_file_identity identity = { .ctime_s = ctime_s, .ctime_ns = ctime_ns };

    return wr_file_is_settled(&identity, wall_s, wall_ms);
}

static void
test_a_file_of_this_tick_is_not_settled(void **state)
{
    (void)state;
    assert_false(settled(1000, 500 * MS, 1000, 500));
    assert_false(settled(1000, 500 * MS, 1000, 510)); /* the longest tick there is: 100 a second */
    assert_false(settled(1000, 999 * MS, 1001, 8));
}

static void
test_a_file_of_some_ticks_ago_is(void **state)
{
    (void)state;
    assert_true(settled(1000, 500 * MS, 1000, 600));
    assert_true(settled(1000, 999 * MS, 1001, 98));
    assert_true(settled(0, 1, 2000000000, 0));
}

static void
test_times_in_whole_seconds_take_longer(void **state)
{
    (void)state;
    assert_false(settled(1000, 0, 1000, 900));
    assert_false(settled(1000, 0, 1002, 0)); /* FAT counts by two */
    assert_true(settled(1000, 0, 1003, 0));
}

static void
test_a_file_of_the_future_is_not(void **state)
{
    (void)state;
    assert_false(settled(1000, 500 * MS, 1000, 400));
    assert_false(settled(1001, 0, 1000, 999));
    assert_false(settled(INT32_MAX, 1, 1000, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_of_this_tick_is_not_settled),
        cmocka_unit_test(test_a_file_of_some_ticks_ago_is),
        cmocka_unit_test(test_times_in_whole_seconds_take_longer),
        cmocka_unit_test(test_a_file_of_the_future_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
