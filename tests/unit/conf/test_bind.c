/* Statements become typed settings, blocks inherit as promised, and each kind of mistake has its
 * message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "toy.h"

static void
expect_str(weir_str s, const char *want)
{
    assert_non_null(s.data);
    assert_int_equal(s.len, strlen(want));
    assert_memory_equal(s.data, want, s.len);
}

static void
expect_said(const char *text, const char *said)
{
    struct toy_conf c;

    toy_bind(&c, text);
    assert_string_equal(text_said(&c.text, 0), said);
    assert_string_equal(text_said(&c.text, 1), "");
    toy_fini(&c);
}

/* ---- Values. ---- */

static void
test_presets_hold_until_a_directive_stands(void **state)
{
    struct toy_conf c;
    const struct toy *t;

    (void)state;
    toy_bind(&c, "http {}");
    assert_true(c.ok);
    t = toy_in(0);
    assert_ptr_equal(t, c.top->conf[TOY_SLOT]);
    assert_false(t->flag);
    assert_int_equal(t->number, -4);
    assert_int_equal(t->size, 8192);
    assert_int_equal(t->ms, 5400000);
    expect_str(t->text, "two words");
    expect_str(t->path, "/srv/html");
    assert_int_equal(t->list.count, 2);
    expect_str(t->list.at[1], "y z");
    assert_int_equal(t->mode, 2);
    assert_int_equal(t->bits, 3);
    expect_str(t->value->constant, "Hello, $you");
    assert_true(t->safe);
    toy_fini(&c);
}

static void
test_compat_rows_have_another_default_under_compat(void **state)
{
    struct toy_conf c;

    (void)state;
    toy_bind_as(&c, "http { size 1; server { safe on; } }", true);
    assert_true(c.ok);
    assert_false(toy_in(0)->safe);
    assert_true(toy_in(1)->safe);
    toy_fini(&c);
}

static void
test_words_fill_fields_of_every_type(void **state)
{
    struct toy_conf c;
    const struct toy *t;

    (void)state;
    toy_bind(&c, "http { flag ON; number -12; size 2g; time 250ms; text 'a b'; path /etc; list a b;"
                 " list c; mode FAST; bits write; value $x; allow all; deny b c; }");
    assert_true(c.ok);
    t = toy_in(0);
    assert_true(t->flag);
    assert_int_equal(t->number, -12);
    assert_true(t->size == 2147483648u);
    assert_int_equal(t->ms, 250);
    expect_str(t->text, "a b");
    expect_str(t->path, "/etc");
    assert_int_equal(t->list.count, 3);
    expect_str(t->list.at[0], "a");
    expect_str(t->list.at[2], "c");
    assert_int_equal(t->mode, 1);
    assert_int_equal(t->bits, 2);
    expect_str(t->value->constant, "$x");
    assert_int_equal(t->rules.n, 2);
    expect_str(t->rules.last, "b");
    toy_fini(&c);
}

static void
test_a_list_may_be_added_to_many_times(void **state)
{
    enum { N = 20000 };
    char *text = malloc(N * 8 + 32);
    size_t len = 0;
    struct toy_conf c;

    (void)state;
    assert_non_null(text);
    len += (size_t)snprintf(text, 16, "http {");
    for (int i = 0; i < N; i++) {
        memcpy(text + len, "list x;", 7);
        len += 7;
    }
    memcpy(text + len, "}", 2);
    toy_bind(&c, text);
    assert_true(c.ok);
    assert_int_equal(toy_in(0)->list.count, N);
    assert_true(c.text.pool->held < 8 << 20);
    toy_fini(&c);
    free(text);
}

/* ---- Inheritance. ---- */

static void
test_a_block_without_directives_shares_its_parents_struct(void **state)
{
    struct toy_conf c;

    (void)state;
    toy_bind(&c,
             "http { size 1; server { location / {} location /a { text x; location /b {} } } }");
    assert_true(c.ok);
    assert_ptr_not_equal(toy_in(0), c.top->conf[TOY_SLOT]);
    assert_ptr_equal(toy_in(1), toy_in(0));
    assert_ptr_equal(toy_in(2), toy_in(0));
    assert_ptr_not_equal(toy_in(3), toy_in(0));
    assert_ptr_equal(toy_in(4), toy_in(3));
    assert_int_equal(toy_in(3)->size, 1);
    toy_fini(&c);
}

static void
test_order_in_the_file_does_not_matter_to_inheritance(void **state)
{
    struct toy_conf c;

    (void)state;
    toy_bind(&c, "http { server { location / { flag on; } size 7; } number 2; }");
    assert_true(c.ok);
    assert_int_equal(toy_in(2)->size, 7);
    assert_int_equal(toy_in(2)->number, 2);
    assert_true(toy_in(2)->flag);
    assert_false(toy_in(1)->flag);
    toy_fini(&c);
}

