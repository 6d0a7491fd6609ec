/* Regular expressions: groups, names, limits; and the literals that stand in for a match. */
#include "unit/http/vars.h"

#include <time.h>

#include "http/regex_literals.h"

static weir_regex *
compile(const char *pattern, uint32_t flags)
{
    weir_regex *re = weir_regex_compile(&w.cf, weir_str_c(pattern), flags);

    assert_non_null(re);
    return re;
}

static bool
matches(const char *pattern, uint32_t flags, const char *subject)
{
    int rc = weir_regex_match(&w.r.pub, compile(pattern, flags), weir_str_c(subject));

    assert_true(rc == WEIR_OK || rc == WEIR_ABSENT);
    return rc == WEIR_OK;
}

static weir_str
group(uint32_t i)
{
    return wr_captures_group(w.r.captures, i);
}

static void
test_a_match_may_stand_anywhere(void **state)
{
    (void)state;
    assert_true(matches("b+", 0, "abbc"));
    assert_str(group(0), "bb");
    assert_false(matches("^b", 0, "abbc"));
    assert_true(matches("", 0, ""));
    assert_true(matches("\\.php$", 0, "/x.php"));
    assert_false(matches("\\.php$", 0, "/x.php5"));
}

static void
test_case_counts_unless_told(void **state)
{
    (void)state;
    assert_false(matches("^/A[b]c$", 0, "/aBC"));
    assert_true(matches("^/A[b]c$", WEIR_REGEX_ICASE, "/aBC"));
}

static void
test_groups_that_took_no_part_are_absent(void **state)
{
    (void)state;
    assert_true(matches("(a)?(b)(c)?", 0, "b"));
    assert_null(group(1).data);
    assert_str(group(2), "b");
    assert_null(group(3).data);
    assert_null(group(9).data);
    assert_null(wr_captures_group(NULL, 0).data);
}

static void
test_groups_past_nine_are_matched_and_not_kept(void **state)
{
    (void)state;
    assert_true(matches("(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(?<last>.)\\17", 0,
                        "abcdefghijklmnopqrq"));
    assert_str(group(9), "i");
    assert_null(group(10).data);
    assert_str(var("last"), "r");
}

static void
test_no_match_leaves_the_captures_alone(void **state)
{
    (void)state;
    assert_true(matches("(a)", 0, "a"));
    assert_false(matches("(b)", 0, "a"));
    assert_str(group(1), "a");
}

static void
test_named_groups_are_variables(void **state)
{
    (void)state;
    assert_true(matches("^/(?<user>[^/]+)(?:/(?P<rest>.*))?$", 0, "/bob"));
    assert_str(var("user"), "bob");
    assert_str(var("rest"), "");
    assert_str(group(1), "bob");
}

static void
test_one_name_for_two_groups_has_what_matched(void **state)
{
    (void)state;
    assert_true(matches("(?J)(?<n>a)|(?<n>b)", 0, "a"));
    assert_str(var("n"), "a");
    assert_true(matches("(?J)(?<n>a)|(?<n>b)", 0, "b"));
    assert_str(var("n"), "b");
}

static void
test_a_name_of_a_computed_variable_is_refused(void **state)
{
    (void)state;
    assert_null(weir_regex_compile(&w.cf, WEIR_STR("(?<uri>x)"), 0));
    assert_string_equal(said(0), "0:0 the variable \"uri\" computes itself and cannot be set");
}

static void
test_a_broken_pattern_is_reported_at_its_place(void **state)
{
    static const char *const words[] = { "location", "~", "^/(a" };
    struct wr_conf_node *n = statement(words, 3, false);

    (void)state;
    assert_null(weir_regex_compile(&w.cf, n->words[2].text, 0));
    assert_string_equal(said(0), "3:12 the regular expression \"^/(a\" is wrong at \"\": "
                                 "missing closing parenthesis");
}

static void
test_the_work_of_a_match_is_limited(void **state)
{
    char subject[64];
    weir_regex *re = compile("^(a+)+$", 0);

    (void)state;
    memset(subject, 'a', sizeof(subject));
    subject[sizeof(subject) - 1] = 'b';
    w.r.log.pub.level = 0;
    /* 'a' need not stand at the end: nothing but matching can tell */
    assert_int_equal(weir_regex_match(&w.r.pub, re, (weir_str){ subject, sizeof(subject) }), WEIR_ERROR);
    assert_int_equal(weir_regex_match(&w.r.pub, re, (weir_str){ subject, 10 }), WEIR_OK);
}

