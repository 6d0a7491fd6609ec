/* coding_check.h - what is claimed of every content coding: what it codes, in whatever pieces, it gives back, in whatever pieces;
 * what is broken is told; states start anew.
 *
 * A test file includes the codec's source, sets `checked` and calls the group.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <weir/coding.h>

static const weir_coding *checked;

enum { ROOM = 1 << 20 };

struct bytes {
    uint8_t at[ROOM];
    size_t len;
};

static struct bytes coded, back;

/* Feed one piece, with rooms of `room` bytes. */
static int
encode_piece(void *e, const uint8_t *in, size_t len, size_t room, uint32_t flush)
{
    weir_coding_io io = { .in = in, .in_len = len };
    int rc = WEIR_AGAIN;

    while (rc == WEIR_AGAIN) {
        io.out = coded.at + coded.len;
        io.out_len = room < ROOM - coded.len ? room : ROOM - coded.len;
        assert_true(io.out_len >= 16);
        rc = checked->encode(e, &io, flush);
        coded.len = (size_t)(io.out - coded.at);
    }
    assert_int_equal(rc, WEIR_OK);
    assert_int_equal(io.in_len, 0);
    return rc;
}

static int
decode_piece(void *d, const uint8_t *in, size_t len, size_t room)
{
    weir_coding_io io = { .in = in, .in_len = len };
    int rc = WEIR_AGAIN;

    while (rc == WEIR_AGAIN) {
        io.out = back.at + back.len;
        io.out_len = room < ROOM - back.len ? room : ROOM - back.len;
        assert_true(io.out_len != 0);
        rc = checked->decode(d, &io);
        back.len = (size_t)(io.out - back.at);
    }
    if (rc == WEIR_OK) {
        assert_int_equal(io.in_len, 0);
    }
    return rc;
}

static void
encode_all(const uint8_t *in, size_t len)
{
    void *e = checked->encoder_open(&checked->preset);

    coded.len = 0;
    encode_piece(e, in, len, ROOM, WEIR_CODING_END);
    checked->encoder_close(e);
}

static const char text[] = "a page of words, a page of a few words, and words again: a page";

static void
test_every_pair_of_cuts_decodes_to_the_same(void **state)
{
    void *d = checked->decoder_open();

    (void)state;
    encode_all((const uint8_t *)text, sizeof(text));
    for (size_t a = 0; a <= coded.len; a++) {
        for (size_t b = a; b <= coded.len; b++) {
            static const size_t rooms[] = { 1, 7, 64, 4096 };
            size_t room = rooms[(a + b) % 4];
            int rc;
            back.len = 0;
            rc = decode_piece(d, coded.at, a, room);
            assert_int_equal(rc, a == coded.len ? WEIR_DONE : WEIR_OK);
            rc = decode_piece(d, coded.at + a, b - a, room);
            assert_int_equal(rc, b == coded.len ? WEIR_DONE : WEIR_OK);
            assert_int_equal(decode_piece(d, coded.at + b, coded.len - b, room), WEIR_DONE);
            assert_int_equal(back.len, sizeof(text));
            assert_memory_equal(back.at, text, sizeof(text));
            if (checked->decoder_restart == NULL || !checked->decoder_restart(d)) {
                checked->decoder_close(d);
                d = checked->decoder_open();
            }
        }
    }
    checked->decoder_close(d);
}

/* At every pair of cuts, the first with a flush: all that came in before comes out. */
static void
test_every_pair_of_cuts_codes_the_same(void **state)
{
    (void)state;
    for (size_t a = 0; a <= sizeof(text); a++) {
        for (size_t b = a; b <= sizeof(text); b += 5) {
            const uint8_t *in = (const uint8_t *)text;
            size_t room = 16 + (a + b) % 50;
            void *e = checked->encoder_open(&checked->preset), *d = checked->decoder_open();

            coded.len = back.len = 0;
            encode_piece(e, in, a, room, WEIR_CODING_SYNC);
            (void)decode_piece(d, coded.at, coded.len, ROOM);
            assert_int_equal(back.len, a);
            encode_piece(e, in + a, b - a, room, WEIR_CODING_MORE);
            encode_piece(e, in + b, sizeof(text) - b, room, WEIR_CODING_END);
            checked->encoder_close(e);
            checked->decoder_close(d);
            d = checked->decoder_open();
            back.len = 0;
            assert_int_equal(decode_piece(d, coded.at, coded.len, ROOM), WEIR_DONE);
            assert_int_equal(back.len, sizeof(text));
            assert_memory_equal(back.at, text, sizeof(text));
            checked->decoder_close(d);
        }
    }
}

