/* A compressor's output is a gzip stream of its input, however either is cut; states are reused and
 * bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ZLIB_CONST

#include <stdlib.h>
#include <string.h>

#include <weir/base.h>
#include <zlib.h>

#include "../../../modules/gzip/compressor_zlib.c"

static const struct compressor_shape fast = { 1, 15, 8 };
static const struct compressor_shape small = { 9, 9, 1 };

/* Code `in` in pieces of in_piece with output pieces of out_piece; the stream's length. */
static size_t
code_all(struct compressor *c, const uint8_t *in, size_t len, size_t in_piece, size_t out_piece,
         enum compressor_flush between, uint8_t *to, size_t room)
{
    size_t used = 0;

    for (size_t at = 0;;) {
        size_t n = len - at < in_piece ? len - at : in_piece;
        bool last = at + n == len;
        struct compressor_io io = { .in = in + at, .in_len = n };
        enum compressor_result rc = COMPRESSOR_FULL;

        while (rc == COMPRESSOR_FULL) {
            assert_true(used < room);
            io.out = to + used;
            io.out_len = room - used < out_piece ? room - used : out_piece;
            rc = compressor_run(c, &io, last ? COMPRESSOR_END : between);
            used = (size_t)(io.out - to);
        }
        assert_int_equal(rc, COMPRESSOR_OK);
        assert_int_equal(io.in_len, 0);
        at += n;
        if (last) {
            return used;
        }
    }
}

/* What zlib's own reader makes of it. */
static size_t
decode(const uint8_t *in, size_t len, uint8_t *to, size_t room)
{
    z_stream z = { .next_in = in, .avail_in = (uInt)len, .next_out = to, .avail_out = (uInt)room };

    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    inflateEnd(&z);
    return room - z.avail_out;
}

static void
fill(uint8_t *text, size_t len)
{
    static const char words[] = "the quick brown fox jumps over the lazy dog 0123456789 ";
    uint32_t seed = 12345;

    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245u + 12345u;
        text[i] = (uint8_t)words[(i + (seed >> 28)) % (sizeof(words) - 1)];
    }
}

static void
test_any_cut_of_input_and_output_gives_the_same_text(void **state)
{
    static uint8_t text[5000], coded[20000], back[6000];
    static const size_t pieces[] = { 1, 2, 7, 100, 4096, 5000 };
    struct compressor_pool pool = { 0 };

    (void)state;
    fill(text, sizeof(text));
    for (size_t i = 0; i < 6; i++) {
        for (size_t o = 0; o < 6; o++) {
            struct compressor *c = compressor_take(&pool, o % 2 ? &fast : &small);
            size_t n = code_all(c, text, sizeof(text), pieces[i], pieces[o], COMPRESSOR_MORE, coded,
                                sizeof(coded));

            assert_int_equal(decode(coded, n, back, sizeof(back)), sizeof(text));
            assert_memory_equal(back, text, sizeof(text));
            compressor_give(&pool, c);
        }
    }
    compressor_pool_empty(&pool);
}

static void
test_sync_puts_out_all_that_came_in(void **state)
{
    struct compressor_pool pool = { 0 };
    struct compressor *c = compressor_take(&pool, &fast);
    uint8_t coded[200], back[100];
    struct compressor_io io = {
        .in = (const uint8_t *)"hello", .in_len = 5, .out = coded, .out_len = sizeof(coded)
    };
    z_stream z = { .next_in = coded, .next_out = back, .avail_out = sizeof(back) };

    (void)state;
    assert_int_equal(compressor_run(c, &io, COMPRESSOR_SYNC), COMPRESSOR_OK);
    z.avail_in = (uInt)(io.out - coded);
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK);
    assert_int_equal(sizeof(back) - z.avail_out, 5);
    assert_memory_equal(back, "hello", 5);
    inflateEnd(&z);
    /* Asked again with nothing new, it has nothing to say and is not broken. */
    assert_int_equal(compressor_run(c, &io, COMPRESSOR_SYNC), COMPRESSOR_OK);
    compressor_give(&pool, c);
    compressor_pool_empty(&pool);
}

