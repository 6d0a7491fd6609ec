/* `listen`: what it takes, what contradicts, which sockets and endpoints come of it. */
#include "site.h"

#include <arpa/inet.h>
#include <unistd.h>

static const struct wr_listen *
nth(const struct site *s, unsigned i)
{
    const struct wr_listen *l = s->home.http->listens;

    while (l != NULL && i-- != 0) {
        l = l->next;
    }
    return l;
}

static const char *
address(const struct wr_listen *l)
{
    static char text[WR_ADDR_TEXT + 1];
    struct wr_strbuf b = wr_strbuf_over(text, WR_ADDR_TEXT);

    if (l == NULL) {
        return "none";
    }
    wr_addr_format(&l->addr, false, &b);
    text[b.len] = '\0';
    return text;
}

static void
test_address_forms(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, "server { listen 8080; listen 127.0.0.1; listen [::1]:81;"
                                " listen *:82; listen unix:/tmp/x.sock; }"));
    assert_string_equal(address(nth(&s, 0)), "0.0.0.0:8080");
    assert_string_equal(address(nth(&s, 1)), "127.0.0.1:80");
    assert_string_equal(address(nth(&s, 2)), "[::1]:81");
    assert_string_equal(address(nth(&s, 3)), "0.0.0.0:82");
    assert_string_equal(address(nth(&s, 4)), "unix:/tmp/x.sock");
    assert_null(nth(&s, 5));
    site_fini(&s);
}

static void
test_port_ranges_are_many_addresses(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, "server { listen 127.0.0.1:8000-8002; listen [::1]:90-91; listen 70-70; }"));
    assert_string_equal(address(nth(&s, 2)), "127.0.0.1:8002");
    assert_string_equal(address(nth(&s, 4)), "[::1]:91");
    assert_string_equal(address(nth(&s, 5)), "0.0.0.0:70");
    assert_null(nth(&s, 6));
    site_fini(&s);
    assert_string_equal(site_error("server { listen 90-80; }"), "2:17 invalid port range in \"90-80\"");
}

static void
test_without_listen_it_is_80_or_8000(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, "server { }"));
    assert_string_equal(address(nth(&s, 0)), geteuid() == 0 ? "0.0.0.0:80" : "0.0.0.0:8000");
    site_fini(&s);
}

static void
test_socket_options(void **state)
{
    const struct wr_listen_options *o;
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, "server { listen 80 backlog=7 rcvbuf=8k sndbuf=16k fastopen=3 reuseport"
                                " deferred bind so_keepalive=30m::10 proxy_protocol;"
                                " listen [::]:80 ipv6only=off so_keepalive=off; listen 81; }"));
    o = &nth(&s, 0)->options;
    assert_int_equal(o->backlog, 7);
    assert_int_equal(o->rcvbuf, 8192);
    assert_int_equal(o->sndbuf, 16384);
    assert_int_equal(o->fastopen, 3);
    assert_true(o->reuseport && o->deferred && o->bind && o->keepalive && o->keepalive_set);
    assert_int_equal(o->keep_idle, 1800);
    assert_int_equal(o->keep_interval, 0);
    assert_int_equal(o->keep_count, 10);
    assert_true(s.home.http->endpoints[0].proxy_protocol);
    o = &nth(&s, 1)->options;
    assert_false(o->ipv6only);
    assert_true(o->keepalive_set && !o->keepalive);
    o = &nth(&s, 2)->options;
    assert_int_equal(o->backlog, 511);
    assert_true(o->ipv6only && !o->keepalive_set && !o->reuseport);
    assert_int_equal(o->unix_mode, 0666);
    site_fini(&s);
}

static void
test_wrong_parameters_are_refused(void **state)
{
    static const char *const words[] = { "backlog=0", "backlog=x", "rcvbuf=1x", "fastopen=-1",
                                         "ipv6only=maybe", "so_keepalive=1:2", "so_keepalive=::",
                                         "so_keepalive=a:b:c", "nonsense", "backlog" };
    char conf[128], want[128];

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        snprintf(conf, sizeof(conf), "server { listen 80 %s; }", words[i]);
        snprintf(want, sizeof(want), "2:20 invalid parameter \"%s\"", words[i]);
        assert_string_equal(site_error(conf), want);
    }
    assert_non_null(strstr(site_error("server { listen 80 ssl; }"), "no \"ssl_certificate\" is defined"));
    assert_non_null(strstr(site_error("server { listen 80 quic; }"), "HTTP/3 is not served"));
    assert_non_null(strstr(site_error("server { listen 127.0.0.1:65536; }"), "65536"));
}

