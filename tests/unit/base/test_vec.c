/* A vec keeps what was added while it grows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/pool.h"
#include "base/vec.h"

static void
test_elements_survive_growing(void **state)
{
    struct weir_pool pool;
    struct wr_vec v;
    int sum = 0;

    (void)state;
    wr_pool_init(&pool, "test", NULL);
    wr_vec_init_of(&v, &pool, int);
    for (int i = 0; i < 1000; i++) {
        int *n = wr_vec_add(&v);
        assert_int_equal(*n, 0);
        *n = i;
    }
    WR_VEC_EACH(int, n, &v)
    {
        sum += *n;
    }
    assert_int_equal(v.count, 1000);
    assert_int_equal(sum, 499500);
    assert_int_equal(*wr_vec_at(&v, int, 999), 999);
    wr_pool_fini(&pool);
}

static void
test_an_element_after_a_cut_is_zero_again(void **state)
{
    struct weir_pool pool;
    struct wr_vec v;

    (void)state;
    wr_pool_init(&pool, "test", NULL);
    wr_vec_init_of(&v, &pool, int);
    *(int *)wr_vec_add(&v) = 1;
    *(int *)wr_vec_add(&v) = 2;
    wr_vec_cut(&v, 1);
    assert_int_equal(*(int *)wr_vec_add(&v), 0);
    assert_int_equal(*wr_vec_at(&v, int, 0), 1);
    wr_pool_fini(&pool);
}

static void
test_an_empty_vec_has_no_rounds_and_no_items(void **state)
{
    struct weir_pool pool;
    struct wr_vec v;
    int rounds = 0;

    (void)state;
    wr_pool_init(&pool, "test", NULL);
    wr_vec_init_of(&v, &pool, int);
    WR_VEC_EACH(int, n, &v)
    {
        rounds += *n + 1;
    }
    assert_int_equal(rounds, 0);
    assert_int_equal(wr_vec_items(&v).count, 0);
    assert_int_equal(wr_vec_items(&v).stride, sizeof(int));
    wr_pool_fini(&pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements_survive_growing),
        cmocka_unit_test(test_an_element_after_a_cut_is_zero_again),
        cmocka_unit_test(test_an_empty_vec_has_no_rounds_and_no_items),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
