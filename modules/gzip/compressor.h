/* compressor.h - the one door to a compression library: gzip.c decides what is coded, this is how.
 *
 * A compressor is one gzip stream (RFC 1952) under way. Making one costs a quarter of a megabyte
 * and about as much time as coding 10 KiB, so a worker keeps finished ones in a pool and starts
 * them anew. Both the idle and the busy ones are bounded. Which library works behind a stream
 * depends on its shape and on the build: compressor_kind.h.
 */
#ifndef GZIP_COMPRESSOR_H
#define GZIP_COMPRESSOR_H

#include <stddef.h>
#include <stdint.h>

enum {
    COMPRESSOR_IDLE_MAX = 16,   /* kept for reuse: about 4 MiB a worker */
    COMPRESSOR_BUSY_MAX = 1024, /* at work at a time in a worker: about 260 MiB */
    COMPRESSOR_ROOM_MIN = 8     /* bytes of output a SYNC needs to come to an end */
};

struct compressor; /* one stream */

/* What the library is told; streams of one shape stand in for one another. */
struct compressor_shape {
    int level;        /* 1 (fast) to 9 (small) */
    int window_bits;  /* 9 to 15: how far back, as a power of two of bytes */
    int memory_level; /* 1 to 9: size of the search table */
};

/* A worker's compressors; starts zeroed. */
struct compressor_pool {
    struct compressor *idle;
    uint32_t n_idle;
    uint32_t n_busy;
};

enum compressor_flush {
    COMPRESSOR_MORE, /* more input follows */
    COMPRESSOR_SYNC, /* put out all that has come in */
    COMPRESSOR_END   /* this is the end of the stream */
};

enum compressor_result {
    COMPRESSOR_OK,    /* the input is used up, and what flush asked for is done */
    COMPRESSOR_FULL,  /* the output is: call again, same flush, with more room */
    COMPRESSOR_FAILED /* the stream is broken; give it back */
};

/* Moved past what was used. */
struct compressor_io {
    const uint8_t *in;
    size_t in_len;
    uint8_t *out;
    size_t out_len; /* room at out */
};

/* A stream at its beginning. NULL when too many are busy or there is no memory: send the answer as
 * it is. */
struct compressor *compressor_take(struct compressor_pool *pool,
                                   const struct compressor_shape *shape);

/* Done with it, at its end or before; NULL is fine. */
void compressor_give(struct compressor_pool *pool, struct compressor *c);

/* Code what io holds. COMPRESSOR_SYNC with less than COMPRESSOR_ROOM_MIN bytes of room does nothing
 * but answer FULL. */
enum compressor_result compressor_run(struct compressor *c, struct compressor_io *io,
                                      enum compressor_flush flush);

/* At least as long as a stream of in_len bytes can become. */
size_t compressor_bound(size_t in_len);

/* Free the idle ones. */
void compressor_pool_empty(struct compressor_pool *pool);

#endif
