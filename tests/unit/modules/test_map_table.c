/* A table of texts: what was put in is found in any case, and nothing else. */
#include "unit/modules/double.h"

#include "../modules/map/table.c"

static void
test_ten_thousand_texts_are_found_and_no_others(void **state)
{
    struct weir_pool *pool = wr_pool_create("test", NULL);
    struct table t = { 0 };
    char text[32];

    (void)state;
    for (uintptr_t i = 1; i <= 10000; i++) {
        snprintf(text, sizeof(text), "Key-%lu", (unsigned long)i);
        assert_true(table_add(&t, pool, weir_str_c(text), (void *)i));
    }
    assert_true(t.used * 2 <= t.mask + 2);
    for (uintptr_t i = 1; i <= 10000; i++) {
        snprintf(text, sizeof(text), "kEY-%lu", (unsigned long)i);
        assert_ptr_equal(table_find(&t, weir_str_c(text)), (void *)i);
        assert_false(table_add(&t, pool, weir_str_c(text), &t));
    }
    assert_null(table_find(&t, WEIR_STR("key-0")));
    assert_null(table_find(&t, WEIR_STR("key-10001")));
    assert_null(table_find(&t, WEIR_STR("key-1\0")));
    assert_null(table_find(&t, WEIR_STR("")));
    wr_pool_destroy(&pool);
}

static void
test_the_empty_text_is_a_key(void **state)
{
    struct weir_pool *pool = wr_pool_create("test", NULL);
    struct table t = { 0 };

    (void)state;
    assert_null(table_find(&t, WEIR_STR("")));
    assert_true(table_add(&t, pool, WEIR_STR(""), &t));
    assert_ptr_equal(table_find(&t, WEIR_STR("")), &t);
    assert_ptr_equal(table_find(&t, (weir_str){ NULL, 0 }), &t);
    assert_null(table_find(&t, WEIR_STR("a")));
    wr_pool_destroy(&pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_thousand_texts_are_found_and_no_others),
        cmocka_unit_test(test_the_empty_text_is_a_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
