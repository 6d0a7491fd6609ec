/* tests/unit/wire/test_chunked.c - chunked bodies, each one in pieces of every size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "wire/chunked.h"

struct decoded {
    enum wr_wire rc; /* WR_OK: the end was reached */
    size_t used;
    size_t len;
    char data[8192];
};

/* Decode text handed in by pieces of `piece` bytes, each a heap block of its own. */
static void
decode_by(struct decoded *d, const char *text, size_t len, size_t piece)
{
    struct wr_chunked c = { 0 };
    struct wr_fault fault = { 0 };

    *d = (struct decoded){ .rc = WR_MORE };
    for (size_t from = 0; from < len && d->rc == WR_MORE; from += piece) {
        size_t n = len - from < piece ? len - from : piece;
        char *exact = malloc(n);
        size_t at = 0;
        assert_non_null(exact);
        memcpy(exact, text + from, n);
        do {
            size_t used = 0;
            weir_str data = { NULL, 0 };
            d->rc = wr_chunked_decode(&c, exact + at, n - at, &used, &data, &fault);
            if (d->rc == WR_BAD) {
                assert_int_equal(fault.status, 400);
                break;
            }
            assert_true(d->len + data.len <= sizeof(d->data));
            memcpy(d->data + d->len, data.data, data.len);
            d->len += data.len;
            d->used += used;
            at += used;
            if (d->rc == WR_OK && data.len != 0) {
                d->rc = WR_MORE;
            }
        } while (d->rc == WR_MORE && at < n);
        free(exact);
    }
}

static void
decode(struct decoded *d, const char *text, size_t len)
{
    static struct decoded part;

    decode_by(d, text, len, len);
    for (size_t piece = 1; piece < len && piece < 70; piece++) {
        decode_by(&part, text, len, piece);
        assert_int_equal(part.rc, d->rc);
        if (d->rc != WR_BAD) {
            assert_int_equal(part.len, d->len);
            assert_int_equal(part.used, d->used);
            assert_memory_equal(part.data, d->data, d->len);
        }
    }
}

static void
assert_body(const char *text, const char *want, const char *rest)
{
    static struct decoded d;

    decode(&d, text, strlen(text));
    assert_int_equal(d.rc, WR_OK);
    assert_int_equal(d.len, strlen(want));
    assert_memory_equal(d.data, want, d.len);
    assert_string_equal(text + d.used, rest);
}

static void
assert_malformed(const char *text)
{
    static struct decoded d;

    decode(&d, text, strlen(text));
    if (d.rc != WR_BAD) {
        print_error("not refused: %s\n", text);
    }
    assert_int_equal(d.rc, WR_BAD);
}

/* [RFC 9112 7.1] */
static void
test_chunks_are_joined(void **state)
{
    (void)state;
    assert_body("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", "\r\n");
    assert_body("0\r\n\r\n", "", "\r\n");
    assert_body("00\r\n\r\n", "", "\r\n");
    assert_body("A\r\n0123456789\r\n0a\r\n0123456789\r\n0\r\nX: y\r\n\r\n", "01234567890123456789",
                "X: y\r\n\r\n");
    assert_body("2\r\n\r\n\r\n0\r\nGET", "\r\n", "GET");
    assert_body("0000000000000001\r\nx\r\n0\r\n", "x", "");
}

static void
test_cut_bodies_are_incomplete(void **state)
{
    static const char text[] = "5;a=\"b\"\r\nhello\r\n0\r\n";
    static struct decoded d;

    (void)state;
    for (size_t len = 1; len < sizeof(text) - 1; len++) {
        decode(&d, text, len);
        assert_int_equal(d.rc, WR_MORE);
        assert_int_equal(d.used, len);
    }
}

/* [RFC 9112 7.1]: 1*HEXDIG. */
static void
test_size_is_hexadecimal_digits(void **state)
{
    (void)state;
    assert_malformed("\r\n");
    assert_malformed("g\r\n");
    assert_malformed("+5\r\nhello\r\n");
    assert_malformed("-5\r\nhello\r\n");
    assert_malformed("0x5\r\nhello\r\n");
    assert_malformed(" 5\r\nhello\r\n");
    assert_malformed("5 \r\nhello\r\n");
    assert_malformed("5 5\r\nhello\r\n");
    assert_malformed(";a\r\n");
    assert_malformed("5_0\r\n");
    assert_malformed("5.\r\n");
}

