/* cache/part.c: spans of bytes as fields and files say them, and what is missing. */
#include "unit/modules/double.h"

#include "../modules/cache/list.c"
#include "../modules/cache/part.c"

static const uint64_t max = PART_COMPLETE_MAX;

static bool
parses(const char *text, uint64_t first, uint64_t last, uint64_t complete)
{
    struct part p = { { 1, 1 }, 1 };

    return part_parse(weir_str_c(text), &p) && p.here.first == first && p.here.last == last &&
           p.complete == complete;
}

static bool
is_refused(const char *text)
{
    struct part p = { { 7, 8 }, 9 };
    bool ok = part_parse(weir_str_c(text), &p);

    return !ok && p.here.first == 7 && p.here.last == 8 && p.complete == 9;
}

static void
test_content_range_is_one_run_of_a_known_whole(void **state)
{
    (void)state;
    assert_true(parses("bytes 0-0/1", 0, 0, 1)); /* RFC 9110 14.4 */
    assert_true(parses("bytes 42-1233/1234", 42, 1233, 1234));
    assert_true(parses("Bytes 0042-1233/1234", 42, 1233, 1234)); /* units know no case */
    assert_true(is_refused("bytes 42-1233/*"));
    assert_true(is_refused("bytes */1234"));
    assert_true(is_refused("lines 0-0/1"));
    assert_true(is_refused("bytes=0-0/1"));
    assert_true(is_refused("bytes 5-4/10"));
    assert_true(is_refused("bytes 0-10/10"));
    assert_true(is_refused("bytes 0-1/10 "));
    assert_true(is_refused("bytes  0-1/10"));
    assert_true(is_refused("bytes -1-1/10"));
    assert_true(is_refused("bytes 0-1/10, bytes 2-3/10"));
    assert_true(is_refused("bytes 0-/10"));
    assert_true(is_refused("bytes 0-1"));
    assert_true(is_refused("bytes"));
    assert_true(is_refused(""));
}

static void
test_numbers_past_all_bounds_are_refused_and_none_wraps(void **state)
{
    (void)state;
    assert_true(is_refused("bytes 0-18446744073709551615/18446744073709551616"));
    assert_true(is_refused("bytes 0-1/18446744073709551618"));
    assert_true(is_refused("bytes 18446744073709551616-18446744073709551617/18446744073709551618"));
    assert_true(is_refused("bytes 0-9223372036854775806/9223372036854775807"));
    assert_true(is_refused("bytes 0-99999999999999999999999/3"));
}

static enum span_wish
resolve(const char *text, uint64_t complete, uint64_t first, uint64_t last)
{
    struct span s;
    enum span_wish wish = span_resolve(weir_str_c(text), complete, &s);

    if (wish != WISH_NONE) {
        assert_int_equal(s.first, first);
        assert_int_equal(s.last, last);
    }
    return wish;
}

static void
test_a_range_is_resolved_against_the_whole(void **state)
{
    (void)state;
    assert_int_equal(resolve("bytes=0-499", 10000, 0, 499), WISH_SPAN); /* RFC 9110 14.1.2 */
    assert_int_equal(resolve("bytes=500-999", 10000, 500, 999), WISH_SPAN);
    assert_int_equal(resolve("bytes=-500", 10000, 9500, 9999), WISH_SPAN);
    assert_int_equal(resolve("bytes=9500-", 10000, 9500, 9999), WISH_SPAN);
    assert_int_equal(resolve("bytes= 5-6 ", 10, 5, 6), WISH_SPAN);
    assert_int_equal(resolve("bytes=5-99", 10, 5, 9), WISH_SPAN);
    assert_int_equal(resolve("bytes=-99", 10, 0, 9), WISH_SPAN);
    assert_int_equal(resolve("bytes=0-18446744073709551616", 10, 0, 9), WISH_SPAN);
    assert_int_equal(resolve("bytes=-18446744073709551616", 10, 0, 9), WISH_SPAN);
    assert_int_equal(resolve("bytes=10-", 10, 0, 0), WISH_NONE);
    assert_int_equal(resolve("bytes=18446744073709551616-", 10, 0, 0), WISH_NONE);
    assert_int_equal(resolve("bytes=-0", 10, 0, 0), WISH_NONE);
}

