/* The three date forms, exactly.  [RFC 9110 5.6.7] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "wire/date.h"

enum { IN_2026 = 1785000000 };

static void
expect(const char *text, int64_t want)
{
    int64_t seconds = -77;

    assert_true(wr_date_parse(weir_str_c(text), IN_2026, &seconds));
    assert_int_equal(seconds, want);
}

static void
refuse(const char *text)
{
    int64_t seconds = -77;

    assert_false(wr_date_parse(weir_str_c(text), IN_2026, &seconds));
    assert_int_equal(seconds, -77);
}

static void
test_the_three_forms_of_one_time_are_equal(void **state)
{
    (void)state;
    expect("Sun, 06 Nov 1994 08:49:37 GMT", 784111777);
    expect("Sunday, 06-Nov-94 08:49:37 GMT", 784111777);
    expect("Sun Nov  6 08:49:37 1994", 784111777);
    expect("Sun Nov 06 08:49:37 1994", 784111777);
}

static void
test_edges_of_the_calendar_are_right(void **state)
{
    (void)state;
    expect("Thu, 01 Jan 1970 00:00:00 GMT", 0);
    expect("Wed, 31 Dec 1969 23:59:59 GMT", -1);
    expect("Tue, 29 Feb 2000 12:00:00 GMT", 951825600);
    expect("Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799));
    expect("Sat, 31 Dec 2016 23:59:60 GMT", 1483228800);
    refuse("Mon, 29 Feb 1900 00:00:00 GMT");
    refuse("Mon, 30 Feb 2024 00:00:00 GMT");
    refuse("Mon, 31 Apr 2024 00:00:00 GMT");
    refuse("Mon, 00 Jan 2024 00:00:00 GMT");
    refuse("Mon, 32 Jan 2024 00:00:00 GMT");
    refuse("Mon, 01 Jan 2024 24:00:00 GMT");
    refuse("Mon, 01 Jan 2024 00:60:00 GMT");
    refuse("Mon, 01 Jan 2024 00:00:61 GMT");
}

static void
test_what_is_printed_is_read_back(void **state)
{
    char text[30];

    (void)state;
    for (int64_t t = 0; t < INT64_C(253402300799); t += 86400 * 97 + 12345) {
        int64_t back = -1;
        wr_clock_format_http(text, t);
        assert_true(wr_date_parse((weir_str){ text, 29 }, IN_2026, &back));
        assert_true(back == t);
    }
}

/* A two-digit year more than 50 years ahead is one of the past. */
static void
test_a_two_digit_year_is_near_now(void **state)
{
    int64_t seconds;

    (void)state;
    expect("Thursday, 01-Jan-70 00:00:00 GMT", INT64_C(3155760000)); /* 2070 */
    expect("Wednesday, 31-Dec-76 00:00:00 GMT", 220838400); /* 1976, 50 years and some months */
    expect("Friday, 01-Jan-99 00:00:00 GMT", 915148800);    /* 1999 */
    assert_true(wr_date_parse(weir_str_c("Friday, 01-Jan-99 00:00:00 GMT"), INT64_C(3155760000),
                              &seconds));        /* in 2070 */
    assert_true(seconds == INT64_C(4070908800)); /* 2099 */
}

static void
test_anything_else_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "0",
        "-1",
        "Sun",
        "Sun,",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 gmt",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37 EST",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun 06 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-1994 08:49:37 GMT",
        "Sun,  06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994  08:49:37 GMT",
        "Sun, 06 Nov 1994 08.49.37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
        "SUN, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:3a GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday 06-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun Nov  6 08:49:37 94",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        refuse(wrong[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_three_forms_of_one_time_are_equal),
        cmocka_unit_test(test_edges_of_the_calendar_are_right),
        cmocka_unit_test(test_what_is_printed_is_read_back),
        cmocka_unit_test(test_a_two_digit_year_is_near_now),
        cmocka_unit_test(test_anything_else_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
