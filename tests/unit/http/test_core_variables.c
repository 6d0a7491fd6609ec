/* The core's own variables, by what nginx's documentation says of those names. */
#include "unit/http/vars.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/client_addr.h"
#include "wire/escape.h"

/* ---- The head. ---- */

static void
test_arguments(void **state)
{
    (void)state;
    assert_null(var("args").data);
    assert_str(var("is_args"), "");
    w.r.pub.args = WEIR_STR("a=1&b=x%20y&a=2&C=3&empty=");
    assert_str(var("args"), "a=1&b=x%20y&a=2&C=3&empty=");
    assert_str(var("query_string"), "a=1&b=x%20y&a=2&C=3&empty=");
    assert_str(var("is_args"), "?");
    assert_str(var("arg_a"), "1");
    assert_str(var("arg_b"), "x%20y");
    assert_str(var("arg_c"), "3");
    assert_str(var("arg_empty"), "");
    assert_null(var("arg_none").data);
}

static void
test_set_changes_the_arguments(void **state)
{
    int32_t i = weir_var_declare(&w.cf, WEIR_STR("args"));

    (void)state;
    assert_true(i >= 0);
    assert_int_equal(weir_var_set(&w.r.pub, i, WEIR_STR("n=1")), WEIR_OK);
    assert_str(w.r.pub.args, "n=1");
    assert_str(var("arg_n"), "1");
}

static void
test_names_of_the_target(void **state)
{
    (void)state;
    w.r.pub.path = WEIR_STR("/a b");
    w.r.pub.target = WEIR_STR("/x/../a%20b?c");
    w.r.line = WEIR_STR("GET /x/../a%20b?c HTTP/1.1");
    w.r.pub.method_name = WEIR_STR("GET");
    assert_str(var("uri"), "/a b");
    assert_str(var("document_uri"), "/a b");
    assert_str(var("request_uri"), "/x/../a%20b?c");
    assert_str(var("request"), "GET /x/../a%20b?c HTTP/1.1");
    assert_str(var("request_method"), "GET");
    assert_str(var("server_protocol"), "HTTP/1.1");
}

static void
test_request_uri_is_path_and_query_of_an_absolute_target(void **state)
{
    (void)state;
    w.r.pub.target = WEIR_STR("http://host:80/p?q");
    assert_str(var("request_uri"), "/p?q");
    w.r.pub.target = WEIR_STR("http://host");
    assert_str(var("request_uri"), "/");
    w.r.pub.target = WEIR_STR("http://host?q");
    assert_str(var("request_uri"), "/?q");
    w.r.pub.target = WEIR_STR("*");
    assert_str(var("request_uri"), "*");
}

static void
test_host_is_the_name_of_the_server_without_one(void **state)
{
    (void)state;
    assert_str(var("host"), "main.test");
    w.r.pub.host = WEIR_STR("a.test");
    assert_str(var("host"), "a.test");
    assert_str(var("server_name"), "main.test");
}

static void
test_the_port_of_the_request(void **state)
{
    (void)state;
    assert_str(eval("h$is_request_port$request_port"), "h");
    w.r.host_port = 8080;
    assert_str(eval("h$is_request_port$request_port"), "h:8080");
}

static void
test_fields_are_found_as_variables_spell_them(void **state)
{
    (void)state;
    field_in("X-Own_Field", "1");
    field_in("User-Agent", "ua");
    assert_str(var("http_x_own_field"), "1");
    assert_str(var("http_user_agent"), "ua");
    assert_null(var("http_x_own").data);
    assert_null(var("http_referer").data);
}

static void
test_repeated_fields_are_joined(void **state)
{
    (void)state;
    field_in("X-Forwarded-For", "1.1.1.1");
    field_in("Cookie", "a=1");
    field_in("X-Forwarded-For", "2.2.2.2");
    field_in("Cookie", "b=2; A=3");
    field_in("x-own", "p");
    field_in("X-OWN", "q");
    assert_str(var("http_x_forwarded_for"), "1.1.1.1, 2.2.2.2");
    assert_str(var("http_cookie"), "a=1; b=2; A=3");
    assert_str(var("http_x_own"), "p, q");
    assert_str(var("cookie_b"), "2");
    assert_str(var("cookie_A"), "1");
    assert_null(var("cookie_c").data);
}

