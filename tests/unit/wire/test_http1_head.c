/* tests/unit/wire/test_http1_head.c - request heads and response heads, every one in every possible
 * split. */
#include "unit/wire/heads.h"

#include <stdio.h>
#include <weir/request.h>

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"

/* [RFC 9112 2.1, 3] */
static void
test_request_is_taken_apart(void **state)
{
    static const char text[] = "POST /where?q=now HTTP/1.1\r\n"
                               "Host: www.example.org\r\n"
                               "X-Unknown:value\r\n"
                               "content-LENGTH: \t 5 \t\r\n"
                               "\r\nhello";
    struct reading r = read_request(text);

    (void)state;
    assert_int_equal(r.rc, WR_OK);
    assert_int_equal(r.request.method, WEIR_POST);
    assert_slice(text, r.request.method_at, r.request.method_len, "POST");
    assert_slice(text, r.request.target_at, r.request.target_len, "/where?q=now");
    assert_int_equal(r.request.version, 11);
    assert_int_equal(r.request.bytes, sizeof(text) - 1 - strlen("hello"));
    assert_int_equal(r.request.n_fields, 3);
    assert_field(&r, 0, "Host", "www.example.org");
    assert_int_equal(r.fields[0].id, WEIR_H_HOST);
    assert_field(&r, 1, "X-Unknown", "value");
    assert_int_equal(r.fields[1].id, WEIR_H_OTHER);
    assert_field(&r, 2, "content-LENGTH", "5");
    assert_int_equal(r.fields[2].id, WEIR_H_CONTENT_LENGTH);
}

static void
test_head_without_fields_is_complete(void **state)
{
    struct reading r = read_request("GET / HTTP/1.0\r\n\r\n");

    (void)state;
    assert_int_equal(r.rc, WR_OK);
    assert_int_equal(r.request.version, 10);
    assert_int_equal(r.request.n_fields, 0);
}

static void
test_head_without_its_empty_line_is_incomplete(void **state)
{
    (void)state;
    assert_int_equal(read_request("").rc, WR_MORE);
    assert_int_equal(read_request("GET / HTTP/1.1\r\n").rc, WR_MORE);
    assert_int_equal(read_request(GET).rc, WR_MORE);
    assert_int_equal(read_request(GET "\r").rc, WR_MORE);
}

/* [RFC 9110 9.1]: tokens, case matters. */
static void
test_methods_are_exact_tokens(void **state)
{
    (void)state;
    assert_int_equal(read_request("GETX / HTTP/1.1\r\n\r\n").request.method, WEIR_METHOD_OTHER);
    assert_int_equal(read_request("get / HTTP/1.1\r\n\r\n").request.method, WEIR_METHOD_OTHER);
    assert_int_equal(read_request("DELETE / HTTP/1.1\r\n\r\n").request.method, WEIR_DELETE);
    assert_int_equal(read_request("!#$%&'*+-.^_`|~ / HTTP/1.1\r\n\r\n").rc, WR_OK);
    assert_refused("G(T / HTTP/1.1\r\n\r\n", 400);
    assert_refused(" GET / HTTP/1.1\r\n\r\n", 400);
    assert_refused("GET\t/ HTTP/1.1\r\n\r\n", 400);
    assert_refused("G\x80T / HTTP/1.1\r\n\r\n", 400);
    assert_refused("GET\r\n\r\n", 400);
}

static void
test_tls_handshake_is_refused_at_its_first_byte(void **state)
{
    (void)state;
    assert_refused("\x16\x03\x01", 400);
}

/* [RFC 9112 3]: single SP between the parts. */
static void
test_request_line_has_single_blanks(void **state)
{
    (void)state;
    assert_refused("GET  / HTTP/1.1\r\n\r\n", 400);
    assert_refused("GET /  HTTP/1.1\r\n\r\n", 400);
    assert_refused("GET / HTTP/1.1 \r\n\r\n", 400);
    assert_refused("GET /\tHTTP/1.1\r\n\r\n", 400);
    assert_refused("GET /a b HTTP/1.1\r\n\r\n", 400);
}

