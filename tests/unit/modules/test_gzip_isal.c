/* Compressors of a build with ISA-L. */
#define ZLIB_CONST

#include "../../../modules/gzip/compressor.c"
#include "../../../modules/gzip/compressor_zlib.c"
#include "../../../modules/gzip/compressor_isal.c"
#include "../../../modules/gzip/compressor_choose_isal.c"

#include "unit/modules/gzip_compressor.h"

static void
test_isal_serves_the_lower_levels_of_the_whole_window(void **state)
{
    (void)state;
    for (int level = 1; level <= 9; level++) {
        const struct compressor_shape whole = { level, 15, 8 };
        const struct compressor_shape narrow = { level, 14, 8 };
        const struct compressor_shape less = { level, 15, 7 };
        const struct compressor_shape more = { level, 15, 9 };

        assert_ptr_equal(compressor_choose(&whole),
                         level <= 6 ? &compressor_isal : &compressor_zlib);
        assert_ptr_equal(compressor_choose(&narrow), &compressor_zlib);
        assert_ptr_equal(compressor_choose(&less), &compressor_zlib);
        assert_ptr_equal(compressor_choose(&more), &compressor_zlib);
    }
}

static void
test_streams_of_both_libraries_share_a_pool(void **state)
{
    struct compressor_pool pool = { 0 };
    struct compressor *of_isal = compressor_take(&pool, &fast);
    struct compressor *of_zlib = compressor_take(&pool, &best);

    (void)state;
    assert_ptr_equal(of_isal->kind, &compressor_isal);
    assert_ptr_equal(of_zlib->kind, &compressor_zlib);
    compressor_give(&pool, of_isal);
    compressor_give(&pool, of_zlib);
    assert_int_equal(pool.n_idle, 2);
    assert_ptr_equal(compressor_take(&pool, &fast), of_isal);
    assert_ptr_equal(compressor_take(&pool, &best), of_zlib);
    compressor_give(&pool, of_isal);
    compressor_give(&pool, of_zlib);
    compressor_pool_empty(&pool);
}

/* What compressor.h promises of the whole pool. */
static void
test_a_stream_takes_no_more_than_zlib_would(void **state)
{
    (void)state;
    assert_true(sizeof(struct isal_compressor) + ISAL_DEF_LVL1_SMALL <= 168 * 1024);
    assert_true(sizeof(struct isal_compressor) + ISAL_DEF_LVL3_SMALL <= 232 * 1024);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_isal_serves_the_lower_levels_of_the_whole_window),
        cmocka_unit_test(test_streams_of_both_libraries_share_a_pool),
        cmocka_unit_test(test_a_stream_takes_no_more_than_zlib_would),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    return failed + cmocka_run_group_tests(compressor_tests, NULL, NULL);
}
