/* buffer.c - holding lines back, and packing them. One buffer a file and worker; its memory comes
 * with the first line and goes with the worker.
 */
#define ZLIB_CONST
#include <zlib.h>

#include <limits.h>
#include <stdlib.h>

#include "buffer.h"

/* bytes as one gzip file in memory from malloc, *len bytes long; NULL when there is no memory. */
static char *
pack(weir_str bytes, int level, size_t *len)
{
    z_stream z = { 0 };
    uLong bound;
    char *packed;
    int rc;

    if (bytes.len > INT_MAX ||
        deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return NULL;
    }
    bound = deflateBound(&z, (uLong)bytes.len);
    packed = malloc(bound);
    if (packed == NULL) {
        (void)deflateEnd(&z);
        return NULL;
    }
    z.next_in = (const Bytef *)bytes.data;
    z.avail_in = (uInt)bytes.len;
    z.next_out = (Bytef *)packed;
    z.avail_out = (uInt)bound;
    rc = deflate(&z, Z_FINISH);
    *len = bound - z.avail_out;
    (void)deflateEnd(&z);
    if (rc != Z_STREAM_END) {
        free(packed);
        return NULL;
    }
    return packed;
}

static void
emit(const struct log_buffer *b, weir_str bytes)
{
    weir_str packed = { NULL, 0 };
    char *memory;

    if (b->level == 0) {
        weir_logfile_write(b->file, bytes);
        return;
    }
    memory = pack(bytes, b->level, &packed.len);
    if (memory == NULL) {
        weir_say(weir_main_log(), ERROR, "no memory to pack %zu bytes of log lines, they are lost",
                 bytes.len);
        return;
    }
    packed.data = memory;
    weir_logfile_write(b->file, packed);
    free(memory);
}

void
log_buffer_flush(struct log_buffer *b)
{
    if (b->timer != NULL) {
        weir_timer_stop(b->timer);
    }
    if (b->used != 0) {
        size_t used = b->used;

        b->used = 0;
        emit(b, (weir_str){ b->data, used });
    }
}

static void
due(void *data)
{
    log_buffer_flush(data);
}

static void
start_timer(struct log_buffer *b)
{
    if (b->flush_ms == 0) {
        return;
    }
    if (b->timer == NULL) {
        b->timer = weir_timer_start(weir_worker_pool(), b->flush_ms, due, b);
    } else {
        weir_timer_set(b->timer, b->flush_ms);
    }
}

void
log_buffer_add(struct log_buffer *b, weir_str line)
{
    if (line.len > b->size - b->used) {
        log_buffer_flush(b);
    }
    if (line.len > b->size) {
        emit(b, line);
        return;
    }
    if (b->data == NULL) {
        b->data = weir_alloc(weir_worker_pool(), b->size);
    }
    if (b->used == 0) {
        start_timer(b);
    }
    memcpy(b->data + b->used, line.data, line.len);
    b->used += line.len;
}