/* [RFC 9112 3.2, RFC 3986 2] */
static void
test_target_is_visible_ascii_without_fragment(void **state)
{
    char text[64];

    (void)state;
    for (int c = 1; c < 256; c++) {
        bool good = c >= 0x21 && c <= 0x7e && c != '#';
        snprintf(text, sizeof(text), "GET /0123456789abcdef%c HTTP/1.1\r\n\r\n", c);
        if (c == ' ') {
            continue;
        }
        assert_int_equal(read_request(text).rc, good ? WR_OK : WR_BAD);
    }
}

static void
test_high_bytes_in_the_target_are_a_choice(void **state)
{
    struct wr_head_limits limits = usual;
    static const char text[] = "GET /\xc3\xa9 HTTP/1.1\r\n\r\n";

    (void)state;
    assert_refused(text, 400);
    limits.target_high = true;
    struct reading r = read_head(REQUEST, text, strlen(text), &limits);
    assert_int_equal(r.rc, WR_OK);
    assert_int_equal(r.request.target_len, 3);
}

/* [RFC 9112 2.3], [RFC 9110 2.5] */
static void
test_version_is_one_digit_dot_one_digit(void **state)
{
    (void)state;
    assert_int_equal(read_request("GET / HTTP/1.0\r\n\r\n").request.version, 10);
    assert_int_equal(read_request("GET / HTTP/1.1\r\n\r\n").request.version, 11);
    assert_int_equal(read_request("GET / HTTP/1.9\r\n\r\n").request.version, 11);
    assert_refused("GET / HTTP/2.0\r\n\r\n", 505);
    assert_refused("GET / HTTP/9.1\r\n\r\n", 505);
    assert_refused("GET / HTTP/0.9\r\n\r\n", 400);
    assert_refused("GET / HTTP/1.10\r\n\r\n", 400);
    assert_refused("GET / HTTP/1.01\r\n\r\n", 400);
    assert_refused("GET / HTTP/10.1\r\n\r\n", 400);
    assert_refused("GET / HTTP/1\r\n\r\n", 400);
    assert_refused("GET / HTTP/1.\r\n\r\n", 400);
    assert_refused("GET / HTTP/1,1\r\n\r\n", 400);
    assert_refused("GET / http/1.1\r\n\r\n", 400);
    assert_refused("GET / HTTPS/1.1\r\n\r\n", 400);
    assert_refused("GET / HTTP/1.1X\r\n\r\n", 400);
    assert_refused("GET / \r\n\r\n", 400);
}

static void
test_http_0_9_is_refused(void **state)
{
    (void)state;
    assert_refused("GET /\r\n", 400);
    assert_refused("GET /\r\n\r\n", 400);
}

/* [RFC 9112 2.2] */
static void
test_four_empty_lines_come_before_a_request_and_no_more(void **state)
{
    struct reading r = read_request("\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");

    (void)state;
    assert_int_equal(r.rc, WR_OK);
    assert_int_equal(r.request.method_at, 8);
    assert_int_equal(r.request.bytes, 8 + strlen(GET) + 2);
    assert_field(&r, 0, "Host", "a");
    assert_refused("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", 400);
    assert_refused("\rGET / HTTP/1.1\r\n\r\n", 400);
}

