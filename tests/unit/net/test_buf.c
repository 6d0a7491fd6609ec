/* Chains say the same whatever buffers their bytes are cut into, and a store goes exactly when nobody refers to it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/buf.h"

static struct weir_pool pool;

static int
set_up(void **state)
{
    (void)state;
    wr_pool_init(&pool, "test", NULL);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    wr_pool_fini(&pool);
    return 0;
}

static weir_str
str(const char *s)
{
    return weir_str_c(s);
}

/* A chain of text, a new buffer before every byte whose bit is set in cuts; last: with WEIR_BUF_LAST at its end. */
static weir_chain
chain_of(const char *text, uint32_t cuts, bool last)
{
    weir_chain c = { NULL, NULL };
    size_t len = strlen(text), from = 0;

    for (size_t i = 1; i <= len; i++) {
        if (i == len || cuts >> i & 1) {
            weir_chain_push(&c, weir_buf_copy(&pool, (weir_str){ text + from, i - from }));
            from = i;
        }
    }
    if (last && c.tail != NULL) {
        c.tail->flags |= WEIR_BUF_LAST;
    } else if (last) {
        weir_chain_push(&c, weir_buf_mark(&pool, WEIR_BUF_LAST));
    }
    return c;
}

static void
assert_text(const weir_chain *c, const char *want)
{
    weir_str s = weir_chain_str(&pool, c, SIZE_MAX / 4);

    assert_non_null(s.data);
    assert_int_equal(s.len, strlen(want));
    assert_memory_equal(s.data, want, s.len);
    assert_int_equal(weir_chain_len(c), s.len);
}

/* ---- Finding. ---- */

static void
find_every_cut(const char *text, const char *what, bool last, int rc, size_t at)
{
    for (uint32_t cuts = 0; cuts < 1u << strlen(text); cuts += 2) {
        weir_chain c = chain_of(text, cuts, last);
        size_t found = 99;
        assert_int_equal(weir_chain_find(&c, str(what), &found), rc);
        assert_int_equal(found, at);
        wr_chain_drop(&c);
    }
}

static void
test_a_string_is_found_over_every_cut(void **state)
{
    (void)state;
    find_every_cut("abcabd", "abd", false, WEIR_OK, 3);
    find_every_cut("aaaab", "aab", false, WEIR_OK, 2);
    find_every_cut("xyz", "x", false, WEIR_OK, 0);
    find_every_cut("xyz", "xyz", true, WEIR_OK, 0);
}

static void
test_a_beginning_at_the_end_asks_for_more_over_every_cut(void **state)
{
    (void)state;
    find_every_cut("xxab", "abc", false, WEIR_AGAIN, 2);
    find_every_cut("aaa", "aab", false, WEIR_AGAIN, 1);
}

static void
test_nothing_follows_the_last_buffer(void **state)
{
    (void)state;
    find_every_cut("xxab", "abc", true, WEIR_ABSENT, 4);
    find_every_cut("", "abc", true, WEIR_ABSENT, 0);
    find_every_cut("", "abc", false, WEIR_ABSENT, 0);
}

static void
test_a_match_does_not_reach_over_a_file(void **state)
{
    weir_chain c = chain_of("ab", 0, false), rest = chain_of("cabc", 0, true);
    size_t at;

    (void)state;
    weir_chain_push(&c, weir_buf_file(&pool, 0, 0, 10, false));
    weir_chain_take(&c, &rest);
    assert_int_equal(weir_chain_find(&c, str("abc"), &at), WEIR_OK);
    assert_int_equal(at, 2 + 10 + 1);
}

static void
test_empty_buffers_do_not_hide_a_match(void **state)
{
    weir_chain c = { NULL, NULL };
    size_t at;

    (void)state;
    weir_chain_push(&c, weir_buf_mark(&pool, WEIR_BUF_FLUSH));
    weir_chain_push(&c, weir_buf_copy(&pool, str("a")));
    weir_chain_push(&c, weir_buf_ref(&pool, (weir_str){ NULL, 0 }));
    weir_chain_push(&c, weir_buf_copy(&pool, str("b")));
    assert_int_equal(weir_chain_find(&c, str("ab"), &at), WEIR_OK);
    assert_int_equal(at, 0);
}