static void
test_content_length_and_type(void **state)
{
    (void)state;
    assert_null(var("content_length").data);
    w.r.pub.in_length = 7;
    assert_str(var("content_length"), "7");
    field_in("Content-Length", "8");
    field_in("Content-Type", "text/x");
    assert_str(var("content_length"), "8");
    assert_str(var("content_type"), "text/x");
}

static void
test_trailers_of_the_request(void **state)
{
    struct wr_fields trailers = { .first = NULL };

    (void)state;
    assert_null(var("trailer_x_none").data);
    w.r.trailers_in = &trailers;
    add_field(&trailers, "X-Sum", "s");
    assert_str(var("trailer_x_sum"), "s");
    assert_null(var("trailer_x_none").data);
    assert_null(var("http_x_sum").data);
}

static void
expect_user(const char *credentials, const char *user)
{
    weir_str got;

    w.r.in = (struct wr_fields){ .n = 0 };
    field_in("Authorization", credentials);
    got = var("remote_user");
    if (user == NULL) {
        assert_null(got.data);
    } else {
        assert_str(got, user);
    }
}

static void
test_remote_user_is_the_name_in_basic_credentials(void **state)
{
    (void)state;
    assert_null(var("remote_user").data);
    expect_user("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin"); /* [RFC 7617 2] */
    expect_user("bASIC  dTpwOnE=", "u");                          /* u:p:q */
    expect_user("Basic dXNlcg==", NULL);                          /* no colon */
    expect_user("Basic OnB3", NULL);                              /* no name */
    expect_user("Basic !", NULL);
    expect_user("Basic", NULL);
    expect_user("Bearer dTpw", NULL);
}

static void
test_request_id_is_one_for_a_request_and_its_subrequests(void **state)
{
    struct wr_request sub;
    weir_str id = var("request_id");

    (void)state;
    assert_int_equal(id.len, 32);
    for (size_t i = 0; i < id.len; i++) {
        assert_non_null(memchr("0123456789abcdef", id.data[i], 16));
    }
    request_init(&sub, &w.r);
    assert_true(weir_str_eq(eval_of(&sub, "$request_id"), id));
    request_init(&w.r, &w.r);
    assert_false(weir_str_eq(var("request_id"), id));
}

static void
test_request_length_counts_head_and_body(void **state)
{
    (void)state;
    w.r.head_bytes = 100;
    w.r.body_bytes = 23;
    assert_str(var("request_length"), "123");
    assert_null(var("request_body").data);
    assert_null(var("request_body_file").data);
}

/* ---- The connection. ---- */

static void
peer_v4(const char *addr, uint16_t port)
{
    w.conn.peer.v4.sin_family = AF_INET;
    w.conn.peer.v4.sin_port = htons(port);
    assert_int_equal(inet_pton(AF_INET, addr, &w.conn.peer.v4.sin_addr), 1);
}

static void
test_the_client(void **state)
{
    (void)state;
    peer_v4("192.0.2.7", 40000);
    assert_str(var("remote_addr"), "192.0.2.7");
    assert_str(var("remote_port"), "40000");
    assert_int_equal(var("binary_remote_addr").len, 4);
    assert_memory_equal(var("binary_remote_addr").data, "\xc0\x00\x02\x07", 4);
    assert_int_equal(weir_client_addr_bytes(&w.r.pub).len, 4);
}

static void
test_a_unix_client_has_no_port(void **state)
{
    (void)state;
    w.conn.peer.family = AF_UNIX;
    assert_str(var("remote_addr"), "unix:");
    assert_str(var("remote_port"), "");
    assert_str(var("binary_remote_addr"), "unix:");
    assert_int_equal(weir_client_addr_bytes(&w.r.pub).len, 0);
    assert_non_null(weir_client_addr_bytes(&w.r.pub).data);
}

