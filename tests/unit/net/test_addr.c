/* Addresses from text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "net/addr.h"

static bool
parse(const char *text, uint16_t port, struct wr_addr *a)
{
    struct wr_err err = { "" };
    bool ok = wr_addr_parse(weir_str_c(text), port, false, a, &err);

    assert_int_equal(ok, err.text[0] == '\0');
    return ok;
}

/* text, read with `port` for its default, is written as `want`. */
static void
becomes(const char *text, uint16_t port, const char *want, const char *want_bare)
{
    char room[WR_ADDR_TEXT];
    struct wr_strbuf b = wr_strbuf_over(room, sizeof(room));
    struct wr_addr a, again;

    assert_true(parse(text, port, &a));
    wr_addr_format(&a, false, &b);
    assert_true(weir_str_eq(wr_strbuf_view(&b), weir_str_c(want)));
    assert_true(parse(want, 0, &again));
    assert_true(wr_addr_eq(&a, &again));
    b.len = 0;
    wr_addr_format(&a, true, &b);
    assert_true(weir_str_eq(wr_strbuf_view(&b), weir_str_c(want_bare)));
}

static void
test_every_form_is_read_and_written(void **state)
{
    (void)state;
    becomes("127.0.0.1:80", 0, "127.0.0.1:80", "127.0.0.1");
    becomes("127.0.0.1", 8080, "127.0.0.1:8080", "127.0.0.1");
    becomes("80", 0, "0.0.0.0:80", "0.0.0.0");
    becomes("*:65535", 0, "0.0.0.0:65535", "0.0.0.0");
    becomes("[::1]:443", 0, "[::1]:443", "::1");
    becomes("[2001:DB8::0:1]", 443, "[2001:db8::1]:443", "2001:db8::1");
    becomes("unix:/run/a.sock", 0, "unix:/run/a.sock", "unix:");
}

static void
test_what_is_no_address_is_refused(void **state)
{
    static const char *const bad[] = {
        "",       "*",           "127.0.0.1",     "127.0.0.1:",    "127.0.0.1:0",
        "0",      "65536",       "*:65536",       "127.0.0.1:80x", "127.0.0.1:-1",
        ":80",    "[::1]",       "[::1",          "[::1]80",       "[127.0.0.1]:80",
        "[::1]:", "300.0.0.1:1", "1.2.3:80",      "a.example:80",  "unix:",
        "[]:80",  "1:2:3",       "127.0.0.1 :80",
    };
    struct wr_addr a;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memset(&a, 0x55, sizeof(a));
        assert_false(parse(bad[i], 0, &a));
        assert_int_equal(((unsigned char *)&a)[0], 0x55); /* out values change only on success */
    }
}

static void
test_a_unix_path_of_the_last_length_is_read(void **state)
{
    char text[5 + sizeof(((struct sockaddr_un *)0)->sun_path) + 1] = "unix:/";
    struct wr_addr a;

    (void)state;
    memset(text + 6, 'a', sizeof(text) - 7);
    assert_false(parse(text, 0, &a));
    text[sizeof(text) - 2] = '\0';
    assert_true(parse(text, 0, &a));
    assert_int_equal(wr_addr_port(&a), 0);
}

static void
test_wildcards_are_known(void **state)
{
    struct wr_addr a;

    (void)state;
    assert_true(parse("*:80", 0, &a) && wr_addr_wildcard(&a));
    assert_true(parse("[::]:80", 0, &a) && wr_addr_wildcard(&a));
    assert_true(parse("127.0.0.1:80", 0, &a) && !wr_addr_wildcard(&a));
    assert_true(parse("[::1]:80", 0, &a) && !wr_addr_wildcard(&a));
    assert_true(parse("unix:/a", 0, &a) && !wr_addr_wildcard(&a));
}

static void
test_addresses_differ_by_family_host_and_port(void **state)
{
    static const char *const all[] = { "127.0.0.1:80", "127.0.0.1:81", "127.0.0.2:80", "[::1]:80",
                                       "[::1]:81",     "[::2]:80",     "unix:/a",      "unix:/ab" };
    struct wr_addr a, b;

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        for (size_t k = 0; k < 8; k++) {
            assert_true(parse(all[i], 0, &a) && parse(all[k], 0, &b));
            assert_int_equal(wr_addr_eq(&a, &b), i == k);
        }
    }
}

static void
test_a_peer_is_written(void **state)
{
    union wr_peer_addr peer = { .v4 = { .sin_family = AF_INET, .sin_port = htons(1234) } };
    char room[WR_ADDR_TEXT];
    struct wr_strbuf b = wr_strbuf_over(room, sizeof(room));

    (void)state;
    peer.v4.sin_addr.s_addr = htonl(0xc0000201);
    wr_peer_format(&peer, true, &b);
    assert_true(weir_str_eq(wr_strbuf_view(&b), WEIR_STR("192.0.2.1")));
    b.len = 0;
    peer = (union wr_peer_addr){ .family = AF_UNIX };
    wr_peer_format(&peer, true, &b);
    assert_true(weir_str_eq(wr_strbuf_view(&b), WEIR_STR("unix:")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form_is_read_and_written),
        cmocka_unit_test(test_what_is_no_address_is_refused),
        cmocka_unit_test(test_a_unix_path_of_the_last_length_is_read),
        cmocka_unit_test(test_wildcards_are_known),
        cmocka_unit_test(test_addresses_differ_by_family_host_and_port),
        cmocka_unit_test(test_a_peer_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
