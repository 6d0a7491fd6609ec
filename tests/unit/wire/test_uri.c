/* Paths come out canonical, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "wire/uri.h"

static const struct wr_uri_rules strict = { .merge_slashes = true };

static void
expect(const char *raw, const struct wr_uri_rules *rules, const char *path, const char *args)
{
    weir_str got = { NULL, 0 }, got_args = { NULL, 0 };
    char to[256];
    struct wr_err err = { "" };

    if (path == NULL) {
        assert_int_equal(wr_uri_path(weir_str_c(raw), rules, to, &got, &got_args, &err), WR_BAD);
        assert_null(got.data);
        assert_true(err.text[0] != '\0');
        return;
    }
    assert_int_equal(wr_uri_path(weir_str_c(raw), rules, to, &got, &got_args, &err), WR_OK);
    assert_int_equal(got.len, strlen(path));
    assert_memory_equal(got.data, path, got.len);
    assert_int_equal(got_args.data != NULL, args != NULL);
    assert_true(weir_str_eq(got_args, weir_str_c(args)));
}

static void
test_a_plain_path_is_a_view_of_the_input(void **state)
{
    weir_str raw = weir_str_c("/css/site-v1.2/main~a.css?v=1"), path, args;
    char to[64] = "untouched";

    (void)state;
    assert_int_equal(wr_uri_path(raw, &strict, to, &path, &args, NULL), WR_OK);
    assert_ptr_equal(path.data, raw.data);
    assert_int_equal(path.len, 25);
    assert_ptr_equal(args.data, raw.data + 26);
    assert_string_equal(to, "untouched");
}

static void
test_plain_is_what_needs_no_rewriting(void **state)
{
    static const char *const others[] = { "",   "a",    "/%61", "/a//b", "/a/./b",
                                          "/.", "/a b", "/a#",  "*" };
    weir_str path = { NULL, 0 }, args = { NULL, 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(wr_uri_plain(weir_str_c(others[i]), &path, &args));
        assert_null(path.data);
    }
    assert_true(wr_uri_plain(WEIR_STR("/a.b/c/?d//.%"), &path, &args));
    assert_true(weir_str_eq(path, WEIR_STR("/a.b/c/")));
    assert_true(weir_str_eq(args, WEIR_STR("d//.%")));
    assert_true(wr_uri_plain(WEIR_STR("/"), &path, &args));
    assert_int_equal(path.len, 1);
    assert_null(args.data);
}

static void
test_args_are_absent_without_a_question_mark(void **state)
{
    (void)state;
    expect("/a", &strict, "/a", NULL);
    expect("/a?", &strict, "/a", "");
    expect("/a?b?c/../d", &strict, "/a", "b?c/../d");
    expect("/%61?%zz", &strict, "/a", "%zz");
    expect("/./?x", &strict, "/", "x");
}

/* [RFC 3986 5.2.4] */
static void
test_dot_segments_are_removed(void **state)
{
    (void)state;
    expect("/a/b/c/./../../g", &strict, "/a/g", NULL);
    expect("/mid/content=5/../6", &strict, "/mid/6", NULL);
    expect("/.", &strict, "/", NULL);
    expect("/a/.", &strict, "/a/", NULL);
    expect("/a/..", &strict, "/", NULL);
    expect("/a/b/..", &strict, "/a/", NULL);
    expect("/a/b/../", &strict, "/a/", NULL);
    expect("/...", &strict, "/...", NULL);
    expect("/.a/..b/c.", &strict, "/.a/..b/c.", NULL);
    expect("/a/%2e%2E/b/%2e/c", &strict, "/b/c", NULL);
    expect("/a/.%2e?q", &strict, "/", "q");
}

static void
test_climbing_above_the_root_is_refused(void **state)
{
    (void)state;
    expect("/..", &strict, NULL, NULL);
    expect("/../", &strict, NULL, NULL);
    expect("/a/../..", &strict, NULL, NULL);
    expect("/a/../../etc/passwd", &strict, NULL, NULL);
    expect("/%2e%2e/etc", &strict, NULL, NULL);
    expect("/.%2e?x", &strict, NULL, NULL);
    expect("//..", &strict, NULL, NULL);
    expect("/./..", &strict, NULL, NULL);
}

static void
test_slashes_are_merged_when_asked(void **state)
{
    static const struct wr_uri_rules apart = { .merge_slashes = false };

    (void)state;
    expect("//a///b//", &strict, "/a/b/", NULL);
    expect("//a///b//", &apart, "//a///b//", NULL);
    expect("/a//../b", &strict, "/b", NULL);
    expect("/a//../b", &apart, "/a/b", NULL);
    expect("//", &strict, "/", NULL);
    expect("/%61//", &apart, "/a//", NULL);
}

