/* csp/grammar.c: words of policies as CSP3 2.3.1 and 6 have them, and what was meant by others. */
#include "unit/modules/double.h"

#include "../modules/csp/grammar.c"

static bool
is_good(const char *directive, const char *word)
{
    return grammar_fault(grammar_find(weir_str_c(directive)), weir_str_c(word), 1) == NULL;
}

static void
test_directives_are_found_in_either_case(void **state)
{
    (void)state;
    assert_int_equal(grammar_find(WEIR_STR("default-src")), CSP_DEFAULT_SRC);
    assert_int_equal(grammar_find(WEIR_STR("SCRIPT-SRC-ELEM")), CSP_SCRIPT_SRC_ELEM);
    assert_int_equal(grammar_find(WEIR_STR("default")), CSP_DIRECTIVES_MAX);
    assert_int_equal(grammar_find(WEIR_STR("")), CSP_DIRECTIVES_MAX);
    assert_null(grammar_name(CSP_DIRECTIVES_MAX).data);
}

static void
test_the_nearest_name_is_suggested(void **state)
{
    (void)state;
    assert_string_equal(grammar_suggest(WEIR_STR("defualt-src")), "default-src");
    assert_string_equal(grammar_suggest(WEIR_STR("image-src")), "img-src");
    assert_string_equal(grammar_suggest(WEIR_STR("frame-ancestor")), "frame-ancestors");
    assert_null(grammar_suggest(WEIR_STR("something-else-entirely")));
    assert_string_equal(grammar_suggest_keyword(WEIR_STR("unsafe-inlin")), "unsafe-inline");
    assert_string_equal(grammar_suggest_keyword(WEIR_STR("sel")), "self");
    assert_null(grammar_suggest_keyword(WEIR_STR("localhost")));
}

static void
test_sources_have_their_shapes(void **state)
{
    static const char *const good[] = {
        "*",
        "https:",
        "data:",
        "wss:",
        "a.example",
        "*.a.example",
        "https://a.example",
        "http://*:8080",
        "a.example:443",
        "a.example:*",
        "https://a.example/x/y.js",
        "localhost",
        "127.0.0.1:80",
        "'self'",
        "'none'",
        "'unsafe-inline'",
        "'strict-dynamic'",
        "'NONCE-abc='",
        "'nonce-a-_/+'",
        "$x",
        "https://$host:1",
        "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
        NULL,
    };
    static const char *const bad[] = {
        "",
        "self;",
        "a,b",
        "a b",
        "https://",
        "https//a",
        "a..example:x",
        ".a.example",
        "a.example.",
        "**",
        "*.",
        "a.*.example",
        "'self",
        "'",
        "''",
        "'nonce-'",
        "'sha256-abc'",
        "'sha1-abc'",
        "nonce-abc",
        "sha256-abc",
        "'selfish'",
        "\x01",
        "\xc3\xa4.example",
        "a.example/?q",
        "http://a.example?q",
        NULL,
    };

    (void)state;
    for (size_t i = 0; good[i] != NULL; i++) {
        if (!is_good("script-src", good[i])) {
            fail_msg("%s is refused", good[i]);
        }
    }
    for (size_t i = 0; bad[i] != NULL; i++) {
        if (is_good("script-src", bad[i])) {
            fail_msg("%s is taken", bad[i]);
        }
    }
}

static void
test_other_directives_have_words_of_their_own(void **state)
{
    (void)state;
    assert_true(is_good("frame-ancestors", "'self'"));
    assert_false(is_good("frame-ancestors", "'unsafe-inline'"));
    assert_true(is_good("sandbox", "allow-scripts"));
    assert_false(is_good("sandbox", "allow-everything"));
    assert_true(is_good("require-trusted-types-for", "'script'"));
    assert_false(is_good("require-trusted-types-for", "script"));
    assert_true(is_good("trusted-types", "my-policy#1"));
    assert_false(is_good("trusted-types", "'self'"));
    assert_true(is_good("report-uri", "/reports?x"));
    assert_false(is_good("report-to", "a/b"));
}

static void
test_none_stands_alone(void **state)
{
    (void)state;
    assert_non_null(grammar_fault(CSP_SCRIPT_SRC, WEIR_STR("'none'"), 2));
    assert_null(grammar_fault(CSP_SCRIPT_SRC, WEIR_STR("'self'"), 2));
}

static void
test_directives_have_a_number_of_words(void **state)
{
    (void)state;
    assert_null(grammar_count_fault(CSP_SCRIPT_SRC, 0));
    assert_non_null(grammar_count_fault(grammar_find(WEIR_STR("report-uri")), 0));
    assert_non_null(grammar_count_fault(grammar_find(WEIR_STR("report-to")), 2));
    assert_non_null(grammar_count_fault(grammar_find(WEIR_STR("upgrade-insecure-requests")), 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directives_are_found_in_either_case),
        cmocka_unit_test(test_the_nearest_name_is_suggested),
        cmocka_unit_test(test_sources_have_their_shapes),
        cmocka_unit_test(test_other_directives_have_words_of_their_own),
        cmocka_unit_test(test_none_stands_alone),
        cmocka_unit_test(test_directives_have_a_number_of_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
