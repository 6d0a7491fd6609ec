/* <weir/text.h>: strings cut and looked at, parts, numbers, and the builder with its limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <weir/request.h>
#include <weir/text.h>

#include "base/pool.h"

static const weir_str absent = { NULL, 0 };
static weir_pool *pool;

static int
setup(void **state)
{
    (void)state;
    pool = wr_pool_create("test", NULL);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    wr_pool_destroy(&pool);
    return 0;
}

static void
expect(weir_str got, const char *want)
{
    assert_non_null(got.data);
    assert_true(weir_str_eq(got, weir_str_c(want)));
}

/* ---- Bytes. ---- */

static void
test_only_letters_of_ascii_have_a_lower_case(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        bool capital = c >= 'A' && c <= 'Z';
        assert_int_equal(weir_lower((uint8_t)c), capital ? c - 'A' + 'a' : c);
    }
}

static void
test_sixteen_digits_in_either_case_are_hexadecimal(void **state)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        const char *at = c != 0 ? strchr(digits, (int)c) : NULL;
        assert_int_equal(weir_hex_digit((uint8_t)c), at != NULL ? (at - digits) % 16 : -1);
    }
}

/* ---- Strings. ---- */

static void
test_cuts_stay_within(void **state)
{
    weir_str s = WEIR_STR("abc");

    (void)state;
    expect(weir_str_cut(s, 1, SIZE_MAX), "bc");
    expect(weir_str_cut(s, 1, 1), "b");
    expect(weir_str_cut(s, 3, 1), "");
    expect(weir_str_cut(s, 9, SIZE_MAX), "");
    assert_null(weir_str_cut(absent, 0, 5).data);
    assert_null(weir_str_cut(absent, 2, 5).data);
}

static void
test_a_byte_that_is_not_there_stands_at_the_end(void **state)
{
    (void)state;
    assert_int_equal(weir_str_find(WEIR_STR("abcb"), 'b'), 1);
    assert_int_equal(weir_str_find(WEIR_STR("abc"), 'x'), 3);
    assert_int_equal(weir_str_find(WEIR_STR("a\0b"), 'b'), 2);
    assert_int_equal(weir_str_find(absent, 'x'), 0);
}

static void
test_beginnings_and_ends(void **state)
{
    weir_str s = WEIR_STR("abc"), rest = absent;

    (void)state;
    assert_true(weir_str_starts(s, WEIR_STR("ab")) && weir_str_starts(s, WEIR_STR("")));
    assert_true(weir_str_starts(absent, absent) && weir_str_ends(absent, absent));
    assert_false(weir_str_starts(s, WEIR_STR("abcd")) || weir_str_starts(s, WEIR_STR("AB")));
    assert_true(weir_str_istarts(s, WEIR_STR("AB")) && weir_str_istarts(s, WEIR_STR("")));
    assert_false(weir_str_istarts(s, WEIR_STR("abcd")) || weir_str_istarts(s, WEIR_STR("b")));
    assert_true(weir_str_ends(s, WEIR_STR("bc")) && weir_str_ends(s, WEIR_STR("")));
    assert_false(weir_str_ends(s, WEIR_STR("xabc")) || weir_str_ends(s, WEIR_STR("b")));
    assert_false(weir_str_after(WEIR_STR("name"), WEIR_STR("name="), &rest));
    assert_null(rest.data);
    assert_true(weir_str_after(WEIR_STR("name=v"), WEIR_STR("name="), &rest));
    expect(rest, "v");
    assert_true(weir_str_after(WEIR_STR("name="), WEIR_STR("name="), &rest));
    expect(rest, "");
}

static void
test_words_are_known_in_either_case(void **state)
{
    static const char *const words[] = { "one", "two", NULL };

    (void)state;
    assert_true(weir_str_is_among(WEIR_STR("TWO"), words));
    assert_false(weir_str_is_among(WEIR_STR("tw"), words) || weir_str_is_among(absent, words));
    assert_false(weir_str_is_among(WEIR_STR("one"), words + 2));
}

