/* cache/opened.h - a file that is open in this worker, counted. The loop's, but for what is
 * constant. */
#ifndef CACHE_OPENED_H
#define CACHE_OPENED_H

#include "shared.h"

struct opened {
    int fd;
    uint32_t refs;
    uint32_t head_size;
    uint64_t file, length;
};

/* One with one reference; takes fd over. NULL: no memory (fd is closed). [any thread] */
struct opened *opened_make(int fd, uint64_t file, uint32_t head_size, uint64_t length);
struct opened *opened_ref(struct opened *o);
void opened_unref(struct opened *o);

/* Block i of the file, n bytes (64 KiB, or what is left of the body), held against its checksum. 0,
 * -EBADMSG: it is damaged, or -errno. `to` has room for FILE_BLOCK + FILE_CRC. [any thread] */
int opened_read_block(const struct opened *o, uint64_t i, uint8_t *to, size_t n);

#endif
