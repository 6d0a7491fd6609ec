/* http/file_cache.h - files of this worker: what was found at a path, and the bytes of small hot ones with their header lines.
 *
 * An entry is good for the turn of the loop it was looked at in (or as long as open_file_cache_valid says); a file that
 * changed is seen at the next look. Entries are counted, so an answer under way keeps its bytes although the file changed.
 */
#ifndef WR_HTTP_FILE_CACHE_H
#define WR_HTTP_FILE_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <weir/file.h>

#include "wire/fields.h"
#include "http/request.h"

struct wr_file {
    uint32_t refs;
    uint32_t kind;        /* WEIR_FILE_* */
    uint64_t size;
    int64_t mtime;        /* seconds */
    uint64_t inode, device;
    bool executable;
    int fd;               /* open for reading, or -1 */
    const uint8_t *bytes; /* the whole of a hot file; NULL: not in memory */
    /* Content-Type, Last-Modified, ETag, Accept-Ranges, prebuilt for one set of settings and the type that this
     * extension has there. */
    struct wr_fields *head;
    weir_str extension;
    char etag[40];        /* "\"mtime-size\"" in hex */
    char modified[30];
};

/* The file at path (zero-terminated, beneath root's path of the location); 0 with a counted *file, or -errno (-ENOENT, -EACCES,
 * -ELOOP, ...). need_fd: it must be open; want_bytes: keep it in memory if it is small and hot enough. */
int wr_file_get(struct wr_request *r, weir_str path, bool need_fd, bool want_bytes,
                struct wr_file **file);
void wr_file_unref(struct wr_file *f);

/* Which file it is, and how it was when it was opened; 8-byte fields, so equal ones are the same bytes. */
struct wr_file_identity {
    uint64_t device, inode, size;
    int64_t mtime_s, mtime_ns, ctime_s, ctime_ns;
};
struct wr_file_identity wr_file_identity(const struct wr_file *f);

/* Would a change from now on show in its times? Kernels stamp by a clock that ticks every 10 ms at worst, some file systems whole
 * or even seconds: what was read before that may change without becoming another.
 * wall_s, wall_ms: the time, as wr_clock has it, not later than it is. */
bool wr_file_is_settled(const struct wr_file_identity *identity, int64_t wall_s, uint32_t wall_ms);

/* Once a worker. */
void wr_file_cache_init(uint64_t memory_max);

/* Does this process serve files? */
bool wr_file_cache_ready(void);
void wr_file_cache_fini(void);

#endif
