/* gzip codes what it may for who accepts it, says so in the head, and never loses a byte or a mark.
 */
#include "unit/modules/double.h"

#define ZLIB_CONST
#include <zlib.h>

#include "../../../modules/gzip/compressor.c"
#include "../../../modules/gzip/compressor_zlib.c"
#include "../../../modules/gzip/compressor_choose_zlib.c"
#include "../../../modules/gzip/rules.c"
#include "../../../modules/gzip/filter.c"
#include "../../../modules/gzip/gzip.c"

/* The rest of the ABI that gzip.c names. */

uint32_t
weir_accepts_coding(const weir_request *r, weir_str coding)
{
    return gzip_list_has(r->in[WEIR_H_ACCEPT_ENCODING], coding) ? 1000 : 0;
}

bool
weir_type_among(weir_str type, const weir_strs *types)
{
    const char *end = memchr(type.data, ';', type.len);

    type.len = end != NULL ? (size_t)(end - type.data) : type.len;
    for (size_t i = 0; i < types->count; i++) {
        if (weir_str_ieq(type, types->at[i]) || weir_str_eq(types->at[i], WEIR_STR("*"))) {
            return true;
        }
    }
    return false;
}

int
weir_regex_match(weir_request *r, const weir_regex *re, weir_str subject)
{
    const char *word = (const char *)re;

    (void)r;
    return memmem(subject.data, subject.len, word, strlen(word)) != NULL ? WEIR_OK : WEIR_ABSENT;
}

weir_regex *
weir_regex_compile(weir_conf *cf, weir_str pattern, uint32_t flags)
{
    (void)cf;
    (void)flags;
    return (weir_regex *)(uintptr_t)pattern.data;
}

uint32_t
weir_conf_argc(weir_conf *cf)
{
    (void)cf;
    return 0;
}

weir_str
weir_conf_arg(weir_conf *cf, uint32_t i)
{
    (void)cf;
    (void)i;
    return (weir_str){ NULL, 0 };
}

weir_pool *
weir_conf_pool(weir_conf *cf)
{
    return (weir_pool *)cf;
}

int
weir_conf_error_at(weir_conf *cf, uint32_t i, const char *fmt, ...)
{
    (void)cf;
    (void)i;
    (void)fmt;
    return WEIR_ERROR;
}

int
weir_parse_size(weir_str s, uint64_t *bytes)
{
    (void)s;
    *bytes = 0;
    return WEIR_INVALID;
}

static uint64_t cells[3];
static weir_metric metric[3] = { { &cells[0] }, { &cells[1] }, { &cells[2] } };
static struct compressor_pool compressors;

/* The directives' presets. */
static const gzip_conf presets = {
    .on = true,
    .vary = true,
    .level = 1,
    .min_length = 20,
    .window = 32 << 10,
    .hash = 64 << 10,
    .http_version = 11,
    .proxied = GZIP_PROXIED_OFF,
    .buffers.pool = &compressors,
};

static int
set_up(void **state)
{
    (void)state;
    weir_self_.slot = 0;
    gzip_bytes_in = &metric[0];
    gzip_bytes_out = &metric[1];
    gzip_responses = &metric[2];
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    compressor_pool_empty(&compressors);
    return 0;
}

/* A page of 100 bytes for a client that takes gzip. */
static void
page(struct double_request *d)
{
    double_begin(d);
    double_asks(d, "Accept-Encoding", "gzip");
    double_answers(d, "Content-Type", "text/html; charset=utf-8");
    double_answers(d, "ETag", "\"5f-64\"");
    d->r.out_length = 100;
}

static void
expect_plain(struct double_request *d, const gzip_conf *c, const char *vary)
{
    assert_int_equal(gzip_headers(&d->r, c), WEIR_DONE);
    assert_string_equal(double_sent(d, WEIR_H_CONTENT_ENCODING), "");
    assert_string_equal(double_sent(d, WEIR_H_VARY), vary);
    assert_int_equal(compressors.n_busy, 0);
    double_end(d);
}

static void
expect_coded(struct double_request *d, const gzip_conf *c)
{
    assert_int_equal(gzip_headers(&d->r, c), WEIR_NEXT);
    assert_string_equal(double_sent(d, WEIR_H_CONTENT_ENCODING), "gzip");
    assert_string_equal(double_sent(d, WEIR_H_VARY), "Accept-Encoding");
    assert_int_equal(d->r.out_length, -1);
    double_end(d);
    assert_int_equal(compressors.n_busy, 0);
}

static void
test_a_page_is_coded_and_its_etag_made_weak(void **state)
{
    struct double_request d;

    (void)state;
    page(&d);
    assert_int_equal(gzip_headers(&d.r, &presets), WEIR_NEXT);
    assert_string_equal(double_sent(&d, WEIR_H_CONTENT_ENCODING), "gzip");
    assert_string_equal(double_sent(&d, WEIR_H_ETAG), "W/\"5f-64\"");
    assert_int_equal(compressors.n_busy, 1);
    double_end(&d);
    /* The request ended before the body did. */
    assert_int_equal(compressors.n_busy, 0);
}

