/* Variables by name and index: who has them, how often they are computed, who may set them. */
#include "unit/http/vars.h"

static void
test_a_table_of_a_module_is_known_by_name_in_either_case(void **state)
{
    (void)state;
    assert_str(var("t_own"), "conf:t_own");
    assert_int_equal(weir_var_find(&w.cf, WEIR_STR("T_OWN")), weir_var_find(&w.cf, WEIR_STR("t_own")));
    assert_int_equal(w.diag.errors, 0);
}

static void
test_the_longest_prefix_has_a_name(void **state)
{
    (void)state;
    assert_str(var("t_name_X_y"), "conf:x_y");
    assert_str(var("t_name_long_z"), "conf:z");
    assert_str(var("t_name_long"), "conf:long");
}

static void
test_a_prefix_alone_is_no_variable(void **state)
{
    (void)state;
    (void)weir_var_find(&w.cf, WEIR_STR("t_name_"));
    assert_false(wr_vars_finish(&w.cf, w.http.vars));
    assert_string_equal(said(0), "0:0 unknown \"t_name_\" variable");
}

static void
test_a_value_is_computed_once_a_request(void **state)
{
    (void)state;
    assert_str(var("t_once"), "1");
    assert_str(var("t_once"), "1");
    assert_int_equal(w.computed, 1);
}

static void
test_a_fresh_one_is_computed_at_every_use(void **state)
{
    (void)state;
    assert_str(var("t_fresh"), "1");
    assert_str(var("t_fresh"), "2");
}

static void
test_absence_is_kept_too(void **state)
{
    (void)state;
    assert_null(var("t_absent").data);
    assert_null(var("t_absent").data);
}

static void
test_two_modules_with_one_name_are_refused(void **state)
{
    static const weir_variable table[] = { { "t_once", 0, get_counted } };
    const weir_module other = { .self = &test_self, .name = "other", .variables = WEIR_ITEMS(table) };

    (void)state;
    w.modules[0] = &other;
    assert_false(wr_vars_add_modules(&w.cf, wr_vars_create(w.pool)));
    assert_string_equal(said(0), "0:0 modules \"other\" and \"test\" both have the variable \"t_once\"");
}

static void
test_names_are_letters_digits_and_underscores(void **state)
{
    (void)state;
    assert_int_equal(weir_var_find(&w.cf, WEIR_STR("a-b")), WEIR_ABSENT);
    assert_int_equal(weir_var_find(&w.cf, WEIR_STR("")), WEIR_ABSENT);
    assert_int_equal(weir_var_declare(&w.cf, WEIR_STR("a b")), WEIR_ABSENT);
    assert_int_equal(w.diag.errors, 3);
}

/* ---- Declared and unknown. ---- */

static void
test_a_name_may_be_used_before_it_is_declared(void **state)
{
    weir_value *v = weir_value_compile(&w.cf, WEIR_STR("<$later>"));

    (void)state;
    assert_true(weir_var_declare(&w.cf, WEIR_STR("later")) >= 0);
    assert_true(wr_vars_finish(&w.cf, w.http.vars));
    assert_str(weir_value_get(&w.r.pub, v), "<>");
}

static void
test_an_unknown_one_is_reported_where_it_was_used_first(void **state)
{
    static const char *const words[] = { "add_header", "X", "a $requst_uri" };
    struct wr_conf_node *n = statement(words, 3, true);

    (void)state;
    assert_non_null(weir_value_compile(&w.cf, n->words[2].text));
    w.cf.node = NULL;
    assert_non_null(weir_value_compile(&w.cf, WEIR_STR("$requst_uri")));
    assert_false(wr_vars_finish(&w.cf, w.http.vars));
    /* add_header "X" "a $requst_uri": the name begins in column 20 */
    assert_string_equal(said(0), "3:20 unknown \"requst_uri\" variable (did you mean \"$request_uri\"?)");
    assert_int_equal(w.diag.errors, 1);
}

