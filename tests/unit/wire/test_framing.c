/* tests/unit/wire/test_framing.c - where a message ends, and what is refused because two readers
 * could disagree. */
#include "unit/wire/heads.h"

#include <stdio.h>
#include <weir/request.h>
#include "wire/framing.h"

struct judged {
    enum wr_wire rc;
    uint32_t status;
    struct wr_framing f;
};

/* fields: whole field lines with their CRLF. */
static struct judged
judge_request(const char *first, const char *fields)
{
    static char text[2048];
    struct wr_head_field array[FIELDS_MAX];
    struct wr_request_head head = { .fields = array };
    struct wr_head_scan scan = { 0 };
    struct wr_fault fault = { 0 };
    struct judged j = { 0 };
    size_t len = (size_t)snprintf(text, sizeof(text), "%s\r\n%s\r\n", first, fields);

    assert_int_equal(wr_http1_request_head(text, len, &scan, &usual, &head, &fault), WR_OK);
    j.rc = wr_framing_request(text, &head, &j.f, &fault);
    j.status = fault.status;
    return j;
}

static struct judged
judge_11(const char *fields)
{
    char all[1024];

    snprintf(all, sizeof(all), "Host: a\r\n%s", fields);
    return judge_request("POST / HTTP/1.1", all);
}

static struct judged
judge_10(const char *fields)
{
    return judge_request("POST / HTTP/1.0", fields);
}

static void
assert_bad(struct judged j, uint32_t status)
{
    assert_int_equal(j.rc, WR_BAD);
    assert_int_equal(j.status, status);
}

static struct judged
judge_response(uint32_t method, const char *text)
{
    static char copy[2048];
    struct wr_head_field array[FIELDS_MAX];
    struct wr_response_head head = { .fields = array };
    struct wr_head_scan scan = { 0 };
    struct wr_fault fault = { 0 };
    struct judged j = { 0 };
    size_t len = strlen(text);

    memcpy(copy, text, len + 1);
    assert_int_equal(wr_http1_response_head(copy, len, &scan, &usual, &head, &fault), WR_OK);
    j.rc = wr_framing_response(copy, &head, method, &j.f, &fault);
    j.status = fault.status;
    return j;
}

/* [RFC 9112 6.3] rule 7 */
static void
test_request_without_lengths_has_no_body(void **state)
{
    struct judged j = judge_11("");

    (void)state;
    assert_int_equal(j.rc, WR_OK);
    assert_int_equal(j.f.length, 0);
    assert_false(j.f.length_given);
}

/* [RFC 9110 8.6] */
static void
test_content_length_is_digits(void **state)
{
    static const char *const bad[] = { "+5",
                                       "-5",
                                       "5 5",
                                       "5,5",
                                       "5, 5",
                                       "0x5",
                                       "5.0",
                                       "",
                                       "5a",
                                       "9223372036854775808",
                                       "18446744073709551616",
                                       "99999999999999999999999999" };

    (void)state;
    assert_int_equal(judge_11("Content-Length: 5\r\n").f.length, 5);
    assert_int_equal(judge_11("Content-Length: 0\r\n").f.length, 0);
    assert_int_equal(judge_11("Content-Length: 0005\r\n").f.length, 5);
    assert_true(judge_11("Content-Length: 9223372036854775807\r\n").f.length == INT64_MAX);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char line[96];
        snprintf(line, sizeof(line), "Content-Length: %s\r\n", bad[i]);
        assert_bad(judge_11(line), 400);
    }
}

/* [RFC 9112 6.3] rule 5 */
static void
test_two_lengths_are_refused(void **state)
{
    (void)state;
    assert_bad(judge_11("Content-Length: 5\r\nContent-Length: 6\r\n"), 400);
    assert_bad(judge_11("Content-Length: 5\r\nContent-Length: 5\r\n"), 400);
}

