/* buffer.h - lines held back in a worker: access_log ... buffer= flush= gzip=.
 *
 * Lines leave when the next one does not fit, when the oldest has waited for flush_ms, and when the
 * worker stops. With a level each lot leaves as a gzip file of its own: gzip files in a row are a
 * gzip file.
 */
#ifndef LOG_BUFFER_H
#define LOG_BUFFER_H

#include <weir/weir.h>

struct log_buffer {
    struct log_buffer *next;
    weir_logfile *file;
    size_t size;       /* bytes held at most */
    uint64_t flush_ms; /* 0: no limit */
    int level;         /* of gzip, 1 to 9; 0: as they are */

    /* The worker's. */
    char *data; /* NULL until the first line */
    size_t used;
    weir_timer *timer;
};

enum { LOG_BUFFER_DEFAULT = 64 << 10, LOG_BUFFER_MAX = 1 << 30 };

/* Hold line back, or write it and what was before it. */
void log_buffer_add(struct log_buffer *b, weir_str line);

/* Write what is held. */
void log_buffer_flush(struct log_buffer *b);

#endif