static void
test_a_word_with_escapes_is_underlined_whole(void **state)
{
    static const char *const words[] = { "return", "200", "a\nb $none_such_thing" };
    struct wr_conf_node *n = statement(words, 3, true);

    (void)state;
    n->words[2].len += 1; /* \n in the file */
    assert_non_null(weir_value_compile(&w.cf, n->words[2].text));
    assert_false(wr_vars_finish(&w.cf, w.http.vars));
    assert_string_equal(said(0), "3:14 unknown \"none_such_thing\" variable");
}

/* ---- Set. ---- */

static void
test_a_declared_one_has_the_value_it_was_given(void **state)
{
    int32_t i = weir_var_declare(&w.cf, WEIR_STR("x"));

    (void)state;
    assert_int_equal(weir_var_declare(&w.cf, WEIR_STR("X")), i);
    assert_null(weir_var_get(&w.r.pub, i).data);
    assert_int_equal(weir_var_set(&w.r.pub, i, WEIR_STR("1")), WEIR_OK);
    assert_str(weir_var_get(&w.r.pub, i), "1");
    assert_int_equal(weir_var_set(&w.r.pub, i, WEIR_STR("2")), WEIR_OK);
    assert_str(weir_var_get(&w.r.pub, i), "2");
}

static void
test_one_that_computes_itself_is_not_set(void **state)
{
    int32_t i = weir_var_find(&w.cf, WEIR_STR("t_once"));

    (void)state;
    assert_int_equal(weir_var_set(&w.r.pub, i, WEIR_STR("1")), WEIR_INVALID);
    assert_int_equal(weir_var_declare(&w.cf, WEIR_STR("t_once")), WEIR_ABSENT);
    assert_string_equal(said(0), "0:0 the variable \"t_once\" computes itself and cannot be set");
}

static void
test_a_variable_of_a_family_can_be_set(void **state)
{
    int32_t i = weir_var_find(&w.cf, WEIR_STR("t_name_x"));

    (void)state;
    assert_int_equal(weir_var_declare(&w.cf, WEIR_STR("t_name_x")), i);
    assert_str(weir_var_get(&w.r.pub, i), "conf:x");
    assert_int_equal(weir_var_set(&w.r.pub, i, WEIR_STR("own")), WEIR_OK);
    assert_str(weir_var_get(&w.r.pub, i), "own");
}

static void
test_subrequests_see_what_was_set_and_compute_their_own(void **state)
{
    int32_t x = weir_var_declare(&w.cf, WEIR_STR("x"));
    int32_t once = weir_var_find(&w.cf, WEIR_STR("t_once"));
    struct wr_request sub;

    (void)state;
    request_init(&sub, &w.r);
    assert_int_equal(weir_var_set(&w.r.pub, x, WEIR_STR("a")), WEIR_OK);
    assert_str(weir_var_get(&sub.pub, x), "a");
    assert_int_equal(weir_var_set(&sub.pub, x, WEIR_STR("b")), WEIR_OK);
    assert_str(weir_var_get(&w.r.pub, x), "b");
    assert_str(weir_var_get(&w.r.pub, once), "1");
    assert_str(weir_var_get(&sub.pub, once), "2");
}

/* ---- Defined. ---- */

static weir_str
get_data(weir_request *r, void *data)
{
    w.computed++;
    return weir_value_get(r, data);
}

static int32_t
define(const char *name, const char *text)
{
    weir_value *v = weir_value_compile(&w.cf, weir_str_c(text));

    assert_non_null(v);
    return weir_var_define(&w.cf, weir_str_c(name), 0, get_data, v);
}

static void
test_a_defined_one_is_computed_once(void **state)
{
    int32_t i = define("m", "<$t_own>");

    (void)state;
    assert_str(weir_var_get(&w.r.pub, i), "<conf:t_own>");
    assert_str(weir_var_get(&w.r.pub, i), "<conf:t_own>");
    assert_int_equal(w.computed, 1);
}

static void
test_what_exists_is_not_defined_again(void **state)
{
    (void)state;
    assert_true(define("m", "1") >= 0);
    assert_int_equal(define("m", "2"), WEIR_ABSENT);
    assert_int_equal(define("t_own", "2"), WEIR_ABSENT);
    assert_int_equal(define("uri", "2"), WEIR_ABSENT);
    assert_string_equal(said(2), "0:0 the duplicate \"uri\" variable");
}