static void
test_blanks_are_trimmed_from_both_ends_only(void **state)
{
    (void)state;
    expect(weir_str_trim(WEIR_STR(" \ta b\t ")), "a b");
    expect(weir_str_trim(WEIR_STR("\na\r")), "\na\r");
    assert_int_equal(weir_str_trim(WEIR_STR(" \t ")).len, 0);
    assert_null(weir_str_trim(absent).data);
}

static void
test_a_split_shows_empty_parts_too(void **state)
{
    static const char *const want[] = { "a", "", " b", "" };
    weir_str rest = WEIR_STR("a;; b;");
    size_t n = 0;

    (void)state;
    while (rest.data != NULL) {
        assert_true(n < 4);
        expect(weir_str_split(&rest, ';'), want[n++]);
    }
    assert_int_equal(n, 4);
    rest = WEIR_STR("");
    expect(weir_str_split(&rest, ';'), "");
    assert_null(rest.data);
    assert_null(weir_str_split(&rest, ';').data);
    assert_null(rest.data);
}

static void
test_parts_are_trimmed_and_empty_ones_left_out(void **state)
{
    weir_str rest = WEIR_STR(" a , ,\"b,c\t,"), part;

    (void)state;
    assert_true(weir_str_next(&rest, ',', &part));
    expect(part, "a");
    assert_true(weir_str_next(&rest, ',', &part));
    expect(part, "\"b");
    assert_true(weir_str_next(&rest, ',', &part));
    expect(part, "c");
    assert_false(weir_str_next(&rest, ',', &part));
    expect(part, "c");
    assert_false(weir_str_next(&rest, ',', &part));
}

/* [nginx if] */
static void
test_empty_and_zero_are_false(void **state)
{
    (void)state;
    assert_false(weir_str_is_true(absent) || weir_str_is_true(WEIR_STR("")) ||
                 weir_str_is_true(WEIR_STR("0")));
    assert_true(weir_str_is_true(WEIR_STR("1")) && weir_str_is_true(WEIR_STR("00")) &&
                weir_str_is_true(WEIR_STR(" ")) && weir_str_is_true(WEIR_STR("off")));
}

static void
test_numbers_are_digits_up_to_a_maximum(void **state)
{
    uint64_t n = 7;

    (void)state;
    assert_true(weir_parse_number(WEIR_STR("65535"), 65535, &n) && n == 65535);
    assert_true(weir_parse_number(WEIR_STR("18446744073709551615"), UINT64_MAX, &n));
    assert_true(n == UINT64_MAX);
    assert_true(weir_parse_number(WEIR_STR("000"), 9, &n) && n == 0);
    assert_false(weir_parse_number(WEIR_STR("65536"), 65535, &n));
    assert_false(weir_parse_number(WEIR_STR(""), 9, &n));
    assert_false(weir_parse_number(WEIR_STR("+1"), 9, &n));
    assert_false(weir_parse_number(WEIR_STR("1 "), 9, &n));
    assert_false(weir_parse_number(WEIR_STR("18446744073709551616"), UINT64_MAX, &n));
    assert_true(n == 0);
}

/* ---- Fields. ---- */

/* [RFC 9110 5.6.2] */
static void
test_a_token_is_of_letters_digits_and_some_marks(void **state)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        char byte = (char)c;
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool mark = c != 0 && strchr(marks, (int)c) != NULL;
        assert_int_equal(weir_is_token((weir_str){ &byte, 1 }), alnum || mark);
    }
    assert_false(weir_is_token(WEIR_STR("")) || weir_is_token(WEIR_STR("a b")));
    assert_true(weir_is_token(WEIR_STR("X-A_b.1!")));
}

/* [RFC 9110 5.5] */
static void
test_control_bytes_but_the_tab_are_no_value(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        char bytes[] = { 'a', (char)c };
        assert_int_equal(weir_is_field_value((weir_str){ bytes, 2 }),
                         c == '\t' || (c >= 0x20 && c != 0x7f));
    }
    assert_true(weir_is_field_value(WEIR_STR("")));
}

