/* Files are opened beneath their root only, read whole within a limit, and replaced at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/pool.h"

/* A root with: file, folder/file, inner -> folder/file, out -> ../secret, up -> .. ; and a secret beside the root. */
static char base[] = "/tmp/weir-test-file-XXXXXX";
static int root = -1;

static void
put(const char *path, const char *text)
{
    assert_int_equal(wr_file_replace(root, path, weir_str_c(text), 0600), 0);
}

static int
set_up(void **state)
{
    int top;

    (void)state;
    assert_non_null(mkdtemp(base));
    top = wr_file_open(AT_FDCWD, base, O_RDONLY | O_DIRECTORY, 0);
    assert_true(top >= 0);
    assert_int_equal(mkdirat(top, "root", 0700), 0);
    root = wr_file_open(top, "root", O_RDONLY | O_DIRECTORY, 0);
    assert_true(root >= 0);
    assert_int_equal(wr_file_replace(top, "secret", weir_str_c("secret"), 0600), 0);
    (void)close(top);
    assert_int_equal(mkdirat(root, "folder", 0700), 0);
    put("file", "hello");
    put("folder/file", "deep");
    assert_int_equal(symlinkat("folder/file", root, "inner"), 0);
    assert_int_equal(symlinkat("../secret", root, "out"), 0);
    assert_int_equal(symlinkat("..", root, "up"), 0);
    return 0;
}

static int
tear_down(void **state)
{
    static const char *const names[] = { "file", "folder/file", "inner", "out",    "up",
                                         "new",  "made",        "big",   "replace" };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)unlinkat(root, names[i], 0);
    }
    (void)unlinkat(root, "folder", AT_REMOVEDIR);
    (void)unlinkat(root, "../secret", 0);
    (void)unlinkat(root, "../root", AT_REMOVEDIR);
    wr_file_close(&root);
    return rmdir(base);
}

/* Opens and answers 0 or -errno. */
static int
try(const char *path, int flags, uint64_t resolve)
{
    int fd = wr_file_open_beneath(root, path, flags, resolve);

    if (fd >= 0) {
        (void)close(fd);
        return 0;
    }
    return fd;
}

static int
try_walk(const char *path, int flags)
{
    int fd = wr_file_walk_beneath(root, path, flags, 0);

    if (fd >= 0) {
        (void)close(fd);
        return 0;
    }
    return fd;
}

static void
test_a_file_beneath_opens(void **state)
{
    (void)state;
    assert_int_equal(try("file", O_RDONLY, 0), 0);
    assert_int_equal(try("folder/file", O_RDONLY, 0), 0);
    assert_int_equal(try("folder/../file", O_RDONLY, 0), 0);
    assert_int_equal(try("inner", O_RDONLY, 0), 0);
    assert_int_equal(try(".", O_RDONLY | O_DIRECTORY, 0), 0);
    assert_int_equal(try("absent", O_RDONLY, 0), -ENOENT);
    assert_int_equal(try("", O_RDONLY, 0), -ENOENT);
    assert_int_equal(try("file/x", O_RDONLY, 0), -ENOTDIR);
}

static void
test_nothing_outside_the_root_opens(void **state)
{
    (void)state;
    assert_int_equal(try("../secret", O_RDONLY, 0), -EXDEV);
    assert_int_equal(try("folder/../../secret", O_RDONLY, 0), -EXDEV);
    assert_int_equal(try("/etc/passwd", O_RDONLY, 0), -EXDEV);
    assert_int_equal(try("out", O_RDONLY, 0), -EXDEV);
    assert_int_equal(try("up/secret", O_RDONLY, 0), -EXDEV);
    assert_int_equal(try("inner", O_RDONLY, RESOLVE_NO_SYMLINKS), -ELOOP);
}

static void
test_a_created_file_is_the_owners(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(try("made", O_RDWR | O_CREAT | O_EXCL, 0), 0);
    assert_int_equal(fstatat(root, "made", &st, 0), 0);
    assert_int_equal(st.st_mode & 0177, 0);
}