static void
test_head_gets_the_head_of_get_and_no_compressor(void **state)
{
    struct double_request d;

    (void)state;
    page(&d);
    d.r.method = WEIR_HEAD;
    assert_int_equal(gzip_headers(&d.r, &presets), WEIR_DONE);
    assert_string_equal(double_sent(&d, WEIR_H_CONTENT_ENCODING), "gzip");
    assert_string_equal(double_sent(&d, WEIR_H_VARY), "Accept-Encoding");
    assert_int_equal(d.r.out_length, -1);
    assert_int_equal(compressors.n_busy, 0);
    double_end(&d);
}

static void
test_who_does_not_accept_gets_vary_and_the_page_as_it_is(void **state)
{
    struct double_request d;

    (void)state;
    page(&d);
    d.in[WEIR_H_ACCEPT_ENCODING] = NULL;
    expect_plain(&d, &presets, "Accept-Encoding");
    page(&d);
    d.r.version = 10;
    expect_plain(&d, &presets, "Accept-Encoding");
    page(&d);
    double_asks(&d, "Via", "1.1 proxy");
    expect_plain(&d, &presets, "Accept-Encoding");
}

static void
test_what_may_not_be_coded_has_no_vary(void **state)
{
    struct double_request d;

    (void)state;
    page(&d);
    double_answers(&d, "Content-Encoding", "br");
    assert_int_equal(gzip_headers(&d.r, &presets), WEIR_DONE);
    assert_string_equal(double_sent(&d, WEIR_H_CONTENT_ENCODING), "br");
    assert_string_equal(double_sent(&d, WEIR_H_VARY), "");
    double_end(&d);
    page(&d);
    double_answers(&d, "Cache-Control", "max-age=5, No-Transform");
    expect_plain(&d, &presets, "");
    page(&d);
    d.r.out_length = 19;
    expect_plain(&d, &presets, "");
    page(&d);
    d.r.status = 500;
    expect_plain(&d, &presets, "");
    page(&d);
    d.out[WEIR_H_CONTENT_TYPE] = NULL;
    double_answers(&d, "Content-Type", "image/png");
    expect_plain(&d, &presets, "");
}

static void
test_types_add_to_html(void **state)
{
    static const weir_str css[] = { { "text/css", 8 } };
    gzip_conf c = presets;
    struct double_request d;

    (void)state;
    c.types = (weir_strs){ css, 1 };
    page(&d);
    d.out[WEIR_H_CONTENT_TYPE] = NULL;
    double_answers(&d, "Content-Type", "text/css");
    expect_coded(&d, &c);
    page(&d);
    expect_coded(&d, &c);
}

static void
test_vary_is_not_said_twice_and_can_be_turned_off(void **state)
{
    gzip_conf c = presets;
    struct double_request d;

    (void)state;
    page(&d);
    double_answers(&d, "Vary", "Cookie, accept-encoding");
    assert_int_equal(gzip_headers(&d.r, &presets), WEIR_NEXT);
    assert_null(d.out[WEIR_H_VARY]->same);
    double_end(&d);
    page(&d);
    double_answers(&d, "Vary", "Cookie");
    assert_int_equal(gzip_headers(&d.r, &presets), WEIR_NEXT);
    assert_string_equal(d.out[WEIR_H_VARY]->same->value.data, "Accept-Encoding");
    double_end(&d);
    c.vary = false;
    page(&d);
    d.in[WEIR_H_ACCEPT_ENCODING] = NULL;
    expect_plain(&d, &c, "");
}

static void
test_a_304_has_the_vary_and_etag_of_its_200(void **state) /* [RFC 9110 15.4.5] */
{
    struct double_request d;

    (void)state;
    page(&d);
    d.r.status = 304;
    assert_int_equal(gzip_headers(&d.r, &presets), WEIR_DONE);
    assert_string_equal(double_sent(&d, WEIR_H_VARY), "Accept-Encoding");
    assert_string_equal(double_sent(&d, WEIR_H_ETAG), "W/\"5f-64\"");
    assert_string_equal(double_sent(&d, WEIR_H_CONTENT_ENCODING), "");
    double_end(&d);

    page(&d);
    d.r.status = 304;
    d.in[WEIR_H_ACCEPT_ENCODING] = NULL;
    assert_int_equal(gzip_headers(&d.r, &presets), WEIR_DONE);
    assert_string_equal(double_sent(&d, WEIR_H_VARY), "Accept-Encoding");
    assert_string_equal(double_sent(&d, WEIR_H_ETAG), "\"5f-64\"");
    double_end(&d);
}

static void
test_a_304_without_type_follows_the_tag_it_was_asked_with(void **state)
{
    static const char *const asked[] = { "\"a\", W/\"5f-64\"", "\"5f-64\"" };
    static const char *const answered[] = { "W/\"5f-64\"", "\"5f-64\"" };
    struct double_request d;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        page(&d);
        d.r.status = 304;
        d.r.out_length = 0;
        d.out[WEIR_H_CONTENT_TYPE] = NULL;
        double_asks(&d, "If-None-Match", asked[i]);
        assert_int_equal(gzip_headers(&d.r, &presets), WEIR_DONE);
        assert_string_equal(double_sent(&d, WEIR_H_ETAG), answered[i]);
        double_end(&d);
    }
}

