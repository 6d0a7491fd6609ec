/* One order of hooks, whatever the order of loading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "module/order.h"
#include "module/registry.h"

static struct weir_pool pool;
static weir_self selves[16];
static weir_module modules[16];
static weir_hook hooks[16][8];
static const weir_module *list[16];
static uint32_t n;

static int
handler(weir_request *r, const void *conf)
{
    (void)r;
    (void)conf;
    return WEIR_NEXT;
}

static int
filter(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    (void)r;
    (void)conf;
    (void)in;
    (void)out;
    return WEIR_NEXT;
}

static int
begin(void **state)
{
    (void)state;
    wr_pool_init(&pool, "test", NULL);
    memset(modules, 0, sizeof(modules));
    memset(hooks, 0, sizeof(hooks));
    n = 0;
    return 0;
}

static int
end(void **state)
{
    (void)state;
    wr_pool_fini(&pool);
    return 0;
}

/* A further module called name; hook() gives it hooks. */
static void
module(const char *name)
{
    selves[n].slot = n;
    modules[n] = (weir_module){ WR_BUILTIN(&selves[n], name) };
    modules[n].hooks = (weir_items){ hooks[n], 0, sizeof(weir_hook) };
    list[n] = &modules[n];
    n++;
}

static void
hook(uint32_t phase, int32_t rank, const char *before, const char *after)
{
    weir_hook *h = &hooks[n - 1][modules[n - 1].hooks.count++];
    bool body = phase == WEIR_PHASE_BODY || phase == WEIR_PHASE_REQUEST_BODY;

    *h = (weir_hook){ .phase = phase, .rank = rank, .handler = body ? NULL : handler,
                      .body = body ? filter : NULL, .before = before, .after = after };
}

/* A module with one hook in ACCESS. */
static void
access_module(const char *name, int32_t rank, const char *before, const char *after)
{
    module(name);
    hook(WEIR_PHASE_ACCESS, rank, before, after);
}

/* The names of the hooks of phase, in order: "a b c". */
static void
expect(uint32_t phase, const struct wr_order_wish *wish, const char *names)
{
    char text[200];
    struct wr_strbuf b = wr_strbuf_over(text, sizeof(text) - 1);
    struct wr_order order;
    struct wr_err err = { "" };

    if (!wr_order_resolve(&pool, list, n, wish, wish != NULL, &order, &err)) {
        fail_msg("%s", err.text);
    }
    for (uint32_t i = 0; i < order.n[phase]; i++) {
        wr_strbuf_print(&b, "%s%s", i != 0 ? " " : "", order.at[phase][i].module->name);
        assert_int_equal(order.at[phase][i].slot, order.at[phase][i].module->self->slot);
        assert_int_equal(order.at[phase][i].hook->phase, phase);
    }
    text[b.len] = '\0';
    assert_string_equal(text, names);
}

static void
expect_error(const struct wr_order_wish *wish, const char *part)
{
    struct wr_order order;
    struct wr_err err = { "" };

    assert_false(wr_order_resolve(&pool, list, n, wish, wish != NULL, &order, &err));
    if (strstr(err.text, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, part);
    }
}

static void
test_rank_decides_then_name(void **state)
{
    (void)state;
    access_module("c", WEIR_RANK_NORMAL, NULL, NULL);
    access_module("a", WEIR_RANK_LATE, NULL, NULL);
    access_module("b", WEIR_RANK_NORMAL, NULL, NULL);
    access_module("d", WEIR_RANK_EARLY, NULL, NULL);
    expect(WEIR_PHASE_ACCESS, NULL, "d b c a");
}

static void
test_before_and_after_decide_inside_a_rank(void **state)
{
    (void)state;
    access_module("a", 0, NULL, "absent c");
    access_module("b", 0, NULL, NULL);
    access_module("c", 0, NULL, NULL);
    access_module("d", 0, "b", NULL);
    expect(WEIR_PHASE_ACCESS, NULL, "c a d b");
}

static void
test_the_order_of_loading_does_not_matter(void **state)
{
    const weir_module *swap;

    (void)state;
    access_module("a", 0, NULL, "d");
    access_module("b", 0, NULL, NULL);
    access_module("c", -100, NULL, NULL);
    access_module("d", 0, "b", NULL);
    expect(WEIR_PHASE_ACCESS, NULL, "c d a b");
    for (uint32_t i = 0; i < n; i++) { /* every rotation */
        swap = list[0];
        memmove(list, list + 1, (n - 1) * sizeof(list[0]));
        list[n - 1] = swap;
        expect(WEIR_PHASE_ACCESS, NULL, "c d a b");
    }
}

static void
test_a_cycle_names_its_members_and_nobody_else(void **state)
{
    struct wr_order order;
    struct wr_err err;

    (void)state;
    access_module("a", 0, NULL, NULL);
    access_module("b", 0, NULL, "d");
    access_module("c", 0, NULL, "b");
    access_module("d", 0, NULL, "c");
    access_module("e", 0, NULL, "d");
    assert_false(wr_order_resolve(&pool, list, n, NULL, 0, &order, &err));
    assert_non_null(strstr(err.text, "\"b\""));
    assert_non_null(strstr(err.text, "\"c\""));
    assert_non_null(strstr(err.text, "\"d\""));
    assert_null(strstr(err.text, "\"a\""));
    assert_null(strstr(err.text, "\"e\""));
    assert_non_null(strstr(err.text, "access"));
}

