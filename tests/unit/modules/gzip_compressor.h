/* gzip_compressor.h - what is claimed of every compressor, whichever library works in it: its
 * output is a gzip stream of its input, however either is cut.
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
static const weir_coding_shape fast = { 1, 15, 8, 0 };
static const weir_coding_shape middle = { 6, 15, 8, 0 };
static const weir_coding_shape best = { 9, 15, 8, 0 };
static const weir_coding_shape small = { 9, 9, 1, 0 };
static const weir_coding_shape *const shapes[] = { &fast, &middle, &best, &small };

/* At least as long as a stream of in_len bytes can become: deflateBound's figure for the smallest search table, with room for
 * header and trailer. */
static size_t
compressor_bound(size_t in_len)
{
    return in_len + (in_len >> 3) + (in_len >> 6) + 64;
}

enum { N_SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

/* Code `in` in pieces of in_piece with output pieces of out_piece; the stream's length. */
static size_t
code_all(struct compressor *c, const uint8_t *in, size_t len, size_t in_piece, size_t out_piece,
         uint32_t between, uint8_t *to, size_t room)
{
    size_t used = 0;

    for (size_t at = 0;;) {
        size_t n = len - at < in_piece ? len - at : in_piece;
        bool last = at + n == len;
        weir_coding_io io = { .in = in + at, .in_len = n };
        int rc = WEIR_AGAIN;

        while (rc == WEIR_AGAIN) {
            assert_true(used < room);
            io.out = to + used;
            io.out_len = room - used < out_piece ? room - used : out_piece;
            rc = compressor_run(c, &io, last ? WEIR_CODING_END : between);
            used = (size_t)(io.out - to);
        }
        assert_int_equal(rc, WEIR_OK);
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

    (void)state;
    fill(text, sizeof(text));
    for (size_t i = 0; i < 6 * 6 * N_SHAPES; i++) {
        struct compressor *c = compressor_open(shapes[i / 36]);
        size_t n = code_all(c, text, sizeof(text), pieces[i % 6], pieces[i / 6 % 6],
                            WEIR_CODING_MORE, coded, sizeof(coded));

        assert_int_equal(decode(coded, n, back, sizeof(back)), sizeof(text));
        assert_memory_equal(back, text, sizeof(text));
        compressor_close(c);
    }
}

/* Code the input of io up to a flush into rooms of out_piece, and have z read what came out. */
static void
sync_through(struct compressor *c, weir_coding_io *io, size_t out_piece, z_stream *z)
{
    int rc = WEIR_AGAIN;
    uint8_t coded[512];

    while (rc == WEIR_AGAIN) {
        io->out = coded;
        io->out_len = out_piece;
        rc = compressor_run(c, io, WEIR_CODING_SYNC);
        z->next_in = coded;
        z->avail_in = (uInt)(io->out - coded);
        if (z->avail_in != 0) {
            assert_int_equal(inflate(z, Z_SYNC_FLUSH), Z_OK);
        }
    }
    assert_int_equal(rc, WEIR_OK);
    assert_int_equal(io->in_len, 0);
}

static void
test_sync_puts_out_all_that_came_in(void **state)
{
    static uint8_t text[400], back[400];
    static const size_t rooms[] = { COMPRESSOR_ROOM_MIN, 13, 64, 512 };

    (void)state;
    fill(text, sizeof(text));
    for (size_t i = 0; i < 4 * N_SHAPES; i++) {
        for (size_t cut = 0; cut <= sizeof(text); cut++) {
            struct compressor *c = compressor_open(shapes[i / 4]);
            weir_coding_io io = { .in = text, .in_len = cut };
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
            compressor_close(c);
        }
    }
}

static void
test_sync_puts_out_what_an_earlier_call_held_back(void **state)
{

    (void)state;
    for (size_t i = 0; i < N_SHAPES; i++) {
        struct compressor *c = compressor_open(shapes[i]);
        uint8_t coded[200], back[100];
        weir_coding_io io = {
            .in = (const uint8_t *)"hello", .in_len = 5, .out = coded, .out_len = sizeof(coded)
        };

        assert_int_equal(compressor_run(c, &io, WEIR_CODING_MORE), WEIR_OK);
        assert_int_equal(compressor_run(c, &io, WEIR_CODING_SYNC), WEIR_OK);
        z_stream z = { .next_in = coded, .next_out = back, .avail_out = sizeof(back) };
        z.avail_in = (uInt)(io.out - coded);
        assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
        assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK);
        assert_int_equal(z.total_out, 5);
        assert_memory_equal(back, "hello", 5);
        inflateEnd(&z);
        compressor_close(c);
    }
}

static void
test_flushes_through_the_least_room_end(void **state)
{
    static uint8_t text[300], coded[20000], back[400];

    (void)state;
    fill(text, sizeof(text));
    for (size_t i = 0; i < N_SHAPES; i++) {
        struct compressor *c = compressor_open(shapes[i]);
        size_t n = code_all(c, text, sizeof(text), 10, COMPRESSOR_ROOM_MIN, WEIR_CODING_SYNC, coded,
                            sizeof(coded));

        assert_int_equal(decode(coded, n, back, sizeof(back)), sizeof(text));
        assert_memory_equal(back, text, sizeof(text));
        compressor_close(c);
    }
}

/* Long enough for several blocks and for the window to slide. */
static void
test_long_bodies_of_every_kind_come_back(void **state)
{
    static uint8_t body[400000], coded[500000], back[400001];

    (void)state;
    for (size_t i = 0; i < 3 * N_SHAPES; i++) {
        struct compressor *c = compressor_open(shapes[i / 3]);
        size_t n;

        if (i % 3 == 0) {
            fill(body, sizeof(body));
        } else if (i % 3 == 1) {
            weir_random(body, sizeof(body));
        } else {
            memset(body, 'x', sizeof(body));
            weir_random(body + 100000, 50000);
        }
        n = code_all(c, body, sizeof(body), 8192, 4096, i % 2 ? WEIR_CODING_SYNC : WEIR_CODING_MORE,
                     coded, sizeof(coded));
        assert_int_equal(decode(coded, n, back, sizeof(back)), sizeof(body));
        assert_memory_equal(back, body, sizeof(body));
        compressor_close(c);
    }
}

/* 10 bytes of header, 8 of trailer, and at least one block. [RFC 1952 2.3] */
static void
test_an_empty_body_is_a_short_stream(void **state)
{

    (void)state;
    for (size_t i = 0; i < N_SHAPES; i++) {
        struct compressor *c = compressor_open(shapes[i]);
        uint8_t coded[64], back[1];
        size_t n = code_all(c, NULL, 0, 1, sizeof(coded), WEIR_CODING_MORE, coded, sizeof(coded));

        assert_in_range(n, 20, 23);
        assert_int_equal(decode(coded, n, back, sizeof(back)), 0);
        compressor_close(c);
    }
}

/* A sentence that slips by a letter every 97: a match of 31 letters or more is always near. */
static void
test_text_shrinks_and_pieces_cost_little(void **state)
{
    static uint8_t text[50000], coded[50000];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (uint8_t) "the quick brown fox jumps over "[(i + i / 97) % 31];
    }
    for (size_t i = 0; i < N_SHAPES; i++) {
        struct compressor *c = compressor_open(shapes[i]);
        size_t whole = code_all(c, text, sizeof(text), sizeof(text), 4096, WEIR_CODING_MORE, coded,
                                sizeof(coded));
        size_t pieces;

        compressor_close(c);
        c = compressor_open(shapes[i]);
        pieces = code_all(c, text, sizeof(text), 500, 4096, WEIR_CODING_MORE, coded, sizeof(coded));
        assert_true(whole < sizeof(text) / 10);
        assert_true(pieces <= whole + whole / 10);
        compressor_close(c);
    }
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