static void
test_escapes_are_decoded_once(void **state)
{
    (void)state;
    expect("/%41%7a%20%3f%23", &strict, "/Az ?#", NULL);
    expect("/%2541", &strict, "/%41", NULL);
    expect("/caf%C3%a9", &strict, "/caf\xc3\xa9", NULL);
    expect("/a%5c..%5cb", &strict, "/a\\..\\b", NULL);
}

static void
test_wrong_escapes_are_refused(void **state)
{
    (void)state;
    expect("/%", &strict, NULL, NULL);
    expect("/%4", &strict, NULL, NULL);
    expect("/%zz", &strict, NULL, NULL);
    expect("/%4g", &strict, NULL, NULL);
    expect("/%?41", &strict, NULL, NULL);
    expect("/a%00b", &strict, NULL, NULL);
}

static void
test_an_encoded_slash_is_refused_unless_decoded(void **state)
{
    static const struct wr_uri_rules compat = { .merge_slashes = true, .decode_slash = true };

    (void)state;
    expect("/a%2fb", &strict, NULL, NULL);
    expect("/a%2Fb", &strict, NULL, NULL);
    expect("/a%2Fb", &compat, "/a/b", NULL);
    expect("/a/..%2f..%2fetc", &compat, NULL, NULL);
    expect("/a%2f%2f%2e%2e%2fb", &compat, "/b", NULL);
}

static void
test_bytes_that_cannot_stand_in_a_path_are_refused(void **state)
{
    (void)state;
    expect("", &strict, NULL, NULL);
    expect("a", &strict, NULL, NULL);
    expect("*", &strict, NULL, NULL);
    expect("/a b", &strict, NULL, NULL);
    expect("/a#b", &strict, NULL, NULL);
    expect("/a\tb", &strict, NULL, NULL);
    expect("/a\x7f", &strict, NULL, NULL);
}

/* The scan takes sixteen bytes at a time: what stands at any place of a block must be seen. */
static void
test_a_notable_byte_is_seen_wherever_it_stands(void **state)
{
    char raw[80];

    (void)state;
    for (size_t len = 3; len < 70; len++) {
        for (size_t at = 1; at + 2 < len; at++) {
            weir_str path, args;
            char to[80];

            memset(raw, 'a', len);
            raw[0] = '/';
            memcpy(raw + at, "%62", 3);
            assert_int_equal(wr_uri_path((weir_str){ raw, len }, &strict, to, &path, &args, NULL),
                             WR_OK);
            assert_int_equal(path.len, len - 2);
            assert_int_equal(path.data[at], 'b');
            memcpy(raw + at, "//a", 3);
            assert_int_equal(wr_uri_path((weir_str){ raw, len }, &strict, to, &path, &args, NULL),
                             WR_OK);
            assert_int_equal(path.len, at == 1 ? len - 2 : len - 1);
        }
    }
}

static void
test_an_argument_is_found_by_its_name(void **state)
{
    weir_str args = weir_str_c("aa=1&A=2&b&c=&&a=3&a=4");

    (void)state;
    assert_true(weir_str_eq(wr_uri_arg(args, weir_str_c("a"), false), weir_str_c("3")));
    assert_true(weir_str_eq(wr_uri_arg(args, weir_str_c("a"), true), weir_str_c("2")));
    assert_non_null(wr_uri_arg(args, weir_str_c("b"), false).data);
    assert_int_equal(wr_uri_arg(args, weir_str_c("c"), false).len, 0);
    assert_null(wr_uri_arg(args, weir_str_c("d"), false).data);
    assert_null(wr_uri_arg((weir_str){ NULL, 0 }, weir_str_c("d"), false).data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_path_is_a_view_of_the_input),
        cmocka_unit_test(test_plain_is_what_needs_no_rewriting),
        cmocka_unit_test(test_args_are_absent_without_a_question_mark),
        cmocka_unit_test(test_dot_segments_are_removed),
        cmocka_unit_test(test_climbing_above_the_root_is_refused),
        cmocka_unit_test(test_slashes_are_merged_when_asked),
        cmocka_unit_test(test_escapes_are_decoded_once),
        cmocka_unit_test(test_wrong_escapes_are_refused),
        cmocka_unit_test(test_an_encoded_slash_is_refused_unless_decoded),
        cmocka_unit_test(test_bytes_that_cannot_stand_in_a_path_are_refused),
        cmocka_unit_test(test_a_notable_byte_is_seen_wherever_it_stands),
        cmocka_unit_test(test_an_argument_is_found_by_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
