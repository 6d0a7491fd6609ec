/* base/file.c - opening beneath a root, reading and writing whole; see the header for what is promised. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/pool.h"
#include "base/strbuf.h"

enum {
    RACE_TRIES = 16,  /* EAGAIN: a rename crossed the lookup of a link with ".." */
    READ_FIRST = 4096 /* bytes to begin with when the size is not known, as in /proc */
};

#define ADDED_FLAGS (O_CLOEXEC | O_NOCTTY)

static bool
makes_file(int flags)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

int
wr_file_open(int dirfd, const char *path, int flags, mode_t mode)
{
    int fd;

    do {
        fd = openat(dirfd, path, flags | ADDED_FLAGS, mode);
    } while (fd < 0 && errno == EINTR);
    return fd >= 0 ? fd : -errno;
}

void
wr_file_close(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

int
wr_file_open_beneath(int dirfd, const char *path, int flags, uint64_t resolve)
{
    struct open_how how = {
        /* openat2 has no patience with flags that mean nothing beside O_PATH. */
        .flags = (uint64_t)(unsigned)(flags | (flags & O_PATH ? O_CLOEXEC : ADDED_FLAGS)),
        .mode = makes_file(flags) ? 0600 : 0,
        .resolve = resolve | RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd;

    for (int tries = 0; tries < RACE_TRIES; tries++) {
        fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) {
            break;
        }
    }
    if (fd >= 0) {
        return (int)fd;
    }
    return errno == ENOSYS ? wr_file_walk_beneath(dirfd, path, flags, resolve) : -errno;
}

/* Go from *at into its folder `name`, no link followed; *at is closed unless it is the root. */
static int
walk_into(int root, int *at, weir_str name)
{
    char folder[NAME_MAX + 1];
    int next;

    if (name.len > NAME_MAX) {
        return -ENAMETOOLONG;
    }
    memcpy(folder, name.data, name.len);
    folder[name.len] = '\0';
    next = wr_file_open(*at, folder, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
    if (next < 0) {
        struct stat st;
        bool link = fstatat(*at, folder, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
        return link ? -ELOOP : next;
    }
    if (*at != root) {
        (void)close(*at);
    }
    *at = next;
    return 0;
}

/* The last name: no link is followed, and none is opened as itself unless the caller's flags ask for that. */
static int
walk_open(int at, const char *name, int flags)
{
    int fd = wr_file_open(at, name, flags | O_NOFOLLOW, 0600);
    struct stat st;

    if (fd >= 0 && (flags & O_PATH) != 0 && (flags & O_NOFOLLOW) == 0 && fstat(fd, &st) == 0 &&
        S_ISLNK(st.st_mode)) {
        (void)close(fd);
        return -ELOOP;
    }
    return fd;
}

int
wr_file_walk_beneath(int dirfd, const char *path, int flags, uint64_t resolve)
{
    int at = dirfd, answer = 0;

    if (*path == '\0') {
        return -ENOENT;
    }
    if (*path == '/') {
        return -EXDEV;
    }
    if ((resolve & RESOLVE_NO_XDEV) != 0) {
        return -ENOSYS;
    }
    while (answer == 0) {
        size_t len = strcspn(path, "/");
        const char *next = path + len;

        if (len == 2 && path[0] == '.' && path[1] == '.') {
            answer = -EXDEV;
        } else if (*next == '\0') {
            answer = walk_open(at, path, flags);
            break;
        } else {
            answer = walk_into(dirfd, &at, (weir_str){ path, len });
        }
        path = next + strspn(next, "/");
        if (*path == '\0') {
            path = "."; /* "a/" means the folder a */
        }
    }
    if (at != dirfd) {
        (void)close(at);
    }
    return answer;
}

/* Read to the end of fd; room bytes to begin with, doubled as needed up to max_bytes and one to notice more. */
static int
read_all(int fd, struct weir_pool *pool, size_t room, size_t max_bytes, weir_str *content)
{
    char *data = weir_alloc(pool, room + 1);
    size_t len = 0;

    for (;;) {
        ssize_t n = read(fd, data + len, room - len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            break;
        }
        len += (size_t)n;
        if (len > max_bytes) {
            return -EFBIG;
        }
        if (len == room) {
            size_t more = WR_MIN(room * 2, max_bytes + 1);
            char *larger = weir_alloc(pool, more + 1);
            memcpy(larger, data, len);
            data = larger;
            room = more;
        }
    }
    data[len] = '\0';
    *content = (weir_str){ data, len };
    return 0;
}

int
wr_file_read(int dirfd, const char *path, struct weir_pool *pool, size_t max_bytes,
             weir_str *content)
{
    int fd = wr_file_open(dirfd, path, O_RDONLY, 0), answer;
    size_t room = READ_FIRST;
    struct stat st;

    WR_ASSERT(max_bytes < SIZE_MAX / 4);
    if (fd < 0) {
        return fd;
    }
    if (fstat(fd, &st) != 0) {
        answer = -errno;
    } else if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > max_bytes) {
        answer = -EFBIG;
    } else {
        if (S_ISREG(st.st_mode) && st.st_size > 0) {
            room = (size_t)st.st_size + 1;
        }
        answer = read_all(fd, pool, WR_MIN(room, max_bytes + 1), max_bytes, content);
    }
    (void)close(fd);
    return answer;
}

int
wr_file_write_all(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len != 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

int
wr_file_replace(int dirfd, const char *path, weir_str content, mode_t mode)
{
    char name[PATH_MAX];
    struct wr_strbuf b = wr_strbuf_over(name, sizeof(name));
    uint64_t chance;
    int fd, answer;

    weir_random(&chance, sizeof(chance));
    wr_strbuf_print(&b, "%s.%016llx", path, (unsigned long long)chance);
    if (b.full) {
        return -ENAMETOOLONG;
    }
    fd = wr_file_open(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    if (fd < 0) {
        return fd;
    }
    answer = wr_file_write_all(fd, content.data, content.len);
    if (close(fd) != 0 && answer == 0) {
        answer = -errno;
    }
    if (answer == 0 && renameat(dirfd, name, dirfd, path) != 0) {
        answer = -errno;
    }
    if (answer != 0) {
        (void)unlinkat(dirfd, name, 0);
    }
    return answer;
}
