/* Sizes and times are read with nginx's units; what is not one is refused and leaves the result
 * alone. The types of directives are tested through the binder, in test_bind.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <weir/conf.h>

#include "base/pool.h"
#include "conf/bind.h"

static void
expect_size(const char *text, uint64_t bytes)
{
    uint64_t n = 7;

    assert_int_equal(weir_parse_size(weir_str_c(text), &n), WEIR_OK);
    assert_true(n == bytes);
}

static void
expect_msec(const char *text, uint64_t ms)
{
    uint64_t n = 7;

    assert_int_equal(weir_parse_msec(weir_str_c(text), &n), WEIR_OK);
    assert_true(n == ms);
}

static void
refuse(int (*parse)(weir_str s, uint64_t *out), const char *text)
{
    uint64_t n = 7;

    assert_int_equal(parse(weir_str_c(text), &n), WEIR_INVALID);
    assert_true(n == 7);
}

static void
test_sizes_have_units_in_either_case(void **state)
{
    (void)state;
    expect_size("0", 0);
    expect_size("512", 512);
    expect_size("8k", 8192);
    expect_size("8K", 8192);
    expect_size("1m", 1048576);
    expect_size("2G", 2147483648u);
    expect_size("9223372036854775807", INT64_MAX);
}

static void
test_sizes_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = { "",
                                       "k",
                                       "-1",
                                       "1.5k",
                                       "8kb",
                                       "1 k",
                                       "0x10",
                                       "8t",
                                       "9223372036854775808",
                                       "9223372036854775807k" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        refuse(weir_parse_size, bad[i]);
    }
}

static void
test_times_have_units_and_seconds_without(void **state)
{
    (void)state;
    expect_msec("0", 0);
    expect_msec("65", 65000);
    expect_msec("500ms", 500);
    expect_msec("30s", 30000);
    expect_msec("5m", 300000);
    expect_msec("1h", 3600000);
    expect_msec("1d", 86400000);
    expect_msec("2w", 1209600000);
    expect_msec("1M", 2592000000u);
    expect_msec("1y", 31536000000u);
}

static void
test_times_are_added_up_in_falling_units(void **state)
{
    (void)state;
    expect_msec("1h30m", 5400000);
    expect_msec("1h 30m", 5400000);
    expect_msec("1y1M1w1d1h1m1s1ms",
                31536000000u + 2592000000u + 604800000 + 86400000 + 3600000 + 60000 + 1000 + 1);
    expect_msec("1m 30", 90000);
    expect_msec("1s500ms", 1500);
}

static void
test_times_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = { "",
                                       "s",
                                       "ms",
                                       "1x",
                                       "-1",
                                       "1h1h",
                                       "30m1h",
                                       "1s 30",
                                       "1.5s",
                                       " 30s",
                                       "30s5",
                                       "1hm",
                                       "1 30m",
                                       "9223372036854775807",
                                       "99999999999999999999" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        refuse(weir_parse_msec, bad[i]);
    }
}

static void
test_files_are_found_beside_the_main_file(void **state)
{
    weir_pool *pool = wr_pool_create("test", NULL);
    weir_conf cf = { .pool = pool,
                     .prefix = WEIR_STR("/usr/local/weir/"),
                     .folder = WEIR_STR("/etc/weir/") };

    (void)state;
    assert_string_equal(weir_conf_file(&cf, WEIR_STR("users")).data, "/etc/weir/users");
    assert_string_equal(weir_conf_file(&cf, WEIR_STR("$host/users")).data, "/etc/weir/$host/users");
    assert_string_equal(weir_conf_file(&cf, WEIR_STR("/srv/users")).data, "/srv/users");
    assert_string_equal(weir_conf_file(&cf, WEIR_STR("")).data, "/etc/weir/");
    assert_string_equal(weir_conf_path(&cf, WEIR_STR("users")).data, "/usr/local/weir/users");
    wr_pool_destroy(&pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_have_units_in_either_case),
        cmocka_unit_test(test_sizes_that_are_none_are_refused),
        cmocka_unit_test(test_times_have_units_and_seconds_without),
        cmocka_unit_test(test_times_are_added_up_in_falling_units),
        cmocka_unit_test(test_times_that_are_none_are_refused),
        cmocka_unit_test(test_files_are_found_beside_the_main_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