static void
test_the_client_can_be_corrected(void **state)
{
    struct wr_request sub;

    (void)state;
    peer_v4("192.0.2.7", 40000);
    request_init(&sub, &w.r);
    assert_int_equal(weir_set_client_addr(&sub.pub, WEIR_STR("2001:DB8:0::1"), 81), WEIR_OK);
    assert_str(var("remote_addr"), "2001:db8::1");
    assert_str(var("remote_port"), "81");
    assert_int_equal(var("binary_remote_addr").len, 16);
    assert_memory_equal(var("binary_remote_addr").data, "\x20\x01\x0d\xb8", 4);
    assert_int_equal(weir_set_client_addr(&w.r.pub, WEIR_STR("10.0.0.1"), 0), WEIR_OK);
    assert_str(eval_of(&sub, "$remote_addr:$remote_port"), "10.0.0.1:");
}

static void
test_what_is_no_address_is_refused(void **state)
{
    static const char *const bad[] = { "", "10.0.0", "10.0.0.1:80", "[::1]", "host", "10.0.0.256", "::1 " };

    (void)state;
    peer_v4("192.0.2.7", 1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(weir_set_client_addr(&w.r.pub, weir_str_c(bad[i]), 1), WEIR_INVALID);
    }
    assert_int_equal(weir_set_client_addr(&w.r.pub, (weir_str){ "::1\0x", 5 }, 1), WEIR_INVALID);
    assert_int_equal(weir_set_client_addr(&w.r.pub, WEIR_STR("::1"), 65536), WEIR_INVALID);
    assert_str(var("remote_addr"), "192.0.2.7");
}

static void
test_our_end(void **state)
{
    (void)state;
    w.listen.addr.at.v4.sin_family = AF_INET;
    w.listen.addr.at.v4.sin_port = htons(8080);
    w.listen.addr.at.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    w.listen.addr.len = sizeof(w.listen.addr.at.v4);
    assert_str(eval("$server_addr:$server_port"), "127.0.0.1:8080");
}

static void
test_our_end_behind_a_wildcard_is_asked_from_the_system(void **state)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    w.conn.io.fd = fd;
    w.listen.addr.at.v4.sin_family = AF_INET;
    w.listen.addr.len = sizeof(w.listen.addr.at.v4);
    assert_str(var("server_addr"), "127.0.0.1");
    assert_non_null(var("tcpinfo_rtt").data);
    assert_non_null(var("tcpinfo_rcv_space").data);
    close(fd);
}

static void
test_tcpinfo_is_absent_where_there_is_none(void **state)
{
    (void)state;
    assert_null(var("tcpinfo_rtt").data);
}

static void
test_the_life_of_the_connection(void **state)
{
    (void)state;
    wr_clock.now_ms = 100000;
    w.conn.number = 17;
    w.r.nth = 3;
    w.conn.since_ms = 100000 - 61007;
    assert_str(eval("$connection $connection_requests $connection_time $pipe"), "17 3 61.007 .");
    w.r.pipelined = true;
    assert_str(var("pipe"), "p");
}

static void
test_scheme_and_https(void **state)
{
    (void)state;
    assert_str(eval("$scheme|$https|$http2"), "http||");
    w.r.pub.flags |= WEIR_R_TLS;
    w.r.pub.version = 20;
    assert_str(eval("$scheme|$https|$http2|$server_protocol"), "https|on|h2|HTTP/2.0");
}

