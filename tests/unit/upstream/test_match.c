/* match{} blocks: read as in a configuration, held against responses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "conf/bind.h"
#include "http/http.h"
#include "module/registry.h"
#include "upstream/match.h"

static struct wr_match *last;

static int
set_match(weir_conf *cf, const weir_directive *row, void *field)
{
    (void)row;
    (void)field;
    last = wr_match_read(cf);
    return last != NULL ? WEIR_OK : WEIR_ERROR;
}

static const weir_directive directives[] = {
    { .name = "match", .help = "for this test", .where = WEIR_IN_MAIN, .type = WEIR_T_CUSTOM,
      .min = 1, .max = 1, .flags = WEIR_D_BLOCK, .set = set_match },
};
static weir_self user_self = WR_SELF;
static const weir_module user = { WR_BUILTIN(&user_self, "test.user"),
                                  .directives = WEIR_ITEMS(directives) };
static const weir_module *const builtin[] = { &user };

static struct {
    weir_pool *pool;
    struct wr_diag diag;
    struct wr_conf_tree tree;
    struct wr_registry registry;
    struct weir_conf cf;
    struct wr_http http; /* as much of it as expressions want */
    struct wr_http_home home;
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

/* Read `match x { TEXT }`. */
static bool
load(const char *text)
{
    struct wr_scope *scope;

    if (t.pool != NULL) {
        teardown(NULL);
    }
    t.pool = wr_pool_create("test", NULL);
    wr_diag_init(&t.diag, t.pool);
    assert_true(wr_conf_read_text(t.pool, WEIR_STR("a.conf"),
                                  weir_print(t.pool, "match x { %s }", text), NULL, &t.diag,
                                  &t.tree));
    wr_registry_init(&t.registry, t.pool, "/nowhere", builtin, 1, NULL);
    t.cf.pool = t.pool;
    t.cf.diag = &t.diag;
    t.cf.space = &t.registry.space;
    t.http.tag = WR_HTTP_TAG;
    t.http.pool = t.pool;
    t.home.http = &t.http;
    t.cf.owner = &t.home;
    scope = wr_scope_create_main(&t.cf);
    return wr_scope_bind(&t.cf, scope, t.tree.first);
}

/* What is wrong with a response: 's'tatus, 'h'eader, 'b'ody, or '-' nothing. */
static char
fault(uint32_t status, const char *body)
{
    weir_header kind = { .name = WEIR_STR("Content-Type"), .value = WEIR_STR("text/html") };
    weir_header twice = { .name = WEIR_STR("X-Two"), .value = WEIR_STR("one"), .next = &kind };
    weir_header again = { .name = WEIR_STR("x-two"), .value = WEIR_STR("two"), .next = &twice };
    weir_reply reply = { .status = status, .first = &again };
    const char *f = wr_match_fault(last, &reply, weir_str_c(body));

    return f != NULL ? f[0] : '-';
}

static void
test_statuses(void **state)
{
    (void)state;
    assert_true(load("status 200;"));
    assert_int_equal(fault(200, ""), '-');
    assert_int_equal(fault(201, ""), 's');
    assert_true(load("status ! 500;"));
    assert_int_equal(fault(500, ""), 's');
    assert_int_equal(fault(404, ""), '-');
    assert_true(load("status 200-399 204 !301 !303-304;"));
    assert_int_equal(fault(204, ""), '-');
    assert_int_equal(fault(301, ""), 's');
    assert_int_equal(fault(302, ""), '-');
    assert_int_equal(fault(304, ""), 's');
    assert_int_equal(fault(400, ""), 's');
    assert_true(load("status ! 301-303 307;"));
    assert_int_equal(fault(307, ""), 's');
    assert_int_equal(fault(200, ""), '-');
    assert_true(load("header Content-Type;"));
    assert_int_equal(fault(599, ""), '-'); /* no status is asked for */
}

static void
test_headers(void **state)
{
    static const struct {
        const char *text;
        char fault;
    } cases[] = {
        { "header Content-Type;", '-' },
        { "header content-type;", '-' },
        { "header X-None;", 'h' },
        { "header ! X-None;", '-' },
        { "header !X-None;", '-' },
        { "header ! Content-Type;", 'h' },
        { "header Content-Type = text/html;", '-' },
        { "header Content-Type = text/HTML;", 'h' },
        { "header Content-Type != text/html;", 'h' },
        { "header Content-Type != text/plain;", '-' },
        { "header Content-Type ~ ^text/;", '-' },
        { "header Content-Type ~ HTML;", 'h' },
        { "header Content-Type ~* HTML;", '-' },
        { "header Content-Type !~ html;", 'h' },
        { "header X-Two = one;", '-' }, /* either line will do */
        { "header X-Two = two;", '-' },
        { "header X-Two = three;", 'h' },
        { "header X-None = x;", 'h' },
        { "header X-None != x;", '-' },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(load(cases[i].text));
        assert_int_equal(fault(200, ""), cases[i].fault);
    }
}

static void
test_bodies(void **state)
{
    (void)state;
    assert_true(load("body ~ \"all is (well|fine)\";"));
    assert_true(wr_match_wants_body(last));
    assert_int_equal(fault(200, "<p>all is well"), '-');
    assert_int_equal(fault(200, "nothing is"), 'b');
    assert_int_equal(fault(200, ""), 'b');
    assert_true(load("status 200; body !~ fail;"));
    assert_int_equal(fault(200, "it failed"), 'b');
    assert_int_equal(fault(200, ""), '-');
    assert_int_equal(fault(500, "it failed"), 's');
}

static void
test_without_a_block_200_to_399_are_well(void **state)
{
    (void)state;
    assert_true(load("status 200;"));
    last = wr_match_standard(t.pool);
    assert_false(wr_match_wants_body(last));
    assert_int_equal(fault(199, ""), 's');
    assert_int_equal(fault(200, ""), '-');
    assert_int_equal(fault(399, ""), '-');
    assert_int_equal(fault(400, ""), 's');
}

static void
test_wrong_tests_are_refused(void **state)
{
    static const char *const wrong[] = {
        "status;", "status !;", "status 99;", "status 600;", "status 300-200;", "status x;",
        "status 200-;", "header;", "header !;", "header A =;", "header A < b;", "header A b;",
        "header A = b c;", "body;", "body x;", "body = x y;", "body ~ \"(\";", "other x;",
        "require $x;",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(load(wrong[i]));
        assert_int_equal(t.diag.errors, 1);
    }
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_statuses),
        TEST(test_headers),
        TEST(test_bodies),
        TEST(test_without_a_block_200_to_399_are_well),
        TEST(test_wrong_tests_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
