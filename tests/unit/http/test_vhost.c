/* Server names: which server a host gets, what is refused, and that ten thousand of them are no burden. */
#include "site.h"

#include <time.h>

/* The index of the server for host at the first endpoint; "-" stands for no host. */
static uint32_t
server_of(struct site *s, const char *host)
{
    return wr_vhost_find(&s->home.http->endpoints[0], weir_str_c(host), site_request(s, 0, "/"))->index;
}

static void
test_nginx_order_of_names(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, "server { listen 80; server_name default.test; }\n"           /* 0 */
                                "server { listen 80; server_name exact.example; }\n"          /* 1 */
                                "server { listen 80; server_name *.example; }\n"              /* 2 */
                                "server { listen 80; server_name *.deep.example; }\n"         /* 3 */
                                "server { listen 80; server_name mail.*; }\n"                 /* 4 */
                                "server { listen 80; server_name mail.deep.*; }\n"            /* 5 */
                                "server { listen 80; server_name ~^re\\.(?<x>\\w+)$; }\n"     /* 6 */
                                "server { listen 80; server_name ~^re\\. ~^RE2; }\n"          /* 7 */
                                "server { listen 80; server_name .both.test; }\n"             /* 8 */
                                "server { listen 80; server_name \"\" CAPITAL.test dot.test.; }\n" /* 9 */));
    assert_int_equal(server_of(&s, "exact.example"), 1);
    assert_int_equal(server_of(&s, "a.example"), 2);
    assert_int_equal(server_of(&s, "a.b.example"), 2);
    assert_int_equal(server_of(&s, "example"), 0);
    assert_int_equal(server_of(&s, "a.deep.example"), 3);
    assert_int_equal(server_of(&s, "deep.example"), 2);
    assert_int_equal(server_of(&s, "mail.example"), 2);
    assert_int_equal(server_of(&s, "mail.test"), 4);
    assert_int_equal(server_of(&s, "mail.deep.test"), 5);
    assert_int_equal(server_of(&s, "mail.co.test"), 4);
    assert_int_equal(server_of(&s, "mail"), 0);
    assert_int_equal(server_of(&s, "re.test"), 6);
    assert_int_equal(server_of(&s, "re.a.b"), 7);
    assert_int_equal(server_of(&s, "re2.test"), 7);
    assert_int_equal(server_of(&s, "both.test"), 8);
    assert_int_equal(server_of(&s, "a.both.test"), 8);
    assert_int_equal(server_of(&s, ""), 9);
    assert_int_equal(server_of(&s, "capital.test"), 9);
    assert_int_equal(server_of(&s, "dot.test"), 9);
    assert_int_equal(server_of(&s, "nobody.invalid"), 0);
    site_fini(&s);
}

static void
test_regexes_are_asked_without_a_request_too(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, "server { listen 80; } server { listen 80; server_name ~^a; }"));
    assert_int_equal(wr_vhost_find(&s.home.http->endpoints[0], WEIR_STR("a"), NULL)->index, 1);
    assert_int_equal(wr_vhost_find(&s.home.http->endpoints[0], WEIR_STR("b"), NULL)->index, 0);
    assert_int_equal(server_of(&s, "a"), 1);
    site_fini(&s);
}

static void
test_default_server_is_the_marked_one_else_the_first(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, "server { listen 80; server_name a; }"
                                "server { listen 80 default_server; server_name b; }"
                                "server { listen 81; server_name c; }"));
    assert_int_equal(server_of(&s, "x"), 1);
    assert_int_equal(s.home.http->endpoints[1].fallback->index, 2);
    site_fini(&s);
}

static void
test_first_name_is_the_servers_name(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, "server { server_name first.test second.test; } server { listen 81; }"));
    assert_true(weir_str_eq(s.home.http->servers[0]->name, WEIR_STR("first.test")));
    assert_int_equal(s.home.http->servers[1]->name.len, 0);
    site_fini(&s);
}

