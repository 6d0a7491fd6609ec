/* Values: what the text means, what is refused, escaping, and that no value outgrows its limit. */
#include "unit/http/vars.h"

static void
give(const char *name, weir_str value)
{
    int32_t i = weir_var_declare(&w.cf, weir_str_c(name));

    assert_int_equal(weir_var_set(&w.r.pub, i, value), WEIR_OK);
}

static void
test_text_without_a_variable_is_a_constant(void **state)
{
    weir_value *v = weir_value_compile(&w.cf, WEIR_STR("a{b}\\c"));

    (void)state;
    assert_str(v->constant, "a{b}\\c");
    assert_str(weir_value_eval(&w.r.pub, v), "a{b}\\c");
    assert_str(weir_value_compile(&w.cf, WEIR_STR(""))->constant, "");
    assert_null(weir_value_compile(&w.cf, WEIR_STR("$uri"))->constant.data);
}

static void
test_a_value_that_is_not_there_is_absent(void **state)
{
    (void)state;
    assert_null(weir_value_get(&w.r.pub, NULL).data);
}

static void
test_names_end_where_no_name_goes_on(void **state)
{
    (void)state;
    give("a", WEIR_STR("1"));
    give("a_b", WEIR_STR("2"));
    assert_str(eval("$a.$a_b-${a}_b/$A$a"), "1.2-1_b/11");
    assert_str(eval("${a}"), "1");
    assert_str(eval("{$a}"), "{1}");
}

static void
test_the_text_may_go_after_compiling(void **state)
{
    char text[] = "x${a}y";
    weir_value *v;

    (void)state;
    give("a", WEIR_STR("1"));
    v = weir_value_compile(&w.cf, weir_str_c(text));
    memset(text, '?', sizeof(text) - 1);
    assert_str(weir_value_get(&w.r.pub, v), "x1y");
}

static void
test_a_single_variable_is_not_copied(void **state)
{
    weir_str big = WEIR_STR("the bytes themselves");

    (void)state;
    give("a", big);
    assert_ptr_equal(eval("$a").data, big.data);
}

static void
test_an_absent_variable_is_empty_text(void **state)
{
    (void)state;
    assert_str(eval("$t_absent"), "");
    assert_str(eval("[$t_absent]"), "[]");
}

static void
test_a_stray_dollar_is_refused_at_its_place(void **state)
{
    static const char *const words[] = { "return", "200", "5$ and 6$." };
    struct wr_conf_node *n = statement(words, 3, true);

    (void)state;
    assert_null(weir_value_compile(&w.cf, n->words[2].text));
    /* return "200" "5$ and ...: quoted from column 14 on */
    assert_string_equal(said(0), "3:16 invalid variable name "
                                 "(a \"$\" begins a variable: $name, ${name} or $1)");
}

static void
test_broken_references_are_refused(void **state)
{
    static const char *const bad[] = { "$", "a$", "${", "${}", "${a", "${a b}", "$-", "$$uri", "${$uri}" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(weir_value_compile(&w.cf, weir_str_c(bad[i])));
    }
    assert_int_equal(w.diag.errors, sizeof(bad) / sizeof(bad[0]));
}

static void
test_a_field_of_a_directive_is_left_alone_by_a_bad_value(void **state)
{
    weir_value *field = NULL;

    (void)state;
    assert_int_equal(wr_value_make(&w.cf, WEIR_STR("$"), &field), WEIR_ERROR);
    assert_null(field);
    assert_int_equal(wr_value_make(&w.cf, WEIR_STR("ok"), &field), WEIR_OK);
    assert_str(field->constant, "ok");
}

/* ---- Captures. ---- */

static void
test_captures_are_those_of_the_last_match(void **state)
{
    weir_regex *re = weir_regex_compile(&w.cf, WEIR_STR("^/(a+)(x)?(b+)"), 0);

    (void)state;
    assert_str(eval("[$1]"), "[]");
    assert_int_equal(weir_regex_match(&w.r.pub, re, WEIR_STR("/aabbb")), WEIR_OK);
    assert_str(eval("$3-$2-$1-$4"), "bbb--aa-");
    assert_str(eval("$12"), "aa2");
    assert_str(eval("$1"), "aa");
    assert_int_equal(weir_regex_match(&w.r.pub, re, WEIR_STR("/other")), WEIR_ABSENT);
    assert_str(eval("$1"), "aa");
    weir_captures_drop(&w.r.pub);
    assert_str(eval("<$1$2>"), "<>");
}

static weir_str
get_matching(weir_request *r, void *data)
{
    assert_int_equal(weir_regex_match(r, data, WEIR_STR("inner")), WEIR_OK);
    return eval("$1");
}

static void
test_a_variable_that_matches_leaves_the_captures_of_the_text_alone(void **state)
{
    weir_regex *outer = weir_regex_compile(&w.cf, WEIR_STR("(out)"), 0);
    weir_regex *inner = weir_regex_compile(&w.cf, WEIR_STR("(in)"), 0);

    (void)state;
    (void)weir_var_define(&w.cf, WEIR_STR("m"), 0, get_matching, inner);
    assert_str(eval("$1"), "");
    assert_int_equal(weir_regex_match(&w.r.pub, outer, WEIR_STR("outer")), WEIR_OK);
    assert_str(eval("$1 $m $1"), "out in out");
    assert_str(eval("$1"), "out");
}

/* ---- Escapes. ---- */

