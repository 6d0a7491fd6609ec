/* Field blocks that go out say what was meant, whatever stands in the table: nghttp2 reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "http2/http2.h"

#define TEXT(text) { text, sizeof(text) - 1 }

enum { TABLE = 4096, FIELDS = 8 };

static struct wr_http2 h;
static nghttp2_hd_inflater *reader;

struct field {
    uint32_t id;
    weir_str name, value;
};

static int
set_up(void **state)
{
    (void)state;
    memset(&h, 0, sizeof(h));
    assert_int_equal(nghttp2_hd_deflate_new(&h.deflater, TABLE), 0);
    assert_int_equal(nghttp2_hd_inflate_new(&reader), 0);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    nghttp2_hd_deflate_del(h.deflater);
    nghttp2_hd_inflate_del(reader);
    return 0;
}

/* The next field of the block: it has to be this. */
static void
expect(weir_str *block, weir_str name, weir_str value)
{
    nghttp2_nv nv;
    int flags = 0;
    ssize_t n = nghttp2_hd_inflate_hd2(reader, &nv, &flags, (const uint8_t *)block->data, block->len, 1);

    assert_true(n > 0 && (flags & NGHTTP2_HD_INFLATE_EMIT));
    assert_true(weir_str_eq(name, (weir_str){ (const char *)nv.name, nv.namelen }));
    assert_true(weir_str_eq(value, (weir_str){ (const char *)nv.value, nv.valuelen }));
    *block = weir_str_cut(*block, (size_t)n, SIZE_MAX);
}

static void
put(const struct field *f)
{
    if (f->id != WEIR_H_OTHER) {
        wr_deflate_known(&h, f->id, f->value);
    } else {
        wr_deflate_other(&h, f->name, f->value);
    }
}

/* Make a block of a status and n fields, and read it. How many bytes it took. */
static size_t
say(const char *status, const struct field *f, size_t n)
{
    weir_str block;
    size_t len;

    wr_deflate_begin();
    wr_deflate_status(&h, (uint32_t)atoi(status));
    for (size_t i = 0; i < n; i++) {
        put(&f[i]);
    }
    assert_true(wr_deflate_end(&h, &block));
    len = block.len;
    expect(&block, WEIR_STR(":status"), weir_str_c(status));
    for (size_t i = 0; i < n; i++) {
        expect(&block, f[i].name, f[i].value);
    }
    assert_int_equal(block.len, 0);
    (void)nghttp2_hd_inflate_end_headers(reader);
    return len;
}

static const struct field usual[] = {
    { WEIR_H_SERVER, TEXT("server"), TEXT("weir") },
    { WEIR_H_CONTENT_TYPE, TEXT("content-type"), TEXT("text/plain") },
    { WEIR_H_ETAG, TEXT("etag"), TEXT("\"abc\"") },
    { 0, TEXT("x-one"), TEXT("") },
    { 0, TEXT("x-two"), TEXT("of the same length") },
};

static void
test_fields_that_come_again_take_a_byte_each(void **state)
{
    size_t etag = 2 + 1 + 5; /* its name's place (34, behind four bits), its length, and itself */

    (void)state;
    (void)say("200", usual, 3);
    assert_int_equal(say("200", usual, 3), 1 + 2 + etag);
    assert_int_equal(say("404", usual, 3), 1 + 2 + etag);
}

static void
test_every_status_is_what_it_was(void **state)
{
    static const char *const all[] = { "100", "103", "200", "204", "206", "299", "304", "400",
                                       "403", "404", "499", "500", "503", "599" };

    (void)state;
    for (unsigned i = 0; i < 3 * 14; i++) {
        (void)say(all[i % 14], usual, 5);
    }
}

/* As the reader's settings would have it. */
static void
change_table(size_t size)
{
    assert_int_equal(nghttp2_hd_inflate_change_table_size(reader, size), 0);
    assert_int_equal(nghttp2_hd_deflate_change_table_size(h.deflater, size), 0);
    h.table_changes = true;
}

/* A field of 40 to 1200 bytes, of names that share places, few values, now and then one that is new. */
static struct field
random_field(char *room)
{
    static const weir_str names[] = { TEXT("x-a"), TEXT("x-b"), TEXT("x-longer"), TEXT("y-longer"),
                                      TEXT("vary"), TEXT("location"), TEXT("content-type") };
    static const uint32_t ids[] = { 0, 0, 0, 0, WEIR_H_VARY, WEIR_H_LOCATION, WEIR_H_CONTENT_TYPE };
    unsigned which = (unsigned)rand() % 7, value = (unsigned)rand() % 30;
    size_t len = value == 29 ? (size_t)(rand() % 1200) : 40 + value;

    memset(room, (int)('a' + value % 26), len);
    return (struct field){ ids[which], names[which], { room, len } };
}