/* Each calls itself without having moved on: PCRE2's machine code would need from 2 to 20 seconds to say so. */
static void
test_calls_of_groups_without_end_are_stopped_at_once(void **state)
{
    static const char *const patterns[] = {
        "(a||||||||(?1)|||||||||||||||||||||||[^]]||||||)$", "(a||(?-1)|)$", "(a||(?<n>b|(?&n)|)|)$",
        "(a||(?<m>b|(?P>m)|)|)$", "a(?:||(?R)|)$", "(a||\\g<1>|)$", "(a||\\g'1'|)$", "(?:a||(?+1)|)(b|(?1)|)$",
    };
    struct timespec cpu;
    int64_t begun, used;

    (void)state;
    w.r.log.pub.level = 0;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        weir_regex *re = compile(patterns[i], 0);
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
        begun = cpu.tv_sec * 1000 + cpu.tv_nsec / 1000000;
        (void)weir_regex_match(&w.r.pub, re, WEIR_STR("ab?0"));
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
        used = cpu.tv_sec * 1000 + cpu.tv_nsec / 1000000 - begun;
        assert_true(used < 1000);
    }
}

static void
test_a_call_of_a_group_matches_what_the_group_does(void **state)
{
    (void)state;
    assert_true(matches("^(\\((?:[^()]|(?1))*\\))$", 0, "(a(b)(c(d)))"));
    assert_false(matches("^(\\((?:[^()]|(?1))*\\))$", 0, "(a(b)(c(d))"));
}

static void
test_a_long_subject_is_matched(void **state)
{
    char *subject = weir_alloc(w.pool, 20000);

    (void)state;
    memset(subject, 'a', 20000);
    assert_int_equal(weir_regex_match(&w.r.pub, compile("^(?:a|b)*$", 0), (weir_str){ subject, 20000 }),
                     WEIR_OK);
}

static void
test_what_is_not_utf_8_matches_no_expression_about_characters(void **state)
{
    (void)state;
    assert_true(matches("(*UTF8)^/.$", 0, "/\xc3\xa9"));
    assert_false(matches("(*UTF8)^/.", 0, "/\xff"));
    assert_true(matches("^/.$", 0, "/\xff"));
}

static void
test_every_match_of_a_subject_is_found_in_turn(void **state)
{
    weir_regex *re = compile("(b)|(?<=b)c|x*$", 0);
    weir_str groups[3], subject = WEIR_STR("abcc");

    (void)state;
    assert_int_equal(weir_regex_find(re, subject, 0, groups, 3), WEIR_OK);
    assert_ptr_equal(groups[0].data, subject.data + 1);
    assert_int_equal(groups[0].len, 1);
    assert_ptr_equal(groups[1].data, subject.data + 1);
    assert_null(groups[2].data);
    assert_int_equal(weir_regex_find(re, subject, 2, groups, 1), WEIR_OK);
    assert_ptr_equal(groups[0].data, subject.data + 2);
    assert_int_equal(weir_regex_find(re, subject, 3, groups, 2), WEIR_OK);
    assert_ptr_equal(groups[0].data, subject.data + 4);
    assert_int_equal(groups[0].len, 0);
    assert_null(groups[1].data);
    assert_int_equal(weir_regex_find(re, subject, 5, groups, 1), WEIR_ABSENT);
    assert_int_equal(weir_regex_find(compile("^c", 0), subject, 2, groups, 1), WEIR_ABSENT);
}

static void
test_an_absent_subject_is_empty(void **state)
{
    (void)state;
    assert_int_equal(weir_regex_match(&w.r.pub, compile("^$", 0), (weir_str){ NULL, 0 }), WEIR_OK);
    assert_int_equal(weir_regex_match(&w.r.pub, compile("x", 0), (weir_str){ NULL, 0 }), WEIR_ABSENT);
}

/* ---- Literals. ---- */