static void
test_size_overflow_is_refused(void **state)
{
    static struct decoded d;
    static const char largest[] = "7fffffffffffffff\r\nx";

    (void)state;
    decode(&d, largest, strlen(largest));
    assert_int_equal(d.rc, WR_MORE);
    assert_malformed("8000000000000000\r\nx");
    assert_malformed("ffffffffffffffff\r\nx");
    assert_malformed("10000000000000005\r\nhello\r\n");
    assert_malformed("00000000000000005\r\nhello\r\n");
}

/* [RFC 9112 2.2, 7.1] */
static void
test_line_ends_are_crlf(void **state)
{
    (void)state;
    assert_malformed("5\nhello\r\n0\r\n");
    assert_malformed("5\r\nhello\n0\r\n");
    assert_malformed("5\r\nhello\r0\r\n");
    assert_malformed("5\rhello\r\n");
    assert_malformed("5\r\r\nhello\r\n");
    assert_malformed("5\r\nhello0\r\n");
    assert_malformed("5\r\nhello!\r\n0\r\n");
    assert_malformed("5;a\nhello\r\n");
    assert_malformed("0\n\r\n");
}

/* [RFC 9112 7.1.1] */
static void
test_extensions_are_checked_and_ignored(void **state)
{
    (void)state;
    assert_body("1;a\r\nx\r\n0;b=c\r\n", "x", "");
    assert_body("1;a=b;c=\"d \\\"e;\\\\\"\r\nx\r\n0\r\n", "x", "");
    assert_body("1 ; a = b\t; c\r\nx\r\n0\r\n", "x", "");
    assert_malformed("1;\r\nx\r\n");
    assert_malformed("1;;a\r\nx\r\n");
    assert_malformed("1;a=\r\nx\r\n");
    assert_malformed("1;a=\"b\r\nx\r\n");
    assert_malformed("1;a=\"b\\\r\nx\r\n");
    assert_malformed("1;a=\"b\"c\r\nx\r\n");
    assert_malformed("1;a b\r\nx\r\n");
    assert_malformed("1;a \r\nx\r\n");
    assert_malformed("1;a(\r\nx\r\n");
    assert_malformed("1;a=b/c\r\nx\r\n");
    assert_malformed("1;=b\r\nx\r\n");
    assert_malformed("1;a\x01\r\nx\r\n");
    assert_malformed("1;a=\"\x7f\"\r\nx\r\n");
}

static void
test_nul_in_an_extension_is_refused(void **state)
{
    static struct decoded d;

    (void)state;
    decode(&d, "1;a\0\r\nx\r\n", 9);
    assert_int_equal(d.rc, WR_BAD);
    decode(&d, "1;a=\"\0\"\r\nx\r\n", 12);
    assert_int_equal(d.rc, WR_BAD);
}

/* The limit is for the body, not for a chunk: many small extensions meet it, too. */
static void
test_extensions_have_a_limit(void **state)
{
    static struct decoded d;
    static char text[65536];
    size_t len = 0;

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "1;", 2);
    decode_by(&d, text, sizeof(text), 1000);
    assert_int_equal(d.rc, WR_BAD);
    for (size_t n = 0; n < WR_CHUNKED_EXTENSION_MAX / strlen(";aaa"); n++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "1;aaa\r\nx\r\n");
    }
    decode_by(&d, text, len, 1000);
    assert_int_equal(d.rc, WR_MORE);
    len += (size_t)snprintf(text + len, sizeof(text) - len, "1 ;a\r\nx\r\n");
    decode_by(&d, text, len, 1000);
    assert_int_equal(d.rc, WR_BAD);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_are_joined),
        cmocka_unit_test(test_cut_bodies_are_incomplete),
        cmocka_unit_test(test_size_is_hexadecimal_digits),
        cmocka_unit_test(test_size_overflow_is_refused),
        cmocka_unit_test(test_line_ends_are_crlf),
        cmocka_unit_test(test_extensions_are_checked_and_ignored),
        cmocka_unit_test(test_nul_in_an_extension_is_refused),
        cmocka_unit_test(test_extensions_have_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
