/* Lists and parameters of field values, quotes respected.  [RFC 9110 5.6] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/field_list.h"

static bool
is(weir_str s, const char *want)
{
    return (s.data == NULL) == (want == NULL) && weir_str_eq(s, weir_str_c(want));
}

/* The examples of [RFC 9110 5.6.1.2]: empty elements do not count. */
static void
test_empty_elements_do_not_count(void **state)
{
    static const char *const lists[] = { "foo,bar", "foo ,bar,", "foo , ,bar,charlie" };
    weir_str rest, e;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        rest = weir_str_c(lists[i]);
        assert_true(weir_list_next(&rest, &e) && is(e, "foo"));
        assert_true(weir_list_next(&rest, &e) && is(e, "bar"));
        assert_int_equal(weir_list_next(&rest, &e), i == 2);
    }
    rest = weir_str_c(",   ,");
    assert_false(weir_list_next(&rest, &e));
    rest = (weir_str){ NULL, 0 };
    assert_false(weir_list_next(&rest, &e));
}

static void
test_a_comma_in_quotes_parts_nothing(void **state)
{
    weir_str rest = weir_str_c("a=\"x,y\\\",z\" , b, \"c,d"), e;

    (void)state;
    assert_true(weir_list_next(&rest, &e) && is(e, "a=\"x,y\\\",z\""));
    assert_true(weir_list_next(&rest, &e) && is(e, "b"));
    assert_true(weir_list_next(&rest, &e) && is(e, "\"c,d"));
    assert_false(weir_list_next(&rest, &e));
}

static void
test_a_token_is_found_in_any_case(void **state)
{
    (void)state;
    assert_true(weir_list_has(weir_str_c("Keep-Alive, CLOSE"), weir_str_c("close")));
    assert_true(weir_list_has(weir_str_c("a;x=1, close;y"), weir_str_c("close")));
    assert_false(weir_list_has(weir_str_c("closed, \"close\""), weir_str_c("close")));
    assert_false(weir_list_has((weir_str){ NULL, 0 }, weir_str_c("close")));
}

static void
test_parameters_are_read_in_order(void **state)
{
    weir_str params, name, value;

    (void)state;
    assert_true(
        is(wr_field_head(weir_str_c(" text/html ;a=\"1;2\" ; ; b ;c="), &params), "text/html"));
    assert_true(wr_field_param_next(&params, &name, &value));
    assert_true(is(name, "a") && is(value, "\"1;2\""));
    assert_true(wr_field_param_next(&params, &name, &value));
    assert_true(is(name, "b") && is(value, NULL));
    assert_true(wr_field_param_next(&params, &name, &value));
    assert_true(is(name, "c") && is(value, ""));
    assert_false(wr_field_param_next(&params, &name, &value));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_elements_do_not_count),
        cmocka_unit_test(test_a_comma_in_quotes_parts_nothing),
        cmocka_unit_test(test_a_token_is_found_in_any_case),
        cmocka_unit_test(test_parameters_are_read_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
