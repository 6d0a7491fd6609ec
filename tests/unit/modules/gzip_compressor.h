/* gzip_compressor.h - what is claimed of every compressor, whichever library works in it: its
 * output is a gzip stream of its input, however either is cut; states are reused and bounded.
 *
 * A test file includes the sources of one build of the module, then this, and calls the group.
 */
#include <sys/mman.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <weir/base.h>
#include <zlib.h>

/* Where shapes differ: both levels and the rest of one library, all of the other. */
static const struct compressor_shape fast = { 1, 15, 8 };
static const struct compressor_shape middle = { 6, 15, 8 };
static const struct compressor_shape best = { 9, 15, 8 };
static const struct compressor_shape small = { 9, 9, 1 };
static const struct compressor_shape *const shapes[] = { &fast, &middle, &best, &small };

enum { N_SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

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
    for (size_t i = 0; i < 6 * 6 * N_SHAPES; i++) {
        struct compressor *c = compressor_take(&pool, shapes[i / 36]);
        size_t n = code_all(c, text, sizeof(text), pieces[i % 6], pieces[i / 6 % 6],
                            COMPRESSOR_MORE, coded, sizeof(coded));

        assert_int_equal(decode(coded, n, back, sizeof(back)), sizeof(text));
        assert_memory_equal(back, text, sizeof(text));
        compressor_give(&pool, c);
    }
    compressor_pool_empty(&pool);
}

/* Code the input of io up to a flush into rooms of out_piece, and have z read what came out. */
static void
sync_through(struct compressor *c, struct compressor_io *io, size_t out_piece, z_stream *z)
{
    enum compressor_result rc = COMPRESSOR_FULL;
    uint8_t coded[512];

    while (rc == COMPRESSOR_FULL) {
        io->out = coded;
        io->out_len = out_piece;
        rc = compressor_run(c, io, COMPRESSOR_SYNC);
        z->next_in = coded;
        z->avail_in = (uInt)(io->out - coded);
        if (z->avail_in != 0) {
            assert_int_equal(inflate(z, Z_SYNC_FLUSH), Z_OK);
        }
    }
    assert_int_equal(rc, COMPRESSOR_OK);
    assert_int_equal(io->in_len, 0);
}

static void
test_sync_puts_out_all_that_came_in(void **state)
{
    static uint8_t text[400], back[400];
    static const size_t rooms[] = { COMPRESSOR_ROOM_MIN, 13, 64, 512 };
    struct compressor_pool pool = { 0 };

    (void)state;
    fill(text, sizeof(text));
    for (size_t i = 0; i < 4 * N_SHAPES; i++) {
        for (size_t cut = 0; cut <= sizeof(text); cut++) {
            struct compressor *c = compressor_take(&pool, shapes[i / 4]);
            struct compressor_io io = { .in = text, .in_len = cut };
            z_stream z = { .next_out = back, .avail_out = sizeof(back) };

            assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
            sync_through(c, &io, rooms[i % 4], &z);
            assert_int_equal(z.total_out, cut);
            /* Asked again with nothing new, it has nothing to say and is not broken. */
            sync_through(c, &io, rooms[i % 4], &z);
            io.in_len = sizeof(text) - cut;
            sync_through(c, &io, rooms[i % 4], &z);
            assert_int_equal(z.total_out, sizeof(text));
            assert_memory_equal(back, text, sizeof(text));
            inflateEnd(&z);
            compressor_give(&pool, c);
        }
    }
    compressor_pool_empty(&pool);
}

static void
test_sync_puts_out_what_an_earlier_call_held_back(void **state)
{
    struct compressor_pool pool = { 0 };

    (void)state;
    for (size_t i = 0; i < N_SHAPES; i++) {
        struct compressor *c = compressor_take(&pool, shapes[i]);
        uint8_t coded[200], back[100];
        struct compressor_io io = {
            .in = (const uint8_t *)"hello", .in_len = 5, .out = coded, .out_len = sizeof(coded)
        };

        assert_int_equal(compressor_run(c, &io, COMPRESSOR_MORE), COMPRESSOR_OK);
        assert_int_equal(compressor_run(c, &io, COMPRESSOR_SYNC), COMPRESSOR_OK);
        z_stream z = { .next_in = coded, .next_out = back, .avail_out = sizeof(back) };
        z.avail_in = (uInt)(io.out - coded);
        assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
        assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK);
        assert_int_equal(z.total_out, 5);
        assert_memory_equal(back, "hello", 5);
        inflateEnd(&z);
        compressor_give(&pool, c);
    }
    compressor_pool_empty(&pool);
}

