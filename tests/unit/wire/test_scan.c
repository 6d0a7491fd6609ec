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
        cmocka_unit_test(test_plain_scans_stop_at_the_right_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
