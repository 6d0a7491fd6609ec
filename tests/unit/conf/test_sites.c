/* Sites step back one form at a time, and their texts are what they were when they were right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "conf/sites.h"

static char path[] = "/tmp/weir-test-sites-XXXXXX";

/* The file, with this content and a date long ago, as it is seen. */
static struct stat
write_file(const char *content)
{
    const struct timespec then[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
    FILE *f = fopen(path, "w");
    struct stat st;

    assert_non_null(f);
    assert_true(fputs(content, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
    assert_int_equal(stat(path, &st), 0);
    return st;
}

/* One load in which the site is read from the file and right. */
static struct wr_site *
load(struct wr_sites *s, const char *content)
{
    struct stat seen = write_file(content);
    struct wr_site *site;

    wr_sites_begin(s);
    wr_sites_pass(s);
    site = wr_sites_take(s, weir_str_c(path));
    wr_site_text_add(site, wr_site_text_create(weir_str_c(path), weir_str_c(content), &seen));
    wr_sites_commit(s);
    return site;
}

static void
test_a_file_that_has_not_changed_is_not_read_again(void **state)
{
    struct wr_sites s = { .first = NULL };
    struct wr_site *site = load(&s, "old");
    const struct wr_site_text *t;

    (void)state;
    wr_sites_begin(&s);
    wr_sites_pass(&s);
    t = wr_site_text_find(site, weir_str_c(path));
    assert_non_null(t);
    assert_true(weir_str_eq(t->text, WEIR_STR("old")));
    (void)write_file("new"); /* of the same length and date */
    assert_null(wr_site_text_find(site, weir_str_c(path)));
    wr_sites_fini(&s);
}

static void
test_a_file_written_a_moment_ago_is_read_again(void **state)
{
    struct wr_sites s = { .first = NULL };
    struct stat seen = write_file("x");
    struct wr_site *site;

    (void)state;
    seen.st_mtime = time(NULL);
    wr_sites_begin(&s);
    wr_sites_pass(&s);
    site = wr_sites_take(&s, weir_str_c(path));
    wr_site_text_add(site, wr_site_text_create(weir_str_c(path), WEIR_STR("x"), &seen));
    wr_sites_commit(&s);
    assert_null(wr_site_text_find(site, weir_str_c(path)));
    wr_sites_fini(&s);
}

static void
test_a_faulty_site_steps_back_to_what_it_was_then_to_its_names_then_out(void **state)
{
    static const enum wr_site_form forms[] = { WR_SITE_KEPT, WR_SITE_STUB, WR_SITE_OUT };
    struct wr_sites s = { .first = NULL };
    struct wr_site *site = load(&s, "right");

    (void)state;
    (void)write_file("wrong");
    wr_sites_begin(&s);
    for (size_t i = 0; i < 3; i++) {
        wr_sites_pass(&s);
        assert_ptr_equal(wr_sites_take(&s, weir_str_c(path)), site);
        site->errors = 2;
        assert_true(wr_sites_step_back(&s, 2));
        assert_int_equal(site->form, forms[i]);
    }
    wr_sites_commit(&s);
    site->form = WR_SITE_KEPT;
    assert_true(weir_str_eq(wr_site_text_find(site, weir_str_c(path))->text, WEIR_STR("right")));
    wr_sites_fini(&s);
}

static void
test_a_site_that_never_was_right_has_only_its_names(void **state)
{
    struct wr_sites s = { .first = NULL };
    struct wr_site *site = wr_sites_take(&s, WEIR_STR("/a"));

    (void)state;
    site->errors = 1;
    assert_true(wr_sites_step_back(&s, 1));
    assert_int_equal(site->form, WR_SITE_STUB);
    wr_sites_fini(&s);
}

static void
test_a_fault_outside_of_sites_fails_the_load(void **state)
{
    struct wr_sites s = { .first = NULL };
    struct wr_site *site = wr_sites_take(&s, WEIR_STR("/a"));

    (void)state;
    assert_false(wr_sites_step_back(&s, 1));
    site->errors = 1;
    assert_false(wr_sites_step_back(&s, 2));
    assert_int_equal(site->form, WR_SITE_FILE);
    wr_sites_fini(&s);
}

static void
test_thousands_of_sites_are_found_again_and_forgotten(void **state)
{
    struct wr_sites s = { .first = NULL };
    char name[32];

    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        wr_sites_begin(&s);
        wr_sites_pass(&s);
        for (int i = 0; i < 5000; i++) {
            int len = snprintf(name, sizeof(name), "/site/%d", i);
            assert_non_null(wr_sites_take(&s, (weir_str){ name, (size_t)len }));
        }
        assert_int_equal(s.count, 5000);
    }
    wr_sites_pass(&s);
    (void)wr_sites_take(&s, WEIR_STR("/site/7"));
    wr_sites_commit(&s);
    assert_int_equal(s.count, 1);
    wr_sites_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_that_has_not_changed_is_not_read_again),
        cmocka_unit_test(test_a_file_written_a_moment_ago_is_read_again),
        cmocka_unit_test(test_a_faulty_site_steps_back_to_what_it_was_then_to_its_names_then_out),
        cmocka_unit_test(test_a_site_that_never_was_right_has_only_its_names),
        cmocka_unit_test(test_a_fault_outside_of_sites_fails_the_load),
        cmocka_unit_test(test_thousands_of_sites_are_found_again_and_forgotten),
    };
    int fd = mkstemp(path);
    int failed;

    if (fd < 0) {
        return 1;
    }
    close(fd);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}
