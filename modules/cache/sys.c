/* cache/sys.c - the system's own calls. */
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int
do_open(const char *path, int flags, mode_t mode)
{
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode);

    return fd >= 0 ? fd : -errno;
}

static int
do_close(int fd)
{
    return close(fd) == 0 ? 0 : -errno;
}

static ssize_t
do_pread(int fd, void *to, size_t n, off_t at)
{
    ssize_t got = pread(fd, to, n, at);

    return got >= 0 ? got : -errno;
}

static ssize_t
do_pread_now(int fd, void *to, size_t n, off_t at)
{
    struct iovec v = { to, n };
    ssize_t got = preadv2(fd, &v, 1, at, RWF_NOWAIT);

    return got >= 0 ? got : -errno;
}

static ssize_t
do_pwrite(int fd, const void *from, size_t n, off_t at)
{
    ssize_t put = pwrite(fd, from, n, at);

    return put >= 0 ? put : -errno;
}

static int
do_reserve(int fd, off_t bytes)
{
    return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, bytes) == 0 ? 0 : -errno;
}

static int
do_rename(const char *from, const char *to)
{
    return rename(from, to) == 0 ? 0 : -errno;
}

static int
do_link(const char *from, const char *to)
{
    return link(from, to) == 0 ? 0 : -errno;
}

static int
do_unlink(const char *path)
{
    return unlink(path) == 0 ? 0 : -errno;
}

static int
do_mkdir(const char *path, mode_t mode)
{
    return mkdir(path, mode) == 0 ? 0 : -errno;
}

static int64_t
do_size(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 ? st.st_size : -errno;
}

static int64_t
do_room(const char *path)
{
    struct statvfs fs;
    uint64_t bytes;

    if (statvfs(path, &fs) != 0) {
        return -errno;
    }
    return __builtin_mul_overflow((uint64_t)fs.f_bavail, (uint64_t)fs.f_frsize, &bytes) ||
                   bytes > INT64_MAX
               ? INT64_MAX
               : (int64_t)bytes;
}

static uint64_t
do_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

const struct sys sys_real = { do_open,    do_close,  do_pread, do_pread_now, do_pwrite,
                              do_reserve, do_rename, do_link,  do_unlink,    do_mkdir,
                              do_size,    do_room,   do_ms };
const struct sys *sys = &sys_real;

int
sys_read_all(int fd, void *to, size_t n, uint64_t at)
{
    uint8_t *p = to;

    while (n != 0) {
        ssize_t got = sys->pread(fd, p, n, (off_t)at);
        if (got == -EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? (int)got : -EIO;
        }
        p += got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
    return 0;
}

int
sys_write_all(int fd, const void *from, size_t n, uint64_t at)
{
    const uint8_t *p = from;

    while (n != 0) {
        ssize_t put = sys->pwrite(fd, p, n, (off_t)at);
        if (put == -EINTR) {
            continue;
        }
        if (put <= 0) {
            return put < 0 ? (int)put : -EIO;
        }
        p += put;
        n -= (size_t)put;
        at += (uint64_t)put;
    }
    return 0;
}