static void
test_contradictions_name_both_places(void **state)
{
    (void)state;
    assert_string_equal(site_error("server { listen 80 default_server; }\n"
                                   "server { listen *:80 default_server; }"),
                        "3:10 a duplicate default server for 0.0.0.0:80 (the first stands in a.conf:2)");
    assert_string_equal(site_error("server { listen 80 backlog=5; }\nserver { listen 80 backlog=6; }"),
                        "3:10 duplicate listen options for 0.0.0.0:80 (the first stands in a.conf:2)");
    assert_string_equal(site_error("server { listen 80; listen *:80; }"),
                        "2:28 a duplicate listen 0.0.0.0:80");
}

static void
test_same_options_twice_agree(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, "server { listen 80 backlog=5; server_name a; }"
                                "server { listen 80 backlog=5; server_name b; }"
                                "server { listen 80; server_name c; }"));
    assert_int_equal(nth(&s, 0)->options.backlog, 5);
    assert_null(nth(&s, 1));
    assert_int_equal(s.home.http->n_endpoints, 1);
    site_fini(&s);
}

static void
test_specific_addresses_share_the_socket_of_their_port(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, "server { listen 127.0.0.1:80; } server { listen 80; }"
                                "server { listen 127.0.0.2:80 bind; } server { listen 127.0.0.1:81; }"
                                "server { listen [::1]:80; }"));
    assert_string_equal(address(nth(&s, 0)), "0.0.0.0:80");
    assert_string_equal(address(nth(&s, 1)), "127.0.0.2:80");
    assert_string_equal(address(nth(&s, 2)), "127.0.0.1:81");
    assert_string_equal(address(nth(&s, 3)), "[::1]:80");
    assert_null(nth(&s, 4));
    site_fini(&s);
}

/* A connection that really came to `to` at a socket listening everywhere. */
static int
connected(const char *to, uint16_t *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t len = sizeof(at);
    int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), fd;

    assert_int_equal(bind(l, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(l, 1), 0);
    assert_int_equal(getsockname(l, (struct sockaddr *)&at, &len), 0);
    inet_pton(AF_INET, to, &at.sin_addr);
    assert_int_equal(connect(c, (struct sockaddr *)&at, sizeof(at)), 0);
    fd = accept(l, NULL, NULL);
    assert_true(fd >= 0);
    close(l);
    close(c);
    *port = ntohs(at.sin_port);
    return fd;
}

static uint32_t
server_reached(const char *to)
{
    char conf[512];
    uint16_t port;
    struct wr_conn c = { .io.fd = connected(to, &port) };
    struct site s;
    uint32_t index;

    snprintf(conf, sizeof(conf),
             "server { listen %u; } server { listen 127.0.0.2:%u; } server { listen 127.0.0.3:%u; }",
             port, port, port);
    site_must(&s, site_load(&s, conf));
    c.listen = s.home.http->listens;
    index = wr_endpoint_of(&c)->fallback->index;
    close(c.io.fd);
    site_fini(&s);
    return index;
}

static void
test_endpoint_is_the_one_of_the_local_address(void **state)
{
    (void)state;
    assert_int_equal(server_reached("127.0.0.1"), 0);
    assert_int_equal(server_reached("127.0.0.2"), 1);
    assert_int_equal(server_reached("127.0.0.3"), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address_forms),
        cmocka_unit_test(test_port_ranges_are_many_addresses),
        cmocka_unit_test(test_without_listen_it_is_80_or_8000),
        cmocka_unit_test(test_socket_options),
        cmocka_unit_test(test_wrong_parameters_are_refused),
        cmocka_unit_test(test_contradictions_name_both_places),
        cmocka_unit_test(test_same_options_twice_agree),
        cmocka_unit_test(test_specific_addresses_share_the_socket_of_their_port),
        cmocka_unit_test(test_endpoint_is_the_one_of_the_local_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