static void
test_the_proxy_header(void **state)
{
    static const char tlvs[] = "\x01\x00\x02h2"              /* ALPN */
                               "\x20\x00\x0d\x01\x00\x00\x00\x05" /* TLS, verify 5 */
                               "\x22\x00\x05" "a.com"             /* its CN */
                               "\xe0\x00\x01x";
    struct wr_proxy_protocol p = { .version = 2, .tlvs = { tlvs, sizeof(tlvs) - 1 } };

    (void)state;
    assert_null(var("proxy_protocol_addr").data);
    assert_null(var("proxy_protocol_tlv_alpn").data);
    p.source.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(0x0a000001) };
    p.destination.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(2), .sin_addr.s_addr = htonl(0x0a000002) };
    w.conn.proxied = &p;
    assert_str(eval("$proxy_protocol_addr:$proxy_protocol_port"), "10.0.0.1:1");
    assert_str(eval("$proxy_protocol_server_addr:$proxy_protocol_server_port"), "10.0.0.2:2");
    assert_str(var("proxy_protocol_tlv_alpn"), "h2");
    assert_str(var("proxy_protocol_tlv_0x01"), "h2");
    assert_str(var("proxy_protocol_tlv_0xE0"), "x");
    assert_str(var("proxy_protocol_tlv_ssl_cn"), "a.com");
    assert_str(var("proxy_protocol_tlv_ssl_verify"), "5");
    assert_null(var("proxy_protocol_tlv_authority").data);
    assert_null(var("proxy_protocol_tlv_0x100").data);
    assert_null(var("proxy_protocol_tlv_other").data);
    p.source.family = p.destination.family = AF_UNSPEC;
    assert_null(var("proxy_protocol_addr").data);
}

/* ---- The answer. ---- */

static void
test_status_has_three_digits(void **state)
{
    (void)state;
    assert_str(var("status"), "000");
    w.r.pub.status = 404;
    assert_str(var("status"), "404");
}

static void
test_bytes_that_were_sent(void **state)
{
    (void)state;
    assert_str(eval("$bytes_sent|$body_bytes_sent"), "0|0");
    w.r.sent_head = 200;
    w.r.sent_body = 5000;
    assert_str(eval("$bytes_sent|$body_bytes_sent"), "5200|5000");
}

static void
test_completion_is_told_of_whole_answers(void **state)
{
    (void)state;
    assert_str(var("request_completion"), "");
    w.r.answer = WR_ANSWER_LAST;
    assert_str(var("request_completion"), "OK");
    w.r.cut = true;
    assert_str(var("request_completion"), "");
}

static void
test_limit_rate_is_the_settings_or_what_was_set(void **state)
{
    int32_t i = weir_var_declare(&w.cf, WEIR_STR("limit_rate"));

    (void)state;
    assert_str(var("limit_rate"), "0");
    w.loc_conf.limit_rate = weir_value_compile(&w.cf, WEIR_STR("10k"));
    assert_str(var("limit_rate"), "10240");
    assert_int_equal(weir_var_set(&w.r.pub, i, WEIR_STR("4k")), WEIR_OK);
    assert_str(var("limit_rate"), "4096");
    assert_true(w.r.has_limit_rate && w.r.limit_rate == 4096);
    w.r.log.pub.level = 0;
    assert_int_equal(weir_var_set(&w.r.pub, i, WEIR_STR("fast")), WEIR_OK);
    assert_str(var("limit_rate"), "4096");
}

static void
test_fields_of_the_answer(void **state)
{
    struct wr_fields out = { .n = 0 }, trailers = { .n = 0 };

    (void)state;
    assert_null(var("sent_http_content_type").data);
    add_field(&out, "Content-Type", "text/html");
    add_field(&out, "Link", "<a>");
    add_field(&out, "Link", "<b>");
    add_field(&out, "X-Own", "own");
    add_field(&trailers, "X-T", "t");
    w.r.out = &out;
    w.r.pub.out = out.index;
    w.r.pub.out_first = out.first;
    assert_str(eval("$sent_http_content_type|$sent_http_link|$sent_http_x_own"), "text/html|<a>, <b>|own");
    assert_null(var("sent_trailer_x_t").data);
    w.r.trailers = &trailers;
    assert_str(var("sent_trailer_x_t"), "t");
}

