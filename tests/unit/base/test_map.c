/* A map finds what was put in, by bytes or regardless of case, and keeps the order of adding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/pool.h"

static void
test_each_of_many_keys_is_found(void **state)
{
    struct weir_pool pool;
    struct wr_map m;
    static int values[5000];

    (void)state;
    wr_pool_init(&pool, "test", NULL);
    wr_map_init(&m, &pool, false);
    for (int i = 0; i < 5000; i++) {
        assert_true(wr_map_add(&m, weir_print(&pool, "key%d", i), &values[i]));
    }
    for (int i = 0; i < 5000; i++) {
        assert_ptr_equal(wr_map_find(&m, weir_print(&pool, "key%d", i)), &values[i]);
        assert_null(wr_map_find(&m, weir_print(&pool, "yek%d", i)));
    }
    assert_int_equal(wr_map_count(&m), 5000);
    wr_pool_fini(&pool);
}

static void
test_an_empty_map_finds_nothing(void **state)
{
    struct weir_pool pool;
    struct wr_map m;

    (void)state;
    wr_pool_init(&pool, "test", NULL);
    wr_map_init(&m, &pool, true);
    assert_null(wr_map_find(&m, weir_str_c("a")));
    assert_int_equal(wr_map_count(&m), 0);
    wr_pool_fini(&pool);
}

static void
test_case_counts_only_without_fold(void **state)
{
    struct weir_pool pool;
    struct wr_map fold, exact;
    int a, b;

    (void)state;
    wr_pool_init(&pool, "test", NULL);
    wr_map_init(&fold, &pool, true);
    wr_map_init(&exact, &pool, false);
    assert_true(wr_map_add(&fold, weir_str_c("Example.ORG"), &a));
    assert_true(wr_map_add(&exact, weir_str_c("Example.ORG"), &a));
    assert_ptr_equal(wr_map_find(&fold, weir_str_c("eXAMPLE.org")), &a);
    assert_null(wr_map_find(&exact, weir_str_c("eXAMPLE.org")));
    assert_false(wr_map_add(&fold, weir_str_c("example.org"), &b));
    assert_ptr_equal(wr_map_find(&fold, weir_str_c("example.org")), &a);
    wr_pool_fini(&pool);
}

static void
test_set_replaces_and_answers_the_old_value(void **state)
{
    struct weir_pool pool;
    struct wr_map m;
    int a, b;

    (void)state;
    wr_pool_init(&pool, "test", NULL);
    wr_map_init(&m, &pool, false);
    assert_null(wr_map_set(&m, weir_str_c(""), &a));
    assert_ptr_equal(wr_map_set(&m, weir_str_c(""), &b), &a);
    assert_ptr_equal(wr_map_find(&m, weir_str_c("")), &b);
    assert_int_equal(wr_map_count(&m), 1);
    wr_pool_fini(&pool);
}

static void
test_entries_keep_the_order_of_adding(void **state)
{
    struct weir_pool pool;
    struct wr_map m;
    int a;

    (void)state;
    wr_pool_init(&pool, "test", NULL);
    wr_map_init(&m, &pool, false);
    for (int i = 0; i < 20; i++) {
        assert_true(wr_map_add(&m, weir_print(&pool, "%d", 20 - i), &a));
    }
    assert_string_equal(wr_map_entry(&m, 0)->key.data, "20");
    assert_string_equal(wr_map_entry(&m, 19)->key.data, "1");
    wr_pool_fini(&pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_of_many_keys_is_found),
        cmocka_unit_test(test_an_empty_map_finds_nothing),
        cmocka_unit_test(test_case_counts_only_without_fold),
        cmocka_unit_test(test_set_replaces_and_answers_the_old_value),
        cmocka_unit_test(test_entries_keep_the_order_of_adding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
