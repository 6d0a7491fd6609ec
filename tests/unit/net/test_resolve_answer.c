/* Of what a name server says, only bounded lists of places come through, for no longer than it said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/resolve_answer.h"
#include "net/resolve_live.h"

/* An answer as the library hands it out, in static memory. */
static struct ares_addrinfo info;
static struct ares_addrinfo_node nodes[400];
static struct ares_addrinfo_cname cnames[100];
static struct sockaddr_in6 places[400];
static char names[101][64];
static int n_nodes, n_cnames;

static int
set_up(void **state)
{
    (void)state;
    info = (struct ares_addrinfo){ .nodes = NULL };
    n_nodes = n_cnames = 0;
    wr_clock_update();
    return 0;
}

static void
add(const char *text, int ttl)
{
    struct ares_addrinfo_node *n = &nodes[n_nodes];
    struct sockaddr_in6 *v6 = &places[n_nodes];
    struct sockaddr_in *v4 = (struct sockaddr_in *)v6;

    memset(n, 0, sizeof(*n));
    memset(v6, 0, sizeof(*v6));
    n->ai_addr = (struct sockaddr *)v6;
    n->ai_ttl = ttl;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        n->ai_family = v4->sin_family = AF_INET;
        n->ai_addrlen = sizeof(*v4);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
        n->ai_family = v6->sin6_family = AF_INET6;
        n->ai_addrlen = sizeof(*v6);
    }
    if (n_nodes != 0) {
        nodes[n_nodes - 1].ai_next = n;
    }
    info.nodes = nodes;
    n_nodes++;
}

static void
add_alias(const char *from, const char *to, int ttl)
{
    struct ares_addrinfo_cname *c = &cnames[n_cnames];

    snprintf(names[n_cnames], sizeof(names[0]), "%s", to);
    *c = (struct ares_addrinfo_cname){ .ttl = ttl, .alias = (char *)(uintptr_t)from,
                                       .name = names[n_cnames] };
    if (n_cnames != 0) {
        cnames[n_cnames - 1].next = c;
    }
    info.cnames = cnames;
    n_cnames++;
}

static void
assert_answer(const char *wanted)
{
    struct wr_resolved *a = wr_resolve_answer_of(&info);
    char text[1024] = "";

    for (uint32_t i = 0; i < a->count; i++) {
        char one[INET6_ADDRSTRLEN];
        const union wr_peer_addr *at = &a->at[i].addr;
        assert_non_null(inet_ntop(at->family,
                                  at->family == AF_INET ? (const void *)&at->v4.sin_addr
                                                        : &at->v6.sin6_addr,
                                  one, sizeof(one)));
        strcat(text, i != 0 ? " " : "");
        strcat(text, one);
    }
    assert_string_equal(text, wanted);
    assert_int_equal(a->code, a->count != 0 ? WR_RESOLVE_FOUND : WR_RESOLVE_NONE);
    wr_resolved_unref(&a);
}

static void
test_addresses_come_once_each_ipv4_first(void **state)
{
    (void)state;
    add("2001:db8::1", 60);
    add("192.0.2.2", 60);
    add("192.0.2.1", 60);
    add("2001:db8::1", 60);
    add("192.0.2.2", 60);
    assert_answer("192.0.2.2 192.0.2.1 2001:db8::1");
}

static void
test_addresses_of_no_host_are_left_out(void **state)
{
    static const char *const none[] = { "0.0.0.0",   "0.1.2.3", "224.0.0.1", "239.1.1.1",
                                        "240.0.0.1", "255.255.255.255", "::", "ff02::1" };

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        add(none[i], 60);
    }
    assert_answer("");
    add("223.255.255.255", 60);
    assert_answer("223.255.255.255");
}

static void
test_no_more_addresses_come_than_the_limit(void **state)
{
    struct wr_resolved *a;

    (void)state;
    for (int i = 0; i < WR_RESOLVE_ADDRS_MAX + 40; i++) {
        char text[32];
        snprintf(text, sizeof(text), "10.1.%d.%d", i / 200, i % 200);
        add(text, 60);
    }
    a = wr_resolve_answer_of(&info);
    assert_int_equal(a->count, WR_RESOLVE_ADDRS_MAX);
    wr_resolved_unref(&a);
}

static void
test_a_node_of_another_family_or_too_short_is_left_out(void **state)
{
    (void)state;
    add("192.0.2.1", 60);
    add("192.0.2.2", 60);
    add("192.0.2.3", 60);
    nodes[0].ai_family = AF_UNIX;
    nodes[1].ai_addrlen = 4;
    assert_answer("192.0.2.3");
}

static void
test_the_shortest_time_of_all_records_holds(void **state)
{
    struct wr_resolved *a;

    (void)state;
    add("192.0.2.1", 60);
    add("192.0.2.2", 50);
    add_alias("a.test", "b.test", 40);
    a = wr_resolve_answer_of(&info);
    assert_int_equal(a->until_ms, wr_clock.now_ms + 40000);
    wr_resolved_unref(&a);
}