static void
test_the_walk_without_the_kernels_help_stays_beneath(void **state)
{
    (void)state;
    assert_int_equal(try_walk("file", O_RDONLY), 0);
    assert_int_equal(try_walk("folder//./file", O_RDONLY), 0);
    assert_int_equal(try_walk("folder/", O_RDONLY | O_DIRECTORY), 0);
    assert_int_equal(try_walk(".", O_RDONLY | O_DIRECTORY), 0);
    assert_int_equal(try_walk("file/", O_RDONLY), -ENOTDIR);
    assert_int_equal(try_walk("absent/file", O_RDONLY), -ENOENT);
    assert_int_equal(try_walk("", O_RDONLY), -ENOENT);
    assert_int_equal(try_walk("..", O_RDONLY), -EXDEV);
    assert_int_equal(try_walk("folder/../../secret", O_RDONLY), -EXDEV);
    assert_int_equal(try_walk("/etc/passwd", O_RDONLY), -EXDEV);
    assert_int_equal(try_walk("out", O_RDONLY), -ELOOP);
    assert_int_equal(try_walk("out", O_PATH), -ELOOP);
    assert_int_equal(try_walk("out", O_PATH | O_NOFOLLOW), 0);
    assert_int_equal(try_walk("up/secret", O_RDONLY), -ELOOP);
    assert_int_equal(wr_file_walk_beneath(root, "file", O_RDONLY, RESOLVE_NO_XDEV), -ENOSYS);
}

static void
test_a_file_is_read_whole_up_to_the_limit(void **state)
{
    struct weir_pool pool;
    weir_str content = { NULL, 0 };

    (void)state;
    wr_pool_init(&pool, "test", NULL);
    assert_int_equal(wr_file_read(root, "file", &pool, 5, &content), 0);
    assert_int_equal(content.len, 5);
    assert_string_equal(content.data, "hello");
    assert_int_equal(wr_file_read(root, "file", &pool, 4, &content), -EFBIG);
    assert_int_equal(wr_file_read(root, "folder", &pool, 10, &content), -EISDIR);
    assert_int_equal(wr_file_read(root, "absent", &pool, 10, &content), -ENOENT);
    assert_string_equal(content.data, "hello");
    wr_pool_fini(&pool);
}

static void
test_a_file_without_a_known_size_is_read_whole(void **state)
{
    struct weir_pool pool;
    weir_str content = { NULL, 0 };

    (void)state;
    wr_pool_init(&pool, "test", NULL);
    assert_int_equal(wr_file_read(AT_FDCWD, "/proc/self/status", &pool, (size_t)1 << 20, &content),
                     0);
    assert_true(content.len > 0 && content.data[content.len - 1] == '\n');
    assert_int_equal(wr_file_read(AT_FDCWD, "/dev/zero", &pool, 100000, &content), -EFBIG);
    wr_pool_fini(&pool);
}

static void
test_replacing_a_link_leaves_its_target_alone(void **state)
{
    struct weir_pool pool;
    weir_str content = { NULL, 0 };

    (void)state;
    wr_pool_init(&pool, "test", NULL);
    assert_int_equal(symlinkat("file", root, "replace"), 0);
    put("replace", "new");
    assert_int_equal(wr_file_read(root, "replace", &pool, 100, &content), 0);
    assert_string_equal(content.data, "new");
    assert_int_equal(wr_file_read(root, "file", &pool, 100, &content), 0);
    assert_string_equal(content.data, "hello");
    assert_int_equal(wr_file_replace(root, "absent/x", weir_str_c(""), 0600), -ENOENT);
    wr_pool_fini(&pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_beneath_opens),
        cmocka_unit_test(test_nothing_outside_the_root_opens),
        cmocka_unit_test(test_a_created_file_is_the_owners),
        cmocka_unit_test(test_the_walk_without_the_kernels_help_stays_beneath),
        cmocka_unit_test(test_a_file_is_read_whole_up_to_the_limit),
        cmocka_unit_test(test_a_file_without_a_known_size_is_read_whole),
        cmocka_unit_test(test_replacing_a_link_leaves_its_target_alone),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