static void
test_fields_that_the_driver_writes(void **state)
{
    (void)state;
    w.r.pub.status = 200;
    w.r.pub.flags = WEIR_R_HEAD_SENT;
    w.loc_conf.chunked = true;
    w.loc_conf.keepalive_header_s = 60;
    w.r.pub.out_length = 12;
    w.r.keep_alive = true;
    assert_str(var("sent_http_content_length"), "12");
    assert_null(var("sent_http_transfer_encoding").data);
    assert_str(eval("$sent_http_connection|$sent_http_keep_alive"), "keep-alive|timeout=60");
    w.r.pub.out_length = -1;
    w.r.keep_alive = false;
    assert_null(var("sent_http_content_length").data);
    assert_str(var("sent_http_transfer_encoding"), "chunked");
    assert_str(var("sent_http_connection"), "close");
    assert_null(var("sent_http_keep_alive").data);
    w.r.pub.version = 10;
    assert_null(var("sent_http_transfer_encoding").data);
    w.r.pub.version = 20;
    assert_null(var("sent_http_connection").data);
}

/* ---- Clock and process. ---- */

static void
test_times(void **state)
{
    (void)state;
    wr_clock_update();
    wr_clock.wall_s = 1700000000;
    wr_clock.wall_ms = 9;
    wr_clock.now_ms = 5000;
    w.r.pub.started = 3950;
    assert_str(var("msec"), "1700000000.009");
    assert_str(var("request_time"), "1.050");
    assert_str(var("time_local"), wr_clock.clf_time);
    assert_str(var("time_iso8601"), wr_clock.iso_time);
}

static void
test_the_process(void **state)
{
    char pid[24];

    (void)state;
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    assert_str(var("pid"), pid);
    assert_true(var("hostname").len != 0);
    assert_true(var("nginx_version").len != 0);
    assert_true(var("weir_version").len != 0);
}

/* Whatever the client sends: what such a variable holds is not made of its bytes. */
static void
test_plain_variables_need_no_escape(void **state)
{
    const char *row = wr_core_variables_module.variables.at;
    uint32_t seen = 0;

    (void)state;
    w.r.pub.method_name = w.r.line = w.r.authority = WEIR_STR("\"\\\x01");
    w.r.pub.path = w.r.pub.target = w.r.pub.args = w.r.pub.host = WEIR_STR("/\"\\\xff");
    field_in("Host", "\"\\");
    for (uint32_t i = 0; i < wr_core_variables_module.variables.count; i++) {
        const weir_variable *v = (const weir_variable *)(const void *)row;
        if (v->flags & WR_VAR_PLAIN) {
            assert_true(wr_escape_keeps(var(v->name), WEIR_ESCAPE_LOG));
            seen++;
        }
        row += wr_core_variables_module.variables.stride;
    }
    assert_true(seen > 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_arguments),
        TEST(test_plain_variables_need_no_escape),
        TEST(test_set_changes_the_arguments),
        TEST(test_names_of_the_target),
        TEST(test_request_uri_is_path_and_query_of_an_absolute_target),
        TEST(test_host_is_the_name_of_the_server_without_one),
        TEST(test_the_port_of_the_request),
        TEST(test_fields_are_found_as_variables_spell_them),
        TEST(test_repeated_fields_are_joined),
        TEST(test_content_length_and_type),
        TEST(test_trailers_of_the_request),
        TEST(test_remote_user_is_the_name_in_basic_credentials),
        TEST(test_request_id_is_one_for_a_request_and_its_subrequests),
        TEST(test_request_length_counts_head_and_body),
        TEST(test_the_client),
        TEST(test_a_unix_client_has_no_port),
        TEST(test_the_client_can_be_corrected),
        TEST(test_what_is_no_address_is_refused),
        TEST(test_our_end),
        TEST(test_our_end_behind_a_wildcard_is_asked_from_the_system),
        TEST(test_tcpinfo_is_absent_where_there_is_none),
        TEST(test_the_life_of_the_connection),
        TEST(test_scheme_and_https),
        TEST(test_the_proxy_header),
        TEST(test_status_has_three_digits),
        TEST(test_bytes_that_were_sent),
        TEST(test_completion_is_told_of_whole_answers),
        TEST(test_limit_rate_is_the_settings_or_what_was_set),
        TEST(test_fields_of_the_answer),
        TEST(test_fields_that_the_driver_writes),
        TEST(test_times),
        TEST(test_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
