/* The limit of a control group, and a worker's share of what there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "process/memory.h"

static void
test_a_limit_is_read_in_bytes(void **state)
{
    (void)state;
    assert_true(wr_memory_limit_parse("1048576\n") == 1048576);
}

static void
test_no_limit_is_the_largest_number(void **state)
{
    (void)state;
    assert_true(wr_memory_limit_parse("max\n") == UINT64_MAX);
    assert_true(wr_memory_limit_parse("") == UINT64_MAX);
}

static void
test_workers_share_alike(void **state)
{
    (void)state;
    assert_true(wr_memory_share(1) > 0);
    assert_true(wr_memory_share(4) == wr_memory_share(1) / 4);
    assert_true(wr_memory_share(0) == wr_memory_share(1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_limit_is_read_in_bytes),
        cmocka_unit_test(test_no_limit_is_the_largest_number),
        cmocka_unit_test(test_workers_share_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
