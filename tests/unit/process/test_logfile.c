/* Log files: one object a path, gathered lines, full disks, new descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "process/channel.h"
#include "process/logfile.h"

static char folder[] = "/tmp/weir-log-XXXXXX", path[64];
static struct wr_err err;

static int
setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/a.log", folder);
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
holds(const char *want)
{
    struct weir_pool *pool = wr_pool_create("test", NULL);
    weir_str content;

    assert_int_equal(wr_file_read(AT_FDCWD, path, pool, 1 << 20, &content), 0);
    assert_true(weir_str_eq(content, weir_str_c(want)));
    wr_pool_destroy(&pool);
}

static void
test_a_path_is_one_log_as_long_as_somebody_uses_it(void **state)
{
    struct wr_logfiles logs = { NULL, 0 };
    struct weir_pool *first = wr_pool_create("first", NULL),
                     *second = wr_pool_create("second", NULL);
    struct weir_logfile *f;
    struct stat st;

    (void)state;
    f = wr_logfiles_open(&logs, first, weir_str_c(path), &err);
    assert_non_null(f);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777 & ~0640, 0);
    assert_ptr_equal(wr_logfiles_open(&logs, first, weir_str_c(path), &err), f);
    assert_ptr_equal(wr_logfiles_open(&logs, second, weir_str_c(path), &err), f);
    assert_int_equal(f->refs, 2);
    wr_pool_destroy(&first);
    assert_ptr_equal(logs.first, f);
    wr_pool_destroy(&second);
    assert_null(logs.first);
}

static void
test_lines_of_a_turn_leave_at_its_end(void **state)
{
    struct wr_loop *loop = wr_loop_create();
    struct wr_logfiles logs = { NULL, 0 };
    struct weir_pool *pool = wr_pool_create("test", NULL);
    struct weir_logfile *f = wr_logfiles_open(&logs, pool, weir_str_c(path), &err);

    (void)state;
    assert_int_equal(truncate(path, 0), 0);
    weir_logfile_write(f, WEIR_STR("one\n"));
    weir_logfile_write(f, WEIR_STR("two\n"));
    holds("");
    wr_loop_turn(loop, 0);
    holds("one\ntwo\n");
    weir_logfile_write(f, WEIR_STR("three\n"));
    wr_logfiles_detach(&logs);
    holds("one\ntwo\nthree\n");
    wr_pool_destroy(&pool);
    wr_loop_destroy(&loop);
}

static void
test_a_link_in_an_open_folder_is_not_followed(void **state)
{
    struct wr_logfiles logs = { NULL, 0 };
    struct weir_pool *pool = wr_pool_create("test", NULL);
    char target[80];

    (void)state;
    (void)unlink(path);
    (void)snprintf(target, sizeof(target), "%s/target", folder);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_null(wr_logfiles_open(&logs, pool, weir_str_c(path), &err));
    assert_int_equal(access(target, F_OK), -1);
    assert_int_equal(chmod(folder, 0755), 0); /* ours alone: as /dev/stdout is root's */
    assert_non_null(wr_logfiles_open(&logs, pool, weir_str_c(path), &err));
    assert_int_equal(access(target, F_OK), 0);
    wr_pool_destroy(&pool);
    (void)unlink(target);
    (void)unlink(path);
}

/* A file-size limit cuts a write short as a full disk does. */
static void
test_a_full_disk_loses_whole_lines_and_is_reported(void **state)
{
    struct wr_loop *loop = wr_loop_create();
    struct wr_logfiles logs = { NULL, 0 };
    struct weir_pool *pool = wr_pool_create("test", NULL);
    struct weir_logfile *f = wr_logfiles_open(&logs, pool, weir_str_c(path), &err);
    struct rlimit before, now;

    (void)state;
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    now = before;
    now.rlim_cur = 10;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
    weir_logfile_write(f, WEIR_STR("one\ntwo\nthree\nfour\n"));
    wr_loop_turn(loop, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    holds("one\ntwo\nth");
    assert_int_equal(f->lost, 0); /* "three" and "four" were told of */
    assert_true(f->told_ms != 0);
    weir_logfile_write(f, WEIR_STR("five\n"));
    wr_loop_turn(loop, 0);
    holds("one\ntwo\nth\nfive\n");
    wr_logfiles_detach(&logs);
    wr_pool_destroy(&pool);
    wr_loop_destroy(&loop);
}

static void
take_first(const struct weir_logfile *f, void *data)
{
    *(uint32_t *)data = f->id;
}

static void
test_a_descriptor_goes_to_another_process(void **state)
{
    struct wr_logfiles logs = { NULL, 0 };
    struct weir_pool *pool = wr_pool_create("test", NULL);
    struct weir_logfile *f = wr_logfiles_open(&logs, pool, weir_str_c(path), &err);
    struct wr_message m;
    char moved[80];
    uint32_t id = 0;
    int ends[2], passed, fd = f->fd;

    (void)state;
    (void)snprintf(moved, sizeof(moved), "%s.1", path);
    assert_int_equal(rename(path, moved), 0);
    wr_logfiles_reopen(&logs, take_first, &id);
    assert_int_equal(id, f->id);
    assert_int_equal(f->fd, fd);
    assert_int_equal(wr_channel_open(ends), 0);
    assert_int_equal(wr_channel_receive(ends[1], &m, &passed), -EAGAIN);
    assert_int_equal(wr_channel_send(ends[0], (struct wr_message){ WR_MESSAGE_LOG, id }, f->fd), 0);
    assert_int_equal(wr_channel_receive(ends[1], &m, &passed), 0);
    assert_int_equal(m.kind, WR_MESSAGE_LOG);
    assert_int_equal(m.value, id);
    assert_true(passed > 2 && passed != fd);
    wr_logfiles_replace(&logs, m.value, passed);
    assert_int_equal(fcntl(passed, F_GETFD), -1);
    weir_logfile_write(f, WEIR_STR("new\n"));
    holds("new\n");
    (void)close(ends[0]);
    assert_int_equal(wr_channel_receive(ends[1], &m, &passed), -EPIPE);
    (void)close(ends[1]);
    (void)unlink(moved);
    wr_pool_destroy(&pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_is_one_log_as_long_as_somebody_uses_it),
        cmocka_unit_test(test_lines_of_a_turn_leave_at_its_end),
        cmocka_unit_test(test_a_link_in_an_open_folder_is_not_followed),
        cmocka_unit_test(test_a_full_disk_loses_whole_lines_and_is_reported),
        cmocka_unit_test(test_a_descriptor_goes_to_another_process),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