/* [RFC 9110 5.6.1, 5.6.6] */
static void
test_a_token_is_found_on_any_line_of_a_list(void **state)
{
    weir_header two = { .value = WEIR_STR("c;q=\"d, e\", Foo") };
    weir_header one = { .value = WEIR_STR("a,, b"), .same = &two };

    (void)state;
    assert_true(weir_header_has(&one, WEIR_STR("B")) && weir_header_has(&one, WEIR_STR("foo")));
    assert_true(weir_header_has(&one, WEIR_STR("c")));
    assert_false(weir_header_has(&one, WEIR_STR("e")) || weir_header_has(&one, WEIR_STR("fo")));
    assert_false(weir_header_has(&one, WEIR_STR("")));
    assert_false(weir_header_has(NULL, WEIR_STR("a")));
}

/* ---- The builder. ---- */

static void
test_a_text_grows_and_keeps_what_it_has(void **state)
{
    weir_text t = weir_text_begin(pool, 4, 1 << 20);

    (void)state;
    for (int i = 0; i < 1000; i++) {
        weir_text_add(&t, WEIR_STR("ab"));
        weir_text_add_byte(&t, 'c');
    }
    weir_text_add(&t, absent);
    weir_text_add_number(&t, 0);
    weir_text_add_number(&t, UINT64_MAX);
    weir_text_add_hex(&t, 0);
    weir_text_add_hex(&t, UINT64_C(0xfedcba9876543210));
    weir_text_add_lower(&t, WEIR_STR("AbZ[@\xc4"));
    weir_text_print(&t, "%d-%s", -1, "x");
    weir_text_add_percent(&t, 0xa0);
    assert_false(t.full);
    assert_int_equal(t.len, 3000 + 1 + 20 + 1 + 16 + 6 + 4 + 3);
    assert_memory_equal(t.data + 2997, "abc0184467440737095516150fedcba9876543210abz[@\xc4-1-x%A0", 54);
}

static void
test_a_text_stops_at_its_limit_to_the_byte(void **state)
{
    (void)state;
    for (size_t room = 0; room <= 120; room += 40) {
        weir_text t = weir_text_begin(pool, room, 100);
        expect(weir_text_view(&t), "");
        for (int i = 0; i < 100; i++) {
            weir_text_add_byte(&t, 'a');
        }
        assert_false(t.full);
        assert_int_equal(t.len, 100);
        weir_text_add_byte(&t, 'a');
        assert_true(t.full);
        assert_int_equal(t.len, 100);
        assert_true(t.room <= 100);
    }
}

static void
test_what_does_not_fit_is_left_out_whole(void **state)
{
    weir_text t = weir_text_begin(pool, 8, 90);
    char much[100];

    (void)state;
    memset(much, 'x', sizeof(much));
    weir_text_add(&t, WEIR_STR("ab"));
    weir_text_add(&t, (weir_str){ much, 89 });
    assert_true(t.full);
    expect(weir_text_view(&t), "ab");
    assert_false(weir_text_grow(&t, SIZE_MAX));
    assert_int_equal(t.len, 2);
}

static void
test_a_text_takes_what_its_pool_has(void **state)
{
    weir_text t = weir_text_begin(pool, 16, SIZE_MAX);
    char more[1000] = { 0 };

    (void)state;
    pool->limit = pool->held + 40000;
    while (!t.full && t.len < 1000000) {
        weir_text_add(&t, (weir_str){ more, sizeof(more) });
    }
    assert_true(t.full);
    assert_true(t.len < 80000);
    pool->limit = 0;
}

static void
test_a_copy_in_lower_case_is_another(void **state)
{
    char text[] = "A-z";
    weir_str copy = weir_dup_lower(pool, weir_str_c(text));

    (void)state;
    text[0] = 'x';
    expect(copy, "a-z");
    expect(weir_dup_lower(pool, absent), "");
}

