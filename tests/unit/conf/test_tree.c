/* Tokens become statements; includes are followed; every fault is told with its place, and hostile
 * texts end soon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

static char folder[] = "/tmp/weir-test-tree-XXXXXX";

static void
put(const char *name, const char *text)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static bool
read_file(struct text *t, const char *name, const char *globals)
{
    static char path[128];

    text_init(t);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return wr_conf_read(t->pool, t->pool, path, weir_str_c(globals), NULL, &t->diag, &t->tree);
}

/* The tree as "a b;c{d;}". */
static char *
shape(const struct wr_conf_node *n, char *to)
{
    for (; n != NULL; n = n->next) {
        for (uint32_t i = 0; i < n->n_words; i++) {
            to += snprintf(to, 256, i != 0 ? " %s" : "%s", n->words[i].text.data);
        }
        if (n->block) {
            *to++ = '{';
            to = shape(n->first, to);
            *to++ = '}';
        } else {
            *to++ = ';';
        }
    }
    *to = '\0';
    return to;
}

static const char *
shape_of(const struct text *t)
{
    static char room[8192];

    shape(t->tree.first, room);
    return room;
}

static void
expect_said(const char *text, const char *first, const char *second)
{
    struct text t;

    assert_false(text_read(&t, text));
    assert_string_equal(text_said(&t, 0), first);
    assert_string_equal(text_said(&t, 1), second);
    text_fini(&t);
}

static void
test_statements_and_blocks_keep_their_order(void **state)
{
    struct text t;

    (void)state;
    assert_true(text_read(&t, "a 1 2; b { c; d x { } } e;"));
    assert_string_equal(shape_of(&t), "a 1 2;b{c;d x{}}e;");
    assert_int_equal(t.tree.n_nodes, 5);
    text_fini(&t);
}

static void
test_a_statement_knows_its_place(void **state)
{
    struct wr_conf_place at;
    struct text t;

    (void)state;
    assert_true(text_read(&t, "\n a {\n  b 'c d'\n  ;\n}\n"));
    assert_int_equal(t.tree.first->end_line, 5);
    assert_int_equal(t.tree.first->first->end_line, 4);
    at = wr_conf_place(t.tree.first->first, 1);
    assert_int_equal(at.line, 3);
    assert_int_equal(at.column, 5);
    assert_int_equal(at.len, 5);
    assert_ptr_equal(at.source, t.tree.sources);
    text_fini(&t);
}

static void
test_a_byte_order_mark_is_skipped(void **state)
{
    struct text t;

    (void)state;
    assert_true(text_read(&t, "\xef\xbb\xbf"
                              "a;"));
    assert_string_equal(shape_of(&t), "a;");
    assert_int_equal(t.tree.first->words[0].column, 1);
    text_fini(&t);
}

static void
test_marks_out_of_place_are_told(void **state)
{
    (void)state;
    expect_said("a;;", "1:3 unexpected \";\"", "");
    expect_said("{ a; }", "1:1 unexpected \"{\"", "");
    expect_said("a;\n}", "2:1 unexpected \"}\" (no block is open here)", "");
    expect_said("a {\n b 1\n}\nc;",
                "3:1 unexpected \"}\" (is a \";\" missing at the end of line 2?)", "");
}

static void
test_an_open_block_is_told_with_where_it_was_opened(void **state)
{
    (void)state;
    expect_said("a {\n b {\n c;\n }\n",
                "5:1 unexpected end of file, expecting \"}\""
                " (the block of \"a\" was opened at a.conf:1)",
                "");
    expect_said("a {\n b", "2:2 unexpected end of file, expecting \";\" or \"}\"", "");
}

static void
test_an_open_quote_is_told_where_it_begins(void **state)
{
    (void)state;
    expect_said("a {\n b \"c;\n}\nd e f",
                "2:4 unexpected end of file, missing terminating quote"
                " (the quote that begins here has no end)",
                "4:5 unexpected end of file, expecting \";\" or \"}\"");
}

static void
test_all_faults_are_found_and_the_rest_is_kept(void **state)
{
    struct text t;

    (void)state;
    assert_false(text_read(&t, "a 'x'y; b; ; c { 'd'e; f; }}"));
    assert_int_equal(t.diag.errors, 4);
    assert_string_equal(shape_of(&t), "b;c{f;}");
    text_fini(&t);
}

