/* The priority field: two keys that mean something, and everything else left alone. [RFC 9218 4, RFC 8941] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http2/http2.h"

/* The verdict on value, as urgency and 10 when incremental; before it they are 3 and not. */
static int
judge(const char *value)
{
    uint8_t urgency = 3;
    bool incremental = false;

    wr_priority_parse(weir_str_c(value), &urgency, &incremental);
    return urgency + (incremental ? 10 : 0);
}

static void
test_both_parameters_are_taken(void **state)
{
    (void)state;
    assert_int_equal(judge("u=5"), 5);
    assert_int_equal(judge("i"), 13);
    assert_int_equal(judge("u=0, i"), 10);
    assert_int_equal(judge("i,u=7"), 17);
    assert_int_equal(judge("u=1 , i=?1"), 11);
    assert_int_equal(judge("i=?0, u=2"), 2);
}

static void
test_the_last_of_a_key_counts(void **state)
{
    (void)state;
    assert_int_equal(judge("u=1, u=6"), 6);
    assert_int_equal(judge("i, i=?0"), 3);
}

static void
test_parameters_of_members_and_unknown_keys_are_passed_over(void **state)
{
    (void)state;
    assert_int_equal(judge("u=2;x=1, i;y"), 12);
    assert_int_equal(judge("x=9, u=4, ii"), 4);
}

static void
test_what_is_malformed_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(judge(""), 3);
    assert_int_equal(judge(","), 3);
    assert_int_equal(judge("u=8"), 3);
    assert_int_equal(judge("u=-1"), 3);
    assert_int_equal(judge("u=10"), 3);
    assert_int_equal(judge("u"), 3);
    assert_int_equal(judge("u=\"1\""), 3);
    assert_int_equal(judge("U=1, I"), 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_parameters_are_taken),
        cmocka_unit_test(test_the_last_of_a_key_counts),
        cmocka_unit_test(test_parameters_of_members_and_unknown_keys_are_passed_over),
        cmocka_unit_test(test_what_is_malformed_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
