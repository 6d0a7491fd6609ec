/* Lists of media types, and what they name.  [RFC 9110 8.3.1] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/media_type.h"

static bool
matches(const char *essence, const char *pattern)
{
    return wr_media_type_matches(weir_str_c(essence), weir_str_c(pattern));
}

static void
test_patterns_name_one_type_or_many(void **state)
{
    (void)state;
    assert_true(matches("text/html", "TEXT/html"));
    assert_true(matches("text/html", "text/*"));
    assert_true(matches("text/html", "*"));
    assert_true(matches("", "*"));
    assert_false(matches("text/html", "text/htm"));
    assert_false(matches("textual/html", "text/*"));
    assert_false(matches("text/", "text/*"));
    assert_false(matches("", ""));
    assert_false(matches("text/html", "/*"));
}

static void
test_names_of_one_type_are_the_same(void **state)
{
    (void)state;
    assert_true(matches("text/javascript", "application/javascript"));
    assert_true(matches("Application/JavaScript", "text/javascript"));
    assert_true(matches("application/x-javascript", "text/javascript"));
    assert_true(matches("application/xml", "text/xml"));
    assert_true(matches("text/xml", "application/xml"));
    assert_false(matches("text/xml", "text/javascript"));
    assert_false(matches("application/json", "application/javascript"));
    assert_false(matches("image/svg+xml", "text/xml"));
    assert_false(matches("text/plain", "text/html"));
}

static void
test_a_list_names_what_one_of_its_patterns_names(void **state)
{
    weir_str list[] = { weir_str_c("text/html"), weir_str_c("image/*") };
    weir_items patterns = WEIR_ITEMS(list);

    (void)state;
    assert_true(wr_media_type_is_listed(weir_str_c("image/png"), patterns));
    assert_true(wr_media_type_is_listed(weir_str_c("text/html"), patterns));
    assert_false(wr_media_type_is_listed(weir_str_c("text/css"), patterns));
    assert_false(wr_media_type_is_listed(weir_str_c("text/html"), (weir_items){ 0 }));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns_name_one_type_or_many),
        cmocka_unit_test(test_names_of_one_type_are_the_same),
        cmocka_unit_test(test_a_list_names_what_one_of_its_patterns_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
