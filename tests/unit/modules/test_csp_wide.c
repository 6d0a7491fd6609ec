/* csp/wide_plain.h: eight bytes in one step, on machines without SSE2. */
#include "unit/modules/double.h"

#include "../modules/csp/wide_plain.h"

static void
test_the_mask_names_the_bytes_that_are_it(void **state)
{
    uint8_t bytes[WIDE_BYTES];

    (void)state;
    for (unsigned wanted = 0; wanted < 256; wanted++) {
        for (unsigned pattern = 0; pattern < 256; pattern++) {
            uint64_t expected = 0;
            for (size_t i = 0; i < WIDE_BYTES; i++) {
                bool is = pattern >> i & 1;
                bytes[i] = (uint8_t)(is ? wanted : wanted ^ (1u << i));
                expected |= is ? UINT64_C(0x80) << 8 * i : 0;
            }
            assert_true(wide_is(wide_load(bytes), (char)wanted) == expected);
        }
    }
}

static void
test_either_of_two_bytes_is_named(void **state)
{
    (void)state;
    assert_true(wide_either(wide_load((const uint8_t *)"a>b=c>\xbe\x3f"), '>', '=') ==
                (UINT64_C(0x80) << 8 | UINT64_C(0x80) << 24 | UINT64_C(0x80) << 40));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_mask_names_the_bytes_that_are_it),
        cmocka_unit_test(test_either_of_two_bytes_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
