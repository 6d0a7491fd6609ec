/* br gives back what it codes. */
#include "../../../modules/brotli/coding.c"

#include "unit/modules/coding_check.h"

int
main(void)
{
    checked = &brotli_coding;
    return cmocka_run_group_tests(coding_tests, NULL, NULL);
}