static void
test_set_comes_before_a_definition(void **state)
{
    int32_t i = define("m", "map");

    (void)state;
    assert_int_equal(weir_var_declare(&w.cf, WEIR_STR("m")), i);
    assert_str(weir_var_get(&w.r.pub, i), "map");
    assert_int_equal(weir_var_set(&w.r.pub, i, WEIR_STR("set")), WEIR_OK);
    assert_str(weir_var_get(&w.r.pub, i), "set");
}

static void
test_a_fresh_definition_is_computed_at_every_use(void **state)
{
    weir_value *v = weir_value_compile(&w.cf, WEIR_STR("$t_own"));
    int32_t i = weir_var_define(&w.cf, WEIR_STR("m"), WEIR_VAR_FRESH, get_data, v);

    (void)state;
    (void)weir_var_get(&w.r.pub, i);
    (void)weir_var_get(&w.r.pub, i);
    assert_int_equal(w.computed, 2);
}

/* ---- Defaults. ---- */

static void
test_a_default_is_asked_once_and_only_before_a_value_is_set(void **state)
{
    int32_t x = weir_var_declare(&w.cf, WEIR_STR("x")), y = weir_var_declare(&w.cf, WEIR_STR("y"));
    weir_value *v = weir_value_compile(&w.cf, WEIR_STR("none"));

    (void)state;
    weir_var_default(&w.cf, x, get_data, v);
    weir_var_default(&w.cf, y, get_data, v);
    assert_str(weir_var_get(&w.r.pub, x), "none");
    assert_str(weir_var_get(&w.r.pub, x), "none");
    assert_int_equal(w.computed, 1);
    assert_int_equal(weir_var_set(&w.r.pub, x, WEIR_STR("1")), WEIR_OK);
    assert_int_equal(weir_var_set(&w.r.pub, y, WEIR_STR("2")), WEIR_OK);
    assert_str(weir_var_get(&w.r.pub, x), "1");
    assert_str(weir_var_get(&w.r.pub, y), "2");
    assert_int_equal(w.computed, 1);
}

static void
test_a_definition_comes_before_a_default(void **state)
{
    int32_t i = define("m", "map");

    (void)state;
    assert_int_equal(weir_var_declare(&w.cf, WEIR_STR("m")), i);
    weir_var_default(&w.cf, i, get_data, weir_value_compile(&w.cf, WEIR_STR("none")));
    assert_str(weir_var_get(&w.r.pub, i), "map");
}

static void
test_a_cycle_is_absent(void **state)
{
    int32_t a = define("a", "[$b]"), b = define("b", "($a)"), self = define("self", "$self");

    (void)state;
    w.r.log.pub.level = 0;
    assert_str(weir_var_get(&w.r.pub, a), "[()]");
    assert_str(weir_var_get(&w.r.pub, b), "()");
    assert_str(weir_var_get(&w.r.pub, self), "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_table_of_a_module_is_known_by_name_in_either_case),
        TEST(test_the_longest_prefix_has_a_name),
        TEST(test_a_prefix_alone_is_no_variable),
        TEST(test_a_value_is_computed_once_a_request),
        TEST(test_a_fresh_one_is_computed_at_every_use),
        TEST(test_absence_is_kept_too),
        TEST(test_two_modules_with_one_name_are_refused),
        TEST(test_names_are_letters_digits_and_underscores),
        TEST(test_a_name_may_be_used_before_it_is_declared),
        TEST(test_an_unknown_one_is_reported_where_it_was_used_first),
        TEST(test_a_word_with_escapes_is_underlined_whole),
        TEST(test_a_declared_one_has_the_value_it_was_given),
        TEST(test_one_that_computes_itself_is_not_set),
        TEST(test_a_variable_of_a_family_can_be_set),
        TEST(test_subrequests_see_what_was_set_and_compute_their_own),
        TEST(test_a_defined_one_is_computed_once),
        TEST(test_what_exists_is_not_defined_again),
        TEST(test_set_comes_before_a_definition),
        TEST(test_a_fresh_definition_is_computed_at_every_use),
        TEST(test_a_default_is_asked_once_and_only_before_a_value_is_set),
        TEST(test_a_definition_comes_before_a_default),
        TEST(test_a_cycle_is_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
