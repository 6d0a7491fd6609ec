/* Compressors of a build that has zlib alone. */
#define ZLIB_CONST

#include "../../../modules/gzip/compressor.c"
#include "../../../modules/gzip/compressor_zlib.c"
#include "../../../modules/gzip/compressor_choose_zlib.c"

#include "unit/modules/gzip_compressor.h"

static void
test_zlib_serves_every_shape(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SHAPES; i++) {
        assert_ptr_equal(compressor_choose(shapes[i]), &compressor_zlib);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zlib_serves_every_shape),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    return failed + cmocka_run_group_tests(compressor_tests, NULL, NULL);
}
