/* base/file.h - thin wrappers of the system's file calls: 0 (or a descriptor) or -errno, interruptions handled.
 *
 * Whatever serves files that a URL names opens them by wr_file_open_beneath: the kernel itself keeps the lookup under the
 * root, so that no mistake with strings, and no link swapped in a race, leads out of it.
 */
#ifndef WR_BASE_FILE_H
#define WR_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <weir/base.h>

/*
 * Open a file below a directory.
 *
 * dirfd    the root; nothing outside of it is reached
 * path     relative and zero-terminated: "a/b.html", "." for the root itself; a leading '/' is refused
 * flags    of open(2); O_CLOEXEC and O_NOCTTY are added. A file that O_CREAT makes has mode 0600
 * resolve  more RESOLVE_ flags of openat2(2); RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS are added
 *
 * A descriptor, or -errno: -EXDEV when the path or a link leads out. Kernels before 5.6 have no such call: there the path is
 * walked name by name, and any symbolic link is refused with -ELOOP, any ".." with -EXDEV, RESOLVE_NO_XDEV with -ENOSYS.
 */
int wr_file_open_beneath(int dirfd, const char *path, int flags, uint64_t resolve);

/* The walk that stands in for the kernel's; a function of its own so that it is tested on any kernel. */
int wr_file_walk_beneath(int dirfd, const char *path, int flags, uint64_t resolve);

/* open(2) relative to dirfd (AT_FDCWD for the working directory) with O_CLOEXEC and O_NOCTTY: a descriptor or -errno. */
int wr_file_open(int dirfd, const char *path, int flags, mode_t mode);

/* Close *fd when it is not negative, and make it -1. */
void wr_file_close(int *fd);

/*
 * Read a whole small file.
 *
 * pool       gets the content and a zero behind it
 * max_bytes  the largest content that is taken
 * content    out, on success; data is not NULL
 *
 * 0 or -errno; -EFBIG when the file is larger, -EISDIR for a directory.
 */
int wr_file_read(int dirfd, const char *path, struct weir_pool *pool, size_t max_bytes,
                 weir_str *content);

/* Write all of data at the descriptor's position: 0, or -errno with an unknown part written. */
int wr_file_write_all(int fd, const void *data, size_t len);

/* Make the file `path` hold exactly content, by a temporary neighbour and rename: a reader sees the old or the new content,
 * never a part. An existing link at path is replaced, not followed. 0 or -errno. */
int wr_file_replace(int dirfd, const char *path, weir_str content, mode_t mode);

#endif