static void
test_what_is_printed_is_whole_or_not_there(void **state)
{
    weir_text t = weir_text_begin(pool, 0, 2000);
    char room[8];

    (void)state;
    weir_text_print(&t, "%s", "");
    weir_text_print(&t, "%01000d", 7);
    weir_text_print(&t, "|%s", "a");
    assert_false(t.full);
    assert_int_equal(t.len, 1002);
    assert_memory_equal(t.data + 998, "07|a", 4);
    weir_text_print(&t, "%01000d", 7);
    assert_true(t.full);
    assert_int_equal(t.len, 1002);
    t = weir_text_over(room, sizeof(room));
    weir_text_print(&t, "%s", "1234567");
    assert_false(t.full);
    expect(weir_text_view(&t), "1234567");
    weir_text_print(&t, "%s", "8");
    assert_true(t.full);
    expect(weir_text_view(&t), "1234567");
}

static void
test_a_text_over_given_memory_does_not_grow(void **state)
{
    char room[4];
    weir_text t = weir_text_over(room, sizeof(room));

    (void)state;
    weir_text_add(&t, WEIR_STR("abc"));
    weir_text_add(&t, WEIR_STR("de"));
    assert_true(t.full);
    assert_ptr_equal(t.data, room);
    expect(weir_text_view(&t), "abc");
    t = weir_text_over(NULL, 0);
    weir_text_add(&t, absent);
    assert_false(t.full);
    weir_text_add_byte(&t, 'a');
    assert_true(t.full);
}

/* ---- Codes. ---- */