/* ---- Moving and skipping. ---- */

static void
test_moving_cuts_anywhere_and_loses_nothing(void **state)
{
    (void)state;
    for (uint32_t cuts = 0; cuts < 1u << 6; cuts += 2) {
        for (size_t n = 0; n <= 7; n++) {
            weir_chain from = chain_of("abcdef", cuts, true), to = { NULL, NULL };
            bool all = n >= 6;
            char want[8] = "abcdef";
            weir_chain_move(&pool, &to, &from, n);
            assert_int_equal(wr_chain_has(&to, WEIR_BUF_LAST), all);
            assert_int_equal(wr_chain_has(&from, WEIR_BUF_LAST), !all);
            assert_text(&from, all ? "" : &want[n]);
            want[n < 6 ? n : 6] = '\0';
            assert_text(&to, want);
            weir_chain_take(&to, &from);
            assert_text(&to, "abcdef");
            wr_chain_drop(&to);
        }
    }
}

static void
test_moving_takes_the_empty_buffers_right_behind(void **state)
{
    weir_chain from = chain_of("ab", 0, false), to = { NULL, NULL };

    (void)state;
    weir_chain_push(&from, weir_buf_mark(&pool, WEIR_BUF_LAST));
    weir_chain_move(&pool, &to, &from, 2);
    assert_null(from.head);
    assert_true(wr_chain_has(&to, WEIR_BUF_LAST));
}

static void
test_skipping_forgets_bytes_and_keeps_marks(void **state)
{
    (void)state;
    for (uint32_t cuts = 0; cuts < 1u << 6; cuts += 2) {
        for (size_t n = 0; n <= 7; n++) {
            weir_chain c = chain_of("abcdef", cuts, true);
            weir_chain_skip(&c, n);
            assert_text(&c, n < 6 ? &"abcdef"[n] : "");
            assert_int_equal(c.tail->flags & WEIR_BUF_LAST, WEIR_BUF_LAST);
            wr_chain_drop(&c);
        }
    }
}

static void
test_a_flush_that_is_skipped_moves_to_what_follows(void **state)
{
    weir_chain c = chain_of("ab", 2, false);

    (void)state;
    c.head->flags |= WEIR_BUF_FLUSH;
    weir_chain_skip(&c, 1);
    assert_text(&c, "b");
    assert_true(wr_chain_has(&c, WEIR_BUF_FLUSH));
}

static void
test_skipping_all_without_marks_leaves_an_empty_chain(void **state)
{
    weir_chain c = chain_of("abc", 2, false);

    (void)state;
    weir_chain_skip(&c, 3);
    assert_null(c.head);
    weir_chain_push(&c, weir_buf_copy(&pool, str("x")));
    assert_text(&c, "x");
}

/* ---- Peeking. ---- */

static void
test_peeking_joins_and_changes_nothing_else(void **state)
{
    (void)state;
    for (uint32_t cuts = 0; cuts < 1u << 6; cuts += 2) {
        for (size_t n = 1; n <= 6; n++) {
            weir_chain c = chain_of("abcdef", cuts, true);
            const uint8_t *p = weir_chain_peek(&pool, &c, n);
            assert_non_null(p);
            assert_memory_equal(p, "abcdef", n);
            assert_text(&c, "abcdef");
            assert_int_equal(c.tail->flags & WEIR_BUF_LAST, WEIR_BUF_LAST);
            wr_chain_drop(&c);
        }
    }
}

