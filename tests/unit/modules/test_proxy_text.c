/* proxy/text.c: the builder and its limit, lists, numbers. */
#include "unit/modules/double.h"

#include "../modules/proxy/text.c"

static void
test_a_text_grows_and_keeps_what_it_has(void **state)
{
    weir_pool *pool = weir_pool_new(NULL);
    struct text t = text_begin(pool, 4);

    (void)state;
    for (int i = 0; i < 1000; i++) {
        text_add(&t, WEIR_STR("abc"));
    }
    text_add_number(&t, 0);
    text_add_number(&t, UINT64_MAX);
    assert_false(t.full);
    assert_int_equal(t.len, 3000 + 1 + 20);
    assert_memory_equal(t.data + 2997, "abc018446744073709551615", 24);
    weir_pool_end(pool);
}

static void
test_a_text_stops_at_its_limit(void **state)
{
    weir_pool *pool = weir_pool_new(NULL);
    struct text t = text_begin(pool, 64);
    char *much = calloc(1, TEXT_MAX + 1);

    (void)state;
    text_add(&t, WEIR_STR("ab"));
    text_add(&t, (weir_str){ much, TEXT_MAX + 1 });
    assert_true(t.full);
    text_add(&t, (weir_str){ much, TEXT_MAX - 1 });
    assert_true(t.full);
    assert_int_equal(t.len, 2);
    assert_false(text_grow(&t, SIZE_MAX));
    assert_int_equal(t.len, 2);
    free(much);
    weir_pool_end(pool);
}

static void
test_members_of_a_list_are_trimmed_and_empty_ones_left_out(void **state)
{
    weir_str rest = WEIR_STR(" a , ,b c,\t,d"), member;
    const char *want[] = { "a", "b c", "d" };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_true(str_next(&rest, ',', &member));
        assert_true(weir_str_eq(member, weir_str_c(want[i])));
    }
    assert_false(str_next(&rest, ',', &member));
    rest = WEIR_STR("");
    assert_false(str_next(&rest, ',', &member));
}

static void
test_numbers_are_digits_up_to_a_limit(void **state)
{
    uint64_t n = 7;

    (void)state;
    assert_true(str_number(WEIR_STR("65535"), 65535, &n) && n == 65535);
    assert_false(str_number(WEIR_STR("65536"), 65535, &n));
    assert_false(str_number(WEIR_STR(""), 9, &n));
    assert_false(str_number(WEIR_STR("+1"), 9, &n));
    assert_false(str_number(WEIR_STR("1 "), 9, &n));
    assert_false(str_number(WEIR_STR("18446744073709551617"), UINT64_MAX, &n));
    assert_true(n == 65535);
}

static void
test_control_bytes_but_tab_are_no_value(void **state)
{
    (void)state;
    assert_true(str_is_value(WEIR_STR("a\tb \xff")));
    assert_true(str_is_value(WEIR_STR("")));
    assert_false(str_is_value(WEIR_STR("a\nb")));
    assert_false(str_is_value(WEIR_STR("a\rb")));
    assert_false(str_is_value(WEIR_STR("a\0b")));
    assert_false(str_is_value(WEIR_STR("\x7f")));
}

static void
test_cuts_stay_within(void **state)
{
    weir_str s = WEIR_STR("abc");

    (void)state;
    assert_true(weir_str_eq(str_cut(s, 1, SIZE_MAX), WEIR_STR("bc")));
    assert_int_equal(str_cut(s, 9, SIZE_MAX).len, 0);
    assert_int_equal(str_cut(s, 2, 1).len, 0);
    assert_int_equal(str_find(s, 'x'), 3);
    assert_int_equal(str_find((weir_str){ NULL, 0 }, 'x'), 0);
    assert_true(str_starts(s, WEIR_STR("")));
    assert_false(str_starts(s, WEIR_STR("abcd")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_text_grows_and_keeps_what_it_has),
        cmocka_unit_test(test_a_text_stops_at_its_limit),
        cmocka_unit_test(test_members_of_a_list_are_trimmed_and_empty_ones_left_out),
        cmocka_unit_test(test_numbers_are_digits_up_to_a_limit),
        cmocka_unit_test(test_control_bytes_but_tab_are_no_value),
        cmocka_unit_test(test_cuts_stay_within),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
