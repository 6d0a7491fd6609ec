/* Ranges lie inside the file, are few, and never add up to more than it.  [RFC 9110 14.1.2] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/range.h"

/* want: pairs of first and last */
static void
expect(const char *field, uint64_t size, uint32_t want_count, const uint64_t *want)
{
    struct wr_range ranges[16];
    uint32_t count = 0;

    assert_int_equal(wr_range_parse(weir_str_c(field), size, ranges, 16, &count), WR_RANGE_PARTS);
    assert_int_equal(count, want_count);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(ranges[i].first == want[2 * i] && ranges[i].last == want[2 * i + 1]);
    }
}

#define EXPECT(field, size, ...)                                                                   \
    expect(field, size, sizeof((uint64_t[]){ __VA_ARGS__ }) / 16, (uint64_t[]){ __VA_ARGS__ })

static enum wr_range_answer
ask(const char *field, uint64_t size)
{
    struct wr_range ranges[16];
    uint32_t count;

    return wr_range_parse(weir_str_c(field), size, ranges, 16, &count);
}

static void
test_the_forms_of_one_range(void **state)
{
    (void)state;
    EXPECT("bytes=0-499", 10000, 0, 499);
    EXPECT("bytes=500-999", 10000, 500, 999);
    EXPECT("bytes=-500", 10000, 9500, 9999);
    EXPECT("bytes=9500-", 10000, 9500, 9999);
    EXPECT("bytes=0-0", 1, 0, 0);
    EXPECT("bytes=9999-20000", 10000, 9999, 9999);
    EXPECT("bytes=-20000", 10000, 0, 9999);
    EXPECT("Bytes=0-1", 10, 0, 1);
    EXPECT("bytes=00-01", 10, 0, 1);
}

static void
test_several_ranges_keep_their_order(void **state)
{
    (void)state;
    EXPECT("bytes=0-0,-1", 10000, 0, 0, 9999, 9999);
    EXPECT("bytes= 7-8 , ,0-1,", 10, 7, 8, 0, 1);
}

/* [RFC 9110 15.3.7.2] */
static void
test_ranges_that_meet_become_one(void **state)
{
    (void)state;
    EXPECT("bytes=0-3,2-5", 100, 0, 5);
    EXPECT("bytes=4-5,0-3", 100, 0, 5);
    EXPECT("bytes=50-51,0-3,8-9,3-8", 100, 50, 51, 0, 9);
    EXPECT("bytes=0-1,3-4,2-2", 100, 0, 4);
}

static void
test_nothing_inside_is_unsatisfiable(void **state)
{
    (void)state;
    assert_int_equal(ask("bytes=10-", 10), WR_RANGE_NONE);
    assert_int_equal(ask("bytes=10-20,30-40", 10), WR_RANGE_NONE);
    assert_int_equal(ask("bytes=-0", 10), WR_RANGE_NONE);
    assert_int_equal(ask("bytes=0-", 0), WR_RANGE_NONE);
    EXPECT("bytes=100-,1-1,-0", 10, 1, 1);
}

static void
test_what_cannot_be_read_is_ignored(void **state)
{
    static const char *const wrong[] = {
        "",           "bytes",      "bytes=",      "bytes=,",     "bytes=-",
        "bytes=a-b",  "bytes=1",    "bytes=5-4",   "bytes=1-2-3", "bytes=+1-2",
        "bytes=1 -2", "bytes=1- 2", "lines=1-2",   "bytes 1-2",   "bytes=0x1-2",
        "bytes=--1",  "bytes=1-2;", "bytes=0-1,x", "bytes = 0-1", " bytes=0-1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(ask(wrong[i], 10), WR_RANGE_WHOLE);
    }
    assert_int_equal(wr_range_parse((weir_str){ NULL, 0 }, 10, NULL, 16, NULL), WR_RANGE_WHOLE);
}

static void
test_the_last_bytes_of_nothing_are_all_of_it(void **state)
{
    (void)state;
    assert_int_equal(ask("bytes=-5", 0), WR_RANGE_WHOLE);
}

