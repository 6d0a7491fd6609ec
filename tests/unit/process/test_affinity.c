/* Which processors a worker runs on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "process/main_conf.h"

static void
test_the_last_digit_is_the_first_processor(void **state)
{
    cpu_set_t set;

    (void)state;
    assert_true(wr_affinity_parse(WEIR_STR("0101"), &set));
    assert_int_equal(CPU_COUNT(&set), 2);
    assert_true(CPU_ISSET(0, &set) && CPU_ISSET(2, &set));
    assert_false(wr_affinity_parse(WEIR_STR(""), &set));
    assert_false(wr_affinity_parse(WEIR_STR("012"), &set));
    assert_false(wr_affinity_parse(WEIR_STR("auto"), &set));
}

static void
test_the_last_mask_serves_all_further_workers(void **state)
{
    cpu_set_t masks[2], set;
    struct wr_affinity a = { .on = true, .n = 2, .masks = masks };

    (void)state;
    assert_true(wr_affinity_parse(WEIR_STR("01"), &masks[0]));
    assert_true(wr_affinity_parse(WEIR_STR("10"), &masks[1]));
    assert_true(wr_affinity_of(&a, 0, &set) && CPU_EQUAL(&set, &masks[0]));
    assert_true(wr_affinity_of(&a, 1, &set) && CPU_EQUAL(&set, &masks[1]));
    assert_true(wr_affinity_of(&a, 7, &set) && CPU_EQUAL(&set, &masks[1]));
}

static void
test_auto_gives_one_processor_after_the_other(void **state)
{
    cpu_set_t mask, set;
    struct wr_affinity a = { .on = true, .automatic = true, .n = 1, .masks = &mask };
    static const int want[] = { 1, 3, 4, 1 };

    (void)state;
    assert_true(wr_affinity_parse(WEIR_STR("11010"), &mask));
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(wr_affinity_of(&a, i, &set));
        assert_int_equal(CPU_COUNT(&set), 1);
        assert_true(CPU_ISSET(want[i], &set));
    }
}

static void
test_without_the_directive_workers_run_anywhere(void **state)
{
    struct wr_affinity a = { .on = false };
    cpu_set_t set;

    (void)state;
    assert_false(wr_affinity_of(&a, 0, &set));
    assert_true(wr_affinity_processors() >= 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_digit_is_the_first_processor),
        cmocka_unit_test(test_the_last_mask_serves_all_further_workers),
        cmocka_unit_test(test_auto_gives_one_processor_after_the_other),
        cmocka_unit_test(test_without_the_directive_workers_run_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
