/* What modules ask of a head: names count letter by letter, all lines are looked at. */
#include "unit/http/vars.h"

static void
test_arguments_and_cookies_have_exact_names(void **state)
{
    (void)state;
    w.r.pub.args = WEIR_STR("A=1&a=2");
    field_in("Cookie", "X=1");
    field_in("Cookie", "x=2; y=");
    assert_str(weir_arg(&w.r.pub, WEIR_STR("a")), "2");
    assert_null(weir_arg(&w.r.pub, WEIR_STR("b")).data);
    assert_str(weir_cookie(&w.r.pub, WEIR_STR("x")), "2");
    assert_str(weir_cookie(&w.r.pub, WEIR_STR("y")), "");
    assert_null(weir_cookie(&w.r.pub, WEIR_STR("z")).data);
}

static void
test_codings_are_asked_of_all_lines(void **state)
{
    (void)state;
    assert_int_equal(weir_accepts_coding(&w.r.pub, WEIR_STR("gzip")), 0);
    field_in("Accept-Encoding", "br;q=0.5");
    field_in("Accept-Encoding", "gzip");
    assert_int_equal(weir_accepts_coding(&w.r.pub, WEIR_STR("gzip")), 1000);
    assert_int_equal(weir_accepts_coding(&w.r.pub, WEIR_STR("br")), 500);
    assert_int_equal(weir_accepts_coding(&w.r.pub, WEIR_STR("zstd")), 0);
}

static void
test_types_are_compared_without_parameters_and_case(void **state)
{
    static const weir_str names[] = { { "text/html", 9 }, { "image/svg+xml", 13 } };
    static const weir_str star[] = { { "*", 1 } };
    const weir_strs types = { names, 2 }, all = { star, 1 }, none = { NULL, 0 };

    (void)state;
    assert_true(weir_type_among(WEIR_STR("Text/HTML; charset=utf-8"), &types));
    assert_true(weir_type_among(WEIR_STR("image/svg+xml"), &types));
    assert_false(weir_type_among(WEIR_STR("text/htm"), &types));
    assert_true(weir_type_among(WEIR_STR("a/b"), &all));
    assert_true(weir_type_among(WEIR_STR(""), &all));
    assert_false(weir_type_among(WEIR_STR("a/b"), &none));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_arguments_and_cookies_have_exact_names),
        TEST(test_codings_are_asked_of_all_lines),
        TEST(test_types_are_compared_without_parameters_and_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