static void
test_a_nul_byte_is_refused_with_its_place(void **state)
{
    struct text t;

    (void)state;
    text_init(&t);
    assert_false(wr_conf_read_text(t.pool, WEIR_STR("a.conf"), WEIR_STR("a;\nb \0c;"), NULL,
                                   &t.diag, &t.tree));
    assert_string_equal(text_said(&t, 0), "2:3 unexpected NUL byte (is this a text file?)");
    text_fini(&t);
}

static void
test_the_command_line_comes_first(void **state)
{
    struct text t;

    (void)state;
    put("main.conf", "b;");
    assert_true(read_file(&t, "main.conf", "daemon off;"));
    assert_string_equal(shape_of(&t), "daemon off;b;");
    text_fini(&t);
    assert_false(read_file(&t, "main.conf", "daemon off"));
    assert_string_equal(text_said(&t, 0), "1:8 unexpected end of parameter, expecting \";\"");
    assert_string_equal(shape_of(&t), "b;");
    text_fini(&t);
}

static void
test_includes_are_followed_in_every_block(void **state)
{
    struct text t;

    (void)state;
    put("main.conf", "a { include one; z; } types { include types.d/*.t; } include none*;");
    put("one", "b { include two; }");
    put("two", "c;");
    assert_true(read_file(&t, "main.conf", NULL));
    assert_string_equal(shape_of(&t), "a{b{c;}z;}types{a;b;c;}");
    assert_int_equal(t.diag.notes, 1);
    text_fini(&t);
}

static void
test_a_missing_file_is_told_where_it_is_asked_for(void **state)
{
    struct text t;
    char want[256];

    (void)state;
    put("main.conf", "a;\ninclude no.conf;");
    assert_false(read_file(&t, "main.conf", NULL));
    snprintf(want, sizeof(want), "2:9 open() \"%s/no.conf\" failed (2: No such file or directory)",
             folder);
    assert_string_equal(text_said(&t, 0), want);
    text_fini(&t);
    assert_false(read_file(&t, "absent.conf", NULL));
    text_fini(&t);
}

static void
test_an_include_loop_is_told_once_with_its_chain(void **state)
{
    struct text t;
    char want[512];

    (void)state;
    put("main.conf", "include x;");
    put("x", "a; include y; include y;");
    put("y", "include x; include x;");
    assert_false(read_file(&t, "main.conf", NULL));
    assert_int_equal(t.diag.errors, 1);
    snprintf(want, sizeof(want),
             "1:9 include loop: \"%s/x\" includes itself (%s/main.conf -> %s/x -> %s/y -> %s/x)",
             folder, folder, folder, folder, folder);
    assert_string_equal(text_said(&t, 0), want);
    text_fini(&t);
}

static void
test_a_loop_under_changing_names_ends_as_well(void **state)
{
    struct text t;

    (void)state;
    put("main.conf", "include x;");
    put("x", "include types.d/../x; include types.d/../x;");
    assert_false(read_file(&t, "main.conf", NULL));
    assert_int_equal(t.diag.errors, 1);
    text_fini(&t);
    /* each file includes the next one twice: 2^30 files if nothing stopped it */
    for (int i = 0; i < 30; i++) {
        char name[16], text[64];
        snprintf(name, sizeof(name), "l%d", i);
        snprintf(text, sizeof(text), i < 29 ? "include l%d; include l%d;" : "a;", i + 1, i + 1);
        put(name, text);
    }
    assert_false(read_file(&t, "l0", NULL));
    assert_int_equal(t.diag.errors, 1);
    assert_non_null(strstr(text_said(&t, 0), "too many included files"));
    text_fini(&t);
}

static void
test_a_file_is_kept_once_however_often_it_is_included(void **state)
{
    unsigned n = 0;
    struct text t;

    (void)state;
    put("main.conf", "a { include one; } b { include one; }");
    put("one", "c;");
    assert_true(read_file(&t, "main.conf", NULL));
    for (const struct wr_conf_source *s = t.tree.sources; s != NULL; s = s->next) {
        n++;
    }
    assert_int_equal(n, 2);
    text_fini(&t);
}

/* n times `unit`, then `tail`, is read without a crash in less than a second; answers how many
 * errors there were. */