/* [RFC 9112 6.1, 7] */
static void
test_transfer_encoding_is_chunked_alone(void **state)
{
    (void)state;
    assert_int_equal(judge_11("Transfer-Encoding: chunked\r\n").f.length, WR_LENGTH_CHUNKED);
    assert_int_equal(judge_11("Transfer-Encoding: ChunKed\r\n").f.length, WR_LENGTH_CHUNKED);
    assert_bad(judge_11("Transfer-Encoding: cow\r\n"), 501);
    assert_bad(judge_11("Transfer-Encoding: identity\r\n"), 501);
    assert_bad(judge_11("Transfer-Encoding: gzip, chunked\r\n"), 501);
    assert_bad(judge_11("Transfer-Encoding: cow, chunked\r\n"), 501);
    assert_bad(judge_11("Transfer-Encoding: chunked, gzip\r\n"), 400);
    assert_bad(judge_11("Transfer-Encoding: chunked, chunked\r\n"), 400);
    assert_bad(judge_11("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
    assert_bad(judge_11("Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n"), 400);
    assert_bad(judge_11("Transfer-Encoding:\r\n"), 400);
    assert_bad(judge_11("Transfer-Encoding: ,chunked\r\n"), 400);
    assert_bad(judge_11("Transfer-Encoding: chunked,\r\n"), 400);
    assert_bad(judge_11("Transfer-Encoding: chunked;a=b\r\n"), 400);
    assert_bad(judge_11("Transfer-Encoding: \"chunked\"\r\n"), 400);
    assert_bad(judge_11("Transfer-Encoding: xchunked\r\n"), 501);
}

/* [RFC 9112 6.1] */
static void
test_transfer_encoding_beside_content_length_is_refused(void **state)
{
    (void)state;
    assert_bad(judge_11("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400);
    assert_bad(judge_11("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400);
}

/* [RFC 9112 6.1] */
static void
test_transfer_encoding_in_1_0_is_refused(void **state)
{
    (void)state;
    assert_bad(judge_10("Transfer-Encoding: chunked\r\n"), 400);
}

/* [RFC 9112 3.2] */
static void
test_host_is_there_once(void **state)
{
    (void)state;
    assert_bad(judge_request("GET / HTTP/1.1", ""), 400);
    assert_bad(judge_request("GET / HTTP/1.1", "Host: a\r\nHost: a\r\n"), 400);
    assert_bad(judge_request("GET / HTTP/1.0", "Host: a\r\nHost: b\r\n"), 400);
    assert_null(judge_request("GET / HTTP/1.0", "").f.host.data);
    struct judged j = judge_request("GET / HTTP/1.1", "HOST: a:80\r\n");
    assert_int_equal(j.rc, WR_OK);
    assert_true(weir_str_eq(j.f.host, WEIR_STR("a:80")));
    j = judge_request("GET / HTTP/1.1", "Host:\r\n");
    assert_non_null(j.f.host.data);
    assert_int_equal(j.f.host.len, 0);
}

/* [RFC 9112 9.3] */
static void
test_connection_options_decide_persistence(void **state)
{
    (void)state;
    assert_true(judge_11("").f.persistent);
    assert_false(judge_10("").f.persistent);
    assert_false(judge_11("Connection: close\r\n").f.persistent);
    assert_false(judge_11("Connection: foo, CLOSE\r\n").f.persistent);
    assert_true(judge_11("Connection: closed\r\n").f.persistent);
    assert_true(judge_10("Connection: Keep-Alive\r\n").f.persistent);
    assert_false(judge_10("Connection: keep-alive, close\r\n").f.persistent);
    assert_false(judge_11("Connection: keep-alive\r\nConnection: close\r\n").f.persistent);
}

/* [RFC 9110 7.6.1, 7.8] */
static void
test_connection_options_are_a_list(void **state)
{
    struct judged j = judge_11("Connection: ,\t keep-alive ,, Upgrade,\r\n");

    (void)state;
    assert_true(j.f.keep_alive);
    assert_true(j.f.upgrade);
    assert_false(j.f.close);
    assert_false(j.f.nominated);
    assert_true(judge_11("Connection: X-Foo\r\n").f.nominated);
    assert_false(judge_10("Connection: upgrade\r\n").f.upgrade);
}

/* [RFC 9110 10.1.1] */
static void
test_only_100_continue_can_be_expected(void **state)
{
    (void)state;
    assert_true(judge_11("Expect: 100-Continue\r\n").f.expect_continue);
    assert_false(judge_10("Expect: 100-continue\r\n").f.expect_continue);
    assert_bad(judge_11("Expect: 200-ok\r\n"), 417);
    assert_bad(judge_11("Expect: 100-continue, more\r\n"), 417);
}

/* [RFC 9112 6.3] rules 1-2 */
static void
test_some_responses_have_no_body_whatever_they_say(void **state)
{
    (void)state;
    assert_int_equal(
        judge_response(WEIR_HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").f.length, 0);
    assert_int_equal(
        judge_response(WEIR_GET, "HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n").f.length, 0);
    assert_int_equal(judge_response(WEIR_GET, "HTTP/1.1 204 x\r\n\r\n").f.length, 0);
    assert_int_equal(judge_response(WEIR_GET, "HTTP/1.1 103 x\r\n\r\n").f.length, 0);
    assert_int_equal(judge_response(WEIR_CONNECT, "HTTP/1.1 200 x\r\n\r\n").f.length, 0);
}

/* [RFC 9112 6.3] rules 4-8 */
static void
test_response_length_comes_from_its_fields_or_the_close(void **state)
{
    struct judged j = judge_response(WEIR_GET, "HTTP/1.1 200 OK\r\n\r\n");

    (void)state;
    assert_int_equal(j.f.length, WR_LENGTH_UNTIL_CLOSE);
    assert_false(j.f.persistent);
    j = judge_response(WEIR_GET, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
    assert_int_equal(j.f.length, 7);
    assert_true(j.f.persistent);
    j = judge_response(WEIR_GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(j.f.length, WR_LENGTH_CHUNKED);
}

static void
test_responses_with_unclear_length_are_502(void **state)
{
    (void)state;
    assert_bad(judge_response(WEIR_GET,
                              "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 8\r\n\r\n"),
               502);
    assert_bad(judge_response(WEIR_GET, "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), 502);
    assert_bad(judge_response(WEIR_GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"), 502);
    assert_bad(judge_response(WEIR_GET, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
               502);
    assert_bad(
        judge_response(
            WEIR_GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"),
        502);
}

/* The reader notes a few of these fields; more of them must not hide one. */
static void
test_many_framing_fields_are_all_seen(void **state)
{
#define FIVE "Connection: a\r\nConnection: b\r\nConnection: c\r\nConnection: d\r\nConnection: e\r\n"
    (void)state;
    assert_int_equal(judge_11(FIVE "Content-Length: 7\r\n").f.length, 7);
    assert_true(judge_11(FIVE "Connection: close\r\n").f.close);
    assert_bad(judge_11(FIVE "Host: b\r\n"), 400);
    assert_bad(judge_11("Content-Length: 7\r\n" FIVE "Transfer-Encoding: chunked\r\n"), 400);
#undef FIVE
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_without_lengths_has_no_body),
        cmocka_unit_test(test_content_length_is_digits),
        cmocka_unit_test(test_two_lengths_are_refused),
        cmocka_unit_test(test_transfer_encoding_is_chunked_alone),
        cmocka_unit_test(test_transfer_encoding_beside_content_length_is_refused),
        cmocka_unit_test(test_transfer_encoding_in_1_0_is_refused),
        cmocka_unit_test(test_host_is_there_once),
        cmocka_unit_test(test_connection_options_decide_persistence),
        cmocka_unit_test(test_connection_options_are_a_list),
        cmocka_unit_test(test_only_100_continue_can_be_expected),
        cmocka_unit_test(test_some_responses_have_no_body_whatever_they_say),
        cmocka_unit_test(test_response_length_comes_from_its_fields_or_the_close),
        cmocka_unit_test(test_responses_with_unclear_length_are_502),
        cmocka_unit_test(test_many_framing_fields_are_all_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
