/* Characters become words as in nginx: where words begin and end, what quotes and backslashes do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "conf/lex.h"

/* text as tokens in one line: words between bars, marks as they are, faults as ?q and ?j. */
static void
expect(const char *text, const char *tokens)
{
    static char line[4096], word[4096];
    struct wr_lex_token t;
    struct wr_lex lex;
    enum wr_lex_kind kind;
    size_t len = 0;

    wr_lex_init(&lex, weir_str_c(text));
    while ((kind = wr_lex_next(&lex, &t)) != WR_LEX_END) {
        static const char *const marks[] = {
            [WR_LEX_SEMICOLON] = ";",   [WR_LEX_OPEN] = "{",  [WR_LEX_CLOSE] = "}",
            [WR_LEX_OPEN_QUOTE] = "?q", [WR_LEX_JUNK] = "?j",
        };
        const char *piece = marks[kind];
        size_t n = piece != NULL ? strlen(piece) : wr_lex_resolve(word, t.raw);
        line[len] = '|';
        memcpy(line + len + 1, piece != NULL ? piece : word, n);
        len += n + 1;
        assert_true(len < sizeof(line) - 2);
    }
    line[len] = '\0';
    assert_string_equal(line, tokens);
}

static void
test_words_end_at_blanks_semicolons_and_braces(void **state)
{
    (void)state;
    expect("listen 80;\n\tserver{a  b\r\n;}", "|listen|80|;|server|{|a|b|;|}");
    expect("", "");
    expect(" \t\r\n", "");
}

static void
test_a_closing_brace_ends_no_word(void **state)
{
    (void)state;
    expect("a}b c};", "|a}b|c}|;");
}

static void
test_a_brace_behind_a_dollar_belongs_to_the_word(void **state)
{
    (void)state;
    expect("set ${a}b $x{", "|set|${a}b|$x|{");
    expect("$ {", "|$|{");
}

static void
test_a_comment_begins_only_where_a_word_could(void **state)
{
    (void)state;
    expect("a#b # c; {\n#\nd;#", "|a#b|d|;");
    expect("'#'#x\n;", "|#|?j|;");
}

static void
test_escapes_are_resolved_as_nginx_does(void **state)
{
    (void)state;
    expect("\"a\\\"b\\'c\\\\d\\te\\rf\\ng\";", "|a\"b'c\\d\te\rf\ng|;");
    expect("~ \\.php$ \\d+\\\\x;", "|~|\\.php$|\\d+\\x|;");
    expect("'\\.'", "|\\.");
}

static void
test_a_backslash_keeps_the_next_character_in_the_word(void **state)
{
    (void)state;
    expect("a\\ b\\;c\\{d e", "|a\\ b\\;c\\{d|e");
    expect("\\\"a\\\"", "|\"a\"");
    expect("a\\", "|a\\");
}

static void
test_quotes_hold_blanks_and_marks(void **state)
{
    (void)state;
    expect("\"a b;{}#\" 'it\"s' \"it's\";", "|a b;{}#|it\"s|it's|;");
    expect("\"\" '';", "||"
                       "|;");
    expect("a\"b c\"", "|a\"b|c\"");
}

static void
test_a_quoted_word_needs_a_gap_behind_it(void **state)
{
    (void)state;
    expect("\"a\"b;", "|a|?j|b|;");
    expect("\"a\"\"b\";", "|a|?j|b|;");
    expect("($a = \"b\"){", "|($a|=|b|)|{");
}

static void
test_a_parenthesis_may_follow_a_quoted_word(void **state)
{
    (void)state;
    expect("(\"b\")", "|(\"b\")");
    expect("= \"b\") {", "|=|b|)|{");
}

static void
test_a_quote_without_end_is_a_fault_at_its_beginning(void **state)
{
    struct wr_lex_token t;
    struct wr_lex lex;

    (void)state;
    expect("a \"b; c d;", "|a|?q|;|c|d|;");
    wr_lex_init(&lex, WEIR_STR("x\n  'abc"));
    assert_int_equal(wr_lex_next(&lex, &t), WR_LEX_WORD);
    assert_int_equal(wr_lex_next(&lex, &t), WR_LEX_OPEN_QUOTE);
    assert_int_equal(t.line, 2);
    assert_int_equal(t.column, 3);
    assert_int_equal(wr_lex_next(&lex, &t), WR_LEX_END);
}

static void
test_places_count_lines_and_bytes(void **state)
{
    struct wr_lex_token t;
    struct wr_lex lex;

    (void)state;
    wr_lex_init(&lex, WEIR_STR("a \"b\nc\" d"));
    wr_lex_next(&lex, &t);
    wr_lex_next(&lex, &t);
    assert_int_equal(t.line, 1);
    assert_int_equal(t.column, 3);
    assert_int_equal(t.len, 5);
    assert_true(t.quoted);
    wr_lex_next(&lex, &t);
    assert_int_equal(t.line, 2);
    assert_int_equal(t.column, 4);
    assert_false(t.quoted);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_end_at_blanks_semicolons_and_braces),
        cmocka_unit_test(test_a_closing_brace_ends_no_word),
        cmocka_unit_test(test_a_brace_behind_a_dollar_belongs_to_the_word),
        cmocka_unit_test(test_a_comment_begins_only_where_a_word_could),
        cmocka_unit_test(test_escapes_are_resolved_as_nginx_does),
        cmocka_unit_test(test_a_backslash_keeps_the_next_character_in_the_word),
        cmocka_unit_test(test_quotes_hold_blanks_and_marks),
        cmocka_unit_test(test_a_quoted_word_needs_a_gap_behind_it),
        cmocka_unit_test(test_a_parenthesis_may_follow_a_quoted_word),
        cmocka_unit_test(test_a_quote_without_end_is_a_fault_at_its_beginning),
        cmocka_unit_test(test_places_count_lines_and_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