static void
test_a_name_of_two_servers_is_warned_of(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, "server { listen 80; server_name a.test; }\n"
                                "server { listen 80; server_name b.test A.test; }\n"
                                "server { listen 80; }\nserver { listen 80; }\n"
                                "server { listen 81; server_name a.test a.test; }"));
    assert_string_equal(site_said(&s, WR_DIAG_WARN, 0),
                        "3:40 conflicting server name \"a.test\" on 0.0.0.0:80, ignored [server-name-conflict] "
                        "(the first stands in a.conf:2)");
    assert_string_equal(site_said(&s, WR_DIAG_WARN, 1),
                        "5:1 conflicting server name \"\" on 0.0.0.0:80, ignored [server-name-conflict] "
                        "(the first stands in a.conf:4)");
    assert_int_equal(s.diag.warnings, 3); /* the last one: a name that one server has twice */
    assert_non_null(strstr(site_said(&s, WR_DIAG_WARN, 2), "6:"));
    assert_int_equal(server_of(&s, "a.test"), 0);
    site_fini(&s);
}

static void
test_impossible_names_are_refused(void **state)
{
    static const char *const names[] = { "*", "*a.test", "a.*.test", "www*.test", "*.", ".", "a*",
                                         "*.a.*" };
    char conf[128];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(conf, sizeof(conf), "server { server_name %s; }", names[i]);
        assert_non_null(strstr(site_error(conf), "is invalid"));
    }
    assert_non_null(strstr(site_error("server { server_name ~; }"), "empty regex"));
    assert_non_null(strstr(site_error("server { server_name ~(; }"), "2:"));
}

static void
test_ten_thousand_servers_load_quickly(void **state)
{
    enum { SERVERS = 10000 };
    size_t room = SERVERS * 100;
    char *text = malloc(room), host[64];
    size_t len = 0;
    struct site s;
    clock_t begin;

    (void)state;
    for (int i = 0; i < SERVERS; i++) {
        len += (size_t)snprintf(text + len, room - len,
                                "server { listen 80; server_name s%d.test *.w%d.test; location / { } }\n",
                                i, i);
    }
    begin = clock();
    site_must(&s, site_load(&s, text));
    /* A second is a hundred times what it takes; quadratic work would need minutes. */
    assert_true((clock() - begin) / CLOCKS_PER_SEC < 10);
    for (int i = 0; i < SERVERS; i += 997) {
        snprintf(host, sizeof(host), "s%d.test", i);
        assert_int_equal(server_of(&s, host), i);
        snprintf(host, sizeof(host), "a.b.w%d.test", i);
        assert_int_equal(server_of(&s, host), i);
    }
    site_fini(&s);
    free(text);
}

static void
test_a_host_of_dots_costs_little(void **state)
{
    static char host[8192];
    struct site s;
    clock_t begin;

    (void)state;
    site_must(&s, site_load(&s, "server { listen 80; } server { listen 80; server_name *.a.test; }"
                                "server { listen 80; server_name a.test.*; }"));
    memset(host, '.', sizeof(host) - 1);
    begin = clock();
    for (int i = 0; i < 100; i++) {
        assert_int_equal(server_of(&s, host), 0);
    }
    /* Hashing every suffix would be 100 x 32 MB. */
    assert_true((clock() - begin) / CLOCKS_PER_SEC < 1);
    site_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nginx_order_of_names),
        cmocka_unit_test(test_regexes_are_asked_without_a_request_too),
        cmocka_unit_test(test_default_server_is_the_marked_one_else_the_first),
        cmocka_unit_test(test_first_name_is_the_servers_name),
        cmocka_unit_test(test_a_name_of_two_servers_is_warned_of),
        cmocka_unit_test(test_impossible_names_are_refused),
        cmocka_unit_test(test_ten_thousand_servers_load_quickly),
        cmocka_unit_test(test_a_host_of_dots_costs_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