static void
test_more_than_the_file_is_ignored(void **state)
{
    (void)state;
    assert_int_equal(ask("bytes=0-,0-", 10), WR_RANGE_WHOLE);
    assert_int_equal(ask("bytes=0-5,0-5", 10), WR_RANGE_WHOLE);
    EXPECT("bytes=0-4,0-4", 10, 0, 4);
}

static void
test_more_ranges_than_allowed_are_ignored(void **state)
{
    struct wr_range ranges[2];
    uint32_t count = 9;

    (void)state;
    assert_int_equal(wr_range_parse(weir_str_c("bytes=0-0,2-2"), 100, ranges, 2, &count),
                     WR_RANGE_PARTS);
    assert_int_equal(count, 2);
    assert_int_equal(wr_range_parse(weir_str_c("bytes=0-0,2-2,4-4"), 100, ranges, 2, &count),
                     WR_RANGE_WHOLE);
    assert_int_equal(wr_range_parse(weir_str_c("bytes=0-0"), 100, ranges, 0, &count),
                     WR_RANGE_WHOLE);
}

static void
test_numbers_past_64_bits_are_past_the_end(void **state)
{
    (void)state;
    EXPECT("bytes=0-99999999999999999999999", 10, 0, 9);
    EXPECT("bytes=-99999999999999999999999", 10, 0, 9);
    EXPECT("bytes=0-18446744073709551615", 10, 0, 9);
    assert_int_equal(ask("bytes=99999999999999999999999-", 10), WR_RANGE_NONE);
    assert_int_equal(ask("bytes=18446744073709551615-", UINT64_MAX), WR_RANGE_NONE);
    EXPECT("bytes=18446744073709551614-", UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 1);
    assert_int_equal(ask("bytes=1-,1-", UINT64_MAX), WR_RANGE_WHOLE);
}

/* [RFC 9110 13.1.5] */
static void
test_if_range_wants_the_very_same_thing(void **state)
{
    struct wr_etag tag = { { "\"x\"", 3 }, false }, weak = { { "\"x\"", 3 }, true };
    struct wr_etag none = { { NULL, 0 }, false };
    weir_str date = weir_str_c("Sun, 06 Nov 1994 08:49:37 GMT");
    int64_t t = 784111777;

    (void)state;
    assert_true(wr_range_if_range(weir_str_c("\"x\""), tag, t, t + 9));
    assert_false(wr_range_if_range(weir_str_c("\"y\""), tag, t, t + 9));
    assert_false(wr_range_if_range(weir_str_c("W/\"x\""), tag, t, t + 9));
    assert_false(wr_range_if_range(weir_str_c("\"x\""), weak, t, t + 9));
    assert_false(wr_range_if_range(weir_str_c("\"x\""), none, t, t + 9));
    assert_false(wr_range_if_range(weir_str_c("x"), tag, t, t + 9));
    assert_true(wr_range_if_range(date, tag, t, t + 9));
    assert_false(wr_range_if_range(date, tag, t + 1, t + 9));
    assert_false(wr_range_if_range(date, tag, t - 1, t + 9));
    assert_false(wr_range_if_range(date, tag, t, t));
    assert_false(wr_range_if_range(date, tag, -1, t + 9));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_forms_of_one_range),
        cmocka_unit_test(test_several_ranges_keep_their_order),
        cmocka_unit_test(test_ranges_that_meet_become_one),
        cmocka_unit_test(test_nothing_inside_is_unsatisfiable),
        cmocka_unit_test(test_what_cannot_be_read_is_ignored),
        cmocka_unit_test(test_the_last_bytes_of_nothing_are_all_of_it),
        cmocka_unit_test(test_more_than_the_file_is_ignored),
        cmocka_unit_test(test_more_ranges_than_allowed_are_ignored),
        cmocka_unit_test(test_numbers_past_64_bits_are_past_the_end),
        cmocka_unit_test(test_if_range_wants_the_very_same_thing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
