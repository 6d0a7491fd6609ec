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
        const weir_coding_shape whole = { level, 15, 8, 0 };
        const weir_coding_shape narrow = { level, 14, 8, 0 };
        const weir_coding_shape less = { level, 15, 7, 0 };
        const weir_coding_shape more = { level, 15, 9, 0 };

        assert_ptr_equal(compressor_choose(&whole),
                         level <= 6 ? &compressor_isal : &compressor_zlib);
        assert_ptr_equal(compressor_choose(&narrow), &compressor_zlib);
        assert_ptr_equal(compressor_choose(&less), &compressor_zlib);
        assert_ptr_equal(compressor_choose(&more), &compressor_zlib);
    }
}

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
        cmocka_unit_test(test_a_stream_takes_no_more_than_zlib_would),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    return failed + cmocka_run_group_tests(compressor_tests, NULL, NULL);
}
