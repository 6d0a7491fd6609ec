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

/* From block `first` on, blocks of n bytes of the body together, each followed by its checksum, as
 * they stand in the file: opened_size(n) bytes. All are held against their checksums: *good bytes
 * of the body are right. 0, -EBADMSG: what follows them is damaged, or -errno. [any thread] */
int opened_read(const struct opened *o, uint64_t first, uint8_t *to, size_t n, size_t *good);
size_t opened_size(size_t n);

/* The same if it can be had without waiting for the disk. False: it cannot, or not all of it; ask a
 * thread. */
bool opened_read_now(const struct opened *o, uint64_t first, uint8_t *to, size_t n, size_t *good,
                     int *rc);

/* ---- Those that this worker keeps open, since they are asked for again and again: a bounded
 * number, for as long as the index knows the file, and they are used. ---- */

enum { OPENED_KEPT = 64, OPENED_IDLE_MS = 60000 };

struct opened_kept {
    struct opened *o; /* NULL: none */
    uint64_t hash[2], used_at;
};

/* The file of that number, if it is kept, as used; NULL. */
struct opened *opened_find(struct store *s, uint64_t file);

/* Keep it, in place of the one that was used the longest time ago. */
void opened_keep(struct store *s, const uint64_t hash[2], struct opened *o);

/* Close what is gone, or was not used for a while. Once a second, under the lock. */
void opened_tick(struct store *s);
void opened_close_all(struct store *s);

#endif
