/* module/copy.h - a private copy of a module file: what is checked is what is opened, whatever happens to the file.
 *
 * The copy is memory with a descriptor (memfd), sealed, under a name that the dynamic linker has not seen. Where such memory
 * may not be executed, it opens a file in a folder of our own instead, which is removed at once.
 */
#ifndef WR_MODULE_COPY_H
#define WR_MODULE_COPY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct wr_copy {
    int fd;      /* stays open as long as the image: its number is the image's name to the linker */
    void *bytes; /* mapped, read-only, page aligned */
    size_t len;
    char sha256[65]; /* of the bytes, hexadecimal, lower case */
};

/* Copy what the file descriptor from reads, called name (the last part of its path, for /proc/PID/maps). max in bytes.
 * False, and *copy untouched, with the reason in err. */
bool wr_copy_open(int from, const char *name, size_t max, struct wr_copy *copy, struct wr_err *err);

/* dlopen it. NULL with the reason in err; then no copy of it stays behind but this one. */
void *wr_copy_link(const struct wr_copy *copy, struct wr_err *err);

/* The same by way of a file in /tmp, gone afterwards: for systems where memory may not be executed. */
void *wr_copy_link_file(const struct wr_copy *copy, struct wr_err *err);

/* Unmap the bytes; the descriptor stays open. */
void wr_copy_unmap(struct wr_copy *copy);

/* Unmap, and close the descriptor: only for a copy that was never linked. */
void wr_copy_close(struct wr_copy *copy);

#endif
