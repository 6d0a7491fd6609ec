/* Texts in HPACK's code are what the RFC and nghttp2 say that they are.  [RFC 7541 5.2] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "wire/huffman.h"

enum { LONGEST = 120 }; /* coded bytes: a length in one byte */

#define CODED(bytes) ((weir_str){ bytes, sizeof(bytes) - 1 })

/* The coded text at the end of what was allocated for it, so that a byte read behind it is noticed. */
static enum wr_wire
decode(weir_str in, char *to, size_t *len)
{
    char *exact = malloc(in.len + 1), *room = malloc(WR_HUFFMAN_ROOM(in.len) + 1);
    enum wr_wire rc;

    memcpy(exact + 1, in.data, in.len);
    rc = wr_huffman_decode((weir_str){ exact + 1, in.len }, room, len);
    if (rc == WR_OK) {
        assert_true(*len <= WR_HUFFMAN_ROOM(in.len));
        memcpy(to, room, *len);
    }
    free(exact);
    free(room);
    return rc;
}

static void
expect(weir_str in, const char *want)
{
    char text[WR_HUFFMAN_ROOM(LONGEST)];
    size_t len;

    assert_int_equal(decode(in, text, &len), WR_OK);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(text, want, len);
}

static void
test_the_examples_of_the_rfc(void **state)
{
    (void)state;
    expect(CODED("\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"), "www.example.com");
    expect(CODED("\xa8\xeb\x10\x64\x9c\xbf"), "no-cache");
    expect(CODED("\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f"), "custom-key");
    expect(CODED("\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf"), "custom-value");
    expect(CODED("\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6\x2d\x1b\xff"),
           "Mon, 21 Oct 2013 20:13:21 GMT");
    expect(CODED("\x9d\x29\xad\x17\x18\x63\xc7\x8f\x0b\x97\xc8\xe9\xae\x82\xae\x43\xd3"),
           "https://www.example.com");
}

static void
test_what_is_filled_up_with_anything_but_a_few_ones_is_refused(void **state)
{
    char text[16];
    size_t len = 7;

    (void)state;
    expect(CODED(""), "");
    expect(CODED("\x1f"), "a"); /* 00011 */
    assert_int_equal(decode(CODED("\x1e"), text, &len), WR_BAD);
    assert_int_equal(decode(CODED("\x1b"), text, &len), WR_BAD);
    assert_int_equal(decode(CODED("\x1f\xff"), text, &len), WR_BAD);
    assert_int_equal(decode(CODED("\xff"), text, &len), WR_BAD);
    assert_int_equal(decode(CODED("\xff\xff\xff\xff"), text, &len), WR_BAD); /* the end's code */
    assert_int_equal(decode(CODED("\xff\xff\xff\xfc"), text, &len), WR_BAD); /* the same */
    assert_int_equal(decode(CODED("\xfe"), text, &len), WR_BAD);             /* a code that is cut */
    assert_int_equal(len, 7);
}

/* value as nghttp2 codes it: it does so where that is shorter. */
static weir_str
code(const char *value, size_t len, uint8_t *room, size_t room_bytes)
{
    nghttp2_nv nv = { (uint8_t *)":path", (uint8_t *)(uintptr_t)value, 5, len, NGHTTP2_NV_FLAG_NO_INDEX };
    nghttp2_hd_deflater *deflater;
    ssize_t n;

    assert_int_equal(nghttp2_hd_deflate_new(&deflater, 4096), 0);
    n = nghttp2_hd_deflate_hd(deflater, room, room_bytes, &nv, 1);
    nghttp2_hd_deflate_del(deflater);
    assert_true(n >= 2 && (room[1] & 0x80) != 0);
    assert_int_equal(n, 2 + (room[1] & 0x7f));
    return (weir_str){ (const char *)room + 2, (size_t)n - 2 };
}

static void
test_every_letter_is_read_as_it_was_coded(void **state)
{
    char value[64], text[WR_HUFFMAN_ROOM(LONGEST)];
    uint8_t room[256];
    size_t len;

    (void)state;
    for (int i = 0; i < 256 * 8; i++) { /* at every place within a byte */
        size_t n = 48 + (size_t)i % 8;
        memset(value, 'a', n);
        value[i % 8] = (char)(i / 8);
        assert_int_equal(decode(code(value, n, room, sizeof(room)), text, &len), WR_OK);
        assert_int_equal(len, n);
        assert_memory_equal(text, value, n);
    }
}

/* What nghttp2 makes of a field whose value is `coded`: bytes of its text, or -1. */
static ssize_t
read_by_nghttp2(const uint8_t *coded, size_t n, char *to)
{
    uint8_t block[2 + LONGEST];
    nghttp2_hd_inflater *inflater;
    nghttp2_nv nv;
    int flags = 0;
    ssize_t rc;

    block[0] = 0x04;
    block[1] = (uint8_t)(0x80 | n);
    memcpy(block + 2, coded, n);
    assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
    rc = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, block, n + 2, 1);
    if (rc >= 0) {
        assert_true(flags & NGHTTP2_HD_INFLATE_EMIT);
        memcpy(to, nv.value, nv.valuelen);
        rc = (ssize_t)nv.valuelen;
    }
    nghttp2_hd_inflate_del(inflater);
    return rc < 0 ? -1 : rc;
}

static void
test_any_bytes_are_what_nghttp2_takes_them_for(void **state)
{
    char text[WR_HUFFMAN_ROOM(LONGEST)], want[WR_HUFFMAN_ROOM(LONGEST)];
    uint8_t coded[LONGEST];
    unsigned right = 0;
    size_t len;

    (void)state;
    srand(11);
    for (int i = 0; i < 50000; i++) {
        size_t n = (size_t)rand() % (i % 100 == 0 ? LONGEST : 8);
        ssize_t there;
        for (size_t k = 0; k < n; k++) {
            coded[k] = (uint8_t)(rand() % 4 == 0 ? 0xff : rand());
        }
        there = read_by_nghttp2(coded, n, want);
        if (decode((weir_str){ (const char *)coded, n }, text, &len) != WR_OK) {
            assert_int_equal(there, -1);
            continue;
        }
        assert_int_equal(there, len);
        assert_memory_equal(text, want, len);
        right++;
    }
    assert_true(right > 1000); /* both kinds came */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_examples_of_the_rfc),
        cmocka_unit_test(test_what_is_filled_up_with_anything_but_a_few_ones_is_refused),
        cmocka_unit_test(test_every_letter_is_read_as_it_was_coded),
        cmocka_unit_test(test_any_bytes_are_what_nghttp2_takes_them_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
