/* PROXY protocol headers, at once and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "net/proxy_protocol.h"

enum { OK = WR_PROXY_PROTOCOL_OK, MORE = WR_PROXY_PROTOCOL_MORE, BAD = WR_PROXY_PROTOCOL_BAD };

static int
parse(weir_str in, struct wr_proxy_protocol *h)
{
    struct wr_err err = { "" };
    int answer = (int)wr_proxy_protocol_parse(in, WR_PROXY_PROTOCOL_BYTES_MAX, h, &err);

    assert_int_equal(answer == BAD, err.text[0] != '\0');
    return answer;
}

/* Every shorter piece wants more; the whole, with more behind it, is read to its end. */
static void
whole(weir_str in, size_t bytes, struct wr_proxy_protocol *h)
{
    for (size_t n = 0; n < bytes; n++) {
        assert_int_equal(parse((weir_str){ in.data, n }, h), MORE);
    }
    assert_int_equal(parse(in, h), OK);
    assert_int_equal(h->bytes, bytes);
}

static void
test_a_line_of_ipv4(void **state)
{
    struct wr_proxy_protocol h;

    (void)state;
    whole(weir_str_c("PROXY TCP4 192.0.2.1 192.0.2.254 65535 80\r\nGET"), 43, &h);
    assert_int_equal(h.version, 1);
    assert_int_equal(h.source.family, AF_INET);
    assert_int_equal(ntohl(h.source.v4.sin_addr.s_addr), 0xc0000201);
    assert_int_equal(ntohs(h.source.v4.sin_port), 65535);
    assert_int_equal(ntohl(h.destination.v4.sin_addr.s_addr), 0xc00002fe);
    assert_int_equal(ntohs(h.destination.v4.sin_port), 80);
}

static void
test_a_line_of_ipv6(void **state)
{
    static const uint8_t want[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
    struct wr_proxy_protocol h;

    (void)state;
    whole(weir_str_c("PROXY TCP6 2001:db8::1 ::1 0 443\r\n"), 34, &h);
    assert_int_equal(h.source.family, AF_INET6);
    assert_memory_equal(&h.source.v6.sin6_addr, want, 16);
    assert_int_equal(ntohs(h.source.v6.sin6_port), 0);
    assert_int_equal(ntohs(h.destination.v6.sin6_port), 443);
}

static void
test_an_unknown_line_has_no_addresses(void **state)
{
    struct wr_proxy_protocol h;

    (void)state;
    whole(weir_str_c("PROXY UNKNOWN\r\n"), 15, &h);
    assert_int_equal(h.source.family, AF_UNSPEC);
    whole(weir_str_c("PROXY UNKNOWN ffff::1 anything 1 2\r\n"), 36, &h);
    assert_int_equal(h.source.family, AF_UNSPEC);
}

static void
test_the_longest_line_fits_and_no_longer(void **state)
{
    char line[128];
    struct wr_proxy_protocol h;

    (void)state;
    memset(line, 'x', sizeof(line));
    memcpy(line, "PROXY UNKNOWN ", 14);
    memcpy(line + 105, "\r\n", 2);
    whole((weir_str){ line, 107 }, 107, &h);
    memcpy(line + 105, "x\r\n", 3);
    assert_int_equal(parse((weir_str){ line, 106 }, &h), MORE);
    assert_int_equal(parse((weir_str){ line, 108 }, &h), BAD);
}

static void
test_wrong_lines_are_refused(void **state)
{
    static const char *const wrong[] = {
        "GET / HTTP/1.1\r\n",
        "PROXZ",
        "proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
        "PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
        "PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 -2\r\n",
        "PROXY TCP4\r\n",
        "PROXY \r\n",
        "PROXY UNKNOWNX\r\n",
        "PROXY UNKNOWN\rx",
        "PROXY TCP6 1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:1:2:3:4:5:6:7:8:9 ::1 1 2\r\n",
    };
    struct wr_proxy_protocol h;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(parse(weir_str_c(wrong[i]), &h), BAD);
    }
}

#define START      "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(lit) ((weir_str){ (lit), sizeof(lit) - 1 })

