/* A connection over memory: however its bytes are cut, requests are answered once, and every stream ends once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CHECK(condition) assert_true(condition)
#include "memory.h"

/* :method GET, :scheme http, :path /, :authority a */
static const uint8_t get[] = { 0x82, 0x86, 0x84, 0x41, 0x01, 'a' };
/* :method POST and the rest; cookie: a=b and cookie: c=d */
static const uint8_t post[] = { 0x83, 0x86, 0x84, 0x41, 0x01, 'a', 0x60, 0x03, 'a', '=', 'b',
                                0x60, 0x03, 'c',  '=',  'd' };

static uint8_t bytes[65536];
static size_t len;

static void
begin(void)
{
    memcpy(bytes, MEMORY_PREFACE, 24);
    len = 24 + memory_put(bytes + 24, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
}

static void
put(uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t n)
{
    len += memory_put(bytes + len, type, flags, stream, payload, n);
}

/* The body of the answer on a stream, as text; how many END_STREAM it had goes to *ends. */
static const char *
body_of(uint32_t stream, unsigned *ends)
{
    static char text[256];
    struct memory_frame f;
    size_t n = 0;

    *ends = 0;
    memory.out_read = 0;
    while (memory_frame(&f)) {
        if (f.stream == stream && f.type == NGHTTP2_DATA && n + f.len < sizeof(text)) {
            memcpy(text + n, f.payload, f.len);
            n += f.len;
        }
        *ends += f.stream == stream && (f.type == NGHTTP2_DATA || f.type == NGHTTP2_HEADERS) &&
                 (f.flags & NGHTTP2_FLAG_END_STREAM);
    }
    text[n] = '\0';
    return text;
}

/* The code of the GOAWAY that came out, -1: none did. */
static int64_t
goaway(void)
{
    struct memory_frame f;
    int64_t code = -1;

    memory.out_read = 0;
    while (memory_frame(&f)) {
        if (f.type == NGHTTP2_GOAWAY) {
            code = f.payload[7];
        }
    }
    return code;
}

static void
test_requests_of_one_read_are_answered_by_one_write(void **state)
{
    unsigned ends;

    (void)state;
    begin();
    put(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS, 1, get, sizeof(get));
    put(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS, 3, get, sizeof(get));
    memory_connect(bytes, len);
    assert_string_equal(body_of(1, &ends), "GET / 0");
    assert_int_equal(ends, 1);
    assert_string_equal(body_of(3, &ends), "GET / 0");
    assert_int_equal(ends, 1);
    assert_int_equal(memory.logged, 2);
    memory_close();
}

static void
test_every_cut_of_the_bytes_gives_the_same_answer(void **state)
{
    static const uint8_t part[3] = "abc";
    unsigned ends;

    (void)state;
    for (size_t piece = 1; piece < 40; piece++) {
        begin();
        put(NGHTTP2_HEADERS, 0, 1, post, 9); /* in the middle of a field */
        put(NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1, post + 9, sizeof(post) - 9);
        put(NGHTTP2_DATA, 0, 1, part, 3);
        put(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, part, 2);
        memory_connect(bytes, 24);
        memory.in_piece = piece;
        memory_feed(bytes + 24, len - 24);
        assert_string_equal(body_of(1, &ends), "POST / 5 a=b; c=d");
        assert_int_equal(ends, 1);
        memory_close();
        assert_int_equal(memory.requests, 1);
        assert_int_equal(memory.logged, 1);
    }
}

static void
test_a_client_that_goes_ends_its_requests_once(void **state)
{
    (void)state;
    begin();
    for (uint32_t stream = 1; stream < 20; stream += 2) {
        put(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, stream, post, sizeof(post));
    }
    memory_connect(bytes, len);
    assert_int_equal(memory.requests, 10);
    assert_int_equal(memory.logged, 0);
    memory_close();
    assert_int_equal(memory.logged, 10);
}

static void
test_what_the_system_does_not_take_waits_and_comes_whole(void **state)
{
    unsigned ends;

    (void)state;
    begin();
    memory_connect(bytes, len);
    memory.full = true;
    len = 0;
    put(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS, 1, get, sizeof(get));
    memory_feed(bytes, len);
    (void)body_of(1, &ends);
    assert_int_equal(ends, 0);
    memory.full = false;
    memory.conn->can_write = true;
    memory.conn->ops->ready(memory.conn);
    assert_string_equal(body_of(1, &ends), "GET / 0");
    assert_int_equal(ends, 1);
    memory_close();
}

static void
test_pings_cost_points_until_the_connection_ends(void **state)
{
    (void)state;
    begin();
    for (unsigned i = 0; i < 400; i++) {
        put(NGHTTP2_PING, 0, 0, "12345678", 8);
    }
    memory_connect(bytes, 24 + 9);
    memory.in_piece = 1000; /* so that the answers are read */
    memory_feed(bytes + 33, len - 33);
    assert_int_equal(goaway(), -1);
    memory_feed(bytes + 33, len - 33);
    assert_int_equal(goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
    memory_close();
}

static void
test_leaving_says_goaway_twice(void **state)
{
    struct memory_frame f;
    unsigned n = 0;
    uint32_t last[2] = { 0, 0 };

    (void)state;
    begin();
    put(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, post, sizeof(post));
    memory_connect(bytes, len);
    memory.conn->ops->quit(memory.conn);
    memory_turns();
    len = 0;
    put(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "\0\0\0\0\0\0\0\0", 8);
    put(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS, 3, get, sizeof(get));
    put(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, NULL, 0);
    memory_feed(bytes, len);
    memory.out_read = 0;
    while (memory_frame(&f)) {
        if (f.type == NGHTTP2_GOAWAY) {
            assert_true(n < 2);
            assert_int_equal(f.payload[7], NGHTTP2_NO_ERROR);
            memcpy(&last[n], f.payload, 4);
            last[n] = __builtin_bswap32(last[n]);
            n++;
        }
    }
    assert_int_equal(n, 2);
    assert_int_equal(last[0], INT32_MAX);
    assert_int_equal(last[1], 1); /* 3 was sent behind the answer to our PING */
    assert_int_equal(memory.logged, 1);
    memory_close();
}

static int
set_up(void **state)
{
    (void)state;
    memory_load("");
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_of_one_read_are_answered_by_one_write),
        cmocka_unit_test(test_every_cut_of_the_bytes_gives_the_same_answer),
        cmocka_unit_test(test_a_client_that_goes_ends_its_requests_once),
        cmocka_unit_test(test_what_the_system_does_not_take_waits_and_comes_whole),
        cmocka_unit_test(test_pings_cost_points_until_the_connection_ends),
        cmocka_unit_test(test_leaving_says_goaway_twice),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
