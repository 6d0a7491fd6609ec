/* tests/unit/wire/test_chars.c - the class table against the grammar's own words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "wire/chars.h"

static bool
among(int c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

/* [RFC 9110 5.5, 5.6.2, 5.6.4], [RFC 3986 2.2, 2.3] */
static void
test_classes_are_those_of_the_grammar(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char b = (char)c;
        bool value = (c >= 0x20 && c <= 0x7e) || c >= 0x80 || c == '\t';
        assert_int_equal(wr_char_is(b, WR_CHAR_TOKEN), among(c, LETTERS DIGITS "!#$%&'*+-.^_`|~"));
        assert_int_equal(wr_char_is(b, WR_CHAR_REG_NAME),
                         among(c, LETTERS DIGITS "-._~!$&'()*+,;="));
        assert_int_equal(wr_char_is(b, WR_CHAR_DIGIT), among(c, DIGITS));
        assert_int_equal(wr_char_is(b, WR_CHAR_HEX), among(c, DIGITS "abcdefABCDEF"));
        assert_int_equal(wr_char_is(b, WR_CHAR_VALUE), value);
        assert_int_equal(wr_char_is(b, WR_CHAR_QUOTED), value && c != '"' && c != '\\');
        assert_int_equal(wr_char_is(b, WR_CHAR_TARGET), c >= 0x21 && c <= 0x7e && c != '#');
        assert_int_equal(wr_char_is(b, WR_CHAR_TARGET_HIGH),
                         c >= 0x80 || (c >= 0x21 && c <= 0x7e && c != '#'));
        assert_int_equal(wr_char_is_blank(b), c == ' ' || c == '\t');
    }
}

static void
test_token_has_at_least_one_byte(void **state)
{
    (void)state;
    assert_false(wr_char_is_token(WEIR_STR("")));
    assert_true(wr_char_is_token(WEIR_STR("a")));
    assert_false(wr_char_is_token(WEIR_STR("a b")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes_are_those_of_the_grammar),
        cmocka_unit_test(test_token_has_at_least_one_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
