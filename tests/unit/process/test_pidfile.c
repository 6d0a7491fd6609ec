/* The pid file; and the lines of the log that a person gets to see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/file.h"
#include "process/console.h"
#include "process/pidfile.h"

static char folder[] = "/tmp/weir-pid-XXXXXX", path[64];
static struct wr_err err;

static int
setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/weir.pid", folder);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void
test_what_is_written_is_read(void **state)
{
    struct stat st;
    pid_t pid = 0;

    (void)state;
    assert_true(wr_pidfile_write(path, 4711, &err));
    assert_true(wr_pidfile_read(path, &pid, &err));
    assert_int_equal(pid, 4711);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 022, 0);
}

static void
test_another_servers_file_is_not_removed(void **state)
{
    pid_t pid = 0;

    (void)state;
    assert_true(wr_pidfile_write(path, 4711, &err));
    wr_pidfile_remove(path, 4712);
    assert_true(wr_pidfile_read(path, &pid, &err));
    wr_pidfile_remove(path, 4711);
    assert_false(wr_pidfile_read(path, &pid, &err));
    assert_non_null(strstr(err.text, "No such file"));
}

static void
test_what_is_no_number_is_refused(void **state)
{
    static const char *const bad[] = { "", "\n", "0\n", "-1\n", "12x\n", "99999999999\n", " 1\n" };
    pid_t pid = 42;

    (void)state;
    for (size_t i = 0; i < WR_COUNT(bad); i++) {
        assert_int_equal(wr_file_replace(AT_FDCWD, path, weir_str_c(bad[i]), 0644), 0);
        assert_false(wr_pidfile_read(path, &pid, &err));
        assert_non_null(strstr(err.text, "invalid PID number"));
    }
    assert_int_equal(pid, 42);
}

static void
test_a_log_line_is_split(void **state)
{
    uint32_t level = 0;
    weir_str message;

    (void)state;
    assert_true(wr_console_split(WEIR_STR("2026/11/22 16:51:26 [emerg] 7#8: a [b] c: d\n"), &level,
                                 &message));
    assert_int_equal(level, WR_LOG_EMERG);
    assert_true(weir_str_eq(message, WEIR_STR("a [b] c: d")));
    assert_false(wr_console_split(WEIR_STR(""), &level, &message));
    assert_false(wr_console_split(WEIR_STR("no line"), &level, &message));
    assert_false(wr_console_split(WEIR_STR("x [nolevel] 1#1: y"), &level, &message));
    assert_false(wr_console_split(WEIR_STR("x [warn]"), &level, &message));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_another_servers_file_is_not_removed),
        cmocka_unit_test(test_what_is_no_number_is_refused),
        cmocka_unit_test(test_a_log_line_is_split),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
