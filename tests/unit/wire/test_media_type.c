/* Content-Type values and lists of types.  [RFC 9110 8.3.1] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/media_type.h"

static void
test_a_type_is_parted(void **state)
{
    struct wr_media_type t;

    (void)state;
    assert_true(wr_media_type_parse(weir_str_c("text/HTML ; a=b; Charset=\"utf-8\""), &t));
    assert_true(weir_str_eq(t.essence, weir_str_c("text/HTML")));
    assert_true(weir_str_eq(t.type, weir_str_c("text")));
    assert_true(weir_str_eq(t.subtype, weir_str_c("HTML")));
    assert_true(weir_str_eq(wr_media_type_charset(&t), weir_str_c("utf-8")));
    assert_true(wr_media_type_parse(weir_str_c("image/svg+xml"), &t));
    assert_null(wr_media_type_charset(&t).data);
    assert_int_equal(t.params.len, 0);
}

static void
test_what_is_no_type_is_refused(void **state)
{
    static const char *const wrong[] = { NULL, "",      "text",       "/html", "text/",
                                         "/",  "a/b/c", "te xt/html", ";a=b",  "text/\"html\"" };
    struct wr_media_type t;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(wr_media_type_parse(weir_str_c(wrong[i]), &t));
    }
}

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
        cmocka_unit_test(test_a_type_is_parted),
        cmocka_unit_test(test_what_is_no_type_is_refused),
        cmocka_unit_test(test_patterns_name_one_type_or_many),
        cmocka_unit_test(test_a_list_names_what_one_of_its_patterns_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