static void
test_ranks_that_contradict_a_demand_are_an_error(void **state)
{
    (void)state;
    access_module("a", 0, NULL, "b");
    access_module("b", 100, NULL, NULL);
    expect_error(NULL, "wants to run after \"b\"");
}

static void
test_filters_have_one_place_for_head_and_body(void **state)
{
    (void)state;
    module("a"); /* only its body hook says where */
    hook(WEIR_PHASE_HEADERS, 0, NULL, NULL);
    hook(WEIR_PHASE_BODY, 0, NULL, "b");
    module("b");
    hook(WEIR_PHASE_BODY, 0, NULL, NULL);
    hook(WEIR_PHASE_HEADERS, 0, NULL, NULL);
    module("c");
    hook(WEIR_PHASE_HEADERS, -100, NULL, NULL);
    module("d");
    hook(WEIR_PHASE_BODY, 200, NULL, NULL);
    expect(WEIR_PHASE_HEADERS, NULL, "c b a");
    expect(WEIR_PHASE_BODY, NULL, "b a d");
}

static void
test_the_operator_moves_only_what_is_named(void **state)
{
    weir_str names[] = { WEIR_STR("d"), WEIR_STR("b") };
    weir_str unknown[] = { WEIR_STR("x") };
    struct wr_order_wish wish = { WEIR_PHASE_ACCESS, names, 2 };
    struct wr_order_wish wrong = { WEIR_PHASE_ACCESS, unknown, 1 };

    (void)state;
    access_module("a", 0, NULL, NULL);
    access_module("b", 0, NULL, NULL);
    access_module("c", 0, NULL, NULL);
    access_module("d", 0, NULL, NULL);
    access_module("e", 0, NULL, NULL);
    expect(WEIR_PHASE_ACCESS, &wish, "a d c b e");
    expect_error(&wrong, "no module \"x\" has a hook");
}

static void
test_the_operator_cannot_break_a_demand(void **state)
{
    weir_str names[] = { WEIR_STR("b"), WEIR_STR("a") };
    struct wr_order_wish wish = { WEIR_PHASE_ACCESS, names, 2 };

    (void)state;
    access_module("a", 0, "b", NULL);
    access_module("b", 0, NULL, NULL);
    expect_error(&wish, "cannot put \"b\" before \"a\"");
}

static void
test_hooks_without_a_function_or_in_the_server_s_phases_are_refused(void **state)
{
    (void)state;
    module("a");
    hook(WEIR_PHASE_FIND_CONFIG, 0, NULL, NULL);
    expect_error(NULL, "takes none");
    hooks[0][0].phase = 99;
    expect_error(NULL, "takes none");
    hooks[0][0].phase = WEIR_PHASE_BODY; /* it has a handler, no filter */
    expect_error(NULL, "without a function");
}

static void
test_more_body_filters_than_have_a_bit_are_refused(void **state)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
    struct wr_order order;
    struct wr_err err = { "" };

    (void)state;
    for (int i = 0; i < 8; i++) {
        module(names[i]);
        for (int k = 0; k < 8; k++) {
            hook(WEIR_PHASE_BODY, k, NULL, NULL);
        }
    }
    assert_true(wr_order_resolve(&pool, list, n, NULL, 0, &order, &err));
    assert_int_equal(order.n[WEIR_PHASE_BODY], 64);
    module("i");
    hook(WEIR_PHASE_BODY, 0, NULL, NULL);
    expect_error(NULL, "65 body filters in the loaded modules, 64 are the most");
}

static void
test_phases_have_names_both_ways(void **state)
{
    (void)state;
    for (uint32_t i = WEIR_PHASE_POST_READ; i <= WEIR_PHASE_LOG; i++) {
        assert_int_equal(wr_order_phase_parse(weir_str_c(wr_order_phase_name(i))), i);
    }
    assert_int_equal(wr_order_phase_parse(WEIR_STR("contents")), 0);
    assert_null(wr_order_phase_name(15));
    assert_null(wr_order_phase_name(0));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_rank_decides_then_name),
        CASE(test_before_and_after_decide_inside_a_rank),
        CASE(test_the_order_of_loading_does_not_matter),
        CASE(test_a_cycle_names_its_members_and_nobody_else),
        CASE(test_ranks_that_contradict_a_demand_are_an_error),
        CASE(test_filters_have_one_place_for_head_and_body),
        CASE(test_the_operator_moves_only_what_is_named),
        CASE(test_the_operator_cannot_break_a_demand),
        CASE(test_hooks_without_a_function_or_in_the_server_s_phases_are_refused),
        CASE(test_more_body_filters_than_have_a_bit_are_refused),
        CASE(test_phases_have_names_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