static weir_str
escaped(const char *text, uint32_t escape)
{
    weir_value *v = weir_value_compile_escaped(&w.cf, weir_str_c(text), escape, WEIR_STR("-"));

    assert_non_null(v);
    return weir_value_get(&w.r.pub, v);
}

static void
test_only_what_variables_bring_is_escaped(void **state)
{
    (void)state;
    give("q", WEIR_STR("a\"b\n"));
    assert_str(escaped("\"$q\"", WEIR_ESCAPE_LOG), "\"a\\x22b\\x0A\"");
    assert_str(escaped("$q", WEIR_ESCAPE_LOG), "a\\x22b\\x0A");
    assert_str(escaped("{\"q\":\"$q\"}", WEIR_ESCAPE_JSON), "{\"q\":\"a\\\"b\\n\"}");
    assert_str(escaped("/\"$q", WEIR_ESCAPE_NONE), "/\"a\"b\n");
}

static void
test_captures_alone_are_escaped_when_asked_for(void **state)
{
    weir_regex *re = weir_regex_compile(&w.cf, WEIR_STR("(.*)"), 0);

    (void)state;
    give("q", WEIR_STR("a&b"));
    assert_int_equal(weir_regex_match(&w.r.pub, re, WEIR_STR("c&d")), WEIR_OK);
    assert_str(escaped("x&$q&$1", WEIR_ESCAPE_ARGS | WEIR_ESCAPE_CAPTURES), "x&a&b&c%26d");
    assert_str(escaped("$1", WEIR_ESCAPE_ARGS | WEIR_ESCAPE_CAPTURES), "c%26d");
    assert_str(escaped("$q", WEIR_ESCAPE_ARGS | WEIR_ESCAPE_CAPTURES), "a&b");
}

static void
test_a_variable_that_is_not_there_is_shown_as_missing(void **state)
{
    (void)state;
    give("empty", WEIR_STR(""));
    assert_str(escaped("$t_absent", WEIR_ESCAPE_LOG), "-");
    assert_str(escaped("\"$t_absent\" \"$empty\" \"$1\"", WEIR_ESCAPE_LOG), "\"-\" \"\" \"-\"");
}

/* ---- Lengths. ---- */

static weir_str
filled(size_t len)
{
    char *bytes = weir_alloc(w.pool, len);

    memset(bytes, 'x', len);
    return (weir_str){ bytes, len };
}

static void
test_a_value_grows_to_its_length(void **state)
{
    (void)state;
    for (size_t len = 250; len < 5000; len += 7) {
        weir_str got;
        give("a", filled(len));
        got = eval("<$a|$a>");
        assert_int_equal(got.len, 2 * len + 3);
        assert_int_equal(got.data[0], '<');
        assert_int_equal(got.data[len + 1], '|');
        assert_int_equal(got.data[got.len - 1], '>');
    }
}

static void
test_escaping_grows_a_value_six_times(void **state)
{
    weir_str in = filled(1000), got;

    (void)state;
    memset((char *)(uintptr_t)in.data, 1, in.len); /* \u0001 each */
    give("a", in);
    got = escaped("<$a>", WEIR_ESCAPE_JSON);
    assert_int_equal(got.len, 6002);
    assert_memory_equal(got.data + got.len - 7, "\\u0001>", 7);
}

static void
test_a_value_past_the_limit_is_absent(void **state)
{
    (void)state;
    w.r.log.pub.level = 0;
    give("a", filled(WR_LIMIT_VALUE / 2));
    assert_int_equal(eval("$a$a").len, WR_LIMIT_VALUE);
    assert_null(eval("$a$a.").data);
}

static void
test_a_value_past_the_memory_of_the_request_is_absent(void **state)
{
    (void)state;
    w.r.log.pub.level = 0;
    give("a", filled(65536));
    w.pool->limit = w.pool->held + 20000;
    assert_null(eval("$a$a").data);
}

static void
test_sizes_are_read_from_values(void **state)
{
    (void)state;
    give("a", WEIR_STR("8k"));
    assert_int_equal(wr_value_size(&w.r.pub, weir_value_compile(&w.cf, WEIR_STR("$a"))), 8192);
    assert_int_equal(wr_value_size(&w.r.pub, weir_value_compile(&w.cf, WEIR_STR("100"))), 100);
    assert_int_equal(wr_value_size(&w.r.pub, weir_value_compile(&w.cf, WEIR_STR("fast"))), 0);
    assert_int_equal(wr_value_size(&w.r.pub, NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_text_without_a_variable_is_a_constant),
        TEST(test_a_value_that_is_not_there_is_absent),
        TEST(test_names_end_where_no_name_goes_on),
        TEST(test_the_text_may_go_after_compiling),
        TEST(test_a_single_variable_is_not_copied),
        TEST(test_an_absent_variable_is_empty_text),
        TEST(test_a_stray_dollar_is_refused_at_its_place),
        TEST(test_broken_references_are_refused),
        TEST(test_a_field_of_a_directive_is_left_alone_by_a_bad_value),
        TEST(test_captures_are_those_of_the_last_match),
        TEST(test_a_variable_that_matches_leaves_the_captures_of_the_text_alone),
        TEST(test_only_what_variables_bring_is_escaped),
        TEST(test_captures_alone_are_escaped_when_asked_for),
        TEST(test_a_variable_that_is_not_there_is_shown_as_missing),
        TEST(test_a_value_grows_to_its_length),
        TEST(test_escaping_grows_a_value_six_times),
        TEST(test_a_value_past_the_limit_is_absent),
        TEST(test_a_value_past_the_memory_of_the_request_is_absent),
        TEST(test_sizes_are_read_from_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
