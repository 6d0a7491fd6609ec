/* Blocks that directives of modules open, hooks by location, and what the order of statements may not change. */
#include "site.h"

/* ---- A module with a setting, a block, and hooks that want it. ---- */

struct mod {
    bool on;
    uint64_t size;
    weir_scope *scope;
    weir_scope *branch, *first;
};

static weir_self mod_self = WR_SELF;
static unsigned inits;

static int
set_block(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    *(weir_scope **)field = weir_conf_scope(cf, WEIR_IN_IF);
    return *(weir_scope **)field != NULL ? WEIR_OK : WEIR_ERROR;
}

static int
set_branch(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    *(weir_scope **)field = weir_conf_branch(cf, "other", "end");
    return *(weir_scope **)field != NULL ? WEIR_OK : WEIR_ERROR;
}

static int
set_nothing(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)cf;
    (void)d;
    (void)field;
    return WEIR_OK;
}

#define BRANCH(name_, field_)                                                                       \
    { .name = name_, .help = "a branch", .where = WEIR_IN_SERVER | WEIR_IN_LOCATION,                \
      .type = WEIR_T_CUSTOM, .offset = offsetof(struct mod, field_), .size = sizeof(weir_scope *),  \
      .flags = WEIR_D_BLOCK | WEIR_D_LOCAL | WEIR_D_MANY, .set = set_branch }

static const weir_directive mod_rows[] = {
    BRANCH("branch", branch), BRANCH("other", branch), BRANCH("first", first),
    { .name = "end", .help = "no more", .where = WEIR_IN_LOCATION, .type = WEIR_T_CUSTOM,
      .set = set_nothing },
    WEIR_OPT(struct mod, on, FLAG, "mod", WEIR_IN_ANY | WEIR_IN_LIMIT_EXCEPT, "off", "on or off"),
    WEIR_OPT(struct mod, size, SIZE, "mod_size", WEIR_IN_ANY | WEIR_IN_LIMIT_EXCEPT, "1", "a size"),
    { .name = "when", .help = "a block", .where = WEIR_IN_SERVER | WEIR_IN_LOCATION,
      .type = WEIR_T_CUSTOM, .offset = offsetof(struct mod, scope), .size = sizeof(weir_scope *),
      .flags = WEIR_D_BLOCK | WEIR_D_LOCAL, .set = set_block },
};

static bool
wanted(const void *conf)
{
    return ((const struct mod *)conf)->on;
}

static int
hook(weir_request *r, const void *conf)
{
    const struct mod *m = conf;

    if (m->scope != NULL) {
        weir_enter(r, m->scope);
    }
    return WEIR_NEXT;
}

static int
other_hook(weir_request *r, const void *conf)
{
    (void)r;
    (void)conf;
    return 202;
}

static const weir_hook mod_hooks[] = {
    { .phase = WEIR_PHASE_REWRITE, .rank = -1, .handler = hook },
    { .phase = WEIR_PHASE_REWRITE, .rank = -2, .handler = other_hook, .wanted = wanted,
      .flags = WEIR_HOOK_SUBREQUESTS },
};

static int
mod_init(weir_conf *cf, void *conf)
{
    inits++;
    return ((struct mod *)conf)->size == 13 ? weir_conf_error(cf, "13 is not for http") : WEIR_OK;
}

static const weir_module mod = {
    WR_BUILTIN(&mod_self, "mod"), .conf_size = sizeof(struct mod),
    .directives = WEIR_ITEMS(mod_rows), .hooks = WEIR_ITEMS(mod_hooks),
    .init = mod_init,
};

static const struct mod *
conf_at(const struct wr_location *loc)
{
    return loc->conf[mod_self.slot];
}

static const struct wr_location *
at(struct site *s, const char *path)
{
    struct wr_request *r = site_request(s, 0, path);

    return wr_location_find(r, &r->server->base, r->pub.path);
}

/* ---- Scopes. ---- */

static void
test_scope_has_the_settings_of_its_whole_location(void **state)
{
    const struct wr_location *block;
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "location /a { when { mod on; } mod_size 7;"
                                       "  location /a/b { when { mod_size 9; } } }"));
    block = (const struct wr_location *)conf_at(at(&s, "/a"))->scope;
    assert_int_equal(block->kind, WR_LOC_BLOCK);
    assert_int_equal(conf_at(block)->size, 7);
    assert_true(conf_at(block)->on);
    assert_null(conf_at(block)->scope);
    assert_ptr_equal(block->outer, at(&s, "/a"));
    assert_ptr_equal(block->server, s.home.http->servers[0]);
    block = (const struct wr_location *)conf_at(at(&s, "/a/b"))->scope;
    assert_int_equal(conf_at(block)->size, 9);
    assert_false(conf_at(block)->on);
    site_fini(&s);
}