static void
test_peeking_past_the_end_or_into_a_file_is_refused(void **state)
{
    weir_chain c = chain_of("abc", 2, true);

    (void)state;
    assert_null(weir_chain_peek(&pool, &c, 4));
    c.tail->flags &= ~(uint32_t)WEIR_BUF_LAST;
    weir_chain_push(&c, weir_buf_file(&pool, 0, 0, 5, false));
    assert_non_null(weir_chain_peek(&pool, &c, 3));
    assert_null(weir_chain_peek(&pool, &c, 4));
    assert_int_equal(weir_chain_len(&c), 8);
}

/* ---- As one string. ---- */

static void
test_one_buffer_is_its_own_string(void **state)
{
    weir_chain c = chain_of("abc", 0, true);

    (void)state;
    assert_ptr_equal(weir_chain_str(&pool, &c, 3).data, c.head->data);
    assert_null(weir_chain_str(&pool, &c, 2).data);
}

static void
test_files_and_subrequests_are_no_string(void **state)
{
    weir_chain c = chain_of("abc", 0, false);
    weir_buf *sub = wr_buf_create(&pool);

    (void)state;
    sub->flags = WEIR_BUF_SUB;
    weir_chain_push(&c, sub); /* behind the only bytes: it is seen all the same */
    assert_null(weir_chain_str(&pool, &c, 100).data);
    sub->flags = WEIR_BUF_FILE;
    assert_null(weir_chain_str(&pool, &c, 100).data);
}

static void
test_an_empty_chain_is_an_empty_string(void **state)
{
    weir_chain c = { NULL, NULL };
    weir_str s = weir_chain_str(&pool, &c, 0);

    (void)state;
    assert_non_null(s.data);
    assert_int_equal(s.len, 0);
}

/* ---- Stores. ---- */

static unsigned released;

static void
release(void *data)
{
    (void)data;
    released++;
}

static void
test_foreign_bytes_are_released_with_their_last_buffer(void **state)
{
    weir_buf *a = weir_buf_extern(&pool, str("abc"), release, NULL);
    weir_buf *b = weir_buf_share(&pool, a);

    (void)state;
    released = 0;
    weir_buf_drop(a);
    assert_int_equal(released, 0);
    assert_memory_equal(b->data, "abc", 3);
    weir_buf_drop(b);
    assert_int_equal(released, 1);
}

static void
test_the_pools_end_releases_what_is_left_once(void **state)
{
    weir_buf *a = weir_buf_extern(&pool, str("abc"), release, NULL);

    (void)state;
    released = 0;
    (void)weir_buf_share(&pool, a);
    wr_pool_reset(&pool);
    assert_int_equal(released, 1);
}

static void
test_a_part_keeps_the_store_of_the_whole(void **state)
{
    weir_chain from = { NULL, NULL }, to = { NULL, NULL };

    (void)state;
    released = 0;
    weir_chain_push(&from, weir_buf_extern(&pool, str("abcdef"), release, NULL));
    weir_chain_move(&pool, &to, &from, 2);
    wr_chain_drop(&from);
    assert_int_equal(released, 0);
    assert_text(&to, "ab");
    wr_chain_drop(&to);
    assert_int_equal(released, 1);
}

static void
test_a_shared_buffer_has_no_marks(void **state)
{
    weir_buf *a = weir_buf_copy(&pool, str("abc"));

    (void)state;
    a->flags = WEIR_BUF_LAST | WEIR_BUF_FLUSH;
    assert_int_equal(weir_buf_share(&pool, a)->flags, 0);
}

static void
test_dropped_buffers_are_used_again_and_their_bytes_given_back(void **state)
{
    weir_buf *a = weir_buf_copy(&pool, str("abc"));
    size_t held = pool.held;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        weir_buf_drop(a);
        a = weir_buf_copy(&pool, str("abc"));
    }
    assert_int_equal(pool.held, held);
}

