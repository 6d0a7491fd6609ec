/* Weights, and what they mean for content codings.  [RFC 9110 12.4.2, 12.5.3] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/qvalue.h"

static void
test_weights_have_one_digit_and_three(void **state)
{
    static const struct {
        const char *text;
        uint32_t want;
    } right[] = { { "0", 0 },     { "1", 1000 },    { "0.", 0 },
                  { "1.", 1000 }, { "0.5", 500 },   { "0.25", 250 },
                  { "0.001", 1 }, { "0.999", 999 }, { "1.000", 1000 } };
    static const char *const wrong[] = {
        "",   ".5",   "2", "1.001", "1.1", "0.0001", "-0",   "0,5",
        "00", "0.5x", "x", "0 ",    "1e0", "1.0000", "0.-1", "+1"
    };
    uint32_t q;

    (void)state;
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        q = 7777;
        assert_true(wr_qvalue_parse(weir_str_c(right[i].text), &q));
        assert_int_equal(q, right[i].want);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        q = 7777;
        assert_false(wr_qvalue_parse(weir_str_c(wrong[i]), &q));
        assert_int_equal(q, 7777);
    }
}

static void
expect(const char *field, uint32_t gzip, uint32_t identity)
{
    assert_int_equal(wr_qvalue_coding(weir_str_c(field), weir_str_c("gzip")), gzip);
    assert_int_equal(wr_qvalue_coding(weir_str_c(field), weir_str_c("identity")), identity);
}

/* The examples of the RFC, and the rules beside them. */
static void
test_a_named_coding_has_its_weight(void **state)
{
    (void)state;
    expect("compress, gzip", 1000, 1);
    expect("compress;q=0.5, gzip;q=1.0", 1000, 1);
    expect("gzip;q=1.0, identity; q=0.5, *;q=0", 1000, 500);
    expect("deflate, GZIP ; Q=0.25, br", 250, 1);
    expect("x-gzip", 1000, 1);
    expect("gzip;q=0", 0, 1);
    expect("gzip;level=9;q=0.3", 300, 1);
}

static void
test_a_star_stands_for_what_is_not_named(void **state)
{
    (void)state;
    expect("*", 1000, 1000);
    expect("*;q=0.3", 300, 300);
    expect("*;q=0.3, gzip;q=0", 0, 300);
    expect("br, *;q=0", 0, 0);
    expect("identity;q=0", 0, 0);
    expect("*;q=0, identity;q=0.1", 0, 100);
}

static void
test_without_a_preference_there_is_no_coding(void **state)
{
    (void)state;
    expect(NULL, 0, 1000);
    expect("", 0, 1);
    expect(" , ", 0, 1);
}

static void
test_a_weight_that_cannot_be_read_is_none(void **state)
{
    (void)state;
    expect("gzip;q=2", 0, 1);
    expect("gzip;q=", 0, 1);
    expect("gzip;q", 0, 1);
    expect("gzip;q=1.0000", 0, 1);
    expect("gzipped, notgzip", 0, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_have_one_digit_and_three),
        cmocka_unit_test(test_a_named_coding_has_its_weight),
        cmocka_unit_test(test_a_star_stands_for_what_is_not_named),
        cmocka_unit_test(test_without_a_preference_there_is_no_coding),
        cmocka_unit_test(test_a_weight_that_cannot_be_read_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
