/* upstream{} blocks and the directives that name them, bound as in a configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "conf/bind.h"
#include "upstream/resolver_conf.h"
#include "module/registry.h"
#include "upstream/group.h"
#include "upstream/upstream_conf.h"

/* A module with one directive of the type, and the http block. */
struct user_conf {
    weir_upstream *to;
};

static int
set_block(weir_conf *cf, const weir_directive *row, void *field)
{
    uint32_t where = strcmp(row->name, "http") == 0 ? WEIR_IN_HTTP : WEIR_IN_SERVER;
    struct wr_scope *scope = wr_scope_create(cf, cf->scope, where, cf->node);

    (void)field;
    return wr_scope_bind(cf, scope, cf->node->first) ? WEIR_OK : WEIR_ERROR;
}

static weir_upstream *last;

static int
note(weir_conf *cf, const weir_directive *row, void *field)
{
    (void)cf;
    (void)row;
    last = *(weir_upstream **)field;
    return WEIR_OK;
}

static const weir_directive directives[] = {
    { .name = "http", .help = "for this test", .where = WEIR_IN_MAIN, .type = WEIR_T_CUSTOM,
      .flags = WR_D_SCOPE, .set = set_block },
    { .name = "server", .help = "for this test", .where = WEIR_IN_HTTP, .type = WEIR_T_CUSTOM,
      .flags = WR_D_SCOPE | WEIR_D_MANY, .set = set_block },
    { .name = "ask", .help = "for this test", .where = WEIR_IN_ANY, .type = WEIR_T_UPSTREAM,
      WEIR_FIELD_(struct user_conf, to, UPSTREAM), .set = note },
};
static weir_self user_self = WR_SELF;
static const weir_module user = { WR_BUILTIN(&user_self, "test.user"),
                                  .conf_size = sizeof(struct user_conf),
                                  .directives = WEIR_ITEMS(directives) };
static const weir_module *const builtin[] = { &user, &wr_resolver_module, &wr_upstream_module };

static struct {
    weir_pool *pool;
    struct wr_diag diag;
    struct wr_conf_tree tree;
    struct wr_registry registry;
    struct weir_conf cf;
} t;

static int
teardown(void **state)
{
    (void)state;
    wr_pool_destroy(&t.pool);
    memset(&t, 0, sizeof(t));
    last = NULL;
    return 0;
}

/* Load text as a whole configuration; was it right? */
static bool
load(const char *text)
{
    struct wr_scope *main_scope;
    void *conf;

    t.pool = wr_pool_create("test", NULL);
    wr_diag_init(&t.diag, t.pool);
    assert_true(wr_conf_read_text(t.pool, WEIR_STR("a.conf"), weir_str_c(text), NULL, &t.diag,
                                  &t.tree));
    wr_registry_init(&t.registry, t.pool, "/nowhere", builtin, 3, NULL);
    t.cf.pool = t.pool;
    t.cf.diag = &t.diag;
    t.cf.space = &t.registry.space;
    t.cf.make_upstream = wr_upstream_make;
    main_scope = wr_scope_create_main(&t.cf);
    conf = (void *)(uintptr_t)main_scope->conf[wr_upstream_module.self->slot];
    return wr_scope_bind(&t.cf, main_scope, t.tree.first) &&
           wr_upstream_module.init(&t.cf, conf) == WEIR_OK;
}

static const struct wr_group_peer *
peer(size_t i)
{
    return wr_group_peer(last, i);
}

/* text is refused with exactly `want`, "LINE:COLUMN TEXT (HINT)". */
static void
refused(const char *text, const char *want)
{
    char got[1024];
    const struct wr_diagnosis *d;

    assert_false(load(text));
    d = t.diag.first;
    assert_int_equal(t.diag.errors, 1);
    snprintf(got, sizeof(got), "%u:%u %s%s%s%s", d->place.line, d->place.column, d->text.data,
             d->hint.data != NULL ? " (" : "", d->hint.data != NULL ? d->hint.data : "",
             d->hint.data != NULL ? ")" : "");
    assert_string_equal(got, want);
    teardown(NULL);
}

static void
test_a_group_has_its_servers_and_settings(void **state)
{
    (void)state;
    assert_true(load("http { upstream g {\n"
                     "  server 127.0.0.1:6379 weight=5 max_fails=3 fail_timeout=30s;\n"
                     "  server [::1] down; server unix:/tmp/s backup; keepalive 7;\n"
                     "  keepalive_timeout 5s; keepalive_time 2h; keepalive_requests 9; }\n"
                     "  ask g; }"));
    assert_int_equal(wr_group_count(last), 3);
    assert_string_equal(peer(0)->text.data, "127.0.0.1:6379");
    assert_int_equal(peer(0)->weight, 5);
    assert_int_equal(peer(0)->server->max_fails, 3);
    assert_int_equal(peer(0)->server->fail_timeout_ms, 30000);
    assert_string_equal(peer(1)->text.data, "[::1]:80");
    assert_true(peer(1)->server->down && !peer(1)->backup);
    assert_int_equal(peer(1)->weight, 1);
    assert_int_equal(peer(1)->server->max_fails, 1);
    assert_int_equal(peer(1)->server->fail_timeout_ms, 10000);
    assert_true(peer(2)->backup && !peer(2)->server->down);
    assert_int_equal(last->keepalive, 7);
    assert_int_equal(last->keepalive_ms, 5000);
    assert_int_equal(last->keepalive_time_ms, 2 * 3600 * 1000);
    assert_int_equal(last->keepalive_requests, 9);
}