static void
test_lists_begin_anew_in_a_block_that_adds_to_them(void **state)
{
    struct toy_conf c;

    (void)state;
    toy_bind(&c, "http { list a b; allow x; allow y; server { list c; deny z; allow w; }"
                 " server { flag on; } }");
    assert_true(c.ok);
    assert_int_equal(toy_in(0)->list.count, 2);
    assert_int_equal(toy_in(1)->list.count, 1);
    expect_str(toy_in(1)->list.at[0], "c");
    assert_int_equal(toy_in(1)->rules.n, 2); /* deny and allow share the field: emptied once */
    assert_int_equal(toy_in(2)->list.count, 2);
    assert_int_equal(toy_in(2)->rules.n, 2);
    toy_fini(&c);
}

static void
test_local_fields_are_not_inherited(void **state)
{
    struct toy_conf c;

    (void)state;
    toy_bind(&c, "http { server { secret 9; size 3; location / {} location /a { flag on; }"
                 " location /b { secret 7; location /c {} } } }");
    assert_true(c.ok);
    assert_int_equal(toy_in(1)->secret, 9);
    assert_int_equal(toy_in(2)->secret, 5); /* no directive of its own, yet a copy without it */
    assert_int_equal(toy_in(2)->size, 3);
    assert_int_equal(toy_in(3)->secret, 5);
    assert_int_equal(toy_in(4)->secret, 7);
    assert_int_equal(toy_in(5)->secret, 5);
    toy_fini(&c);
}

static void
test_check_runs_for_main_and_each_struct_of_a_blocks_own(void **state)
{
    struct toy_conf c;

    (void)state;
    toy_bind(&c, "http { server {} server { size 1; } server { secret 1; location / {} } }");
    assert_true(c.ok);
    assert_int_equal(toy_checks, 1 + 2 + 1); /* main, two servers, the location's reset copy */
    toy_fini(&c);
}

static void
test_fields_no_row_names_are_zero_in_each_copy(void **state)
{
    struct weir_conf *cf;
    struct wr_scope *s;
    struct toy_conf c;
    struct toy *t;

    (void)state;
    toy_bind(&c, "");
    cf = &c.cf;
    t = wr_scope_own(cf, c.top, TOY_SLOT);
    assert_ptr_equal(t, c.top->conf[TOY_SLOT]);
    t->derived = 8;
    t->size = 77;
    s = wr_scope_create(cf, c.top, WEIR_IN_HTTP, NULL);
    t = wr_scope_own(cf, s, TOY_SLOT);
    assert_ptr_equal(t, s->conf[TOY_SLOT]);
    assert_ptr_equal(t, wr_scope_own(cf, s, TOY_SLOT));
    assert_int_equal(t->size, 77);
    assert_int_equal(t->derived, 0);
    toy_fini(&c);
}

static void
test_origins_tell_where_a_setting_was_made(void **state)
{
    const weir_directive *size = &toy_directives[2], *secret = &toy_directives[12];
    const struct wr_scope_origin *o;
    struct toy_conf c;

    (void)state;
    toy_bind(&c, "http {\n size 1;\n server {\n secret 1;\n location / {\n size 2;\n} } }");
    assert_true(c.ok);
    o = wr_scope_origin(toy_scopes[2], TOY_SLOT, size);
    assert_int_equal(o->node->words[0].line, 6);
    o = wr_scope_origin(toy_scopes[1], TOY_SLOT, size);
    assert_int_equal(o->node->words[0].line, 2);
    assert_non_null(wr_scope_origin(toy_scopes[1], TOY_SLOT, secret));
    assert_null(wr_scope_origin(toy_scopes[2], TOY_SLOT, secret));
    assert_null(wr_scope_origin(toy_scopes[2], TOY_SLOT, &toy_directives[0]));
    toy_fini(&c);
}

/* ---- Mistakes. ---- */

static void
test_unknown_words_get_the_nearest_name(void **state)
{
    (void)state;
    expect_said("http { sized 1; }", "1:8 unknown directive \"sized\" (did you mean \"size\"?)");
    expect_said("htpp {}", "1:1 unknown directive \"htpp\" (did you mean \"http\"?)");
    expect_said("http { locatoin / {} }",
                "1:8 unknown directive \"locatoin\" (did you mean \"location\"?)");
    expect_said("qwertyuiop;", "1:1 unknown directive \"qwertyuiop\"");
    expect_said("dav_methods PUT;",
                "1:1 unknown directive \"dav_methods\" (of ngx_http_dav_module)");
}

