/* Networks and addresses from text, and who is in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <weir/net.h>

static weir_str
bytes_of(const char *text, uint8_t room[16])
{
    if (inet_pton(AF_INET, text, room) == 1) {
        return (weir_str){ (const char *)room, 4 };
    }
    assert_int_equal(inet_pton(AF_INET6, text, room), 1);
    return (weir_str){ (const char *)room, 16 };
}

static bool
has(const char *network, const char *address)
{
    uint8_t room[16];
    weir_net net;

    assert_int_equal(weir_net_parse(weir_str_c(network), &net, NULL), WEIR_OK);
    return weir_net_has(&net, bytes_of(address, room));
}

static void
test_a_network_has_the_addresses_that_begin_as_it_does(void **state)
{
    (void)state;
    assert_true(has("192.0.2.0/24", "192.0.2.255"));
    assert_false(has("192.0.2.0/24", "192.0.3.0"));
    assert_true(has("192.0.2.128/25", "192.0.2.129"));
    assert_false(has("192.0.2.128/25", "192.0.2.127"));
    assert_true(has("192.0.2.7", "192.0.2.7"));
    assert_false(has("192.0.2.7/32", "192.0.2.6"));
    assert_true(has("0.0.0.0/0", "255.1.2.3"));
    assert_true(has("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(has("2001:db8::/33", "2001:db8:8000::1"));
    assert_false(has("::/0", "192.0.2.7"));
    assert_false(has("0.0.0.0/0", "::1"));
}

static void
test_peers_of_unix_sockets_are_a_network_of_their_own(void **state)
{
    weir_net net;

    (void)state;
    assert_int_equal(weir_net_parse(WEIR_STR("unix:"), &net, NULL), WEIR_OK);
    assert_true(weir_net_has(&net, WEIR_STR("")));
    assert_false(weir_net_has(&net, WEIR_STR("\x7f\0\0\1")));
}

static void
test_bits_that_do_not_count_are_cleared_and_told(void **state)
{
    weir_net net;
    bool loose = false;

    (void)state;
    assert_int_equal(weir_net_parse(WEIR_STR("192.0.2.77/26"), &net, &loose), WEIR_OK);
    assert_true(loose);
    assert_memory_equal(net.addr, "\300\0\2\100", 4);
    assert_int_equal(weir_net_parse(WEIR_STR("192.0.2.64/26"), &net, &loose), WEIR_OK);
    assert_false(loose);
}

static void
test_what_is_no_network_is_refused_and_changes_nothing(void **state)
{
    static const char *const bad[] = { "",
                                       "192.0.2",
                                       "192.0.2.0/33",
                                       "192.0.2.0/",
                                       "::/129",
                                       "192.0.2.0/a",
                                       "/8",
                                       "192.0.2.0/-1",
                                       "192.0.2.256",
                                       "unix",
                                       "192.0.2.0/008888",
                                       " 192.0.2.1",
                                       "192.0.2.1 ",
                                       "2001:db8::g/8",
                                       "1.2.3.4/4294967296",
                                       "[::1]",
                                       "::1%1",
                                       "unix:/path",
                                       "1.2.3.4:80",
                                       "all" };
    weir_net net;

    (void)state;
    memset(&net, 7, sizeof(net));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(weir_net_parse(weir_str_c(bad[i]), &net, NULL), WEIR_INVALID);
        assert_int_equal(net.len, 7);
    }
    assert_int_equal(weir_net_parse((weir_str){ "192.0.2.1\0", 10 }, &net, NULL), WEIR_INVALID);
}

static void
test_an_address_has_a_port_or_none(void **state)
{
    static const struct {
        const char *text, *addr;
        uint32_t port;
    } good[] = {
        { "192.0.2.7", "192.0.2.7", 0 },
        { "192.0.2.7:80", "192.0.2.7", 80 },
        { "2001:db8::1", "2001:db8::1", 0 },
        { "[2001:db8::1]:65535", "2001:db8::1", 65535 },
        { "[::1]", "::1", 0 },
        { "2001:db8::", "2001:db8::", 0 },
        { "1::", "1::", 0 },
        { "unix:", "unix:", 0 },
    };
    static const char *const bad[] = {
        "",        "host", "192.0.2.7:", "192.0.2.7:65536", "[192.0.2.7]:80", "[::1", "[::1]80",
        "[::1]:x", "::1]", "[]",         "unix:/a"
    };
    weir_str addr;
    uint32_t port;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(weir_addr_parse(weir_str_c(good[i].text), &addr, &port), WEIR_OK);
        assert_true(weir_str_eq(addr, weir_str_c(good[i].addr)));
        assert_int_equal(port, good[i].port);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(weir_addr_parse(weir_str_c(bad[i]), &addr, &port), WEIR_INVALID);
    }
}

static void
test_an_address_that_stands_for_another_is_that(void **state)
{
    uint8_t room[16];
    weir_str mapped = bytes_of("::ffff:192.0.2.7", room);

    (void)state;
    assert_memory_equal(weir_addr_plain(mapped).data, "\300\0\2\7", 4);
    assert_int_equal(weir_addr_plain(mapped).len, 4);
    assert_int_equal(weir_addr_plain(bytes_of("2001:db8::1", room)).len, 16);
    assert_int_equal(weir_addr_plain(WEIR_STR("")).len, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_network_has_the_addresses_that_begin_as_it_does),
        cmocka_unit_test(test_peers_of_unix_sockets_are_a_network_of_their_own),
        cmocka_unit_test(test_bits_that_do_not_count_are_cleared_and_told),
        cmocka_unit_test(test_what_is_no_network_is_refused_and_changes_nothing),
        cmocka_unit_test(test_an_address_has_a_port_or_none),
        cmocka_unit_test(test_an_address_that_stands_for_another_is_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
