/* tests/unit/wire/test_target.c - the four forms of a request target. [RFC 9112 3.2] */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <weir/request.h>
#include "wire/target.h"

static enum wr_wire
split(const char *text, uint32_t method, struct wr_target *t)
{
    struct wr_fault fault = { 0 };
    enum wr_wire rc = wr_target_split(weir_str_c(text), method, t, &fault);

    assert_int_equal(fault.status, rc == WR_OK ? 0 : 400);
    return rc;
}

static void
assert_str(weir_str got, const char *want)
{
    assert_true(weir_str_eq(got, weir_str_c(want)));
    assert_int_equal(got.data == NULL, want == NULL);
}

/* [RFC 9112 3.2.1] */
static void
test_origin_form_is_the_path(void **state)
{
    struct wr_target t;

    (void)state;
    assert_int_equal(split("/where?q=now", WEIR_GET, &t), WR_OK);
    assert_int_equal(t.form, WR_TARGET_ORIGIN);
    assert_str(t.path, "/where?q=now");
    assert_str(t.host, NULL);
    assert_str(t.query, NULL);
    assert_int_equal(split("//a/b", WEIR_GET, &t), WR_OK);
    assert_int_equal(t.form, WR_TARGET_ORIGIN);
    assert_str(t.path, "//a/b");
}

/* [RFC 9112 3.2.2] */
static void
test_absolute_form_has_host_and_path(void **state)
{
    struct wr_target t;

    (void)state;
    assert_int_equal(split("http://www.example.org:8080/a/b?c", WEIR_GET, &t), WR_OK);
    assert_int_equal(t.form, WR_TARGET_ABSOLUTE);
    assert_false(t.https);
    assert_str(t.host, "www.example.org");
    assert_int_equal(t.port, 8080);
    assert_str(t.path, "/a/b?c");
    assert_int_equal(split("HTTPS://[::1]/", WEIR_GET, &t), WR_OK);
    assert_true(t.https);
    assert_str(t.host, "[::1]");
    assert_int_equal(t.port, 0);
}

/* [RFC 9110 4.2.3]: an empty path means "/". */
static void
test_absolute_form_without_path_is_the_root(void **state)
{
    struct wr_target t;

    (void)state;
    assert_int_equal(split("http://a", WEIR_GET, &t), WR_OK);
    assert_str(t.path, "/");
    assert_str(t.query, NULL);
    assert_int_equal(split("http://a?b=/c", WEIR_GET, &t), WR_OK);
    assert_str(t.host, "a");
    assert_str(t.path, "/");
    assert_str(t.query, "b=/c");
    assert_int_equal(split("http://a?", WEIR_GET, &t), WR_OK);
    assert_str(t.query, "");
}

/* [RFC 9112 3.2.4] */
static void
test_asterisk_is_for_options_alone(void **state)
{
    struct wr_target t;

    (void)state;
    assert_int_equal(split("*", WEIR_OPTIONS, &t), WR_OK);
    assert_int_equal(t.form, WR_TARGET_ASTERISK);
    assert_int_equal(split("http://a:8001", WEIR_OPTIONS, &t), WR_OK);
    assert_int_equal(t.form, WR_TARGET_ASTERISK);
    assert_str(t.host, "a");
    assert_str(t.path, "*");
    assert_int_equal(split("*", WEIR_GET, &t), WR_BAD);
    assert_int_equal(split("*a", WEIR_OPTIONS, &t), WR_BAD);
}

/* [RFC 9112 3.2.3] */
static void
test_authority_is_for_connect_alone(void **state)
{
    struct wr_target t;

    (void)state;
    assert_int_equal(split("a:443", WEIR_CONNECT, &t), WR_OK);
    assert_int_equal(t.form, WR_TARGET_AUTHORITY);
    assert_str(t.host, "a");
    assert_int_equal(t.port, 443);
    assert_int_equal(split("a", WEIR_CONNECT, &t), WR_BAD);
    assert_int_equal(split("a:", WEIR_CONNECT, &t), WR_BAD);
    assert_int_equal(split("/", WEIR_CONNECT, &t), WR_BAD);
    assert_int_equal(split("http://a:443/", WEIR_CONNECT, &t), WR_BAD);
    assert_int_equal(split("a:443", WEIR_GET, &t), WR_BAD);
}

/* [RFC 9110 4.2.1, 4.2.4] */
static void
test_other_targets_are_refused(void **state)
{
    static const char *const bad[] = {
        "a",           "http:/a",         "http:///",    "http://",
        "http://?a",   "ftp://a/",        "http://u@a/", "http://u:p@a/",
        "http://a:b/", "http://a:99999/", "http://[a/",  "http://a%zz/b",
        "?a",          "http//a",         "httpss://a/", "javascript:alert(1)",
        "http://:80/", "http:",
    };
    struct wr_target t;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(split(bad[i], WEIR_GET, &t), WR_BAD);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_origin_form_is_the_path),
        cmocka_unit_test(test_absolute_form_has_host_and_path),
        cmocka_unit_test(test_absolute_form_without_path_is_the_root),
        cmocka_unit_test(test_asterisk_is_for_options_alone),
        cmocka_unit_test(test_authority_is_for_connect_alone),
        cmocka_unit_test(test_other_targets_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