static void
test_an_empty_body_comes_back_empty(void **state)
{
    void *d = checked->decoder_open();

    (void)state;
    encode_all(NULL, 0);
    assert_true(coded.len != 0);
    back.len = 0;
    assert_int_equal(decode_piece(d, coded.at, coded.len, 10), WEIR_DONE);
    assert_int_equal(back.len, 0);
    checked->decoder_close(d);
}

static void
test_a_long_body_comes_back_through_a_state_that_was_used(void **state)
{
    static uint8_t body[300000];
    void *e = checked->encoder_open(&checked->preset), *d = checked->decoder_open();
    uint32_t seed = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(body); i++) {
        seed = seed * 1103515245u + 12345u;
        body[i] = i < 100000 ? (uint8_t)(seed >> 24) : (uint8_t)text[(i + (seed >> 29)) % sizeof(text)];
    }
    for (int round = 0; round < 3; round++) {
        coded.len = back.len = 0;
        for (size_t at = 0; at < sizeof(body); at += 7000) {
            size_t n = sizeof(body) - at < 7000 ? sizeof(body) - at : 7000;
            encode_piece(e, body + at, n, 8192, at + n == sizeof(body) ? WEIR_CODING_END : WEIR_CODING_MORE);
        }
        assert_int_equal(decode_piece(d, coded.at, coded.len, 4096), WEIR_DONE);
        assert_int_equal(back.len, sizeof(body));
        assert_memory_equal(back.at, body, sizeof(body));
        if (checked->encoder_restart == NULL || !checked->encoder_restart(e)) {
            checked->encoder_close(e);
            e = checked->encoder_open(&checked->preset);
        }
        if (checked->decoder_restart == NULL || !checked->decoder_restart(d)) {
            checked->decoder_close(d);
            d = checked->decoder_open();
        }
    }
    checked->encoder_close(e);
    checked->decoder_close(d);
}

static void
test_a_body_that_ends_early_is_not_whole(void **state)
{
    (void)state;
    encode_all((const uint8_t *)text, sizeof(text));
    for (size_t cut = 0; cut < coded.len; cut++) {
        void *d = checked->decoder_open();
        back.len = 0;
        assert_int_equal(decode_piece(d, coded.at, cut, 100), WEIR_OK);
        checked->decoder_close(d);
    }
}

/* Damage never reads or writes out of bounds, and what comes out is bounded. */
static void
test_damage_ends_in_an_answer(void **state)
{
    (void)state;
    encode_all((const uint8_t *)text, sizeof(text));
    for (size_t i = 0; i < coded.len * 8; i++) {
        void *d = checked->decoder_open();
        coded.at[i / 8] ^= (uint8_t)(1 << i % 8);
        back.len = 0;
        (void)decode_piece(d, coded.at, coded.len, 64);
        coded.at[i / 8] ^= (uint8_t)(1 << i % 8);
        checked->decoder_close(d);
    }
}

static void
test_what_is_no_such_body_is_told(void **state)
{
    void *d = checked->decoder_open();

    (void)state;
    back.len = 0;
    assert_int_equal(decode_piece(d, (const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff", 8, 64), WEIR_ERROR);
    checked->decoder_close(d);
}

static const struct CMUnitTest coding_tests[] = {
    cmocka_unit_test(test_every_pair_of_cuts_decodes_to_the_same),
    cmocka_unit_test(test_every_pair_of_cuts_codes_the_same),
    cmocka_unit_test(test_an_empty_body_comes_back_empty),
    cmocka_unit_test(test_a_long_body_comes_back_through_a_state_that_was_used),
    cmocka_unit_test(test_a_body_that_ends_early_is_not_whole),
    cmocka_unit_test(test_damage_ends_in_an_answer),
    cmocka_unit_test(test_what_is_no_such_body_is_told),
};
