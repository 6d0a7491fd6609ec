/* tests/unit/wire/test_scan.c - the vector scans stop where the plain ones do, for every byte at
 * every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "wire/scan.h"
#include "wire/scan_plain.h"

typedef const char *(*scan)(const char *at, const char *end);

static void
compare(scan fast, scan plain)
{
    for (size_t len = 0; len < 70; len++) {
        char *text = malloc(len + (len == 0));
        assert_non_null(text);
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                memset(text, 'a', len);
                text[at] = (char)c;
                assert_ptr_equal(fast(text, text + len), plain(text, text + len));
            }
        }
        memset(text, 'a', len);
        assert_ptr_equal(fast(text, text + len), text + len);
        free(text);
    }
}

static void
test_name_scan_agrees_with_the_plain_one(void **state)
{
    (void)state;
    compare(wr_scan_name, wr_plain_name);
}

static void
test_word_scan_agrees_with_the_plain_one(void **state)
{
    (void)state;
    compare(wr_scan_word, wr_plain_word);
}

static void
test_value_scan_agrees_with_the_plain_one(void **state)
{
    (void)state;
    compare(wr_scan_value, wr_plain_value);
}

static void
test_target_scan_agrees_with_the_plain_one(void **state)
{
    (void)state;
    compare(wr_scan_target, wr_plain_target);
}

static void
test_quoted_scan_agrees_with_the_plain_one(void **state)
{
    (void)state;
    compare(wr_scan_quoted, wr_plain_quoted);
}

static void
test_path_scan_agrees_with_the_plain_one(void **state)
{
    (void)state;
    compare(wr_scan_path, wr_plain_path);
}

/* That scan looks at a byte and the one behind it. */
static void
test_slash_pairs_are_seen_at_every_place(void **state)
{
    static const char pairs[][3] = { "./", "/.", "//", "/a" };

    (void)state;
    for (size_t len = 2; len < 70; len++) {
        char *text = malloc(len);
        assert_non_null(text);
        for (size_t at = 0; at + 2 <= len; at++) {
            for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
                memset(text, 'a', len);
                memcpy(text + at, pairs[i], 2);
                assert_ptr_equal(wr_scan_path(text, text + len), wr_plain_path(text, text + len));
            }
        }
        free(text);
    }
}

/* A line of `len` bytes after a run-up, with each byte at each place, and a colon at `colon`. */
static void
compare_lines(size_t len, size_t colon)
{
    char *text = malloc(WR_SCAN_RUN_UP + len);
    const char *line = text + WR_SCAN_RUN_UP;
    const char *end = line + len;

    assert_non_null(text);
    memset(text, ':', WR_SCAN_RUN_UP);
    for (size_t at = 0; at < len; at++) {
        for (int c = 0; c < 256; c++) {
            const char *fast, *plain;
            memset(text + WR_SCAN_RUN_UP, 'a', len);
            if (colon < len) {
                text[WR_SCAN_RUN_UP + colon] = ':';
            }
            text[WR_SCAN_RUN_UP + at] = (char)c;
            const char *stop = wr_scan_line(line, end, &fast);
            assert_ptr_equal(stop, wr_plain_line(line, end, &plain));
            assert_int_equal(fast < stop, plain < stop);
            assert_true(fast >= stop || fast == plain);
        }
    }
    free(text);
}

static void
test_line_scan_agrees_with_the_plain_one(void **state)
{
    (void)state;
    for (size_t len = 0; len < 70; len++) {
        for (size_t colon = 0; colon < 36; colon += 5) {
            compare_lines(len, colon);
        }
    }
}

/* The plain scans against the grammar itself. */
static void
test_plain_scans_stop_at_the_right_bytes(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char b = (char)c;
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        assert_int_equal(wr_plain_name(&b, &b + 1) == &b, c <= 0x20 || c == ':');
        assert_int_equal(wr_plain_word(&b, &b + 1) != &b, alnum || c == '-');
        assert_int_equal(wr_plain_value(&b, &b + 1) == &b, c < 0x20 || c == 0x7f);
        const char *colon;
        assert_int_equal(wr_plain_line(&b, &b + 1, &colon) != &b, c >= 0x20 && c <= 0x7e);
        assert_int_equal(colon == &b && c >= 0x20 && c <= 0x7e, c == ':');
        assert_int_equal(wr_plain_target(&b, &b + 1) != &b, c >= 0x21 && c <= 0x7e && c != '#');
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_scan_agrees_with_the_plain_one),
        cmocka_unit_test(test_word_scan_agrees_with_the_plain_one),
        cmocka_unit_test(test_value_scan_agrees_with_the_plain_one),
        cmocka_unit_test(test_target_scan_agrees_with_the_plain_one),
        cmocka_unit_test(test_path_scan_agrees_with_the_plain_one),
        cmocka_unit_test(test_quoted_scan_agrees_with_the_plain_one),
        cmocka_unit_test(test_slash_pairs_are_seen_at_every_place),
        cmocka_unit_test(test_line_scan_agrees_with_the_plain_one),
        cmocka_unit_test(test_plain_scans_stop_at_the_right_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