static void
test_what_is_no_single_range_is_the_whole(void **state)
{
    static const char *const texts[] = { "",           "bytes",       "bytes=",     "bytes=-",
                                         "bytes=6-5",  "bytes=0-1,3", "bytes=a-b",  "lines=0-1",
                                         "bytes=0--1", "bytes=+1-2",  "bytes=0-1-", "bytes 0-1" };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(resolve(texts[i], 10, 0, 9), WISH_WHOLE);
        assert_false(span_is_asked(weir_str_c(texts[i])));
    }
    assert_true(span_is_asked(WEIR_STR("bytes=0-1")));
    assert_true(span_is_asked(WEIR_STR("bytes=-1")));
}

static enum part_kind
kind(uint64_t first, uint64_t complete, int64_t length, struct part *p)
{
    static uint8_t note[PART_NOTE];
    struct store_meta m = { .length = length, .note = { (const char *)note, sizeof(note) } };

    part_write(note, first, complete);
    return part_of(&m, p);
}

static void
test_a_stored_parts_place_comes_back(void **state)
{
    struct part p;

    (void)state;
    assert_int_equal(kind(100, 1000, 50, &p), PART_IS);
    assert_int_equal(p.here.first, 100);
    assert_int_equal(p.here.last, 149);
    assert_int_equal(p.complete, 1000);
    assert_int_equal(kind(0, 1000, 1000, &p), PART_NOT);
    assert_int_equal(kind(0, 1000, 999, &p), PART_IS);
    assert_int_equal(kind(1, 1000, 999, &p), PART_IS);
    assert_int_equal(kind(0, max, (int64_t)max - 1, &p), PART_IS);
    assert_int_equal(kind(0, 0, 5, &p), PART_NOT); /* a length that was not known */
    assert_int_equal(part_of(&(struct store_meta){ .length = 5 }, &p), PART_NOT);
}

static void
test_a_place_that_makes_no_sense_is_broken(void **state)
{
    struct part p;

    (void)state;
    assert_int_equal(kind(1, 1000, 1000, &p), PART_BROKEN);
    assert_int_equal(kind(0, 1000, 1001, &p), PART_BROKEN);
    assert_int_equal(kind(1000, 1000, 1, &p), PART_BROKEN);
    assert_int_equal(kind(0, 1000, 0, &p), PART_BROKEN);
    assert_int_equal(kind(0, 1000, -1, &p), PART_BROKEN);
    assert_int_equal(kind(UINT64_MAX, 1000, 1, &p), PART_BROKEN);
    assert_int_equal(kind(UINT64_MAX - 5, UINT64_MAX, 5, &p), PART_BROKEN);
    assert_int_equal(kind(0, max + 1, 5, &p), PART_BROKEN);
    assert_int_equal(kind(0, 5, INT64_MAX, &p), PART_BROKEN);
    assert_int_equal(kind(7, 0, 5, &p), PART_BROKEN);
}

/* Of bytes 40 to 59 of 100: what is missing for first to last; -1: it cannot be one run. */
static void
lacks(uint64_t first, uint64_t last, int64_t from, int64_t to, bool behind)
{
    const struct part p = { { 40, 59 }, 100 };
    struct span missing;
    bool is_behind;

    if (!part_lacks(&p, (struct span){ first, last }, &missing, &is_behind)) {
        assert_int_equal(from, -1);
        return;
    }
    assert_int_equal(missing.first, from);
    assert_int_equal(missing.last, to);
    assert_int_equal(is_behind, behind);
}