static void
test_a_file_is_closed_with_its_last_buffer(void **state)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), at_fd;
    weir_buf *a = weir_buf_file(&pool, fd, 5, 10, true);
    weir_buf *b = weir_buf_share(&pool, a);
    int64_t offset;

    (void)state;
    assert_true(fd >= 0);
    wr_buf_consume(b, 4);
    assert_int_equal(weir_buf_file_at(b, &at_fd, &offset), WEIR_OK);
    assert_int_equal(at_fd, fd);
    assert_int_equal(offset, 9);
    weir_buf_drop(a);
    assert_int_not_equal(fcntl(fd, F_GETFD), -1);
    weir_buf_drop(b);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void
test_memory_is_at_no_place_of_a_file(void **state)
{
    int fd;
    int64_t offset;

    (void)state;
    assert_int_equal(weir_buf_file_at(weir_buf_copy(&pool, str("a")), &fd, &offset), WEIR_ABSENT);
}

/* ---- Owning. ---- */

static void
test_bytes_of_ones_own_are_not_copied(void **state)
{
    weir_buf *a = weir_buf_copy(&pool, str("abc"));

    (void)state;
    assert_ptr_equal(weir_buf_own(&pool, a), a->data);
    assert_memory_equal(a->data, "abc", 3);
}

static void
test_owning_shared_or_borrowed_bytes_leaves_the_others_alone(void **state)
{
    static const char text[] = "abc";
    weir_buf *a = weir_buf_copy(&pool, str("abc")), *b = weir_buf_share(&pool, a);
    weir_buf *c = weir_buf_ref(&pool, str(text));
    weir_buf *d = weir_buf_extern(&pool, str(text), release, NULL);

    (void)state;
    released = 0;
    weir_buf_own(&pool, b)[0] = 'x';
    weir_buf_own(&pool, c)[0] = 'y';
    weir_buf_own(&pool, d)[0] = 'z';
    assert_memory_equal(a->data, "abc", 3);
    assert_memory_equal(b->data, "xbc", 3);
    assert_memory_equal(c->data, "ybc", 3);
    assert_memory_equal(d->data, "zbc", 3);
    assert_string_equal(text, "abc");
    assert_int_equal(released, 1);
}

static void
test_a_file_cannot_be_owned(void **state)
{
    (void)state;
    assert_null(weir_buf_own(&pool, weir_buf_file(&pool, 0, 0, 5, false)));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_string_is_found_over_every_cut),
        TEST(test_a_beginning_at_the_end_asks_for_more_over_every_cut),
        TEST(test_nothing_follows_the_last_buffer),
        TEST(test_a_match_does_not_reach_over_a_file),
        TEST(test_empty_buffers_do_not_hide_a_match),
        TEST(test_moving_cuts_anywhere_and_loses_nothing),
        TEST(test_moving_takes_the_empty_buffers_right_behind),
        TEST(test_skipping_forgets_bytes_and_keeps_marks),
        TEST(test_a_flush_that_is_skipped_moves_to_what_follows),
        TEST(test_skipping_all_without_marks_leaves_an_empty_chain),
        TEST(test_peeking_joins_and_changes_nothing_else),
        TEST(test_peeking_past_the_end_or_into_a_file_is_refused),
        TEST(test_one_buffer_is_its_own_string),
        TEST(test_files_and_subrequests_are_no_string),
        TEST(test_an_empty_chain_is_an_empty_string),
        TEST(test_foreign_bytes_are_released_with_their_last_buffer),
        TEST(test_the_pools_end_releases_what_is_left_once),
        TEST(test_a_part_keeps_the_store_of_the_whole),
        TEST(test_a_shared_buffer_has_no_marks),
        TEST(test_dropped_buffers_are_used_again_and_their_bytes_given_back),
        TEST(test_a_file_is_closed_with_its_last_buffer),
        TEST(test_memory_is_at_no_place_of_a_file),
        TEST(test_bytes_of_ones_own_are_not_copied),
        TEST(test_owning_shared_or_borrowed_bytes_leaves_the_others_alone),
        TEST(test_a_file_cannot_be_owned),
    };

    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
