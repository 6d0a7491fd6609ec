/* cache/look.h - what a file says of itself: its head, or the newest of its heads. In a thread. */
#ifndef CACHE_LOOK_H
#define CACHE_LOOK_H

#include "file.h"

struct looked {
    struct file_head head; /* slices of bytes or tail */
    uint8_t *bytes, *tail; /* from malloc */
    uint64_t heads_end;    /* where the next head would be written */
};

/* Look into an open file, reading `first` bytes at once; hash: of its name. 0, -EBADMSG: it is
 * damaged, -ESTALE: another version wrote it, or -errno. To be freed in any case. */
int look_into(struct looked *l, int fd, size_t first, const uint64_t hash[2]);
void looked_free(struct looked *l);

#endif