static void
test_a_directive_elsewhere_says_where_it_may_stand(void **state)
{
    (void)state;
    expect_said("size 1;", "1:1 \"size\" directive is not allowed here"
                           " (it may stand in: http, server, location, if in location)");
}

static void
test_braces_and_semicolons_must_fit_the_directive(void **state)
{
    (void)state;
    expect_said("http;",
                "1:1 directive \"http\" has no opening \"{\" (\"http\" takes no arguments)");
    expect_said("http { size 1 {} }",
                "1:8 directive \"size\" is not terminated by \";\" (usage: size SIZE;)");
}

static void
test_the_number_of_arguments_is_checked(void **state)
{
    (void)state;
    expect_said("http { size; }",
                "1:8 invalid number of arguments in \"size\" directive (usage: size SIZE;)");
    expect_said("http { flag on off; }",
                "1:8 invalid number of arguments in \"flag\" directive (usage: flag on | off;)");
    expect_said("http { bits; }", "1:8 invalid number of arguments in \"bits\" directive"
                                  " (usage: bits read | write | none ...;)");
    expect_said("http { allow a b c; }", "1:8 invalid number of arguments in \"allow\" directive"
                                         " (\"allow\" takes 1 to 2 arguments)");
}

static void
test_a_missing_semicolon_is_recognised(void **state)
{
    (void)state;
    expect_said("http {\n size 1\n flag on;\n}",
                "2:2 invalid number of arguments in \"size\" directive"
                " (is a \";\" missing at the end of line 2?)");
    expect_said("http {\n flag on\n server {}\n}",
                "2:2 directive \"flag\" is not terminated by \";\""
                " (is a \";\" missing at the end of line 2?)");
}

static void
test_wrong_values_are_told_with_what_is_expected(void **state)
{
    (void)state;
    expect_said("http { flag yes; }",
                "1:13 invalid value \"yes\" in \"flag\" directive, it must be \"on\" or \"off\"");
    expect_said("http { number x; }",
                "1:15 \"number\" directive invalid number (a decimal number is expected)");
    expect_said("http { size 1x; }",
                "1:13 \"size\" directive invalid value (a size is expected: 512, 8k, 1m, 2g)");
    expect_said("http { time 1x; }", "1:13 \"time\" directive invalid value"
                                     " (a time is expected: 500ms, 30s, 5m, \"1h 30m\")");
    expect_said("http { mode smal; }",
                "1:13 invalid value \"smal\" in \"mode\" directive"
                " (did you mean \"small\"? it must be one of \"fast\", \"small\")");
    expect_said("http { bits read exec; }", "1:18 invalid value \"exec\" in \"bits\" directive"
                                            " (it must be one of \"read\", \"write\", \"none\")");
    expect_said("http { bits read read; }", "1:18 duplicate value \"read\" in \"bits\" directive");
    expect_said("http { value a$; }", "1:14 stray \"$\"");
}

static void
test_setters_and_checks_report_with_their_place(void **state)
{
    (void)state;
    expect_said("http { number 3; }", "1:15 \"number\" must be even");
    expect_said("http { silent; }", "1:8 \"silent\" directive invalid value");
    expect_said("http {\n server {\n text x; size 13; } }", "3:10 13 is not allowed");
}

static void
test_duplicates_name_the_first(void **state)
{
    (void)state;
    expect_said("http {\n size 1;\n size 2; }",
                "3:2 \"size\" directive is duplicate (the first stands in a.conf:2)");
    expect_said("http {}\nhttp {}",
                "2:1 \"http\" directive is duplicate (the first stands in a.conf:1)");
    expect_said("http { size 1; server { size 2; } server { size 2; } }", "");
}

static void
test_a_directive_without_effect_is_noted(void **state)
{
    struct toy_conf c;

    (void)state;
    toy_bind(&c, "http { unused a b c; unused; }");
    assert_true(c.ok);
    assert_int_equal(c.text.diag.notes, 2);
    assert_string_equal(text_said(&c.text, 0), "1:8 the \"unused\" directive has no effect");
    toy_fini(&c);
}

static void
test_all_mistakes_of_all_blocks_are_told(void **state)
{
    struct toy_conf c;

    (void)state;
    toy_bind(&c, "nope; http { flag maybe; server { size x; location / { mode x; } } serfer {} }");
    assert_false(c.ok);
    assert_int_equal(c.text.diag.errors, 5);
    toy_fini(&c);
}

