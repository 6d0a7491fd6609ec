/* tests/unit/wire/test_host.c - uri-host [":" port], strictly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "wire/host.h"

static bool
parse(const char *text, size_t len, char *host, uint32_t *port)
{
    char *exact = malloc(len + (len == 0));
    weir_str out = { NULL, 0 };
    bool good;

    assert_non_null(exact);
    memcpy(exact, text, len);
    good = wr_host_parse((weir_str){ exact, len }, &out, port);
    if (good) {
        memcpy(host, out.data, out.len);
        host[out.len] = '\0';
    }
    free(exact);
    return good;
}

static void
assert_host(const char *text, const char *host, uint32_t port)
{
    char got[256];
    uint32_t got_port = 77;

    assert_true(parse(text, strlen(text), got, &got_port));
    assert_string_equal(got, host);
    assert_int_equal(got_port, port);
}

static void
assert_no_host(const char *text)
{
    char got[256];
    uint32_t port = 77;

    if (parse(text, strlen(text), got, &port)) {
        print_error("taken for a host: %s\n", text);
        fail();
    }
    assert_int_equal(port, 77);
}

/* [RFC 3986 3.2.2] */
static void
test_names_and_addresses_are_hosts(void **state)
{
    (void)state;
    assert_host("example.org", "example.org", 0);
    assert_host("Example.ORG:8080", "Example.ORG", 8080);
    assert_host("127.0.0.1:80", "127.0.0.1", 80);
    assert_host("a_b~c", "a_b~c", 0);
    assert_host("a!$&'()*+,;=b", "a!$&'()*+,;=b", 0);
    assert_host("%41b%2dc", "%41b%2dc", 0);
    assert_host("example.org.", "example.org.", 0);
}

/* [RFC 3986 3.2.2] */
static void
test_ip_literals_are_hosts(void **state)
{
    (void)state;
    assert_host("[::1]", "[::1]", 0);
    assert_host("[2001:db8::7]:443", "[2001:db8::7]", 443);
    assert_host("[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.1]", 1);
    assert_host("[v1f.a:b]", "[v1f.a:b]", 0);
}

/* [RFC 3986 3.2.3]: the digits may be missing. */
static void
test_port_is_a_number_of_a_port(void **state)
{
    (void)state;
    assert_host("a:", "a", 0);
    assert_host("a:1", "a", 1);
    assert_host("a:65535", "a", 65535);
    assert_host("a:0080", "a", 80);
    assert_no_host("a:65536");
    assert_no_host("a:0");
    assert_no_host("a:-1");
    assert_no_host("a:+1");
    assert_no_host("a:8x");
    assert_no_host("a: 80");
    assert_no_host("a:80:80");
    assert_no_host("a:99999999999999999999999");
}

static void
test_bytes_outside_the_grammar_are_refused(void **state)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-._~!$&'()*+,;=";

    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[3] = { 'a', (char)c, 'b' };
        char host[8];
        uint32_t port;
        bool good = c != 0 && strchr(allowed, c) != NULL;
        assert_int_equal(parse(text, 3, host, &port), good);
    }
}

static void
test_malformed_hosts_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        ":80",
        "user@host",
        "u:p@host",
        "a%",
        "a%4",
        "a%zz",
        "[",
        "[]",
        "[::1",
        "::1",
        "[::1]x",
        "[::1]80",
        "[1.2.3.4]",
        "[:::1]",
        "[::1%25lo]",
        "[::g]",
        "]",
        "a]",
        "[v1]",
        "[v.a]",
        "[vg.a]",
        "[v1.]",
        "[v1.a/b]",
        "a b",
        " a",
        "a ",
        "a/b",
        "a?b",
        "a#b",
        "a\\b",
        "a\"b",
        "a<b>",
        "a^b",
        "http://a",
        "[1:2:3:4:5:6:7:8:9]",
        "[0000000000000000000000000000000000000000000000000::1]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_no_host(bad[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_addresses_are_hosts),
        cmocka_unit_test(test_ip_literals_are_hosts),
        cmocka_unit_test(test_port_is_a_number_of_a_port),
        cmocka_unit_test(test_bytes_outside_the_grammar_are_refused),
        cmocka_unit_test(test_malformed_hosts_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
