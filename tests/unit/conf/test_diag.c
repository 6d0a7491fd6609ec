/* Diagnoses are kept in order up to a limit and printed with their line, safely for a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "text.h"

/* What is printed, zero-terminated. */
static const char *
printed(const struct wr_diag *d, uint32_t kinds)
{
    static char room[65536];
    int fd = memfd_create("diag", 0);
    ssize_t n;

    assert_true(fd >= 0);
    wr_diag_print(d, fd, kinds, false);
    n = pread(fd, room, sizeof(room) - 1, 0);
    assert_true(n >= 0);
    room[n] = '\0';
    close(fd);
    return room;
}

enum { ERRORS = 1u << WR_DIAG_ERROR, WARNS = 1u << WR_DIAG_WARN, NOTES = 1u << WR_DIAG_NOTE };

static struct wr_conf_place
at(const struct text *t, uint32_t line, uint32_t column, uint32_t len)
{
    return (struct wr_conf_place){ t->tree.sources, line, column, len };
}

static void
test_an_error_shows_its_line_and_hint(void **state)
{
    struct text t;

    (void)state;
    text_read(&t, "a;\nb;\n    lisen 80;\n");
    assert_false(wr_diag_error(&t.diag, at(&t, 3, 5, 5), "did you mean \"listen\"?",
                               "unknown directive \"%s\"", "lisen"));
    assert_string_equal(printed(&t.diag, ERRORS),
                        "weir: [emerg] unknown directive \"lisen\" in a.conf:3:5\n"
                        "    3 |     lisen 80;\n"
                        "      |     ^~~~~ did you mean \"listen\"?\n");
    text_fini(&t);
}

static void
test_the_mark_stands_under_tabs_and_utf8(void **state)
{
    struct text t;

    (void)state;
    text_read(&t, "\t\xc3\xa4 x;");
    wr_diag_error(&t.diag, at(&t, 1, 5, 1), NULL, "no");
    assert_string_equal(printed(&t.diag, ERRORS), "weir: [emerg] no in a.conf:1:5\n"
                                                  "    1 | \t\xc3\xa4 x;\n"
                                                  "      | \t  ^\n");
    text_fini(&t);
}

static void
test_control_characters_do_not_reach_the_terminal(void **state)
{
    struct text t;

    (void)state;
    text_read(&t, "a\033[2Jb;");
    wr_diag_error(&t.diag, at(&t, 1, 1, 3), "\a", "bad \"a\033[2Jb\"");
    assert_string_equal(printed(&t.diag, ERRORS), "weir: [emerg] bad \"a?[2Jb\" in a.conf:1:1\n"
                                                  "    1 | a?[2Jb;\n"
                                                  "      | ^~~ ?\n");
    text_fini(&t);
}

static void
test_a_very_long_line_is_cut_around_the_place(void **state)
{
    char *text = malloc(100001);
    const char *shown;
    struct text t;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', 100000);
    memcpy(text + 50000, " HERE ;", 7);
    text[100000] = '\0';
    text_read(&t, text);
    t.diag.first = t.diag.last = NULL;
    t.diag.errors = 0;
    wr_diag_error(&t.diag, at(&t, 1, 50002, 4), NULL, "no");
    shown = printed(&t.diag, ERRORS);
    assert_non_null(strstr(shown, " HERE ;"));
    assert_non_null(strstr(shown, " ^~~~\n"));
    assert_true(strlen(shown) < 500);
    text_fini(&t);
    free(text);
}

static void
test_a_diagnosis_without_a_place_is_one_line(void **state)
{
    struct text t;

    (void)state;
    text_init(&t);
    wr_diag_error(&t.diag, (struct wr_conf_place){ NULL, 0, 0, 0 }, NULL, "no %s", "memory");
    assert_string_equal(printed(&t.diag, ERRORS), "weir: [emerg] no memory\n");
    text_fini(&t);
}

static void
test_only_the_asked_kinds_are_printed(void **state)
{
    struct text t;

    (void)state;
    text_init(&t);
    wr_diag_add(&t.diag, WR_DIAG_WARN, (struct wr_conf_place){ NULL, 0, 0, 0 }, NULL, "w");
    wr_diag_add(&t.diag, WR_DIAG_NOTE, (struct wr_conf_place){ NULL, 0, 0, 0 }, NULL, "n");
    assert_string_equal(printed(&t.diag, ERRORS), "");
    assert_string_equal(printed(&t.diag, WARNS), "weir: [warn] w\n");
    assert_string_equal(printed(&t.diag, NOTES), "weir: [notice] n\n");
    assert_int_equal(t.diag.errors, 0);
    assert_int_equal(t.diag.warnings, 1);
    text_fini(&t);
}

static void
test_what_is_said_twice_of_one_place_is_printed_once(void **state)
{
    struct text t;

    (void)state;
    text_read(&t, "a;\n");
    (void)wr_diag_error(&t.diag, at(&t, 1, 1, 1), NULL, "wrong %d", 1);
    (void)wr_diag_error(&t.diag, at(&t, 1, 1, 1), NULL, "wrong %d", 2);
    (void)wr_diag_error(&t.diag, at(&t, 1, 1, 1), NULL, "wrong %d", 1);
    assert_int_equal(t.diag.errors, 3); /* so that whoever counts sees that something was wrong */
    assert_string_equal(printed(&t.diag, ERRORS), "weir: [emerg] wrong 1 in a.conf:1:1\n"
                                                  "    1 | a;\n"
                                                  "      | ^\n"
                                                  "weir: [emerg] wrong 2 in a.conf:1:1\n"
                                                  "    1 | a;\n"
                                                  "      | ^\n");
    text_fini(&t);
}

static void
test_errors_past_the_limit_are_only_counted(void **state)
{
    struct text t;

    (void)state;
    text_init(&t);
    t.diag.limit = 2;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(wr_diag_full(&t.diag), i >= 2);
        wr_diag_error(&t.diag, (struct wr_conf_place){ NULL, 0, 0, 0 }, NULL, "e%d", i);
    }
    assert_string_equal(printed(&t.diag, ERRORS),
                        "weir: [emerg] e0\nweir: [emerg] e1\nweir: [emerg] and 3 more errors\n");
    text_fini(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_error_shows_its_line_and_hint),
        cmocka_unit_test(test_the_mark_stands_under_tabs_and_utf8),
        cmocka_unit_test(test_control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(test_a_very_long_line_is_cut_around_the_place),
        cmocka_unit_test(test_a_diagnosis_without_a_place_is_one_line),
        cmocka_unit_test(test_only_the_asked_kinds_are_printed),
        cmocka_unit_test(test_what_is_said_twice_of_one_place_is_printed_once),
        cmocka_unit_test(test_errors_past_the_limit_are_only_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