static uint32_t
read_hostile(const char *unit, size_t n, const char *tail)
{
    size_t len = strlen(unit);
    char *text = malloc(n * len + strlen(tail) + 1);
    long begin = text_cpu_ms();
    uint32_t errors;
    struct text t;

    assert_non_null(text);
    for (size_t i = 0; i < n; i++) {
        memcpy(text + i * len, unit, len);
    }
    memcpy(text + n * len, tail, strlen(tail) + 1);
    text_read(&t, text);
    errors = t.diag.errors;
    text_fini(&t);
    free(text);
    assert_true(text_cpu_ms() - begin < 1000 * TEXT_SLOWER);
    return errors;
}

static void
test_hostile_texts_end_soon(void **state)
{
    (void)state;
    assert_true(read_hostile("{", 1000000, "") > 0);
    assert_int_equal(read_hostile("}", 1000000, ""), 1000000);
    assert_int_equal(read_hostile("a{", 1000000, ""), 2); /* too deep, and never closed */
    assert_int_equal(read_hostile(";", 1000000, ""), 1000000);
    assert_int_equal(read_hostile("a", 1 << 20, ";"), 0);
    assert_int_equal(read_hostile("a", (1 << 20) + 1, ";"), 1);
    assert_int_equal(read_hostile("a ", 1000000, ";"), 1);
    assert_int_equal(read_hostile("\"a\"", 1000000, ";"), 1);
    assert_true(read_hostile("'\"", 500000, "") > 0);
    assert_int_equal(read_hostile("\\\"", 500000, ";"), 0);
    assert_int_equal(read_hostile("a;", 500000, ""), 0);
    assert_true(read_hostile("\"{'}", 250000, "") > 0);
}

static void
test_blocks_within_blocks_have_a_limit(void **state)
{
    struct text t;
    char text[4 * (WR_CONF_DEPTH_MAX + 1) + 2];
    size_t len = 0;

    (void)state;
    for (int i = 0; i < WR_CONF_DEPTH_MAX + 1; i++) {
        len += (size_t)snprintf(text + len, 3, "a{");
    }
    for (int i = 0; i < WR_CONF_DEPTH_MAX + 1; i++) {
        text[len++] = '}';
    }
    text[len] = '\0';
    assert_false(text_read(&t, text));
    assert_int_equal(t.diag.errors, 1);
    text_fini(&t);
    text[len - 1] = '\0';
    assert_true(text_read(&t, text + 2));
    text_fini(&t);
}

static int
set_up(void **state)
{
    char path[128];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/types.d", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    put("types.d/c.t", "c;");
    put("types.d/a.t", "a;");
    put("types.d/b.t", "b;");
    return 0;
}

static int
tear_down(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

static void
test_bytes_of_words_outlive_the_statements(void **state)
{
    struct weir_pool *words = wr_pool_create("words", NULL);
    char path[128];
    struct text t;
    weir_str word;

    (void)state;
    put("words.conf", "root \"/srv/a b\";");
    snprintf(path, sizeof(path), "%s/words.conf", folder);
    text_init(&t);
    assert_true(wr_conf_read(t.pool, words, path, WEIR_STR(""), NULL, &t.diag, &t.tree));
    word = t.tree.first->words[1].text;
    text_fini(&t);
    assert_true(weir_str_eq(word, WEIR_STR("/srv/a b")));
    wr_pool_destroy(&words);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements_and_blocks_keep_their_order),
        cmocka_unit_test(test_a_statement_knows_its_place),
        cmocka_unit_test(test_a_byte_order_mark_is_skipped),
        cmocka_unit_test(test_marks_out_of_place_are_told),
        cmocka_unit_test(test_an_open_block_is_told_with_where_it_was_opened),
        cmocka_unit_test(test_an_open_quote_is_told_where_it_begins),
        cmocka_unit_test(test_all_faults_are_found_and_the_rest_is_kept),
        cmocka_unit_test(test_a_nul_byte_is_refused_with_its_place),
        cmocka_unit_test(test_the_command_line_comes_first),
        cmocka_unit_test(test_includes_are_followed_in_every_block),
        cmocka_unit_test(test_a_missing_file_is_told_where_it_is_asked_for),
        cmocka_unit_test(test_an_include_loop_is_told_once_with_its_chain),
        cmocka_unit_test(test_a_loop_under_changing_names_ends_as_well),
        cmocka_unit_test(test_a_file_is_kept_once_however_often_it_is_included),
        cmocka_unit_test(test_hostile_texts_end_soon),
        cmocka_unit_test(test_blocks_within_blocks_have_a_limit),
        cmocka_unit_test(test_bytes_of_words_outlive_the_statements),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