    (void)state;
    fill(in, 20000);
    for (size_t i = 0; i < 200 * N_SHAPES; i++) {
        struct compressor *c = compressor_open(shapes[i / 200]);
        size_t len = i % 200 < 199 ? i % 200 : 20000;
        uint8_t *room = out + 25000 - compressor_bound(len);
        size_t n = code_all(c, in + 20000 - len, len, 8192, 25000, WEIR_CODING_MORE, room,
                            compressor_bound(len));

        assert_int_equal(decode(room, n, back, sizeof(back)), len);
        /* Once more with no byte to spare. */
        room = out + 25000 - n;
        compressor_close(c);
        c = compressor_open(shapes[i / 200]);
        assert_int_equal(n, code_all(c, in + 20000 - len, len, 8192, n, WEIR_CODING_MORE, room, n));
        compressor_close(c);
    }
}

static void
test_a_broken_off_stream_starts_clean(void **state)
{
    static uint8_t text[5000], coded[5000], back[10];

    (void)state;
    fill(text, sizeof(text));
    for (size_t i = 0; i < 2 * N_SHAPES; i++) {
        struct compressor *c = compressor_open(shapes[i / 2]);
        weir_coding_io io = {
            .in = text, .in_len = sizeof(text), .out = coded, .out_len = 100
        };
        size_t n;

        assert_int_not_equal(compressor_run(c, &io, i % 2 ? WEIR_CODING_END : WEIR_CODING_MORE),
                             WEIR_ERROR);
        assert_true(compressor_restart(c));
        n = code_all(c, (const uint8_t *)"the quick", 9, 9, 200, WEIR_CODING_MORE, coded, 200);
        assert_int_equal(decode(coded, n, back, sizeof(back)), 9);
        assert_memory_equal(back, "the quick", 9);
        compressor_close(c);
    }
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
    cmocka_unit_test(test_a_broken_off_stream_starts_clean),
};