static void
test_a_binary_header_with_tlvs(void **state)
{
    struct wr_proxy_protocol h;
    weir_str rest, value;
    uint8_t type;

    (void)state;
    whole(BYTES(START "\x21\x11\0\x19"
                      "\xc0\0\2\1\xc0\0\2\xfe\x12\x34\0\x50"
                      "\2\0\3foo"
                      "\xea\0\1x"
                      "\4\0\0GET"),
          41, &h);
    assert_int_equal(h.version, 2);
    assert_int_equal(ntohl(h.source.v4.sin_addr.s_addr), 0xc0000201);
    assert_int_equal(ntohs(h.source.v4.sin_port), 0x1234);
    assert_int_equal(ntohs(h.destination.v4.sin_port), 80);
    rest = h.tlvs;
    assert_true(wr_proxy_protocol_tlv_next(&rest, &type, &value));
    assert_int_equal(type, 2);
    assert_true(weir_str_eq(value, weir_str_c("foo")));
    assert_true(weir_str_eq(wr_proxy_protocol_tlv(h.tlvs, 0xea), weir_str_c("x")));
    assert_non_null(wr_proxy_protocol_tlv(h.tlvs, 4).data);
    assert_null(wr_proxy_protocol_tlv(h.tlvs, 5).data);
}

static void
test_a_binary_header_of_ipv6_and_unix(void **state)
{
    char bytes[16 + 216];
    struct wr_proxy_protocol h;

    (void)state;
    memset(bytes, 0x11, sizeof(bytes));
    memcpy(bytes, START "\x21\x21\0\x24", 16);
    whole((weir_str){ bytes, 52 }, 52, &h);
    assert_int_equal(h.source.family, AF_INET6);
    assert_int_equal(h.destination.v6.sin6_addr.s6_addr[15], 0x11);
    assert_int_equal(h.source.v6.sin6_port, 0x1111);
    assert_int_equal(h.tlvs.len, 0);
    memcpy(bytes, START "\x21\x31\0\xd8", 16);
    whole((weir_str){ bytes, sizeof(bytes) }, sizeof(bytes), &h);
    assert_int_equal(h.source.family, AF_UNIX);
}

static void
test_a_local_header_has_no_addresses(void **state)
{
    struct wr_proxy_protocol h;

    (void)state;
    whole(BYTES(START "\x20\x11\0\x0c"
                      "123456789012"),
          28, &h);
    assert_int_equal(h.source.family, AF_UNSPEC);
    whole(BYTES(START "\x20\0\0\0"), 16, &h);
    assert_int_equal(h.destination.family, AF_UNSPEC);
}

static void
test_wrong_binary_headers_are_refused(void **state)
{
    static const struct {
        const char *what;
        weir_str bytes;
    } wrong[] = {
        { "start", { "\r\n\r\n\0\r\nQUIX", 12 } },
        { "version 1", { START "\x11\x11\0\0", 16 } },
        { "command 2", { START "\x22\x11\0\0", 16 } },
        { "transport 3", { START "\x21\x13\0\0", 16 } },
        { "family 4", { START "\x21\x41\0\0", 16 } },
        { "addresses cut",
          { START "\x21\x11\0\x0b"
                  "12345678901",
            27 } },
        { "a TLV without its length",
          { START "\x21\x11\0\x0e"
                  "123456789012\1\0",
            30 } },
        { "a TLV that is cut",
          { START "\x21\x11\0\x10"
                  "123456789012\1\0\2x",
            32 } },
    };
    struct wr_proxy_protocol h;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (parse(wrong[i].bytes, &h) != BAD) {
            fail_msg("taken: %s", wrong[i].what);
        }
    }
}

static void
test_a_longer_header_is_refused_before_it_comes(void **state)
{
    struct wr_proxy_protocol h;

    (void)state;
    assert_int_equal(parse(BYTES(START "\x21\x11\x0f\xf0"), &h), MORE); /* 4096 with its head */
    assert_int_equal(parse(BYTES(START "\x21\x11\x0f\xf1"), &h), BAD);
    assert_int_equal(parse(BYTES(START "\x20\0\xff\xff"), &h), BAD);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_of_ipv4),
        cmocka_unit_test(test_a_line_of_ipv6),
        cmocka_unit_test(test_an_unknown_line_has_no_addresses),
        cmocka_unit_test(test_the_longest_line_fits_and_no_longer),
        cmocka_unit_test(test_wrong_lines_are_refused),
        cmocka_unit_test(test_a_binary_header_with_tlvs),
        cmocka_unit_test(test_a_binary_header_of_ipv6_and_unix),
        cmocka_unit_test(test_a_local_header_has_no_addresses),
        cmocka_unit_test(test_wrong_binary_headers_are_refused),
        cmocka_unit_test(test_a_longer_header_is_refused_before_it_comes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