static void
test_a_part_is_not_coded_but_varies(void **state)
{
    struct double_request d;

    (void)state;
    page(&d);
    d.r.status = 206;
    d.r.out_length = 1;
    expect_plain(&d, &presets, "Accept-Encoding");
}

static void
test_disabled_agents_get_the_page_as_it_is(void **state)
{
    struct gzip_agent agent = { NULL, (const weir_regex *)"Old" };
    struct gzip_disabled disabled = { &agent, false };
    gzip_conf c = presets;
    struct double_request d;

    (void)state;
    c.disabled = &disabled;
    page(&d);
    double_asks(&d, "User-Agent", "Older/1.0");
    expect_plain(&d, &c, "Accept-Encoding");
    page(&d);
    double_asks(&d, "User-Agent", "New/1.0");
    expect_coded(&d, &c);
}

/* Hand text through the body hook in pieces; marks travel as they should. */
static void
pass(const char *text, size_t len, size_t piece, size_t flush_every, size_t buffer)
{
    static uint8_t coded[200000], back[100000];
    gzip_conf c = presets;
    struct double_request d;
    weir_chain in = { 0 }, out = { 0 };
    size_t used = 0, flushes = 0, seen = 0, n = 0;
    bool last = false;
    z_stream z = { 0 };

    c.buffers.size = buffer;
    c.min_length = 0;
    page(&d);
    assert_int_equal(gzip_headers(&d.r, &c), WEIR_NEXT);
    for (size_t at = 0; !last; n++) {
        size_t take = len - at < piece ? len - at : piece;
        weir_buf *b = weir_buf_copy(d.r.pool, (weir_str){ text + at, take });

        at += take;
        last = at == len;
        b->flags = last                                       ? WEIR_BUF_LAST
                   : flush_every != 0 && n % flush_every == 0 ? WEIR_BUF_FLUSH
                                                              : 0;
        flushes += b->flags == WEIR_BUF_FLUSH;
        weir_chain_push(&in, b);
        assert_int_equal(gzip_body(&d.r, &c, &in, &out), WEIR_NEXT);
        assert_null(in.head);
    }
    last = false;
    for (weir_buf *b; (b = weir_chain_pop(&out)) != NULL;) {
        assert_false(last);
        last = b->flags & WEIR_BUF_LAST;
        seen += (b->flags & WEIR_BUF_FLUSH) != 0;
        memcpy(coded + used, b->data, b->len);
        used += b->len;
    }
    assert_true(last);
    assert_int_equal(seen, flushes);
    assert_int_equal(compressors.n_busy, 0);
    z.next_in = coded;
    z.avail_in = (uInt)used;
    z.next_out = back;
    z.avail_out = sizeof(back);
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    inflateEnd(&z);
    assert_int_equal(sizeof(back) - z.avail_out, len);
    assert_memory_equal(back, text, len);
    double_end(&d);
}

static void
test_bodies_pass_whatever_the_cuts_and_flushes(void **state)
{
    static char text[30000];
    static const size_t pieces[] = { 1, 13, 1000, 30000 };
    static const size_t buffers[] = { 1, 16, 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)('a' + (i * i / 7) % 23);
    }
    for (size_t p = 0; p < 4; p++) {
        for (size_t b = 0; b < 3; b++) {
            size_t len = p == 0 ? 500 : sizeof(text);

            pass(text, len, pieces[p], 0, buffers[b]);
            pass(text, len, pieces[p], 3, buffers[b]);
        }
    }
    pass("", 0, 1, 0, 0);
}

static void
test_ratio_is_absent_until_something_was_sent(void **state)
{
    struct double_request d;

    (void)state;
    page(&d);
    assert_null(gzip_ratio(&d.r, NULL, WEIR_STR("gzip_ratio")).data);
    double_end(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_is_coded_and_its_etag_made_weak),
        cmocka_unit_test(test_head_gets_the_head_of_get_and_no_compressor),
        cmocka_unit_test(test_who_does_not_accept_gets_vary_and_the_page_as_it_is),
        cmocka_unit_test(test_what_may_not_be_coded_has_no_vary),
        cmocka_unit_test(test_types_add_to_html),
        cmocka_unit_test(test_vary_is_not_said_twice_and_can_be_turned_off),
        cmocka_unit_test(test_a_304_has_the_vary_and_etag_of_its_200),
        cmocka_unit_test(test_a_304_without_type_follows_the_tag_it_was_asked_with),
        cmocka_unit_test(test_a_part_is_not_coded_but_varies),
        cmocka_unit_test(test_disabled_agents_get_the_page_as_it_is),
        cmocka_unit_test(test_bodies_pass_whatever_the_cuts_and_flushes),
        cmocka_unit_test(test_ratio_is_absent_until_something_was_sent),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