static void
test_flushes_through_the_least_room_end(void **state)
{
    static uint8_t text[300], coded[20000], back[400];
    struct compressor_pool pool = { 0 };

    (void)state;
    fill(text, sizeof(text));
    for (size_t i = 0; i < N_SHAPES; i++) {
        struct compressor *c = compressor_take(&pool, shapes[i]);
        size_t n = code_all(c, text, sizeof(text), 10, COMPRESSOR_ROOM_MIN, COMPRESSOR_SYNC, coded,
                            sizeof(coded));

        assert_int_equal(decode(coded, n, back, sizeof(back)), sizeof(text));
        assert_memory_equal(back, text, sizeof(text));
        compressor_give(&pool, c);
    }
    compressor_pool_empty(&pool);
}

/* Long enough for several blocks and for the window to slide. */
static void
test_long_bodies_of_every_kind_come_back(void **state)
{
    static uint8_t body[400000], coded[500000], back[400001];
    struct compressor_pool pool = { 0 };

    (void)state;
    for (size_t i = 0; i < 3 * N_SHAPES; i++) {
        struct compressor *c = compressor_take(&pool, shapes[i / 3]);
        size_t n;

        if (i % 3 == 0) {
            fill(body, sizeof(body));
        } else if (i % 3 == 1) {
            weir_random(body, sizeof(body));
        } else {
            memset(body, 'x', sizeof(body));
            weir_random(body + 100000, 50000);
        }
        n = code_all(c, body, sizeof(body), 8192, 4096, i % 2 ? COMPRESSOR_SYNC : COMPRESSOR_MORE,
                     coded, sizeof(coded));
        assert_int_equal(decode(coded, n, back, sizeof(back)), sizeof(body));
        assert_memory_equal(back, body, sizeof(body));
        compressor_give(&pool, c);
    }
    compressor_pool_empty(&pool);
}

/* 10 bytes of header, 8 of trailer, and at least one block. [RFC 1952 2.3] */
static void
test_an_empty_body_is_a_short_stream(void **state)
{
    struct compressor_pool pool = { 0 };

    (void)state;
    for (size_t i = 0; i < N_SHAPES; i++) {
        struct compressor *c = compressor_take(&pool, shapes[i]);
        uint8_t coded[64], back[1];
        size_t n = code_all(c, NULL, 0, 1, sizeof(coded), COMPRESSOR_MORE, coded, sizeof(coded));

        assert_in_range(n, 20, 23);
        assert_int_equal(decode(coded, n, back, sizeof(back)), 0);
        compressor_give(&pool, c);
    }
    compressor_pool_empty(&pool);
}

/* A sentence that slips by a letter every 97: a match of 31 letters or more is always near. */
static void
test_text_shrinks_and_pieces_cost_little(void **state)
{
    static uint8_t text[50000], coded[50000];
    struct compressor_pool pool = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (uint8_t) "the quick brown fox jumps over "[(i + i / 97) % 31];
    }
    for (size_t i = 0; i < N_SHAPES; i++) {
        struct compressor *c = compressor_take(&pool, shapes[i]);
        size_t whole = code_all(c, text, sizeof(text), sizeof(text), 4096, COMPRESSOR_MORE, coded,
                                sizeof(coded));
        size_t pieces;

        compressor_give(&pool, c);
        c = compressor_take(&pool, shapes[i]);
        pieces = code_all(c, text, sizeof(text), 500, 4096, COMPRESSOR_MORE, coded, sizeof(coded));
        assert_true(whole < sizeof(text) / 10);
        assert_true(pieces <= whole + whole / 10);
        compressor_give(&pool, c);
    }
    compressor_pool_empty(&pool);
}

