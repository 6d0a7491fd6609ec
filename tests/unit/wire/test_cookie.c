/* Cookie pairs as browsers send them.  [RFC 6265 4.2, 5.4] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/cookie.h"

static bool
next_is(weir_str *rest, const char *name, const char *value)
{
    weir_str n, v;

    return wr_cookie_next(rest, &n, &v) && weir_str_eq(n, weir_str_c(name)) &&
           weir_str_eq(v, weir_str_c(value));
}

static void
test_pairs_come_in_order(void **state)
{
    weir_str rest = weir_str_c("SID=31d4; lang=en-US;a=\"x\"; b=1=2;; c=;d ; = e"), n, v;

    (void)state;
    assert_true(next_is(&rest, "SID", "31d4"));
    assert_true(next_is(&rest, "lang", "en-US"));
    assert_true(next_is(&rest, "a", "\"x\""));
    assert_true(next_is(&rest, "b", "1=2"));
    assert_true(next_is(&rest, "c", ""));
    assert_true(next_is(&rest, "", "d"));
    assert_true(next_is(&rest, "", "e"));
    assert_false(wr_cookie_next(&rest, &n, &v));
}

static void
test_a_semicolon_ends_a_pair_also_in_quotes(void **state)
{
    weir_str rest = weir_str_c("a=\"x;y\"");

    (void)state;
    assert_true(next_is(&rest, "a", "\"x"));
    assert_true(next_is(&rest, "", "y\""));
}

static void
test_a_cookie_is_found_by_its_whole_name(void **state)
{
    weir_str field = weir_str_c("xid=1; Id=2; id=3; id=4; empty=");

    (void)state;
    assert_true(weir_str_eq(wr_cookie_find(field, weir_str_c("id"), false), weir_str_c("3")));
    assert_true(weir_str_eq(wr_cookie_find(field, weir_str_c("id"), true), weir_str_c("2")));
    assert_non_null(wr_cookie_find(field, weir_str_c("empty"), false).data);
    assert_null(wr_cookie_find(field, weir_str_c("i"), false).data);
    assert_null(wr_cookie_find((weir_str){ NULL, 0 }, weir_str_c("id"), false).data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_come_in_order),
        cmocka_unit_test(test_a_semicolon_ends_a_pair_also_in_quotes),
        cmocka_unit_test(test_a_cookie_is_found_by_its_whole_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
