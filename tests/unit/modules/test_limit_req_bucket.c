/* limit_req/bucket.c: how far requests are ahead of a rate. Figures are reckoned by hand. */
#include "unit/modules/double.h"

#include "../modules/limit_req/bucket.c"

enum { TEN_A_SECOND = 10 * BUCKET_REQUEST };

static void
test_the_first_request_is_not_early(void **state)
{
    const struct bucket b = { 0, 0 };

    (void)state;
    assert_int_equal(bucket_excess(&b, TEN_A_SECOND, 5), 0);
}

static void
test_requests_at_the_rate_make_no_excess(void **state)
{
    const struct bucket b = { .last_ms = 1000, .excess = 0 };

    (void)state;
    assert_int_equal(bucket_excess(&b, TEN_A_SECOND, 1100), 0);
    assert_int_equal(bucket_excess(&b, TEN_A_SECOND, 1000), 1000);
    assert_int_equal(bucket_excess(&b, TEN_A_SECOND, 1040), 600);
}

static void
test_excess_adds_up_and_leaks(void **state)
{
    const struct bucket b = { .last_ms = 1000, .excess = 2500 };

    (void)state;
    assert_int_equal(bucket_excess(&b, TEN_A_SECOND, 1000), 3500);
    assert_int_equal(bucket_excess(&b, TEN_A_SECOND, 1250), 1000);
    assert_int_equal(bucket_excess(&b, TEN_A_SECOND, 60000), 0);
}

static void
test_no_time_is_too_long_and_none_goes_back(void **state)
{
    const struct bucket b = { .last_ms = 1000, .excess = 2500 };

    (void)state;
    assert_int_equal(bucket_excess(&b, UINT64_C(1000000000), UINT64_MAX), 0);
    assert_int_equal(bucket_excess(&b, TEN_A_SECOND, 10), 3500);
}

static void
test_what_is_too_much_waits_until_it_has_leaked(void **state)
{
    (void)state;
    assert_int_equal(bucket_wait_ms(1000, 0, TEN_A_SECOND), 100);
    assert_int_equal(bucket_wait_ms(3000, 2000, TEN_A_SECOND), 100);
    assert_int_equal(bucket_wait_ms(2000, 2000, TEN_A_SECOND), 0);
    assert_int_equal(bucket_wait_ms(5000, UINT64_MAX, TEN_A_SECOND), 0);
    assert_int_equal(bucket_wait_ms(1000, 0, 16),
                     62500); /* 1r/m: a minute and what rounding leaves */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_request_is_not_early),
        cmocka_unit_test(test_requests_at_the_rate_make_no_excess),
        cmocka_unit_test(test_excess_adds_up_and_leaks),
        cmocka_unit_test(test_no_time_is_too_long_and_none_goes_back),
        cmocka_unit_test(test_what_is_too_much_waits_until_it_has_leaked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
