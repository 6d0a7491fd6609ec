/* Finding the module doubles of tests/modules beside the test's own program, and changing copies of them. */
#ifndef TEST_DOUBLES_H
#define TEST_DOUBLES_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* .../tests/unit/module/test_x to .../tests/modules */
static inline const char *
doubles_folder(void)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);

    assert_true(n > 0);
    path[n] = '\0';
    for (int i = 0; i < 3; i++) {
        *strrchr(path, '/') = '\0';
    }
    memcpy(path + strlen(path), "/modules", 9);
    return path;
}

/* The path of a double, in memory of its own. */
static inline char *
double_path(const char *name)
{
    char *path = NULL;

    assert_true(asprintf(&path, "%s/%s.so", doubles_folder(), name) > 0);
    return path;
}

struct bytes {
    uint8_t *data; /* aligned as malloc does */
    size_t len;
};

static inline struct bytes
double_read(const char *name)
{
    char *path = double_path(name);
    FILE *f = fopen(path, "rb");
    struct bytes b = { NULL, 0 };
    struct stat st;

    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &st), 0);
    b.len = (size_t)st.st_size;
    b.data = malloc(b.len);
    assert_int_equal(fread(b.data, 1, b.len, f), b.len);
    (void)fclose(f);
    free(path);
    return b;
}

/* A folder of ours, mode 0700, where others cannot change anything. */
static inline char *
folder_create(void)
{
    char *path = strdup("/tmp/weir-test-XXXXXX");

    assert_non_null(mkdtemp(path));
    return path;
}

/* Write the bytes to folder/name; the path, in memory of its own. */
static inline char *
file_create(const char *folder, const char *name, struct bytes b)
{
    char *path = NULL, *temporary = NULL;
    int fd;

    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    assert_true(asprintf(&temporary, "%s.new", path) > 0);
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, b.data, b.len), (ssize_t)b.len);
    assert_int_equal(close(fd), 0);
    assert_int_equal(rename(temporary, path), 0);
    free(temporary);
    return path;
}

static inline void
folder_remove(char *folder)
{
    char command[4200];

    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
    free(folder);
}

#endif