/* `len` bytes that end where a page begins that must not be touched. */
static uint8_t *
guarded(size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (len + page - 1) / page * page;
    uint8_t *at =
        mmap(NULL, pages + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(at, MAP_FAILED);
    assert_int_equal(mprotect(at + pages, page, PROT_NONE), 0);
    return at + pages - len;
}

static void
test_nothing_outside_input_and_output_is_touched(void **state)
{
    static uint8_t back[20000];
    uint8_t *in = guarded(20000);
    uint8_t *out = guarded(25000);
    struct compressor_pool pool = { 0 };

    (void)state;
    fill(in, 20000);
    for (size_t i = 0; i < 200 * N_SHAPES; i++) {
        struct compressor *c = compressor_take(&pool, shapes[i / 200]);
        size_t len = i % 200 < 199 ? i % 200 : 20000;
        uint8_t *room = out + 25000 - compressor_bound(len);
        size_t n = code_all(c, in + 20000 - len, len, 8192, 25000, COMPRESSOR_MORE, room,
                            compressor_bound(len));

        assert_int_equal(decode(room, n, back, sizeof(back)), len);
        /* Once more with no byte to spare. */
        room = out + 25000 - n;
        compressor_give(&pool, c);
        c = compressor_take(&pool, shapes[i / 200]);
        assert_int_equal(n, code_all(c, in + 20000 - len, len, 8192, n, COMPRESSOR_MORE, room, n));
        compressor_give(&pool, c);
    }
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
    static uint8_t text[5000], coded[5000], back[10];
    struct compressor_pool pool = { 0 };

    (void)state;
    fill(text, sizeof(text));
    for (size_t i = 0; i < 2 * N_SHAPES; i++) {
        struct compressor *c = compressor_take(&pool, shapes[i / 2]);
        struct compressor_io io = {
            .in = text, .in_len = sizeof(text), .out = coded, .out_len = 100
        };
        size_t n;

        assert_int_not_equal(compressor_run(c, &io, i % 2 ? COMPRESSOR_END : COMPRESSOR_MORE),
                             COMPRESSOR_FAILED);
        compressor_give(&pool, c);
        assert_ptr_equal(compressor_take(&pool, shapes[i / 2]), c);
        n = code_all(c, (const uint8_t *)"the quick", 9, 9, 200, COMPRESSOR_MORE, coded, 200);
        assert_int_equal(decode(coded, n, back, sizeof(back)), 9);
        assert_memory_equal(back, "the quick", 9);
        compressor_give(&pool, c);
    }
    compressor_pool_empty(&pool);
}

static void
test_busy_and_idle_streams_are_bounded(void **state)
{
    static struct compressor *taken[COMPRESSOR_BUSY_MAX];
    struct compressor_pool pool = { 0 };

    (void)state;
    for (size_t i = 0; i < COMPRESSOR_BUSY_MAX; i++) {
        taken[i] = compressor_take(&pool, i % 2 ? &small : &fast);
        assert_non_null(taken[i]);
    }
    assert_null(compressor_take(&pool, &small));
    assert_null(compressor_take(&pool, &fast));
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
    static uint8_t noise[70000], coded[80000], back[70001];
    static const size_t lengths[] = { 0, 1, 2, 20, 60, 100, 130, 300, 1000, 16383, 16384, 70000 };
    struct compressor_pool pool = { 0 };

    (void)state;
    weir_random(noise, sizeof(noise));
    for (size_t i = 0; i < 12 * N_SHAPES; i++) {
        struct compressor *c = compressor_take(&pool, shapes[i / 12]);
        size_t len = lengths[i % 12];
        size_t n = code_all(c, noise, len, 70000, 80000, COMPRESSOR_MORE, coded, sizeof(coded));

        assert_true(n <= compressor_bound(len));
        assert_int_equal(decode(coded, n, back, sizeof(back)), len);
        compressor_give(&pool, c);
    }
    compressor_pool_empty(&pool);
}

static const struct CMUnitTest compressor_tests[] = {
    cmocka_unit_test(test_any_cut_of_input_and_output_gives_the_same_text),
    cmocka_unit_test(test_sync_puts_out_all_that_came_in),
    cmocka_unit_test(test_sync_puts_out_what_an_earlier_call_held_back),
    cmocka_unit_test(test_flushes_through_the_least_room_end),
    cmocka_unit_test(test_long_bodies_of_every_kind_come_back),
    cmocka_unit_test(test_an_empty_body_is_a_short_stream),
    cmocka_unit_test(test_text_shrinks_and_pieces_cost_little),
    cmocka_unit_test(test_nothing_outside_input_and_output_is_touched),
    cmocka_unit_test(test_a_stream_given_back_is_used_again_for_its_shape_only),
    cmocka_unit_test(test_a_broken_off_stream_starts_clean),
    cmocka_unit_test(test_busy_and_idle_streams_are_bounded),
    cmocka_unit_test(test_bound_holds_for_bytes_that_do_not_compress),
};
