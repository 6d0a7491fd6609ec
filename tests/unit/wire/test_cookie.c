/* Cookie pairs as browsers send them.  [RFC 6265 4.2, 5.4] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <weir/text.h>
#include "wire/cookie.h"

static bool
next_is(weir_str *rest, const char *name, const char *value)
{
    weir_str n, v;

    return weir_cookie_next(rest, &n, &v) && weir_str_eq(n, weir_str_c(name)) &&
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
    assert_false(weir_cookie_next(&rest, &n, &v));
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

static void
test_an_attribute_without_equals_has_no_value(void **state)
{
    weir_str rest = weir_str_c(" Path = /a=b ;; Secure;Domain="), name, value;

    (void)state;
    assert_true(weir_attribute_next(&rest, &name, &value));
    assert_true(weir_str_eq(name, weir_str_c("Path")) && weir_str_eq(value, weir_str_c("/a=b")));
    assert_true(weir_attribute_next(&rest, &name, &value));
    assert_true(weir_str_eq(name, weir_str_c("Secure")) && value.data == NULL);
    assert_true(weir_attribute_next(&rest, &name, &value));
    assert_true(weir_str_eq(name, weir_str_c("Domain")) && value.data != NULL && value.len == 0);
    assert_false(weir_attribute_next(&rest, &name, &value));
}

static void
test_attributes_are_written_as_they_were_read(void **state)
{
    char room[64];
    weir_text t = weir_text_over(room, sizeof(room));
    weir_str rest = weir_str_c("Path=/;Secure;Domain="), name, value;

    (void)state;
    while (weir_attribute_next(&rest, &name, &value)) {
        weir_text_add_attribute(&t, name, value);
    }
    assert_true(weir_str_eq(weir_text_view(&t), weir_str_c("; Path=/; Secure; Domain=")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_come_in_order),
        cmocka_unit_test(test_a_semicolon_ends_a_pair_also_in_quotes),
        cmocka_unit_test(test_a_cookie_is_found_by_its_whole_name),
        cmocka_unit_test(test_an_attribute_without_equals_has_no_value),
        cmocka_unit_test(test_attributes_are_written_as_they_were_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