static void
test_faults_within_a_scope_are_told(void **state)
{
    (void)state;
    assert_non_null(strstr(site_error("server { location /a { when {\n mod_size x; } } }"),
                           "3:11 \"mod_size\" directive invalid value"));
    assert_non_null(strstr(site_error("server { location /a { when { location /a/b { } } } }"),
                           "not allowed here"));
}

static void
test_entering_a_scope_goes_on_behind_the_running_hook(void **state)
{
    struct site s;
    struct wr_request *r;

    (void)state;
    site_must(&s, site_load_server(&s, "location /a { when { mod on; } }"
                                       "location /b { mod on; when { mod off; } }"));
    /* In /a only `hook` runs; the block has other_hook in front of it, which must not run now. */
    r = site_request(&s, 0, "/a");
    wr_request_enter(r, at(&s, "/a"));
    r->phase = WEIR_PHASE_REWRITE;
    r->hook = 0;
    assert_ptr_equal(r->plan->phase[WEIR_PHASE_REWRITE].at[0].handler, hook);
    weir_enter(&r->pub, conf_at(r->loc)->scope);
    assert_int_equal(r->plan->phase[WEIR_PHASE_REWRITE].n, 2);
    assert_int_equal((uint16_t)(r->hook + 1), 2);
    /* In /b two run; the block lacks the first, and the second has just run. */
    r = site_request(&s, 0, "/b");
    wr_request_enter(r, at(&s, "/b"));
    r->phase = WEIR_PHASE_REWRITE;
    r->hook = 1;
    weir_enter(&r->pub, conf_at(r->loc)->scope);
    assert_int_equal(r->plan->phase[WEIR_PHASE_REWRITE].n, 1);
    assert_int_equal((uint16_t)(r->hook + 1), 1);
    /* Entered by the first of two, it goes on with the other. */
    r->plan = at(&s, "/b")->plan;
    r->hook = 0;
    weir_enter(&r->pub, conf_at(at(&s, "/b"))->scope);
    assert_int_equal((uint16_t)(r->hook + 1), 0);
    site_fini(&s);
}

static void
test_limit_except_inherits_from_its_location(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "location /a { limit_except GET { mod on; } mod_size 5; }"));
    assert_int_equal(conf_at(at(&s, "/a")->limited)->size, 5);
    assert_true(conf_at(at(&s, "/a")->limited)->on);
    assert_false(conf_at(at(&s, "/a"))->on);
    site_fini(&s);
}

/* ---- Branches. ---- */

static const struct wr_location *
branch_of(const struct wr_location *loc)
{
    return (const struct wr_location *)conf_at(loc)->branch;
}

static void
test_a_branch_of_a_location_is_the_location_again(void **state)
{
    const struct wr_location *a, *branch;
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "location /a { internal; mod_size 7; branch { mod on; } }"));
    a = at(&s, "/a");
    branch = branch_of(a);
    assert_int_equal(branch->kind, WR_LOC_BRANCH);
    assert_true(conf_at(branch)->on);
    assert_false(conf_at(a)->on);
    assert_int_equal(conf_at(branch)->size, 7);
    assert_true(((const struct wr_loc_conf *)branch->conf[WR_SLOT_LOC])->internal);
    assert_ptr_equal(branch->base, a->base);
    assert_null(conf_at(branch)->branch);
    site_fini(&s);
}

static void
test_a_branch_behind_a_branch_is_within_it(void **state)
{
    const struct wr_location *inner;
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "location /a { branch { mod on; } other { mod_size 3; }"
                                       "  branch { mod_size 9; } }"));
    /* The module keeps its last one: in the location that is the last of all. */
    assert_int_equal(conf_at(branch_of(at(&s, "/a")))->size, 9);
    assert_false(conf_at(branch_of(at(&s, "/a")))->on);
    site_fini(&s);
    site_must(&s, site_load_server(&s, "location /a { branch { mod on; } other { mod_size 3; } }"));
    assert_int_equal(conf_at(branch_of(at(&s, "/a")))->size, 3);
    assert_null(conf_at(branch_of(at(&s, "/a")))->branch);
    site_fini(&s);
    site_must(&s, site_load_server(&s, "location /a { first { mod on; } branch { mod_size 9; } }"));
    inner = branch_of((const struct wr_location *)conf_at(at(&s, "/a"))->first);
    assert_true(conf_at(inner)->on);
    assert_int_equal(conf_at(inner)->size, 9);
    assert_false(conf_at(branch_of(at(&s, "/a")))->on);
    site_fini(&s);
    site_must(&s, site_load_server(&s, "location /a { first { end; } branch { mod_size 9; } }"));
    assert_null(conf_at((const struct wr_location *)conf_at(at(&s, "/a"))->first)->branch);
    site_fini(&s);
}