/* [RFC 4648 4, 5, 10] */
static void
test_bytes_as_base64_and_back(void **state)
{
    static const struct {
        const char *bytes, *plain, *url;
    } vectors[] = {
        { "", "", "" },
        { "f", "Zg==", "Zg" },
        { "fo", "Zm8=", "Zm8" },
        { "foo", "Zm9v", "Zm9v" },
        { "foob", "Zm9vYg==", "Zm9vYg" },
        { "\xfb\xff\xbf", "+/+/", "-_-_" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        weir_str bytes = weir_str_c(vectors[i].bytes);
        weir_text plain = weir_text_begin(pool, 1, 100), url = weir_text_begin(pool, 1, 100);
        weir_text back = weir_text_begin(pool, 1, 100);

        weir_base64_encode(&plain, bytes);
        weir_base64url_encode(&url, bytes);
        assert_true(weir_str_eq(weir_text_view(&plain), weir_str_c(vectors[i].plain)));
        assert_true(weir_str_eq(weir_text_view(&url), weir_str_c(vectors[i].url)));
        assert_true(weir_base64_decode(&back, weir_text_view(&plain)));
        assert_true(weir_str_eq(weir_text_view(&back), bytes));
        assert_true(weir_base64url_decode(&back, weir_text_view(&url)));
        assert_int_equal(back.len, 2 * bytes.len);
    }
}

static void
test_codes_fill_their_room_to_the_byte(void **state)
{
    char room[6];
    weir_text t = weir_text_over(room, 4);

    (void)state;
    weir_base64_encode(&t, WEIR_STR("fo"));
    assert_false(t.full);
    expect(weir_text_view(&t), "Zm8=");
    t = weir_text_over(room, 6);
    weir_base64url_encode(&t, WEIR_STR("foob"));
    assert_false(t.full);
    expect(weir_text_view(&t), "Zm9vYg");
    t = weir_text_over(room, 4);
    assert_true(weir_base64url_decode(&t, WEIR_STR("Zm9vYg")));
    expect(weir_text_view(&t), "foob");
    t = weir_text_over(room, 4);
    assert_true(weir_base64_decode(&t, WEIR_STR("Zm9vYg==")));
    expect(weir_text_view(&t), "foob");
    t = weir_text_over(room, 3);
    weir_base64_encode(&t, WEIR_STR("f"));
    assert_true(t.full);
    assert_int_equal(t.len, 0);
    t = weir_text_over(room, 3);
    assert_false(weir_base64url_decode(&t, WEIR_STR("Zm9vYg")));
    assert_true(t.full);
    assert_int_equal(t.len, 0);
}

static void
test_bytes_as_hexadecimal_and_back(void **state)
{
    char room[4];
    weir_text t = weir_text_over(room, 4);

    (void)state;
    weir_hex_encode(&t, WEIR_STR("\x0f\xa0"));
    assert_false(t.full);
    expect(weir_text_view(&t), "0fa0");
    weir_hex_encode(&t, WEIR_STR("a"));
    assert_true(t.full);
    assert_int_equal(t.len, 4);
    t = weir_text_over(room, 2);
    assert_true(weir_hex_decode(&t, WEIR_STR("4aFf")));
    expect(weir_text_view(&t), "J\xff");
    assert_true(weir_hex_decode(&t, WEIR_STR("")));
    assert_false(t.full);
    assert_false(weir_hex_decode(&t, WEIR_STR("41")));
    assert_true(t.full);
    t = weir_text_begin(pool, 0, 100);
    assert_false(weir_hex_decode(&t, WEIR_STR("414")));
    assert_false(weir_hex_decode(&t, WEIR_STR("41 4")));
    assert_false(weir_hex_decode(&t, WEIR_STR("4g")));
    assert_int_equal(t.len, 0);
}

static void
test_other_spellings_are_refused(void **state)
{
    static const char *const bad_url[] = { "Z", "Zg==", "Zh", "Zm9=", "+/+/", "Zm 9", "Zm9v\n" };
    static const char *const bad[] = { "Zg", "Zh==", "-_-_", "Zg==Zg==", "====" };
    weir_text t = weir_text_begin(pool, 0, 100);

    (void)state;
    for (size_t i = 0; i < sizeof(bad_url) / sizeof(bad_url[0]); i++) {
        assert_false(weir_base64url_decode(&t, weir_str_c(bad_url[i])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(weir_base64_decode(&t, weir_str_c(bad[i])));
    }
    assert_int_equal(t.len, 0);
    assert_false(t.full);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_letters_of_ascii_have_a_lower_case),
        cmocka_unit_test(test_sixteen_digits_in_either_case_are_hexadecimal),
        cmocka_unit_test(test_cuts_stay_within),
        cmocka_unit_test(test_a_byte_that_is_not_there_stands_at_the_end),
        cmocka_unit_test(test_beginnings_and_ends),
        cmocka_unit_test(test_words_are_known_in_either_case),
        cmocka_unit_test(test_blanks_are_trimmed_from_both_ends_only),
        cmocka_unit_test(test_a_split_shows_empty_parts_too),
        cmocka_unit_test(test_parts_are_trimmed_and_empty_ones_left_out),
        cmocka_unit_test(test_empty_and_zero_are_false),
        cmocka_unit_test(test_numbers_are_digits_up_to_a_maximum),
        cmocka_unit_test(test_a_token_is_of_letters_digits_and_some_marks),
        cmocka_unit_test(test_control_bytes_but_the_tab_are_no_value),
        cmocka_unit_test(test_a_token_is_found_on_any_line_of_a_list),
        cmocka_unit_test(test_a_text_grows_and_keeps_what_it_has),
        cmocka_unit_test(test_a_text_stops_at_its_limit_to_the_byte),
        cmocka_unit_test(test_what_does_not_fit_is_left_out_whole),
        cmocka_unit_test(test_a_text_takes_what_its_pool_has),
        cmocka_unit_test(test_a_copy_in_lower_case_is_another),
        cmocka_unit_test(test_what_is_printed_is_whole_or_not_there),
        cmocka_unit_test(test_a_text_over_given_memory_does_not_grow),
        cmocka_unit_test(test_bytes_as_base64_and_back),
        cmocka_unit_test(test_codes_fill_their_room_to_the_byte),
        cmocka_unit_test(test_bytes_as_hexadecimal_and_back),
        cmocka_unit_test(test_other_spellings_are_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
