/* tests/unit/wire/test_names.c - the tables of names and methods agree with themselves, whatever
 * the case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <weir/request.h>
#include "base/assert.h"
#include "base/str.h"
#include "wire/names.h"

static const struct {
    uint32_t id;
    const char *text;
    char first, middle, last;
} rows[] = {
#define WR_NAME(id, text, first, middle, last) { WEIR_H_##id, text, first, middle, last },
#include "wire/names.def"
#undef WR_NAME
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void
test_every_id_has_its_row(void **state)
{
    (void)state;
    assert_int_equal(ROWS, WEIR_H_COUNT_1_0 - 1);
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(rows[i].id, i + 1);
    }
}

static void
test_letters_of_a_row_are_those_of_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        size_t len = strlen(rows[i].text);
        assert_int_equal(rows[i].first, rows[i].text[0] | 0x20);
        assert_int_equal(rows[i].middle, rows[i].text[len / 2] | 0x20);
        assert_int_equal(rows[i].last, rows[i].text[len - 1] | 0x20);
    }
}

/* [RFC 9113 8.2] */
static void
test_names_in_small_letters_have_no_others(void **state)
{
    (void)state;
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < ROWS; i++) {
            weir_str small = wr_name_small(rows[i].id);
            assert_true(weir_str_ieq(small, weir_str_c(rows[i].text)));
            for (size_t k = 0; k < small.len; k++) {
                assert_false(small.data[k] >= 'A' && small.data[k] <= 'Z');
            }
        }
    }
    assert_null(wr_name_small(WEIR_H_OTHER).data);
}

/* [RFC 9110 5.1]: names are case-insensitive. Each copy has exactly the name's length on the heap.
 */
static void
test_names_are_found_in_any_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        size_t len = strlen(rows[i].text);
        for (unsigned how = 0; how < 4; how++) {
            char *name = malloc(len);
            assert_non_null(name);
            for (size_t k = 0; k < len; k++) {
                uint8_t lower = weir_lower((uint8_t)rows[i].text[k]);
                bool upper = lower >= 'a' && lower <= 'z' && (how == 1 || (how == 2 && k % 2 == 0));
                name[k] = how == 3 ? rows[i].text[k] : (char)(upper ? lower - 0x20 : lower);
            }
            assert_int_equal(wr_name_id((weir_str){ name, len }), rows[i].id);
            free(name);
        }
        assert_true(weir_str_eq(wr_name_text(rows[i].id), weir_str_c(rows[i].text)));
    }
}

/* Every single-byte change of a known name, other than the case of a letter, is another name. */
static void
test_near_names_are_not_taken_for_known_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        size_t len = strlen(rows[i].text);
        char name[64];
        for (size_t k = 0; k < len; k++) {
            for (int c = 0; c < 256; c++) {
                memcpy(name, rows[i].text, len);
                name[k] = (char)c;
                bool same = weir_lower((uint8_t)c) == weir_lower((uint8_t)rows[i].text[k]);
                if (!same) {
                    assert_int_not_equal(wr_name_id((weir_str){ name, len }), rows[i].id);
                }
            }
        }
        assert_int_not_equal(wr_name_id((weir_str){ rows[i].text, len - 1 }), rows[i].id);
        memcpy(name, rows[i].text, len);
        name[len] = name[len - 1];
        assert_int_not_equal(wr_name_id((weir_str){ name, len + 1 }), rows[i].id);
    }
}

static void
test_unknown_names_have_no_id(void **state)
{
    char name[300];

    (void)state;
    memset(name, 'h', sizeof(name));
    for (size_t len = 0; len <= sizeof(name); len++) {
        assert_int_equal(wr_name_id((weir_str){ name, len }), WEIR_H_OTHER);
    }
    assert_null(wr_name_text(WEIR_H_OTHER).data);
    assert_null(wr_name_text(WEIR_H_COUNT_1_0).data);
}

/* [RFC 9110 9.1] */
static void
test_methods_are_found_by_exact_case(void **state)
{
    (void)state;
    assert_int_equal(wr_method_id(WEIR_STR("GET")), WEIR_GET);
    assert_int_equal(wr_method_id(WEIR_STR("TRACE")), WEIR_TRACE);
    assert_int_equal(wr_method_id(WEIR_STR("OPTIONS")), WEIR_OPTIONS);
    assert_int_equal(wr_method_id(WEIR_STR("get")), WEIR_METHOD_OTHER);
    assert_int_equal(wr_method_id(WEIR_STR("GE")), WEIR_METHOD_OTHER);
    assert_int_equal(wr_method_id(WEIR_STR("PROPFIND")), WEIR_METHOD_OTHER);
    assert_int_equal(wr_method_id(WEIR_STR("")), WEIR_METHOD_OTHER);
    for (uint32_t id = WEIR_GET; id <= WEIR_TRACE; id <<= 1) {
        assert_int_equal(wr_method_id(wr_method_text(id)), id);
    }
    assert_null(wr_method_text(WEIR_METHOD_OTHER).data);
}

static void
test_methods_are_idempotent_as_the_registry_says(void **state)
{
    static const char *const not [] = {
        "POST", "LOCK", "PATCH", "CONNECT", "get", "GETS", "X", ""
    };
    static const char *const yes[] = { "GET",    "PUT",  "DELETE", "PROPFIND",       "MKCOL",
                                       "UNLOCK", "MOVE", "SEARCH", "VERSION-CONTROL" };

    (void)state;
    for (size_t i = 0; i < WR_COUNT(not ); i++) {
        assert_false(wr_method_is_idempotent(weir_str_c(not [i])));
    }
    for (size_t i = 0; i < WR_COUNT(yes); i++) {
        assert_true(wr_method_is_idempotent(weir_str_c(yes[i])));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_id_has_its_row),
        cmocka_unit_test(test_letters_of_a_row_are_those_of_its_name),
        cmocka_unit_test(test_names_in_small_letters_have_no_others),
        cmocka_unit_test(test_names_are_found_in_any_case),
        cmocka_unit_test(test_near_names_are_not_taken_for_known_ones),
        cmocka_unit_test(test_unknown_names_have_no_id),
        cmocka_unit_test(test_methods_are_found_by_exact_case),
        cmocka_unit_test(test_methods_are_idempotent_as_the_registry_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