static void
test_a_negative_time_is_none(void **state)
{
    struct wr_resolved *a;

    (void)state;
    add("192.0.2.1", -1);
    a = wr_resolve_answer_of(&info);
    assert_int_equal(a->until_ms, wr_clock.now_ms);
    wr_resolved_unref(&a);
}

static void
assert_aliases(int count, int copies, enum wr_resolve_code code)
{
    struct wr_resolved *a;

    set_up(NULL);
    add("192.0.2.1", 60);
    for (int i = 0; i < count * copies; i++) {
        char to[32];
        snprintf(to, sizeof(to), "c%d.test", i % count);
        add_alias("from.test", to, 60);
    }
    a = wr_resolve_answer_of(&info);
    assert_int_equal(a->code, code);
    wr_resolved_unref(&a);
}

static void
test_eight_aliases_are_followed_and_nine_are_not(void **state)
{
    (void)state;
    assert_aliases(8, 1, WR_RESOLVE_FOUND);
    assert_aliases(8, 2, WR_RESOLVE_FOUND); /* as both answers, for A and AAAA, have them */
    assert_aliases(9, 1, WR_RESOLVE_FORMAT);
    assert_aliases(90, 1, WR_RESOLVE_FORMAT);
}

static void
test_an_alias_that_is_no_host_spoils_the_answer(void **state)
{
    struct wr_resolved *a;

    (void)state;
    add("192.0.2.1", 60);
    add_alias("a.test", "b\r\nX: y", 60);
    a = wr_resolve_answer_of(&info);
    assert_int_equal(a->code, WR_RESOLVE_FORMAT);
    assert_int_equal(a->count, 0);
    wr_resolved_unref(&a);
}

/* ---- The walk over a message. ---- */

#define HEAD(questions, answers) "\0\1\x81\x80\0" questions "\0" answers "\0\0\0\0"
#define QUESTION "\3app\4test\0\0\1\0\1"
#define RECORD(ttl) "\xc0\x0c\0\1\0\1" ttl "\0\4\1\2\3\4"
#define TTL(text) wr_resolve_answer_ttl((const uint8_t *)(text), sizeof(text) - 1)

static void
test_the_shortest_time_of_a_message_is_found(void **state)
{
    (void)state;
    assert_int_equal(TTL(HEAD("\1", "\2") QUESTION RECORD("\0\0\0\x3c") RECORD("\0\0\0\x0a")), 10000);
    assert_int_equal(TTL(HEAD("\1", "\1") QUESTION "\3app\4test\0\0\1\0\1\0\1\0\0\0\0"), 65536000);
}

static void
test_a_time_of_more_than_31_bits_is_none(void **state)
{
    (void)state;
    assert_int_equal(TTL(HEAD("\1", "\1") QUESTION RECORD("\x80\0\0\0")), 0);
}

static void
test_every_cut_of_a_message_is_no_time(void **state)
{
    static const char whole[] = HEAD("\1", "\2") QUESTION RECORD("\0\0\0\x3c") RECORD("\0\0\0\x0a");

    (void)state;
    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        uint8_t *exact = malloc(len + 1); /* so that a sanitizer sees a step too far */
        assert_non_null(exact);
        memcpy(exact + 1, whole, len);
        assert_int_equal(wr_resolve_answer_ttl(exact + 1, len), 0);
        free(exact);
    }
}

static void
test_a_label_that_is_none_ends_the_walk(void **state)
{
    (void)state;
    assert_int_equal(TTL(HEAD("\1", "\1") "\x40" QUESTION RECORD("\0\0\0\x3c")), 0);
    assert_int_equal(TTL(HEAD("\1", "\0") QUESTION), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_addresses_come_once_each_ipv4_first, set_up),
        cmocka_unit_test_setup(test_addresses_of_no_host_are_left_out, set_up),
        cmocka_unit_test_setup(test_no_more_addresses_come_than_the_limit, set_up),
        cmocka_unit_test_setup(test_a_node_of_another_family_or_too_short_is_left_out, set_up),
        cmocka_unit_test_setup(test_the_shortest_time_of_all_records_holds, set_up),
        cmocka_unit_test_setup(test_a_negative_time_is_none, set_up),
        cmocka_unit_test_setup(test_eight_aliases_are_followed_and_nine_are_not, set_up),
        cmocka_unit_test_setup(test_an_alias_that_is_no_host_spoils_the_answer, set_up),
        cmocka_unit_test(test_the_shortest_time_of_a_message_is_found),
        cmocka_unit_test(test_a_time_of_more_than_31_bits_is_none),
        cmocka_unit_test(test_every_cut_of_a_message_is_no_time),
        cmocka_unit_test(test_a_label_that_is_none_ends_the_walk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
