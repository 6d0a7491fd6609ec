/* gzip gives back what it codes. */
#include "../../../modules/gzip/compressor.c"
#include "../../../modules/gzip/compressor_zlib.c"
#include "../../../modules/gzip/compressor_choose_zlib.c"
#include "../../../modules/gzip/decoder.c"
#include "../../../modules/gzip/coding.c"

#include "unit/modules/coding_check.h"

int
main(void)
{
    checked = &gzip_coding;
    return cmocka_run_group_tests(coding_tests, NULL, NULL);
}