/* [RFC 9112 2.2]: a lone LF is refused everywhere, a lone CR always. */
static void
test_lone_line_ends_are_refused(void **state)
{
    (void)state;
    assert_refused("\nGET / HTTP/1.1\r\n\r\n", 400);
    assert_refused("GET / HTTP/1.1\nHost: a\r\n\r\n", 400);
    assert_refused("GET / HTTP/1.1\r\nHost: a\n\r\n", 400);
    assert_refused("GET / HTTP/1.1\r\nHost: a\r\n\n", 400);
    assert_refused("GET / HTTP/1.1\rHost: a\r\n\r\n", 400);
    assert_refused("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400);
    assert_refused("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400);
    assert_refused("GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n", 400);
}

static void
test_lone_lf_is_a_line_end_when_allowed(void **state)
{
    static const char text[] = "\nGET / HTTP/1.1\nHost: a\nX: b\r\n\n";
    struct wr_head_limits limits = usual;

    (void)state;
    limits.bare_lf = true;
    struct reading r = read_head(REQUEST, text, strlen(text), &limits);
    assert_int_equal(r.rc, WR_OK);
    assert_int_equal(r.request.bytes, strlen(text));
    assert_field(&r, 0, "Host", "a");
    assert_field(&r, 1, "X", "b");
}

/* [RFC 9112 5.1] */
static void
test_blank_before_the_colon_is_refused(void **state)
{
    (void)state;
    assert_refused("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400);
    assert_refused("GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", 400);
    assert_refused("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400);
}

/* [RFC 9112 5.2] */
static void
test_folded_lines_are_refused(void **state)
{
    (void)state;
    assert_refused(GET "X: a\r\n b\r\n\r\n", 400);
    assert_refused(GET "X: a\r\n\tb: c\r\n\r\n", 400);
    assert_refused(GET " \r\n\r\n", 400);
}

static void
test_line_without_colon_is_refused(void **state)
{
    (void)state;
    assert_refused(GET "X\r\n\r\n", 400);
    assert_refused(GET "a name that goes on for more than sixteen bytes\r\n\r\n", 400);
    assert_refused(GET ": b\r\n\r\n", 400);
}

/* [RFC 9110 5.1, 5.6.2] */
static void
test_names_are_tokens(void **state)
{
    char text[64];
    struct wr_head_limits limits = usual;

    (void)state;
    limits.underscores = true;
    for (int c = 1; c < 256; c++) {
        bool good = (c < 0x80 && strchr("!#$%&'*+-.^_`|~", c) != NULL) || (c >= '0' && c <= '9') ||
                    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nx%cy: b\r\n\r\n", c);
        if (c == ':') {
            continue; /* x is the name then */
        }
        struct reading r = read_head(REQUEST, text, strlen(text), &limits);
        assert_int_equal(r.rc, good ? WR_OK : WR_BAD);
    }
    assert_refused("GET / HTTP/1.1\r\nAVeryLongNameOfMoreThan16Bytes(: b\r\n\r\n", 400);
}

static void
test_nul_is_refused_wherever_it_stands(void **state)
{
    static const char text[] = "GET /path HTTP/1.1\r\nHost: a\r\n\r\n";

    (void)state;
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char copy[sizeof(text)];
        memcpy(copy, text, sizeof(text));
        copy[i] = '\0';
        assert_int_equal(read_head(REQUEST, copy, sizeof(text) - 1, &usual).rc, WR_BAD);
    }
}

/* [RFC 9110 5.5]: VCHAR, obs-text, SP, HTAB. */
static void
test_values_hold_no_control_bytes_but_tab(void **state)
{
    char text[96];

    (void)state;
    for (int c = 1; c < 256; c++) {
        bool good = (c >= 0x20 && c != 0x7f) || c == '\t';
        snprintf(text, sizeof(text), GET "X: abcdefghijklmnopqrst%cuvwxyz\r\n\r\n", c);
        struct reading r = read_request(text);
        assert_int_equal(r.rc, good ? WR_OK : WR_BAD);
        if (good) {
            assert_int_equal(r.fields[1].value_len, 27);
        }
    }
}

/* [RFC 9112 5]: OWS is no part of the value. */
static void
test_values_are_trimmed(void **state)
{
    struct reading r =
        read_request(GET "A:b\r\nC:\r\nD: \r\nE:\t f \tg\t \r\nH: \t\r\nI:j k\r\n\r\n");

    (void)state;
    assert_int_equal(r.rc, WR_OK);
    assert_field(&r, 1, "A", "b");
    assert_field(&r, 2, "C", "");
    assert_field(&r, 3, "D", "");
    assert_field(&r, 4, "E", "f \tg");
    assert_field(&r, 5, "H", "");
    assert_field(&r, 6, "I", "j k");
}

static void
test_names_with_underscores_are_dropped_unless_allowed(void **state)
{
    static const char text[] = GET "X_A: 1\r\nX-A: 2\r\n\r\n";
    struct wr_head_limits limits = usual;
    struct reading r = read_request(text);

    (void)state;
    assert_int_equal(r.rc, WR_OK);
    assert_int_equal(r.request.n_fields, 2);
    assert_field(&r, 1, "X-A", "2");
    limits.underscores = true;
    r = read_head(REQUEST, text, strlen(text), &limits);
    assert_int_equal(r.request.n_fields, 3);
    assert_field(&r, 1, "X_A", "1");
}

static void
test_names_that_are_no_tokens_can_be_dropped(void **state)
{
    static const char text[] = GET "a(b: 1\r\nc: 2\r\n\r\n";
    static const char blank[] = GET "Content-Length : 1\r\n\r\n";
    struct wr_head_limits limits = usual;

    (void)state;
    limits.ignore_invalid = true;
    struct reading r = read_head(REQUEST, text, strlen(text), &limits);
    assert_int_equal(r.rc, WR_OK);
    assert_int_equal(r.request.n_fields, 2);
    assert_field(&r, 1, "c", "2");
    assert_int_equal(read_head(REQUEST, blank, strlen(blank), &limits).rc, WR_BAD);
}

/* A limit holds to the byte: a line that just fits passes, one byte more does not. */
static void
test_line_limits_hold_to_the_byte(void **state)
{
    static const char text[] = "GET /1234567 HTTP/1.1\r\nX: 1234567890123456\r\n\r\n";
    struct wr_head_limits limits = usual;

    (void)state;
    limits.line_max = 23;
    limits.field_max = 21;
    assert_int_equal(read_head(REQUEST, text, strlen(text), &limits).rc, WR_OK);
    limits.line_max = 22;
    assert_int_equal(read_head(REQUEST, text, strlen(text), &limits).at_status, 414);
    limits.line_max = 23;
    limits.field_max = 20;
    assert_int_equal(read_head(REQUEST, text, strlen(text), &limits).at_status, 431);
}

static void
test_head_limit_holds_to_the_byte(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    struct wr_head_limits limits = usual;

    (void)state;
    limits.head_max = sizeof(text) - 1;
    assert_int_equal(read_head(REQUEST, text, strlen(text), &limits).rc, WR_OK);
    limits.head_max--;
    assert_int_equal(read_head(REQUEST, text, strlen(text), &limits).at_status, 431);
    limits.head_max = 10;
    assert_int_equal(read_head(REQUEST, text, strlen(text), &limits).at_status, 414);
}

static void
test_too_many_fields_are_431(void **state)
{
    struct wr_head_limits limits = usual;
    static const char text[] = "GET / HTTP/1.1\r\nA: 1\r\nb_b: 2\r\nC: 3\r\n\r\n";

    (void)state;
    limits.fields_max = 3;
    assert_int_equal(read_head(REQUEST, text, strlen(text), &limits).rc, WR_OK);
    limits.fields_max = 2;
    assert_int_equal(read_head(REQUEST, text, strlen(text), &limits).at_status, 431);
    limits.fields_max = 0;
    assert_int_equal(read_head(REQUEST, text, strlen(text), &limits).at_status, 431);
}

static void
test_endless_lines_meet_their_limit_before_they_end(void **state)
{
    char text[2048];

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(read_head(REQUEST, text, sizeof(text), &usual).at_status, 414);
    memcpy(text, GET, strlen(GET));
    assert_int_equal(read_head(REQUEST, text, sizeof(text), &usual).at_status, 431);
}

static void
test_bytes_after_the_head_are_not_looked_at(void **state)
{
    struct reading r = read_request("GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n:::\x01\r\n");

    (void)state;
    assert_int_equal(r.rc, WR_OK);
    assert_int_equal(r.request.bytes, strlen(GET) + 2);
}

/* [RFC 9112 4] */
static void
test_response_is_taken_apart(void **state)
{
    static const char text[] =
        "HTTP/1.1 404 Not\tFound \xe9\r\nServer: x\r\nSet-Cookie: a=b\r\n\r\n";
    struct reading r = read_response(text);

    (void)state;
    assert_int_equal(r.rc, WR_OK);
    assert_int_equal(r.response.status, 404);
    assert_int_equal(r.response.version, 11);
    assert_slice(text, r.response.reason_at, r.response.reason_len, "Not\tFound \xe9");
    assert_int_equal(r.response.n_fields, 2);
    assert_int_equal(r.fields[1].id, WEIR_H_SET_COOKIE);
    assert_field(&r, 1, "Set-Cookie", "a=b");
    assert_int_equal(r.response.bytes, sizeof(text) - 1);
}

static void
test_reason_phrase_may_be_missing(void **state)
{
    (void)state;
    assert_int_equal(read_response("HTTP/1.0 200 \r\n\r\n").rc, WR_OK);
    assert_int_equal(read_response("HTTP/1.0 200\r\n\r\n").rc, WR_OK);
    assert_int_equal(read_response("HTTP/1.0 200\r\n\r\n").response.reason_len, 0);
}

static void
test_responses_that_are_none_are_502(void **state)
{
    static const char *const lies[] = {
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 000 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/0.9 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "<html>\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 O\x01K\r\n\r\n",
        "HTTP/1.1 200 OK\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA\r\n\r\n",
        "HTTP/1.1\t200 OK\r\n\r\n",
        "Server: x\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct reading r = read_response(lies[i]);
        assert_int_equal(r.rc, WR_BAD);
        assert_int_equal(r.at_status, 502);
    }
}

/* [RFC 9112 7.1.2] */
static void
test_trailers_are_read_as_fields(void **state)
{
    static const char text[] = "Checksum: abc\r\nETag: \"x\"\r\n\r\nGET";
    struct wr_head_field fields[FIELDS_MAX];
    struct wr_fault fault;

    (void)state;
    for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
        struct wr_head_scan scan = { 0 };
        struct wr_head_section out = { .fields = fields };
        enum wr_wire rc = wr_http1_section(text, cut, &scan, &usual, &out, &fault);
        assert_int_equal(rc, cut < sizeof(text) - 4 ? WR_MORE : WR_OK);
        if (rc == WR_MORE) {
            rc = wr_http1_section(text, sizeof(text) - 1, &scan, &usual, &out, &fault);
        }
        assert_int_equal(rc, WR_OK);
        assert_int_equal(out.bytes, sizeof(text) - 4);
        assert_int_equal(out.n_fields, 2);
        assert_int_equal(fields[1].id, WEIR_H_ETAG);
    }
}

static void
test_empty_trailer_section_is_one_line(void **state)
{
    struct wr_head_scan scan = { 0 };
    struct wr_head_field fields[FIELDS_MAX];
    struct wr_head_section out = { .fields = fields };
    struct wr_fault fault;

    (void)state;
    assert_int_equal(wr_http1_section("\r\n", 2, &scan, &usual, &out, &fault), WR_OK);
    assert_int_equal(out.bytes, 2);
    assert_int_equal(out.n_fields, 0);
    assert_int_equal(wr_http1_section("\n", 1, &scan, &usual, &out, &fault), WR_BAD);
    assert_int_equal(wr_http1_section("A : b\r\n\r\n", 9, &scan, &usual, &out, &fault), WR_BAD);
}

/* Limits smaller than one vector, over a block that begins with the first line. */
static void
test_small_limits_read_nothing_before_the_head(void **state)
{
    static const char text[] = "A: b\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";

    (void)state;
    for (uint32_t max = 2; max < 20; max++) {
        struct wr_head_limits limits = usual;
        struct wr_head_scan scan = { 0 };
        struct wr_head_field fields[FIELDS_MAX];
        struct wr_head_section out = { .fields = fields };
        struct wr_fault fault = { 0 };
        char *exact = malloc(sizeof(text) - 1);
        assert_non_null(exact);
        memcpy(exact, text, sizeof(text) - 1);
        limits.field_max = max;
        enum wr_wire rc = wr_http1_section(exact, sizeof(text) - 1, &scan, &limits, &out, &fault);
        assert_int_equal(rc, max < 6 ? WR_BAD : WR_OK);
        assert_int_equal(fault.status, max < 6 ? 431 : 0);
        free(exact);
    }
}

/* What the short path of the reader takes and what it leaves to the full one are read alike. */
static void
test_methods_and_versions_change_nothing_in_the_fields(void **state)
{
#define FIELDS "Host: a\r\nX-Long-Name-Of-More-Than-16: v\r\nhOST2:w\r\nAccept:  x \r\n\r\n"
    static const char *const firsts[] = { "GET /a HTTP/1.1\r\n" FIELDS,
                                          "PUT /a HTTP/1.1\r\n" FIELDS,
                                          "GET /a HTTP/1.0\r\n" FIELDS };
#undef FIELDS

    (void)state;
    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        struct reading r = read_request(firsts[i]);
        assert_int_equal(r.rc, WR_OK);
        assert_int_equal(r.request.n_fields, 4);
        assert_field(&r, 0, "Host", "a");
        assert_field(&r, 1, "X-Long-Name-Of-More-Than-16", "v");
        assert_field(&r, 2, "hOST2", "w");
        assert_field(&r, 3, "Accept", "x");
        assert_int_equal(r.fields[0].id, WEIR_H_HOST);
        assert_int_equal(r.fields[2].id, WEIR_H_OTHER);
        assert_int_equal(r.request.marks.n, 1);
        assert_int_equal(r.request.marks.at[0], 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_is_taken_apart),
        cmocka_unit_test(test_head_without_fields_is_complete),
        cmocka_unit_test(test_head_without_its_empty_line_is_incomplete),
        cmocka_unit_test(test_methods_are_exact_tokens),
        cmocka_unit_test(test_tls_handshake_is_refused_at_its_first_byte),
        cmocka_unit_test(test_request_line_has_single_blanks),
        cmocka_unit_test(test_target_is_visible_ascii_without_fragment),
        cmocka_unit_test(test_high_bytes_in_the_target_are_a_choice),
        cmocka_unit_test(test_version_is_one_digit_dot_one_digit),
        cmocka_unit_test(test_http_0_9_is_refused),
        cmocka_unit_test(test_four_empty_lines_come_before_a_request_and_no_more),
        cmocka_unit_test(test_lone_line_ends_are_refused),
        cmocka_unit_test(test_lone_lf_is_a_line_end_when_allowed),
        cmocka_unit_test(test_blank_before_the_colon_is_refused),
        cmocka_unit_test(test_folded_lines_are_refused),
        cmocka_unit_test(test_line_without_colon_is_refused),
        cmocka_unit_test(test_names_are_tokens),
        cmocka_unit_test(test_nul_is_refused_wherever_it_stands),
        cmocka_unit_test(test_values_hold_no_control_bytes_but_tab),
        cmocka_unit_test(test_values_are_trimmed),
        cmocka_unit_test(test_names_with_underscores_are_dropped_unless_allowed),
        cmocka_unit_test(test_names_that_are_no_tokens_can_be_dropped),
        cmocka_unit_test(test_line_limits_hold_to_the_byte),
        cmocka_unit_test(test_head_limit_holds_to_the_byte),
        cmocka_unit_test(test_too_many_fields_are_431),
        cmocka_unit_test(test_endless_lines_meet_their_limit_before_they_end),
        cmocka_unit_test(test_bytes_after_the_head_are_not_looked_at),
        cmocka_unit_test(test_response_is_taken_apart),
        cmocka_unit_test(test_reason_phrase_may_be_missing),
        cmocka_unit_test(test_responses_that_are_none_are_502),
        cmocka_unit_test(test_trailers_are_read_as_fields),
        cmocka_unit_test(test_empty_trailer_section_is_one_line),
        cmocka_unit_test(test_small_limits_read_nothing_before_the_head),
        cmocka_unit_test(test_methods_and_versions_change_nothing_in_the_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