static void
expect_literals(const char *pattern, const char *start, const char *end, const char *part)
{
    struct wr_regex_literals l;
    char got[256], want[256];

    wr_regex_literals_find(w.pool, weir_str_c(pattern), false, &l);
    snprintf(got, sizeof(got), "%.*s %.*s %.*s", WEIR_FMT(l.start), WEIR_FMT(l.end), WEIR_FMT(l.part));
    snprintf(want, sizeof(want), "%s %s %s", start, end, part);
    assert_string_equal(got, want);
}

static void
test_literals_are_read_off_a_pattern(void **state)
{
    (void)state;
    expect_literals("^/api/v[0-9]+/", "/api/v", "", "");
    expect_literals("\\.php$", "", ".php", "");
    expect_literals("^/a\\.b$", "/a.b", "/a.b", "");
    expect_literals("/wp-(admin|login)", "", "", "/wp-");
    expect_literals("^/a/(.*)/longer/$", "/a/", "/longer/", "");
    expect_literals("^/a/.*/longer/.*x$", "/a/", "x", "/longer/");
    expect_literals("^/colou?r", "/colo", "", "");
    expect_literals("ab*c{2}de+f", "", "", "de");
    expect_literals("^ab+c", "ab", "", "");
    expect_literals("a[]b|]c", "", "", "a");
    expect_literals("^/x(?!y)(?<z>z)", "/x", "", "");
}

static void
test_what_is_not_surely_needed_gives_no_literals(void **state)
{
    static const char *const unsure[] = { "abc|def",  "^/a|b",   "(?i)abc",  "(?#x)abc", "\\x41bc",
                                          "a\\Qb+\\E", "abc{,2}", "^*abc",   "[[:alpha:]]a", "(*CRLF)a",
                                          "(a",       "a)",      "abc\\",   "a(?(1)b)c" };

    (void)state;
    for (size_t i = 0; i < sizeof(unsure) / sizeof(unsure[0]); i++) {
        expect_literals(unsure[i], "", "", "");
    }
}

static bool
admits(const char *pattern, bool fold, const char *subject)
{
    struct wr_regex_literals l;

    wr_regex_literals_find(w.pool, weir_str_c(pattern), fold, &l);
    return wr_regex_literals_admit(&l, weir_str_c(subject));
}

static void
test_subjects_without_the_literals_are_passed_over(void **state)
{
    (void)state;
    assert_true(admits("^/api/", false, "/api/x"));
    assert_false(admits("^/api/", false, "/API/x"));
    assert_true(admits("^/api/", true, "/API/x"));
    assert_false(admits("^/api/", false, "/ap"));
    assert_true(admits("\\.php$", false, "x.php"));
    assert_true(admits("\\.php$", false, "x.php\n")); /* $ also stands before a last line feed */
    assert_false(admits("\\.php$", false, "x.php\n\n"));
    assert_true(admits("\\.php$", true, "x.PHP"));
    assert_false(admits("\\.php$", false, ""));
    assert_true(admits("/wp-(a)", false, "/x/wp-a"));
    assert_false(admits("/wp-(a)", false, "/x/wp"));
    assert_true(admits("/wp-(a)", true, "/x"));
    assert_true(admits("\\.(png|jpg)$", false, "/x.jpg"));
    assert_true(admits("\\.(png|jpg)$", false, "/x.jpg\n"));
    assert_false(admits("\\.(png|jpg)$", false, "/x.JPG"));
    assert_true(admits("\\.(png|jpg)$", true, "/x.JPG"));
    assert_false(admits("^/(a|b)", false, "/c"));
}

static bool
gate_opens(const char *pattern, bool fold, const char *subject)
{
    struct wr_regex_gate gate, key = wr_regex_gate_key(weir_str_c(subject));
    struct wr_regex_literals l;

    wr_regex_literals_find(w.pool, weir_str_c(pattern), fold, &l);
    gate = wr_regex_gate_of(&l);
    return wr_regex_gate_opens(&gate, &key);
}