static void
test_blocks_stay_right_while_the_table_is_filled_and_changed(void **state)
{
    static char room[FIELDS][1200];
    struct field all[FIELDS];

    (void)state;
    srand(7);
    for (unsigned round = 0; round < 20000; round++) {
        size_t n = (size_t)(rand() % FIELDS) + 1;
        for (size_t i = 0; i < n; i++) {
            all[i] = random_field(room[i]);
        }
        if (rand() % 200 == 0) {
            change_table((size_t)(rand() % 2 * (rand() % TABLE)));
        }
        (void)say(round % 3 == 0 ? "200" : "302", all, n);
    }
}

/* A block of status, server and date alone. How many bytes it took. */
static size_t
open_block(const char *status, weir_str server)
{
    weir_str block;
    size_t len;

    wr_deflate_begin();
    wr_deflate_opening(&h, (uint32_t)atoi(status), server);
    assert_true(wr_deflate_end(&h, &block));
    len = block.len;
    expect(&block, WEIR_STR(":status"), weir_str_c(status));
    expect(&block, WEIR_STR("server"), server);
    expect(&block, WEIR_STR("date"), (weir_str){ wr_clock.http_date, 29 });
    assert_int_equal(block.len, 0);
    (void)nghttp2_hd_inflate_end_headers(reader);
    return len;
}

static void
pass_a_second(void)
{
    wr_clock.wall_s++;
    wr_clock_format_http(wr_clock.http_date, wr_clock.wall_s);
}

static void
test_an_opening_that_comes_again_takes_three_bytes(void **state)
{
    (void)state;
    pass_a_second();
    (void)open_block("200", WEIR_STR("weir"));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(open_block("200", WEIR_STR("weir")), 3);
    }
}

/* As many fields stand in the table as before, and they are others. */
static void
test_an_opening_is_forgotten_with_the_table(void **state)
{
    static const struct field others[] = { { WEIR_H_VARY, TEXT("vary"), TEXT("cookie") },
                                           { WEIR_H_CONTENT_TYPE, TEXT("content-type"), TEXT("text/css") } };

    (void)state;
    pass_a_second();
    for (int i = 0; i < 3; i++) {
        (void)open_block("200", WEIR_STR("weir"));
    }
    change_table(0);
    change_table(TABLE);
    (void)say("200", others, 2);
    (void)open_block("200", WEIR_STR("weir"));
}

static void
test_openings_are_right_whatever_came_between(void **state)
{
    static const weir_str servers[] = { TEXT("weir"), TEXT("weir/1") };
    static const char *const all[] = { "200", "404", "503" };
    char room[1200];

    (void)state;
    srand(3);
    for (unsigned round = 0; round < 50000; round++) {
        unsigned what = (unsigned)rand() % 40;
        if (what == 0) {
            change_table((size_t)(rand() % 2 * (rand() % TABLE)));
        } else if (what == 1) {
            pass_a_second();
        } else if (what < 6) {
            struct field f = random_field(room);
            (void)say("200", &f, 1);
        }
        (void)open_block(all[rand() % 10 < 8 ? 0 : rand() % 3], servers[rand() % 10 == 0]);
    }
}

/* The table's fields are numbered by 16 bits: a field that long ago had the number of another one is not taken for it. */
static void
test_numbers_of_fields_may_come_round(void **state)
{
    static const struct field old = { WEIR_H_CONTENT_TYPE, TEXT("content-type"), TEXT("the same") };
    static const struct field new = { WEIR_H_VARY, TEXT("vary"), TEXT("the same") };
    char value[8];

    (void)state;
    (void)say("200", &old, 1);
    for (int i = 1; i < 1 << 16; i++) {
        struct field f = { 0, TEXT("x-filling"), { value, (size_t)snprintf(value, sizeof(value), "%d", i) } };
        (void)say("200", &f, 1);
    }
    (void)say("200", &new, 1);
    (void)say("200", &old, 1);
}

static void
test_a_block_that_is_too_long_leaves_the_next_one_right(void **state)
{
    char *value = malloc(WR_HTTP2_HEADS);
    weir_str block;

    (void)state;
    (void)say("200", usual, 5);
    memset(value, 'v', WR_HTTP2_HEADS);
    wr_deflate_begin();
    wr_deflate_status(&h, 200);
    wr_deflate_other(&h, WEIR_STR("x-new"), WEIR_STR("of the next"));
    wr_deflate_other(&h, WEIR_STR("x-long"), (weir_str){ value, WR_HTTP2_HEADS });
    wr_deflate_other(&h, WEIR_STR("x-behind"), WEIR_STR("it"));
    assert_false(wr_deflate_end(&h, &block));
    (void)say("200", usual, 5);
    (void)say("200", usual, 5);
    free(value);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fields_that_come_again_take_a_byte_each, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_status_is_what_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_blocks_stay_right_while_the_table_is_filled_and_changed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_opening_that_comes_again_takes_three_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_opening_is_forgotten_with_the_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_openings_are_right_whatever_came_between, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers_of_fields_may_come_round, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_block_that_is_too_long_leaves_the_next_one_right, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