static void
test_flushes_through_the_least_room_end(void **state)
{
    static uint8_t text[300], coded[20000], back[400];
    struct compressor_pool pool = { 0 };
    struct compressor *c = compressor_take(&pool, &fast);
    size_t n;

    (void)state;
    fill(text, sizeof(text));
    n = code_all(c, text, sizeof(text), 10, COMPRESSOR_ROOM_MIN, COMPRESSOR_SYNC, coded,
                 sizeof(coded));
    assert_int_equal(decode(coded, n, back, sizeof(back)), sizeof(text));
    assert_memory_equal(back, text, sizeof(text));
    compressor_give(&pool, c);
    compressor_pool_empty(&pool);
}

static void
test_a_stream_given_back_is_used_again_for_its_shape_only(void **state)
{
    struct compressor_pool pool = { 0 };
    struct compressor *first = compressor_take(&pool, &fast);
    struct compressor *other;

    (void)state;
    compressor_give(&pool, first);
    other = compressor_take(&pool, &small);
    assert_ptr_not_equal(other, first);
    assert_ptr_equal(compressor_take(&pool, &fast), first);
    compressor_give(&pool, first);
    compressor_give(&pool, other);
    assert_int_equal(pool.n_busy, 0);
    assert_int_equal(pool.n_idle, 2);
    compressor_pool_empty(&pool);
    assert_int_equal(pool.n_idle, 0);
}

static void
test_a_broken_off_stream_starts_clean(void **state)
{
    struct compressor_pool pool = { 0 };
    struct compressor *c = compressor_take(&pool, &fast);
    uint8_t coded[200], back[10];
    struct compressor_io io = {
        .in = (const uint8_t *)"left", .in_len = 4, .out = coded, .out_len = sizeof(coded)
    };
    size_t n;

    (void)state;
    assert_int_equal(compressor_run(c, &io, COMPRESSOR_MORE), COMPRESSOR_OK);
    compressor_give(&pool, c);
    assert_ptr_equal(compressor_take(&pool, &fast), c);
    n = code_all(c, (const uint8_t *)"new", 3, 3, 200, COMPRESSOR_MORE, coded, sizeof(coded));
    assert_int_equal(decode(coded, n, back, sizeof(back)), 3);
    assert_memory_equal(back, "new", 3);
    compressor_give(&pool, c);
    compressor_pool_empty(&pool);
}

static void
test_busy_and_idle_streams_are_bounded(void **state)
{
    static struct compressor *taken[COMPRESSOR_BUSY_MAX];
    struct compressor_pool pool = { 0 };

    (void)state;
    for (size_t i = 0; i < COMPRESSOR_BUSY_MAX; i++) {
        taken[i] = compressor_take(&pool, &small);
        assert_non_null(taken[i]);
    }
    assert_null(compressor_take(&pool, &small));
    for (size_t i = 0; i < COMPRESSOR_BUSY_MAX; i++) {
        compressor_give(&pool, taken[i]);
    }
    assert_int_equal(pool.n_idle, COMPRESSOR_IDLE_MAX);
    assert_non_null(taken[0] = compressor_take(&pool, &small));
    compressor_give(&pool, taken[0]);
    compressor_pool_empty(&pool);
}

static void
test_bound_holds_for_bytes_that_do_not_compress(void **state)
{
    static uint8_t noise[70000], coded[80000];
    static const size_t lengths[] = { 0, 1, 100, 16383, 16384, 70000 };
    struct compressor_pool pool = { 0 };

    (void)state;
    weir_random(noise, sizeof(noise));
    for (size_t i = 0; i < 6; i++) {
        struct compressor *c = compressor_take(&pool, i % 2 ? &fast : &small);
        size_t n =
            code_all(c, noise, lengths[i], 70000, 80000, COMPRESSOR_MORE, coded, sizeof(coded));

        assert_true(n <= compressor_bound(lengths[i]));
        compressor_give(&pool, c);
    }
    compressor_pool_empty(&pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_cut_of_input_and_output_gives_the_same_text),
        cmocka_unit_test(test_sync_puts_out_all_that_came_in),
        cmocka_unit_test(test_flushes_through_the_least_room_end),
        cmocka_unit_test(test_a_stream_given_back_is_used_again_for_its_shape_only),
        cmocka_unit_test(test_a_broken_off_stream_starts_clean),
        cmocka_unit_test(test_busy_and_idle_streams_are_bounded),
        cmocka_unit_test(test_bound_holds_for_bytes_that_do_not_compress),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
