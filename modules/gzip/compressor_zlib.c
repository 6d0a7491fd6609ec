/* compressor_zlib.c - compressors over zlib.
 *
 * deflateReset keeps what deflateInit2 allocated, so an idle stream is worth keeping; its shape
 * stays with it. zlib counts in unsigned int: longer pieces go in slices.
 */
#ifndef ZLIB_CONST
#define ZLIB_CONST
#endif
#include <zlib.h>

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include "compressor.h"

enum { GZIP_WRAP = 16 }; /* added to windowBits: a gzip header and trailer instead of zlib's */

struct compressor {
    struct compressor *next; /* among the idle */
    struct compressor_shape shape;
    z_stream z;
};

static bool
same_shape(const struct compressor_shape *a, const struct compressor_shape *b)
{
    return a->level == b->level && a->window_bits == b->window_bits &&
           a->memory_level == b->memory_level;
}

static void
destroy(struct compressor *c)
{
    (void)deflateEnd(&c->z);
    free(c);
}

static struct compressor *
create(const struct compressor_shape *shape)
{
    struct compressor *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        return NULL;
    }
    c->shape = *shape;
    if (deflateInit2(&c->z, shape->level, Z_DEFLATED, shape->window_bits + GZIP_WRAP,
                     shape->memory_level, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(c);
        return NULL;
    }
    return c;
}

/* An idle one of that shape, off the list. */
static struct compressor *
find_idle(struct compressor_pool *pool, const struct compressor_shape *shape)
{
    for (struct compressor **at = &pool->idle; *at != NULL; at = &(*at)->next) {
        struct compressor *c = *at;

        if (same_shape(&c->shape, shape)) {
            *at = c->next;
            pool->n_idle--;
            return c;
        }
    }
    return NULL;
}

struct compressor *
compressor_take(struct compressor_pool *pool, const struct compressor_shape *shape)
{
    struct compressor *c;

    if (pool->n_busy >= COMPRESSOR_BUSY_MAX) {
        return NULL;
    }
    c = find_idle(pool, shape);
    if (c == NULL) {
        c = create(shape);
    }
    if (c != NULL) {
        pool->n_busy++;
    }
    return c;
}

void
compressor_give(struct compressor_pool *pool, struct compressor *c)
{
    if (c == NULL) {
        return;
    }
    pool->n_busy--;
    if (pool->n_idle >= COMPRESSOR_IDLE_MAX || deflateReset(&c->z) != Z_OK) {
        destroy(c);
        return;
    }
    c->next = pool->idle;
    pool->idle = c;
    pool->n_idle++;
}

/* One call of deflate over at most UINT_MAX bytes either way. */
static int
step(struct compressor *c, struct compressor_io *io, int flush)
{
    uInt in_len = io->in_len < UINT_MAX ? (uInt)io->in_len : UINT_MAX;
    uInt out_len = io->out_len < UINT_MAX ? (uInt)io->out_len : UINT_MAX;
    int rc;

    c->z.next_in = io->in;
    c->z.avail_in = in_len;
    c->z.next_out = io->out;
    c->z.avail_out = out_len;
    rc = deflate(&c->z, io->in_len > in_len ? Z_NO_FLUSH : flush);
    io->in += in_len - c->z.avail_in;
    io->in_len -= in_len - c->z.avail_in;
    io->out += out_len - c->z.avail_out;
    io->out_len -= out_len - c->z.avail_out;
    return rc;
}

enum compressor_result
compressor_run(struct compressor *c, struct compressor_io *io, enum compressor_flush flush)
{
    static const int words[] = { [COMPRESSOR_MORE] = Z_NO_FLUSH,
                                 [COMPRESSOR_SYNC] = Z_SYNC_FLUSH,
                                 [COMPRESSOR_END] = Z_FINISH };

    if (flush == COMPRESSOR_MORE && io->in_len == 0) {
        return COMPRESSOR_OK;
    }
    /* With room to spare the end of a flush can be told from more to come; without it zlib would
     * write its five-byte mark at each call. */
    if (flush == COMPRESSOR_SYNC && io->out_len < COMPRESSOR_ROOM_MIN) {
        return COMPRESSOR_FULL;
    }
    while (io->out_len != 0) {
        int rc = step(c, io, words[flush]);

        if (rc == Z_STREAM_END) {
            return COMPRESSOR_OK;
        }
        /* Z_BUF_ERROR: nothing was left to do. */
        if (rc != Z_OK && rc != Z_BUF_ERROR) {
            return COMPRESSOR_FAILED;
        }
        if (flush != COMPRESSOR_END && io->in_len == 0 &&
            (flush == COMPRESSOR_MORE || io->out_len != 0)) {
            return COMPRESSOR_OK;
        }
        if (flush == COMPRESSOR_END && rc == Z_BUF_ERROR && io->out_len != 0) {
            return COMPRESSOR_FAILED;
        }
    }
    return COMPRESSOR_FULL;
}

size_t
compressor_bound(size_t in_len)
{
    /* deflateBound's figure for the smallest search table, with room for header and trailer. */
    return in_len + (in_len >> 3) + (in_len >> 6) + 64;
}

void
compressor_pool_empty(struct compressor_pool *pool)
{
    while (pool->idle != NULL) {
        struct compressor *c = pool->idle;

        pool->idle = c->next;
        destroy(c);
    }
    pool->n_idle = 0;
}
