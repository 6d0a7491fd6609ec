/* Set-Cookie lines as browsers read them [RFC 6265bis 5.6], and as they are written again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <weir/base.h>

#include "base/pool.h"

#include "../modules/cookies/set_cookie.c"

static struct set_cookie c;

static void
expect(weir_str got, const char *wanted)
{
    if (wanted == NULL) {
        assert_null(got.data);
        return;
    }
    assert_non_null(got.data);
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.data, wanted, got.len);
}

static bool
parse(const char *line)
{
    return set_cookie_parse(weir_str_c(line), &c);
}

static void
test_a_pair_ends_at_the_first_semicolon_and_its_name_at_the_first_equals_sign(void **state)
{
    (void)state;
    assert_true(parse(" a = b=\"c ; Path=/"));
    expect(c.name, "a");
    expect(c.value, "b=\"c");
    expect(c.at[COOKIE_PATH], "/");
}

static void
test_a_pair_without_equals_sign_has_no_name(void **state)
{
    (void)state;
    assert_true(parse("abc;Secure"));
    assert_int_equal(c.name.len, 0);
    expect(c.value, "abc");
    expect(c.at[COOKIE_SECURE], "");
    assert_true(parse("=abc"));
    assert_int_equal(c.name.len, 0);
    expect(c.value, "abc");
}

static void
test_the_last_of_an_attribute_counts_in_any_case(void **state)
{
    (void)state;
    assert_true(parse("a=1; PATH=/x; domain = b ; path=/y;;; secureX; httponly=no"));
    expect(c.at[COOKIE_PATH], "/y");
    expect(c.at[COOKIE_DOMAIN], "b");
    expect(c.at[COOKIE_SECURE], NULL);
    expect(c.at[COOKIE_HTTPONLY], "no");
}

static void
test_control_bytes_and_nothing_at_all_are_no_cookie(void **state)
{
    (void)state;
    assert_false(parse("a=\x01"));
    assert_false(parse("a=1; Path=/\x7f"));
    assert_true(parse("a=b\tc"));
    assert_false(parse(""));
    assert_false(parse("="));
    assert_false(parse(";Path=/"));
    assert_true(parse("a="));
}

static void
test_lengths_are_limited(void **state)
{
    char line[5300];

    (void)state;
    memset(line, 'x', sizeof(line));
    line[1] = '=';
    assert_true(
        set_cookie_parse((weir_str){ line, 4097 }, &c)); /* a name of 1 and a value of 4095 */
    assert_false(set_cookie_parse((weir_str){ line, 4098 }, &c));
    memcpy(line, "a=1; Path=/; Path=", 18);
    assert_true(set_cookie_parse((weir_str){ line, 18 + 1024 }, &c));
    assert_int_equal(c.at[COOKIE_PATH].len, 1024);
    assert_true(set_cookie_parse((weir_str){ line, 18 + 1025 }, &c));
    expect(c.at[COOKIE_PATH], "/");
}

static void
expect_date(const char *text, int64_t wanted)
{
    int64_t at = 0;

    assert_true(cookie_date_parse(weir_str_c(text), &at));
    assert_int_equal(at, wanted);
}

static void
test_dates_come_in_many_spellings(void **state)
{
    (void)state;
    expect_date("Sun, 06 Nov 1994 08:49:37 GMT", 784111777);
    expect_date("Sunday, 06-Nov-94 08:49:37 GMT", 784111777);
    expect_date("Sun Nov  6 08:49:37 1994", 784111777);
    expect_date("Sun, 06-Nov-1994 8:49:37", 784111777);
    expect_date("08:49:37 november 6 1994", 784111777);
    expect_date("Thu, 01-Jan-1970 00:00:01 GMT", 1);
    expect_date("29 feb 2000 00:00:00", 951782400);
    expect_date("1 jan 69 00:00:00", 3124224000); /* 2069 */
    expect_date("1 jan 1601 0:0:0", -11644473600);
}

static void
test_what_is_no_date_is_none(void **state)
{
    static const char *const texts[] = { "",
                                         "x",
                                         "06 Nov 1994",
                                         "06 Nov 1994 24:00:00",
                                         "30 Feb 2000 00:00:00",
                                         "29 Feb 1900 00:00:00",
                                         "00 Nov 1994 08:49:37",
                                         "06 Nov 1600 08:49:37",
                                         "06 Nov 1994 08:49",
                                         "06 Nov 19940 08:49:37",
                                         "006 Nov 94000 08:49:37" };
    int64_t at;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(cookie_date_parse(weir_str_c(texts[i]), &at));
    }
}

static bool
expired(const char *line)
{
    assert_true(parse(line));
    return set_cookie_expired(&c, 1000000000);
}

static void
test_max_age_goes_before_expires(void **state)
{
    (void)state;
    assert_true(expired("a=; Max-Age=0"));
    assert_true(expired("a=; Max-Age=-5; Expires=Fri, 01 Jan 2038 00:00:00 GMT"));
    assert_false(expired("a=; Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT"));
    assert_true(expired("a=; Max-Age=soon; Expires=Thu, 01 Jan 1970 00:00:00 GMT"));
    assert_true(expired("a=; Max-Age=-; Expires=Thu, 01 Jan 1970 00:00:00 GMT"));
    assert_false(expired("a=; Expires=never"));
    assert_false(expired("a=1"));
}

static void
test_what_is_kept_keeps_its_order_and_spelling(void **state)
{
    struct set_cookie_change change = { .name = WEIR_STR("b"), .value = WEIR_STR("2") };
    struct weir_pool *pool = wr_pool_create("test", NULL);

    (void)state;
    assert_true(parse("a=1;  pAth=/x ;Secure;; Priority=High; secure; Domain="));
    change.action[COOKIE_SECURE] = COOKIE_REMOVE;
    change.action[COOKIE_SAMESITE] = COOKIE_SET;
    change.set[COOKIE_SAMESITE] = WEIR_STR("Lax");
    change.action[COOKIE_HTTPONLY] = COOKIE_SET;
    expect(set_cookie_write(pool, &c, &change),
           "b=2; pAth=/x; Priority=High; Domain=; HttpOnly; SameSite=Lax");
    assert_true(parse("alone; Path=/"));
    change = (struct set_cookie_change){ .name = c.name, .value = c.value };
    change.action[COOKIE_PATH] = COOKIE_REMOVE;
    expect(set_cookie_write(pool, &c, &change), "alone");
    wr_pool_destroy(&pool);
}

static void
test_a_line_that_is_too_long_is_none(void **state)
{
    static char much[SET_COOKIE_MAX];
    struct set_cookie_change change = { .name = WEIR_STR("b"), .value = { much, sizeof(much) } };
    struct weir_pool *pool = wr_pool_create("test", NULL);

    (void)state;
    assert_true(parse("a=1"));
    assert_null(set_cookie_write(pool, &c, &change).data);
    wr_pool_destroy(&pool);
}

#define TEST(t) cmocka_unit_test(t)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_pair_ends_at_the_first_semicolon_and_its_name_at_the_first_equals_sign),
        TEST(test_a_pair_without_equals_sign_has_no_name),
        TEST(test_the_last_of_an_attribute_counts_in_any_case),
        TEST(test_control_bytes_and_nothing_at_all_are_no_cookie),
        TEST(test_lengths_are_limited),
        TEST(test_dates_come_in_many_spellings),
        TEST(test_what_is_no_date_is_none),
        TEST(test_max_age_goes_before_expires),
        TEST(test_what_is_kept_keeps_its_order_and_spelling),
        TEST(test_a_line_that_is_too_long_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
