/* cache/sys.h - the system calls that the disk tier makes, in one table: tests put another in its
 * place, to fail any of them.
 *
 * Each answers as its call does, or -errno where that gives -1.
 */
#ifndef CACHE_SYS_H
#define CACHE_SYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sys {
    int (*open)(const char *path, int flags, mode_t mode);
    int (*close)(int fd);
    ssize_t (*pread)(int fd, void *to, size_t n, off_t at);
    ssize_t (*pread_now)(int fd, void *to, size_t n, off_t at); /* without waiting for the disk */
    ssize_t (*pwrite)(int fd, const void *from, size_t n, off_t at);
    int (*reserve)(int fd, off_t bytes); /* fallocate */
    int (*rename)(const char *from, const char *to);
    int (*link)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*mkdir)(const char *path, mode_t mode);
    int64_t (*size)(int fd);
    int64_t (*room)(const char *path); /* bytes that are free to us */
    uint64_t (*ms)(void);              /* a clock that only goes on */
};

extern const struct sys sys_real;
extern const struct sys *sys;

/* All n bytes: 0, -errno, or -EIO when the file ends before. */
int sys_read_all(int fd, void *to, size_t n, uint64_t at);
int sys_write_all(int fd, const void *from, size_t n, uint64_t at);

#endif
