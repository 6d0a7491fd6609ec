/* What is kept is found under its whole key, and its memory is bounded whatever is under way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/kept.h"

#include <string.h>

enum { MEMORY = 64 * 1024, SHARE = MEMORY / 8 };

static const weir_coding gzip = { .name = "gzip" }, br = { .name = "br" };

static struct wr_kept_key
key_of(uint64_t inode)
{
    return (struct wr_kept_key){ .file = { .inode = inode }, .coding = &gzip };
}

/* Keep len bytes of `fill` under the key, in pieces. */
static void
keep(const struct wr_kept_key *key, uint8_t fill, size_t len)
{
    struct weir_pool pool;
    struct wr_keeping *k;
    uint8_t bytes[500];

    wr_pool_init(&pool, "test", NULL);
    memset(bytes, fill, sizeof(bytes));
    k = wr_keeping_begin(&pool, key);
    for (size_t at = 0; at < len; at += sizeof(bytes)) {
        wr_keeping_add(k, bytes, len - at < sizeof(bytes) ? len - at : sizeof(bytes));
    }
    wr_keeping_finish(k, 2 * len);
    wr_pool_fini(&pool);
}

static bool
has(struct wr_kept_key key, uint8_t fill, size_t len)
{
    struct wr_kept *k = wr_kept_find(&key);
    bool good = false;

    if (k != NULL) {
        weir_str bytes = wr_kept_bytes(k);
        good = bytes.len == len && (uint8_t)bytes.data[0] == fill && (uint8_t)bytes.data[len - 1] == fill;
        wr_kept_unref(k);
    }
    return good;
}

static int
set_up(void **state)
{
    (void)state;
    wr_kept_init(MEMORY);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    wr_kept_fini();
    return 0;
}

static void
test_what_was_kept_is_found_under_the_same_key_alone(void **state)
{
    struct wr_kept_key key = key_of(1), other;

    (void)state;
    keep(&key, 'a', 5000);
    assert_true(has(key, 'a', 5000));
    other = key;
    other.coding = &br;
    assert_null(wr_kept_find(&other));
    other = key;
    other.shape.level = 9;
    assert_null(wr_kept_find(&other));
    other = key;
    other.file.ctime_ns = 1;
    assert_null(wr_kept_find(&other));
    other = key;
    other.given = (struct wr_kept_given){ .len = 1, .bytes = "x" };
    assert_null(wr_kept_find(&other));
}

static void
test_identities_that_modules_give_are_told_apart_by_all_their_bytes(void **state)
{
    struct wr_kept_key key = { .given = { .len = 3, .bytes = "abc" }, .coding = &gzip }, other;

    (void)state;
    keep(&key, 'a', 500);
    assert_true(has(key, 'a', 500));
    other = key;
    other.given.bytes[2] = 'd';
    assert_null(wr_kept_find(&other));
    other = key;
    other.given.len = 4; /* "abc" and a zero byte */
    assert_null(wr_kept_find(&other));
}

static void
test_how_long_it_was_before_is_known(void **state)
{
    struct wr_kept_key key = key_of(1);
    struct wr_kept *k;

    (void)state;
    keep(&key, 'a', 500);
    k = wr_kept_find(&key);
    assert_int_equal(wr_kept_plain_bytes(k), 1000);
    wr_kept_unref(k);
}

static void
test_the_first_of_two_that_were_made_at_the_same_time_stays(void **state)
{
    struct wr_kept_key key = key_of(1);

    (void)state;
    keep(&key, 'a', 1000);
    keep(&key, 'b', 1000);
    assert_true(has(key, 'a', 1000));
}

static void
test_what_was_not_asked_for_longest_goes_first(void **state)
{
    struct wr_kept_key first = key_of(0), second = key_of(1);

    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        struct wr_kept_key key = key_of(i);
        keep(&key, (uint8_t)i, 7000);
        assert_true(has(key, (uint8_t)i, 7000));
        if (i > 0) {
            assert_true(has(first, 0, 7000)); /* asked for all the time */
        }
    }
    assert_null(wr_kept_find(&second));
}

static void
test_one_that_is_too_long_is_not_kept(void **state)
{
    struct wr_kept_key key = key_of(1), next = key_of(2);

    (void)state;
    keep(&key, 'a', SHARE + 1);
    assert_null(wr_kept_find(&key));
    keep(&next, 'b', SHARE);
    assert_true(has(next, 'b', SHARE));
}

static void
test_one_in_use_outlives_its_place_and_counts_until_then(void **state)
{
    struct wr_kept_key key = key_of(100);
    struct wr_kept *used[16];
    size_t n = 0;

    (void)state;
    for (uint64_t i = 0; i < 16; i++) { /* all in use: not all can be there */
        struct wr_kept_key at = key_of(i);
        keep(&at, (uint8_t)i, 7000);
        used[n] = wr_kept_find(&at);
        n += used[n] != NULL;
    }
    assert_in_range(n, 4, 9); /* of 64 KiB, the collecting of the last one apart */
    keep(&key, 'x', 7000);
    assert_null(wr_kept_find(&key));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(wr_kept_bytes(used[i]).data[6999], (char)i);
        wr_kept_unref(used[i]);
    }
    keep(&key, 'x', 7000);
    assert_true(has(key, 'x', 7000));
}

static void
test_what_is_given_up_half_way_leaves_nothing(void **state)
{
    struct wr_kept_key key = key_of(1);

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct weir_pool pool;
        struct wr_keeping *k;
        wr_pool_init(&pool, "test", NULL);
        k = wr_keeping_begin(&pool, &key);
        wr_keeping_add(k, (const uint8_t *)"abc", 3);
        wr_pool_fini(&pool);
    }
    assert_null(wr_kept_find(&key));
    keep(&key, 'a', SHARE);
    assert_true(has(key, 'a', SHARE));
}

static void
test_without_memory_nothing_is_begun(void **state)
{
    struct wr_kept_key key = key_of(1);
    struct weir_pool pool;

    (void)state;
    wr_kept_fini();
    wr_pool_init(&pool, "test", NULL);
    assert_null(wr_keeping_begin(&pool, &key));
    assert_null(wr_kept_find(&key));
    wr_pool_fini(&pool);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_what_was_kept_is_found_under_the_same_key_alone),
        CASE(test_identities_that_modules_give_are_told_apart_by_all_their_bytes),
        CASE(test_how_long_it_was_before_is_known),
        CASE(test_the_first_of_two_that_were_made_at_the_same_time_stays),
        CASE(test_what_was_not_asked_for_longest_goes_first),
        CASE(test_one_that_is_too_long_is_not_kept),
        CASE(test_one_in_use_outlives_its_place_and_counts_until_then),
        CASE(test_what_is_given_up_half_way_leaves_nothing),
        CASE(test_without_memory_nothing_is_begun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
