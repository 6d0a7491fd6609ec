/* Numbers as text have their digits and no more, at every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/strbuf.h"

/* On a block of exactly the number's length, which a sanitizer watches. */
static void
expect_text(uint64_t value)
{
    char want[24];
    size_t n = (size_t)snprintf(want, sizeof(want), "%" PRIu64, value);
    char *got = malloc(n);

    assert_non_null(got);
    assert_int_equal(wr_num_format(got, value), n);
    assert_memory_equal(got, want, n);
    free(got);
}

static void
test_numbers_around_every_power_are_right(void **state)
{
    uint64_t ten = 1;

    (void)state;
    for (uint64_t value = 0; value < 2000; value++) {
        expect_text(value);
    }
    for (int digits = 1; digits < 20; digits++) {
        ten *= 10;
        expect_text(ten - 1);
        expect_text(ten);
        expect_text(ten + 1);
    }
    for (int bit = 0; bit < 64; bit++) {
        expect_text(UINT64_C(1) << bit);
        expect_text((UINT64_C(1) << bit) - 1);
    }
    expect_text(UINT64_MAX);
}

static void
test_every_byte_has_two_digits(void **state)
{
    char want[4], got[3];

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t byte = (uint8_t)c;
        (void)snprintf(want, sizeof(want), "%02x", c);
        wr_num_format_bytes(got, &byte, 1);
        assert_memory_equal(got, want, 2);
        (void)snprintf(want, sizeof(want), "%%%02X", c);
        wr_num_format_percent(got, byte);
        assert_memory_equal(got, want, 3);
    }
}

static void
test_a_number_that_does_not_fit_is_left_out(void **state)
{
    char room[4];
    struct wr_strbuf b = wr_strbuf_over(room, sizeof(room));

    (void)state;
    wr_strbuf_num(&b, 1234);
    assert_false(b.full);
    assert_int_equal(b.len, 4);
    wr_strbuf_num(&b, 5);
    assert_true(b.full);
    assert_memory_equal(room, "1234", 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_around_every_power_are_right),
        cmocka_unit_test(test_every_byte_has_two_digits),
        cmocka_unit_test(test_a_number_that_does_not_fit_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
