/* headers/text.c: names, values, and lists as RFC 9110 5.6.1 has them. */
#include "unit/modules/double.h"

#include "../modules/headers/text.c"

static void
expect_members(const char *text, const char *const *members)
{
    weir_str list = weir_str_c(text), member;

    for (; *members != NULL; members++) {
        assert_true(list_next(&list, &member));
        assert_true(weir_str_eq(member, weir_str_c(*members)));
    }
    assert_false(list_next(&list, &member));
}

static void
test_a_list_has_members_between_commas(void **state)
{
    (void)state;
    expect_members("a", (const char *const[]){ "a", NULL });
    expect_members(" a ,\tb,c d ", (const char *const[]){ "a", "b", "c d", NULL });
    expect_members("", (const char *const[]){ NULL });
    expect_members(" , ,,a,, ", (const char *const[]){ "a", NULL });
}

static void
test_a_comma_in_quotes_is_part_of_a_member(void **state)
{
    (void)state;
    expect_members("\"a,b\", c", (const char *const[]){ "\"a,b\"", "c", NULL });
    expect_members("x=\"a\\\",b\",c", (const char *const[]){ "x=\"a\\\",b\"", "c", NULL });
    expect_members("\"a,b", (const char *const[]){ "\"a,b", NULL });
    expect_members("a\\,b", (const char *const[]){ "a\\", "b", NULL });
    expect_members("\"\\", (const char *const[]){ "\"\\", NULL });
}

static void
test_a_member_is_found_in_either_case(void **state)
{
    (void)state;
    assert_true(list_has(WEIR_STR("Accept, Origin"), WEIR_STR("origin")));
    assert_false(list_has(WEIR_STR("Accept, Origin"), WEIR_STR("Orig")));
    assert_false(list_has(WEIR_STR(""), WEIR_STR("a")));
}

static void
test_names_are_tokens_and_values_lines(void **state)
{
    (void)state;
    assert_true(field_is_token(WEIR_STR("X-A_b.1!")));
    assert_false(field_is_token(WEIR_STR("")));
    assert_false(field_is_token(WEIR_STR("a b")));
    assert_false(field_is_token(WEIR_STR("a:")));
    assert_false(field_is_token(WEIR_STR("a\0")));
    assert_true(field_is_one_line(WEIR_STR("a\tb \xc3\xa4")));
    assert_false(field_is_one_line(WEIR_STR("a\nb")));
    assert_false(field_is_one_line(WEIR_STR("a\x7f")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_has_members_between_commas),
        cmocka_unit_test(test_a_comma_in_quotes_is_part_of_a_member),
        cmocka_unit_test(test_a_member_is_found_in_either_case),
        cmocka_unit_test(test_names_are_tokens_and_values_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