static void
test_a_branch_of_a_server_has_its_locations(void **state)
{
    const struct wr_location *server, *branch, *a;
    struct wr_request *r;
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "location /a { mod_size 3; } location @n { }"
                                       "branch { mod on; location /b { } }"));
    server = &s.home.http->servers[0]->base;
    branch = branch_of(server);
    assert_ptr_equal(branch->base, branch);
    r = site_request(&s, 0, "/a");
    a = wr_location_find(r, branch, r->pub.path);
    assert_ptr_not_equal(a, at(&s, "/a"));
    assert_true(conf_at(a)->on);
    assert_int_equal(conf_at(a)->size, 3);
    assert_ptr_equal(a->base, branch);
    assert_non_null(wr_location_named(branch, WEIR_STR("@n")));
    assert_ptr_not_equal(wr_location_named(branch, WEIR_STR("@n")),
                         wr_location_named(server, WEIR_STR("@n")));
    assert_ptr_equal(at(&s, "/b"), server);
    r->pub.path = WEIR_STR("/b");
    assert_ptr_not_equal(wr_location_find(r, branch, r->pub.path), branch);
    site_fini(&s);
}

/* ---- Plans. ---- */

static void
test_plans_have_what_is_wanted_and_are_shared(void **state)
{
    const struct wr_plan *a, *b, *c;
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "location /a { mod on; } location /b { mod_size 2; mod on; }"
                                       "location /c { }"));
    a = at(&s, "/a")->plan;
    b = at(&s, "/b")->plan;
    c = at(&s, "/c")->plan;
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_int_equal(a->phase[WEIR_PHASE_REWRITE].n, 2);
    assert_int_equal(c->phase[WEIR_PHASE_REWRITE].n, 1);
    assert_ptr_equal(a->phase[WEIR_PHASE_REWRITE].at[0].handler, other_hook);
    assert_string_equal(a->phase[WEIR_PHASE_REWRITE].at[0].module, "mod");
    site_fini(&s);
}

static void
test_subrequests_run_only_hooks_for_them(void **state)
{
    const struct wr_plan *sub;
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "location /a { mod on; }"));
    sub = at(&s, "/a")->plan->sub;
    assert_int_equal(sub->phase[WEIR_PHASE_REWRITE].n, 1);
    assert_ptr_equal(sub->phase[WEIR_PHASE_REWRITE].at[0].handler, other_hook);
    assert_ptr_equal(sub->sub, sub);
    site_fini(&s);
}

static void
test_hook_order_names_a_phase_and_modules(void **state)
{
    (void)state;
    assert_non_null(strstr(site_error("hook_order rewrite mod nosuch; server { }"), "nosuch"));
}

/* ---- The whole. ---- */

static void
test_init_runs_once_with_the_settings_of_http(void **state)
{
    struct site s;

    (void)state;
    inits = 0;
    site_must(&s, site_load(&s, "mod_size 5; server { mod_size 13; }"));
    assert_int_equal(inits, 1);
    site_fini(&s);
    assert_non_null(strstr(site_error("mod_size 13; server { }"), "13 is not for http"));
}

static void
test_a_configuration_without_http_is_whole(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load_main(&s, "", false));
    assert_non_null(s.home.http->scope);
    assert_null(s.home.http->listens);
    site_fini(&s);
}

static void
test_init_is_not_reached_after_faults(void **state)
{
    (void)state;
    inits = 0;
    (void)site_error("mod maybe; server { }");
    assert_int_equal(inits, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scope_has_the_settings_of_its_whole_location),
        cmocka_unit_test(test_faults_within_a_scope_are_told),
        cmocka_unit_test(test_entering_a_scope_goes_on_behind_the_running_hook),
        cmocka_unit_test(test_limit_except_inherits_from_its_location),
        cmocka_unit_test(test_a_branch_of_a_location_is_the_location_again),
        cmocka_unit_test(test_a_branch_behind_a_branch_is_within_it),
        cmocka_unit_test(test_a_branch_of_a_server_has_its_locations),
        cmocka_unit_test(test_plans_have_what_is_wanted_and_are_shared),
        cmocka_unit_test(test_subrequests_run_only_hooks_for_them),
        cmocka_unit_test(test_hook_order_names_a_phase_and_modules),
        cmocka_unit_test(test_init_runs_once_with_the_settings_of_http),
        cmocka_unit_test(test_a_configuration_without_http_is_whole),
        cmocka_unit_test(test_init_is_not_reached_after_faults),
    };

    site_extra[0] = &mod;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
