/* What is escaped can stand where it is put, and comes back when it is undone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/pool.h"
#include "wire/escape.h"

static void
expect_str(weir_str in, uint32_t kind, const char *want)
{
    char to[2048];
    struct wr_strbuf b = wr_strbuf_over(to, sizeof(to));

    wr_escape(&b, in, kind);
    assert_false(b.full);
    assert_int_equal(b.len, strlen(want));
    assert_memory_equal(to, want, b.len);
    assert_int_equal(wr_escape_keeps(in, kind), weir_str_eq(in, weir_str_c(want)));
}

static void
expect(const char *in, uint32_t kind, const char *want)
{
    expect_str(weir_str_c(in), kind, want);
}

/* [RFC 3986 3.3] */
static void
test_a_path_keeps_pchars_and_slashes(void **state)
{
    (void)state;
    expect("/a-Z_0.9~!$&'()*+,;=:@", WEIR_ESCAPE_URI, "/a-Z_0.9~!$&'()*+,;=:@");
    expect("/a b?c#d%", WEIR_ESCAPE_URI, "/a%20b%3Fc%23d%25");
    expect("\"<>[]\\^`{|}", WEIR_ESCAPE_URI, "%22%3C%3E%5B%5D%5C%5E%60%7B%7C%7D");
    expect("\xc3\xa9\r\n\x7f", WEIR_ESCAPE_URI, "%C3%A9%0D%0A%7F");
    expect("", WEIR_ESCAPE_URI, "");
}

static void
test_an_argument_cannot_end_itself(void **state)
{
    (void)state;
    expect("a&b=c+d e", WEIR_ESCAPE_ARGS, "a%26b=c%2Bd%20e");
    expect("/x:y", WEIR_ESCAPE_ARGS, "/x:y");
}

static void
test_html_has_no_markup_left(void **state)
{
    (void)state;
    expect("<a href=\"x\" b='y'>&", WEIR_ESCAPE_HTML,
           "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;");
    expect("plain", WEIR_ESCAPE_HTML, "plain");
}

/* [RFC 8259 7] */
static void
test_json_is_valid_whatever_comes_in(void **state)
{
    (void)state;
    expect("a\"b\\c/d", WEIR_ESCAPE_JSON, "a\\\"b\\\\c/d");
    expect("\b\t\n\v\f\r\x01\x1f", WEIR_ESCAPE_JSON, "\\b\\t\\n\\u000b\\f\\r\\u0001\\u001f");
    expect("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", WEIR_ESCAPE_JSON,
           "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
    expect("\xff\xc3", WEIR_ESCAPE_JSON, "\\u00ff\\u00c3");
    expect_str((weir_str){ "a\0b", 3 }, WEIR_ESCAPE_JSON, "a\\u0000b");
}

/* [RFC 3629 4] */
static void
test_utf8_is_exact(void **state)
{
    static const struct {
        const char *bytes;
        size_t want;
    } cases[] = {
        { "a", 1 },
        { "\xc2\x80", 2 },
        { "\xdf\xbf", 2 },
        { "\xe0\xa0\x80", 3 },
        { "\xed\x9f\xbf", 3 },
        { "\xee\x80\x80", 3 },
        { "\xf0\x90\x80\x80", 4 },
        { "\xf4\x8f\xbf\xbf", 4 },
        { "\x80", 0 },
        { "\xc0\x80", 0 },
        { "\xc1\xbf", 0 },
        { "\xe0\x9f\xbf", 0 },
        { "\xed\xa0\x80", 0 },
        { "\xf0\x8f\xbf\xbf", 0 },
        { "\xf4\x90\x80\x80", 0 },
        { "\xf5\x80\x80\x80", 0 },
        { "\xe2\x82", 0 },
        { "\xe2\x82x", 0 },
        { "", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(wr_escape_utf8(weir_str_c(cases[i].bytes)), cases[i].want);
    }
}

static void
test_a_log_line_stays_one_line(void **state)
{
    (void)state;
    expect("a\r\n\"\\\x7f\xff", WEIR_ESCAPE_LOG, "a\\x0D\\x0A\\x22\\x5C\\x7F\\xFF");
}

static void
test_what_needs_nothing_is_not_copied(void **state)
{
    weir_str s = weir_str_c("plain"), escaped;
    struct weir_pool pool;

    (void)state;
    wr_pool_init(&pool, "test", NULL);
    assert_ptr_equal(weir_escape(&pool, s, WEIR_ESCAPE_HTML).data, s.data);
    assert_ptr_equal(weir_escape(&pool, weir_str_c("<"), WEIR_ESCAPE_NONE).data,
                     weir_str_c("<").data);
    escaped = weir_escape(&pool, weir_str_c("'''''"), WEIR_ESCAPE_HTML);
    assert_true(weir_str_eq(escaped, weir_str_c("&#39;&#39;&#39;&#39;&#39;")));
    wr_pool_fini(&pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_keeps_pchars_and_slashes),
        cmocka_unit_test(test_an_argument_cannot_end_itself),
        cmocka_unit_test(test_html_has_no_markup_left),
        cmocka_unit_test(test_json_is_valid_whatever_comes_in),
        cmocka_unit_test(test_utf8_is_exact),
        cmocka_unit_test(test_a_log_line_stays_one_line),
        cmocka_unit_test(test_what_needs_nothing_is_not_copied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