static void
test_a_modules_block_is_read_statement_by_statement(void **state)
{
    struct toy_conf c;

    (void)state;
    toy_bind(&c, "http { table { a; b c; deep { d; } } }");
    assert_true(c.ok);
    assert_int_equal(toy_in(0)->entries, 4);
    toy_fini(&c);
    expect_said("http { table { a; bad b; c; } }", "1:19 bad entry of 2 words");
    expect_said("http { table { a { b; } } }", "1:16 directive \"a\" is not terminated by \";\"");
}

/* ---- Hostile and large. ---- */

static void
test_many_mistakes_end_soon(void **state)
{
    static const char *const units[] = { "sizf 1; ", "size 1; ", "text '$'; allow a; " };
    long begin = text_cpu_ms();

    (void)state;
    for (size_t u = 0; u < 3; u++) {
        enum { N = 50000 };
        size_t len = strlen(units[u]);
        char *text = malloc(N * len + 16);
        struct toy_conf c;
        assert_non_null(text);
        memcpy(text, "http { ", 7);
        for (size_t i = 0; i < N; i++) {
            memcpy(text + 7 + i * len, units[u], len);
        }
        memcpy(text + 7 + N * len, "}", 2);
        toy_bind(&c, text);
        assert_true(c.text.diag.errors >= N - 1);
        toy_fini(&c);
        free(text);
    }
    assert_true(text_cpu_ms() - begin < 1000 * TEXT_SLOWER);
}

static void
test_ten_thousand_servers_bind_fast_and_small(void **state)
{
    static const char server[] =
        "server { size 1k; list a.example www.a.example;"
        " location / { path html; } location /a { value $x; flag on; }"
        " location /b { text b; allow all; } location = /c { size 1; } }\n";
    enum { N = 10000 };
    char *text = malloc(N * (sizeof(server) - 1) + 16);
    size_t before, scope_bytes;
    struct toy_conf c;
    long begin;

    (void)state;
    assert_non_null(text);
    memcpy(text, "http { ", 7);
    for (size_t i = 0; i < N; i++) {
        memcpy(text + 7 + i * (sizeof(server) - 1), server, sizeof(server) - 1);
    }
    memcpy(text + 7 + N * (sizeof(server) - 1), "}", 2);
    toy_bind(&c, "");
    toy_fini(&c);
    begin = text_cpu_ms();
    assert_true(text_read(&c.text, text));
    before = c.text.pool->held;
    text_fini(&c.text);
    toy_bind(&c, text);
    assert_true(c.ok);
    assert_int_equal(toy_n_scopes, 1 + 5 * N);
    assert_int_equal(toy_in(5 * N)->size, 1);
    scope_bytes = (c.text.pool->held - before) / (5 * N);
    print_message("read twice and bound in %ld ms, %zu bytes a block\n", text_cpu_ms() - begin,
                  scope_bytes);
    assert_true(text_cpu_ms() - begin < 1000 * TEXT_SLOWER);
    assert_true(scope_bytes < 2048);
    toy_fini(&c);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_presets_hold_until_a_directive_stands),
        cmocka_unit_test(test_compat_rows_have_another_default_under_compat),
        cmocka_unit_test(test_words_fill_fields_of_every_type),
        cmocka_unit_test(test_a_list_may_be_added_to_many_times),
        cmocka_unit_test(test_a_block_without_directives_shares_its_parents_struct),
        cmocka_unit_test(test_order_in_the_file_does_not_matter_to_inheritance),
        cmocka_unit_test(test_lists_begin_anew_in_a_block_that_adds_to_them),
        cmocka_unit_test(test_local_fields_are_not_inherited),
        cmocka_unit_test(test_check_runs_for_main_and_each_struct_of_a_blocks_own),
        cmocka_unit_test(test_fields_no_row_names_are_zero_in_each_copy),
        cmocka_unit_test(test_origins_tell_where_a_setting_was_made),
        cmocka_unit_test(test_unknown_words_get_the_nearest_name),
        cmocka_unit_test(test_a_directive_elsewhere_says_where_it_may_stand),
        cmocka_unit_test(test_braces_and_semicolons_must_fit_the_directive),
        cmocka_unit_test(test_the_number_of_arguments_is_checked),
        cmocka_unit_test(test_a_missing_semicolon_is_recognised),
        cmocka_unit_test(test_wrong_values_are_told_with_what_is_expected),
        cmocka_unit_test(test_setters_and_checks_report_with_their_place),
        cmocka_unit_test(test_duplicates_name_the_first),
        cmocka_unit_test(test_a_directive_without_effect_is_noted),
        cmocka_unit_test(test_all_mistakes_of_all_blocks_are_told),
        cmocka_unit_test(test_a_modules_block_is_read_statement_by_statement),
        cmocka_unit_test(test_many_mistakes_end_soon),
        cmocka_unit_test(test_ten_thousand_servers_bind_fast_and_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