static void
test_what_is_missing_is_one_run_at_one_end(void **state)
{
    (void)state;
    lacks(40, 99, 60, 99, true);
    lacks(50, 60, 60, 60, true);
    lacks(60, 70, 60, 70, true); /* it touches */
    lacks(61, 70, -1, 0, false);
    lacks(0, 59, 0, 39, false);
    lacks(0, 39, 0, 39, false);
    lacks(0, 38, -1, 0, false);
    lacks(39, 40, 39, 39, false);
    lacks(0, 99, -1, 0, false); /* both ends */
    lacks(39, 60, -1, 0, false);
}

/* All of them: what is joined has every byte once, and no other. */
static void
test_all_small_parts_and_wishes_join_without_gap_or_overlap(void **state)
{
    enum { N = 7 };
    struct span missing;
    bool behind;

    (void)state;
    for (uint64_t i = 0; i < N * N * N * N; i++) {
        const struct part p = { { i % N, i / N % N }, N };
        const struct span w = { i / N / N % N, i / N / N / N };
        if (p.here.first > p.here.last || w.first > w.last || span_holds(p.here, w) ||
            !part_lacks(&p, w, &missing, &behind)) {
            continue;
        }
        assert_true(missing.first <= missing.last && missing.last < N);
        if (behind) {
            assert_int_equal(missing.first, p.here.last + 1);
            assert_true(p.here.first <= w.first && missing.last == w.last);
        } else {
            assert_int_equal(missing.last + 1, p.here.first);
            assert_true(missing.first == w.first && w.last <= p.here.last);
        }
    }
}

static void
test_a_tag_is_strong_when_it_is_one_and_not_weak(void **state)
{
    weir_header two = { .value = WEIR_STR("\"b\"") };
    weir_header one = { .value = WEIR_STR("\"a\"") };

    (void)state;
    assert_true(part_is_strong(&one));
    one.same = &two;
    assert_false(part_is_strong(&one));
    one = (weir_header){ .value = WEIR_STR("W/\"a\"") };
    assert_false(part_is_strong(&one));
    one.value = WEIR_STR("\"");
    assert_false(part_is_strong(&one));
    one.value = WEIR_STR("a");
    assert_false(part_is_strong(&one));
    assert_false(part_is_strong(NULL));
}

static void
test_if_range_holds_for_an_equal_strong_tag_or_an_old_enough_date(void **state)
{
    const weir_str tag = WEIR_STR("\"a\""), date = WEIR_STR("Sun, 06 Nov 1994 08:49:37 GMT");
    const int64_t then = 784111777;

    (void)state;
    assert_true(part_if_range(tag, tag, -1, 0)); /* RFC 9110 13.1.5 */
    assert_false(part_if_range(WEIR_STR("W/\"a\""), WEIR_STR("W/\"a\""), -1, 0));
    assert_false(part_if_range(WEIR_STR("\"b\""), tag, -1, 0));
    assert_true(part_if_range(date, tag, then, then + 60));
    assert_false(part_if_range(date, tag, then - 1, then + 60));
    assert_false(part_if_range(date, tag, then, then + 1)); /* it could have changed since */
    assert_false(part_if_range(date, tag, -1, then + 60));
    assert_false(part_if_range(WEIR_STR(""), tag, -1, then));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_range_is_one_run_of_a_known_whole),
        cmocka_unit_test(test_numbers_past_all_bounds_are_refused_and_none_wraps),
        cmocka_unit_test(test_a_range_is_resolved_against_the_whole),
        cmocka_unit_test(test_what_is_no_single_range_is_the_whole),
        cmocka_unit_test(test_a_stored_parts_place_comes_back),
        cmocka_unit_test(test_a_place_that_makes_no_sense_is_broken),
        cmocka_unit_test(test_what_is_missing_is_one_run_at_one_end),
        cmocka_unit_test(test_all_small_parts_and_wishes_join_without_gap_or_overlap),
        cmocka_unit_test(test_a_tag_is_strong_when_it_is_one_and_not_weak),
        cmocka_unit_test(test_if_range_holds_for_an_equal_strong_tag_or_an_old_enough_date),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
