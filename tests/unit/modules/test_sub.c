/* What sub makes of a body is the same for every two places where it is cut, in one call or in
 * several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "unit/modules/sub.h"

static struct sub_rules rules;

static void
expect_for_all_cuts(const char *body, const char *expected)
{
    weir_str text = weir_str_c(body);
    size_t cuts[2];

    for (cuts[0] = 0; cuts[0] <= text.len; cuts[0]++) {
        for (cuts[1] = cuts[0]; cuts[1] <= text.len; cuts[1]++) {
            for (unsigned way = 0; way < 4; way++) {
                weir_str got = sub_run(&rules, text, cuts, 2, (way & 1) != 0, (way & 2) != 0);
                if (!weir_str_eq(got, weir_str_c(expected))) {
                    print_message("cut at %zu and %zu, way %u\n", cuts[0], cuts[1], way);
                    assert_string_equal(got.data, expected);
                }
                free((char *)(uintptr_t)got.data);
            }
        }
    }
    sub_rules_fini(&rules);
}

static void
test_each_text_is_replaced_once(void **state)
{
    (void)state;
    sub_rules_init(&rules, true);
    sub_rules_text(&rules, WEIR_STR("</HEAD>"), WEIR_STR("<x></head>"));
    sub_rules_text(&rules, WEIR_STR("<b"), WEIR_STR("<B"));
    expect_for_all_cuts("<b><<</head></Head><b>", "<B><<<x></head></Head><b>");
}

static void
test_all_are_replaced(void **state)
{
    (void)state;
    sub_rules_init(&rules, false);
    sub_rules_text(&rules, WEIR_STR("aab"), WEIR_STR("[]"));
    expect_for_all_cuts("aaabaabAaBaaaa", "a[][][]aaaa");
}

static void
test_nothing_can_be_put_in(void **state)
{
    (void)state;
    sub_rules_init(&rules, false);
    sub_rules_text(&rules, WEIR_STR("ab"), WEIR_STR(""));
    expect_for_all_cuts("abababaabb", "ab");
}

static void
test_the_first_rule_counts_where_two_begin(void **state)
{
    (void)state;
    sub_rules_init(&rules, false);
    sub_rules_text(&rules, WEIR_STR("abcd"), WEIR_STR("1"));
    sub_rules_text(&rules, WEIR_STR("ab"), WEIR_STR("2"));
    sub_rules_text(&rules, WEIR_STR("bc"), WEIR_STR("3"));
    expect_for_all_cuts("abcxabcdbcab", "2cx132");
}

static void
test_what_was_put_in_is_not_looked_at_again(void **state)
{
    (void)state;
    sub_rules_init(&rules, false);
    sub_rules_text(&rules, WEIR_STR("a"), WEIR_STR("ab"));
    sub_rules_text(&rules, WEIR_STR("bb"), WEIR_STR("x"));
    expect_for_all_cuts("abba", "abxab");
}

static void
test_an_expression_sees_line_by_line(void **state)
{
    (void)state;
    sub_rules_init(&rules, false);
    sub_rules_regex(&rules, "^(a)b*$", "<");
    expect_for_all_cuts("abb\nxab\r\nab\r\n\na", "<a\nxab\r\n<a\r\n\n<a");
}

static void
test_a_line_is_matched_again_and_again(void **state)
{
    (void)state;
    sub_rules_init(&rules, false);
    sub_rules_regex(&rules, "x*(y)?", "-");
    expect_for_all_cuts("axxyb\n", "-a-yb-\n");
}

static void
test_once_is_once_in_the_body(void **state)
{
    (void)state;
    sub_rules_init(&rules, true);
    sub_rules_regex(&rules, "a()", "1");
    sub_rules_regex(&rules, "b()", "2");
    expect_for_all_cuts("aa\nab\nab", "1a\na2\nab");
}

static void
test_expressions_see_what_those_before_made(void **state)
{
    (void)state;
    sub_rules_init(&rules, false);
    sub_rules_text(&rules, WEIR_STR("z\n"), WEIR_STR(""));
    sub_rules_regex(&rules, "ab()", "c");
    sub_rules_regex(&rules, "cc()", "d");
    expect_for_all_cuts("az\nbabab\nb", "dc\nb");
}

static void
test_long_lines_are_taken_in_pieces(void **state)
{
    size_t len = 2 * LINE_MAX_BYTES + 10;
    char *body = malloc(len);
    size_t cuts[2];
    weir_str whole, got;

    (void)state;
    memset(body, 'a', len);
    memcpy(body + LINE_MAX_BYTES - 2, "bbbb", 4); /* two in each piece */
    sub_rules_init(&rules, false);
    sub_rules_regex(&rules, "(b)b", "-");
    sub_rules_regex(&rules, "^a()", "A");
    whole = sub_run(&rules, (weir_str){ body, len }, NULL, 0, true, true);
    assert_int_equal(whole.len, len);
    assert_memory_equal(whole.data + LINE_MAX_BYTES - 2, "-b-b", 4);
    assert_int_equal(whole.data[0], 'A');
    assert_int_equal(whole.data[1], 'a');
    assert_int_equal(whole.data[LINE_MAX_BYTES], '-'); /* a piece that begins with b */
    assert_int_equal(whole.data[2 * LINE_MAX_BYTES], 'A');
    for (cuts[0] = LINE_MAX_BYTES - 3; cuts[0] < LINE_MAX_BYTES + 3; cuts[0]++) {
        for (cuts[1] = 2 * LINE_MAX_BYTES - 3; cuts[1] < 2 * LINE_MAX_BYTES + 3; cuts[1]++) {
            got = sub_run(&rules, (weir_str){ body, len }, cuts, 2, false, false);
            assert_true(weir_str_eq(got, whole));
            free((char *)(uintptr_t)got.data);
        }
    }
    free((char *)(uintptr_t)whole.data);
    free(body);
    sub_rules_fini(&rules);
}

static void
test_a_line_that_would_become_too_long_stays(void **state)
{
    enum { TIMES = 2048 };
    char *with = calloc(1, 1025), *body = malloc(TIMES);
    weir_str got;

    (void)state;
    memset(with, 'x', 1024);
    memset(body, 'a', TIMES);
    sub_rules_init(&rules, false);
    sub_rules_regex(&rules, "a()", with);
    got = sub_run(&rules, (weir_str){ body, TIMES }, NULL, 0, true, true);
    assert_true(weir_str_eq(got, (weir_str){ body, TIMES }));
    free((char *)(uintptr_t)got.data);
    free(body);
    free(with);
    sub_rules_fini(&rules);
}

#define TEST(t) cmocka_unit_test(t)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_text_is_replaced_once),
        TEST(test_all_are_replaced),
        TEST(test_nothing_can_be_put_in),
        TEST(test_the_first_rule_counts_where_two_begin),
        TEST(test_what_was_put_in_is_not_looked_at_again),
        TEST(test_an_expression_sees_line_by_line),
        TEST(test_a_line_is_matched_again_and_again),
        TEST(test_once_is_once_in_the_body),
        TEST(test_expressions_see_what_those_before_made),
        TEST(test_long_lines_are_taken_in_pieces),
        TEST(test_a_line_that_would_become_too_long_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