static void
test_a_gate_opens_for_all_that_may_match(void **state)
{
    (void)state;
    assert_true(gate_opens("^/(api|v1)/", false, "/api/"));
    assert_true(gate_opens("^/(api|v1)/", false, "/v1/"));
    assert_false(gate_opens("^/(api|v1)/", false, "/static/"));
    assert_true(gate_opens("^/API/", true, "/api/"));
    assert_true(gate_opens("^/a", false, "/a"));
    assert_true(gate_opens("\\.(png|gif)$", false, "/a.gif"));
    assert_true(gate_opens("\\.(png|gif)$", false, "/a.gif\n"));
    assert_true(gate_opens("\\.(png|gif)$", true, "/a.GIF"));
    assert_false(gate_opens("\\.(png|gif)$", false, "/a.php"));
    assert_true(gate_opens("f$", false, "/a.gif"));
    assert_true(gate_opens("x*", false, "/"));
    assert_true(gate_opens("x*", false, ""));
}

static void
expect_choices(const char *pattern, const char *starts, const char *ends)
{
    struct wr_regex_literals l;
    char got[256] = "";

    wr_regex_literals_find(w.pool, weir_str_c(pattern), false, &l);
    for (uint32_t i = 0; i < l.starts.n; i++) {
        (void)strncat(strncat(got, l.starts.at[i].data, l.starts.at[i].len), " ", 2);
    }
    assert_string_equal(got, starts);
    got[0] = '\0';
    for (uint32_t i = 0; i < l.ends.n; i++) {
        (void)strncat(strncat(got, l.ends.at[i].data, l.ends.at[i].len), " ", 2);
    }
    assert_string_equal(got, ends);
}

static void
test_choices_at_either_end_are_read_off_a_pattern(void **state)
{
    (void)state;
    expect_choices("^/(a|bc)/", "/a /bc ", "");
    expect_choices("\\.(php|cgi)$", "", ".php .cgi ");
    expect_choices("\\.(?:png|p\\.g)$", "", ".png .p.g ");
    expect_choices("^/(?<lang>en|de)/(?P<x>y|)$", "/en /de ", "/y / ");
    expect_choices("^(a|b)$", "a b ", "a b ");
    expect_choices("^.(a|b)(c|d)x$", "", "");
}

static void
test_what_may_be_no_choice_is_none(void **state)
{
    static const char *const unsure[] = { "^/(a|b)?c",  "\\.(png|jpe?g)$", "^/(a|[b])", "^/(a|(b))",
                                          "^/(?=a|b)",  "^/(?<!a|b)",      "^/(?>a|b)", "^/(a|\\d)",
                                          "(a|b)$|c",   "x((a|b)$)",       "(a|b)*$",   "(a|b){2}$",
                                          "(?i:a|b)$",  "(a|b)$$",         "(a|b)\\z",  "^/(a|b)|c" };

    (void)state;
    for (size_t i = 0; i < sizeof(unsure) / sizeof(unsure[0]); i++) {
        expect_choices(unsure[i], "", "");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_match_may_stand_anywhere),
        TEST(test_case_counts_unless_told),
        TEST(test_groups_that_took_no_part_are_absent),
        TEST(test_groups_past_nine_are_matched_and_not_kept),
        TEST(test_no_match_leaves_the_captures_alone),
        TEST(test_named_groups_are_variables),
        TEST(test_one_name_for_two_groups_has_what_matched),
        TEST(test_a_name_of_a_computed_variable_is_refused),
        TEST(test_a_broken_pattern_is_reported_at_its_place),
        TEST(test_the_work_of_a_match_is_limited),
        TEST(test_calls_of_groups_without_end_are_stopped_at_once),
        TEST(test_a_call_of_a_group_matches_what_the_group_does),
        TEST(test_a_long_subject_is_matched),
        TEST(test_what_is_not_utf_8_matches_no_expression_about_characters),
        TEST(test_every_match_of_a_subject_is_found_in_turn),
        TEST(test_an_absent_subject_is_empty),
        TEST(test_literals_are_read_off_a_pattern),
        TEST(test_what_is_not_surely_needed_gives_no_literals),
        TEST(test_choices_at_either_end_are_read_off_a_pattern),
        TEST(test_what_may_be_no_choice_is_none),
        TEST(test_subjects_without_the_literals_are_passed_over),
        TEST(test_a_gate_opens_for_all_that_may_match),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
