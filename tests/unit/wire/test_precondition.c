/* The order in which conditions count.  [RFC 9110 13.2.2] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/precondition.h"

#define AT     "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER  "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct wr_precondition_state file = { .exists = true,
                                                   .etag = { { "\"a\"", 3 }, false },
                                                   .last_modified_s = 784111777 };
static const struct wr_precondition_state weak_file = { .exists = true,
                                                        .etag = { { "\"a\"", 3 }, true },
                                                        .last_modified_s = 784111777 };
static const struct wr_precondition_state absent = { .exists = false, .last_modified_s = -1 };
static const struct wr_precondition_state bare = { .exists = true, .last_modified_s = -1 };

enum { HOLDS = WR_PRECONDITION_HOLDS, SAME = WR_PRECONDITION_NOT_MODIFIED };
enum { FAILED = WR_PRECONDITION_FAILED };

struct asked {
    const char *match, *none_match, *modified, *unmodified;
};

static int
check(const struct wr_precondition_state *now, bool reads, struct asked a)
{
    struct wr_precondition_fields f = { weir_str_c(a.match), weir_str_c(a.none_match),
                                        weir_str_c(a.modified), weir_str_c(a.unmodified) };

    return (int)wr_precondition_check(&f, now, reads, WR_SINCE_BEFORE, 784111777);
}

static void
test_without_conditions_the_method_acts(void **state)
{
    (void)state;
    assert_int_equal(check(&file, true, (struct asked){ 0 }), HOLDS);
    assert_int_equal(check(&absent, false, (struct asked){ 0 }), HOLDS);
}

static void
test_if_match_compares_strongly(void **state)
{
    (void)state;
    assert_int_equal(check(&file, false, (struct asked){ .match = "\"b\", \"a\"" }), HOLDS);
    assert_int_equal(check(&file, false, (struct asked){ .match = "\"b\"" }), FAILED);
    assert_int_equal(check(&file, true, (struct asked){ .match = "W/\"a\"" }), FAILED);
    assert_int_equal(check(&weak_file, true, (struct asked){ .match = "\"a\"" }), FAILED);
    assert_int_equal(check(&file, true, (struct asked){ .match = "*" }), HOLDS);
    assert_int_equal(check(&bare, true, (struct asked){ .match = "*" }), HOLDS);
    assert_int_equal(check(&absent, false, (struct asked){ .match = "*" }), FAILED);
    assert_int_equal(check(&file, true, (struct asked){ .match = "" }), FAILED);
}

static void
test_if_unmodified_since_counts_without_if_match_only(void **state)
{
    (void)state;
    assert_int_equal(check(&file, false, (struct asked){ .unmodified = AT }), HOLDS);
    assert_int_equal(check(&file, false, (struct asked){ .unmodified = AFTER }), HOLDS);
    assert_int_equal(check(&file, true, (struct asked){ .unmodified = BEFORE }), FAILED);
    assert_int_equal(check(&file, true, (struct asked){ .unmodified = "yesterday" }), HOLDS);
    assert_int_equal(check(&bare, true, (struct asked){ .unmodified = BEFORE }), HOLDS);
    assert_int_equal(check(&file, true, (struct asked){ .match = "*", .unmodified = BEFORE }),
                     HOLDS);
}

static void
test_if_none_match_compares_weakly(void **state)
{
    (void)state;
    assert_int_equal(check(&file, true, (struct asked){ .none_match = "W/\"a\"" }), SAME);
    assert_int_equal(check(&weak_file, true, (struct asked){ .none_match = "\"a\"" }), SAME);
    assert_int_equal(check(&file, true, (struct asked){ .none_match = "\"b\"" }), HOLDS);
    assert_int_equal(check(&file, false, (struct asked){ .none_match = "\"a\"" }), FAILED);
    assert_int_equal(check(&file, true, (struct asked){ .none_match = " * " }), SAME);
    assert_int_equal(check(&file, false, (struct asked){ .none_match = "*" }), FAILED);
    assert_int_equal(check(&absent, false, (struct asked){ .none_match = "*" }), HOLDS);
}

static void
test_if_none_match_rules_out_if_modified_since(void **state)
{
    (void)state;
    assert_int_equal(check(&file, true, (struct asked){ .none_match = "\"b\"", .modified = AFTER }),
                     HOLDS);
    assert_int_equal(
        check(&file, true, (struct asked){ .none_match = "\"a\"", .modified = BEFORE }), SAME);
    assert_int_equal(check(&file, true, (struct asked){ .none_match = "junk", .modified = AT }),
                     HOLDS);
}

static void
test_if_modified_since_is_for_reading(void **state)
{
    (void)state;
    assert_int_equal(check(&file, true, (struct asked){ .modified = AT }), SAME);
    assert_int_equal(check(&file, true, (struct asked){ .modified = AFTER }), SAME);
    assert_int_equal(check(&file, true, (struct asked){ .modified = BEFORE }), HOLDS);
    assert_int_equal(check(&file, false, (struct asked){ .modified = AT }), HOLDS);
    assert_int_equal(check(&file, true, (struct asked){ .modified = "784111777" }), HOLDS);
    assert_int_equal(check(&bare, true, (struct asked){ .modified = AT }), HOLDS);
}

static void
test_out_of_step_comes_before_not_modified(void **state)
{
    (void)state;
    assert_int_equal(check(&file, true, (struct asked){ .match = "\"b\"", .none_match = "\"a\"" }),
                     FAILED);
    assert_int_equal(check(&file, true, (struct asked){ .match = "\"a\"", .none_match = "\"a\"" }),
                     SAME);
    assert_int_equal(check(&file, true, (struct asked){ .modified = AT, .unmodified = BEFORE }),
                     FAILED);
}

/* nginx's if_modified_since */
static void
test_the_three_ways_of_since(void **state)
{
    struct wr_precondition_fields at = { .if_modified_since = weir_str_c(AT) };
    struct wr_precondition_fields after = { .if_modified_since = weir_str_c(AFTER) };

    (void)state;
    assert_int_equal(wr_precondition_check(&at, &file, true, WR_SINCE_EXACT, 0), SAME);
    assert_int_equal(wr_precondition_check(&after, &file, true, WR_SINCE_EXACT, 0), HOLDS);
    assert_int_equal(wr_precondition_check(&after, &file, true, WR_SINCE_BEFORE, 0), SAME);
    assert_int_equal(wr_precondition_check(&at, &file, true, WR_SINCE_OFF, 0), HOLDS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_conditions_the_method_acts),
        cmocka_unit_test(test_if_match_compares_strongly),
        cmocka_unit_test(test_if_unmodified_since_counts_without_if_match_only),
        cmocka_unit_test(test_if_none_match_compares_weakly),
        cmocka_unit_test(test_if_none_match_rules_out_if_modified_since),
        cmocka_unit_test(test_if_modified_since_is_for_reading),
        cmocka_unit_test(test_out_of_step_comes_before_not_modified),
        cmocka_unit_test(test_the_three_ways_of_since),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
