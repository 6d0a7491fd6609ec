/* Entity tags: their grammar and two comparisons.  [RFC 9110 8.8.3] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/etag.h"

static struct wr_etag
tag(const char *text)
{
    struct wr_etag t = { { NULL, 0 }, false };

    assert_true(wr_etag_parse(weir_str_c(text), &t));
    return t;
}

static void
test_tags_are_quoted(void **state)
{
    static const char *const wrong[] = { "",         "x",        "\"",     "\"x",        "x\"",
                                         "w/\"x\"",  "W/x",      "W/",     "\"x\"y",     "\"a b\"",
                                         "\"a\tb\"", "\"\x7f\"", " \"x\"", "\"x\",\"y\"" };
    struct wr_etag t = { { "kept", 4 }, true };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(wr_etag_parse(weir_str_c(wrong[i]), &t));
    }
    assert_true(weir_str_eq(t.opaque, weir_str_c("kept")));
    assert_true(weir_str_eq(tag("\"\"").opaque, weir_str_c("\"\"")));
    assert_true(weir_str_eq(tag("\"a,\\!\xc3\xa9\"").opaque, weir_str_c("\"a,\\!\xc3\xa9\"")));
    assert_false(tag("\"x\"").weak);
    assert_true(tag("W/\"x\"").weak);
}

/* The table of [RFC 9110 8.8.3.2]. */
static void
test_the_two_comparisons(void **state)
{
    static const struct {
        const char *a, *b;
        bool strong, weak;
    } cases[] = {
        { "W/\"1\"", "W/\"1\"", false, true },
        { "W/\"1\"", "W/\"2\"", false, false },
        { "W/\"1\"", "\"1\"", false, true },
        { "\"1\"", "\"1\"", true, true },
    };
    struct wr_etag none = { { NULL, 0 }, false };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wr_etag a = tag(cases[i].a), b = tag(cases[i].b);
        assert_int_equal(wr_etag_is_same(a, b, WR_ETAG_STRONG), cases[i].strong);
        assert_int_equal(wr_etag_is_same(a, b, WR_ETAG_WEAK), cases[i].weak);
    }
    assert_false(wr_etag_is_same(none, none, WR_ETAG_WEAK));
}

static bool
listed(const char *list, const char *text)
{
    return wr_etag_is_listed(weir_str_c(list), tag(text), WR_ETAG_WEAK);
}

static void
test_a_list_is_searched_to_its_end(void **state)
{
    (void)state;
    assert_true(listed("\"a\"", "\"a\""));
    assert_true(listed("\"b\", W/\"a\"", "\"a\""));
    assert_true(listed(" , \"b\" ,,\t\"a\" , ", "\"a\""));
    assert_true(listed("\"x,\\\", \"a\"", "\"a\""));
    assert_false(listed("\"b\", \"c\"", "\"a\""));
    assert_false(listed("\"b,a\"", "\"a\""));
    assert_false(listed("", "\"a\""));
    assert_false(wr_etag_is_listed(weir_str_c("W/\"a\""), tag("\"a\""), WR_ETAG_STRONG));
}

static void
test_a_list_ends_where_it_cannot_be_read(void **state)
{
    (void)state;
    assert_false(listed("a", "\"a\""));
    assert_false(listed("b, \"a\"", "\"a\""));
    assert_false(listed("\"b\"\"a\"", "\"a\""));
    assert_true(listed("\"a\", \"b", "\"a\""));
    assert_false(listed("*", "\"a\""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags_are_quoted),
        cmocka_unit_test(test_the_two_comparisons),
        cmocka_unit_test(test_a_list_is_searched_to_its_end),
        cmocka_unit_test(test_a_list_ends_where_it_cannot_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