static void
test_a_group_may_be_named_before_it_is_read(void **state)
{
    (void)state;
    assert_true(load("http { ask later; server { ask later; }\n"
                     "upstream later { server 127.0.0.1:1; server 127.0.0.1:2; } }"));
    assert_int_equal(wr_group_count(last), 2);
}

static void
test_settings_of_one_group_are_not_those_of_the_next(void **state)
{
    (void)state;
    assert_true(load("http { upstream a { server 127.0.0.1:1; keepalive 1 local; }\n"
                     "upstream b { server 127.0.0.1:2; } ask b; }"));
    assert_int_equal(last->keepalive, 32);
    assert_int_equal(wr_group_count(last), 1);
}

static void
test_a_name_without_a_group_is_an_address(void **state)
{
    weir_upstream *first;

    (void)state;
    assert_true(load("http { ask 127.0.0.1:6379; server { ask 127.0.0.1:6379; } }"));
    first = last;
    assert_int_equal(wr_group_count(first), 1);
    assert_string_equal(peer(0)->text.data, "127.0.0.1:6379");
    assert_int_equal(peer(0)->server->max_fails, 0);
    teardown(NULL);
    assert_true(load("http { ask unix:/run/x.sock; }"));
    assert_string_equal(peer(0)->text.data, "unix:/run/x.sock");
}

static void
test_wrong_names_say_what_was_meant(void **state)
{
    (void)state;
    refused("http { upstream sessions { server 127.0.0.1:1; }\n  ask sesions; }",
            "2:7 no port in upstream \"sesions\" (did you mean the upstream \"sessions\"?)");
    refused("http { ask nothing; }", "1:12 no port in upstream \"nothing\" "
                                     "(an upstream's name, host:port or unix:/path is wanted)");
    refused("http { ask \"\"; }", "1:8 no host in upstream \"\"");
}

static void
test_wrong_blocks_are_refused(void **state)
{
    (void)state;
    refused("http { upstream g { } }", "1:8 no servers are inside upstream");
    refused("http { upstream g { server 127.0.0.1:1 backup; } }",
            "1:21 no servers but backups are inside upstream");
    refused("http { upstream g { server 127.0.0.1:1; }\nupstream g { server 127.0.0.1:2; } }",
            "2:10 duplicate upstream \"g\", the first stands in a.conf:1");
    refused("http { upstream g { server 127.0.0.1:1; keepalive 1 global; } }",
            "1:53 invalid parameter \"global\"");
    refused("http { upstream g { server 127.0.0.1:1; keepalive -1; } }",
            "1:51 invalid value \"-1\" in \"keepalive\" directive");
    refused("http { upstream g { server 127.0.0.1:1; keepalive_requests 0; } }",
            "1:60 invalid value \"0\" in \"keepalive_requests\" directive");
}

static void
test_wrong_servers_are_refused(void **state)
{
    (void)state;
    refused("http { upstream g { server 127.0.0.1:1 weight=0; } }",
            "1:40 invalid parameter \"weight=0\"");
    refused("http { upstream g { server 127.0.0.1:1 weigth=2; } }",
            "1:40 invalid parameter \"weigth=2\"");
    refused("http { upstream g { server 127.0.0.1:1 fail_timeout=x; } }",
            "1:40 invalid parameter \"fail_timeout=x\"");
    refused("http { upstream g { server 127.0.0.1:99999; } }",
            "1:28 invalid port in upstream \"127.0.0.1:99999\"");
}

static void
test_a_server_has_the_parameters_of_nginx_plus(void **state)
{
    const struct wr_group_server *server;

    (void)state;
    assert_true(load("http { upstream g { server 127.0.0.1:1 max_conns=3 slow_start=30s route=a;\n"
                     " server 127.0.0.2:1 drain; server app.invalid resolve service=http; }\n"
                     "ask g; }"));
    assert_int_equal(wr_group_count(last), 2);
    assert_int_equal(weir_upstream_peer(last, 0)->max_conns, 3);
    assert_string_equal(weir_upstream_peer(last, 0)->route.data, "a");
    assert_int_equal(peer(0)->server->slow_start_ms, 30000);
    assert_int_equal(weir_upstream_peer(last, 1)->flags, WEIR_PEER_DRAIN);
    server = *wr_vec_at(&last->servers, struct wr_group_server *, 2);
    assert_true(server->resolve);
    assert_string_equal(server->service.data, "http");
    teardown(NULL);
    refused("http { upstream g { server app.invalid service=http; } }",
            "1:28 service upstream \"app.invalid\" requires \"resolve\" parameter");
    refused("http { upstream g { server app.invalid:1 service=http resolve; } }",
            "1:28 service upstream \"app.invalid:1\" may not have port");
    refused("http { upstream g { server 127.0.0.1:1 max_conns=x; } }",
            "1:40 invalid parameter \"max_conns=x\"");
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_group_has_its_servers_and_settings),
        TEST(test_a_group_may_be_named_before_it_is_read),
        TEST(test_settings_of_one_group_are_not_those_of_the_next),
        TEST(test_a_name_without_a_group_is_an_address),
        TEST(test_wrong_names_say_what_was_meant),
        TEST(test_wrong_blocks_are_refused),
        TEST(test_wrong_servers_are_refused),
        TEST(test_a_server_has_the_parameters_of_nginx_plus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
