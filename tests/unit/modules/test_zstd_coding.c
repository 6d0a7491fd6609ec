/* zstd gives back what it codes; a frame that is not as long as it says is broken, however it comes. */
#include "../../../modules/zstd/coding.c"

#include "unit/modules/coding_check.h"

/* 35 times one byte, and an empty last block; the header promises so many. [RFC 8878 3.1.1] */
static int
decode_promised(uint8_t promised, size_t piece, size_t room)
{
    const uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x20, promised, 0x1a, 0x01, 0x00, 'a',
                              0x01, 0x00, 0x00 };
    void *d = zstd_decoder_open();
    int rc = WEIR_OK;

    assert_non_null(d);
    back.len = 0;
    for (size_t at = 0; at < sizeof(frame) && rc == WEIR_OK; at += piece) {
        size_t left = sizeof(frame) - at;
        rc = decode_piece(d, frame + at, piece < left ? piece : left, room);
    }
    zstd_decoder_close(d);
    return rc;
}

static void
test_a_frame_is_as_long_as_it_says(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= 13; piece++) {
        for (size_t room = 1; room <= 256; room += 51) {
            assert_int_equal(decode_promised(35, piece, room), WEIR_DONE);
            assert_int_equal(back.len, 35);
            assert_int_equal(decode_promised(180, piece, room), WEIR_ERROR);
            assert_int_equal(decode_promised(34, piece, room), WEIR_ERROR);
        }
    }
}

int
main(void)
{
    enum { COMMON = sizeof(coding_tests) / sizeof(coding_tests[0]) };
    struct CMUnitTest tests[COMMON + 1] = {
        [COMMON] = cmocka_unit_test(test_a_frame_is_as_long_as_it_says)
    };

    memcpy(tests, coding_tests, sizeof(coding_tests));
    checked = &zstd_coding;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
