/* compressor_zlib.c - compressors over zlib.
 *
 * deflateReset keeps what deflateInit2 allocated, so an idle stream is worth keeping.
 */
#ifndef ZLIB_CONST
#define ZLIB_CONST
#endif
#include <stdlib.h>

#include "compressor_kind.h"
#include "zlib_io.h"

enum { GZIP_WRAP = 16 }; /* added to windowBits: a gzip header and trailer instead of zlib's */

struct zlib_compressor {
    struct compressor base; /* first */
    z_stream z;
};

static void
zlib_destroy(struct compressor *base)
{
    struct zlib_compressor *c = (struct zlib_compressor *)base;

    (void)deflateEnd(&c->z);
    free(c);
}

static struct compressor *
zlib_create(const weir_coding_shape *shape)
{
    struct zlib_compressor *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        return NULL;
    }
    if (deflateInit2(&c->z, shape->level, Z_DEFLATED, shape->window_bits + GZIP_WRAP,
                     shape->memory, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(c);
        return NULL;
    }
    return &c->base;
}

static bool
zlib_restart(struct compressor *base)
{
    return deflateReset(&((struct zlib_compressor *)base)->z) == Z_OK;
}

static int
zlib_step(z_stream *z, weir_coding_io *io, int flush)
{
    int rc;

    zlib_lend(z, io);
    rc = deflate(z, io->in_len > z->avail_in ? Z_NO_FLUSH : flush);
    zlib_settle(z, io);
    return rc;
}

static int
zlib_run(struct compressor *base, weir_coding_io *io, uint32_t flush)
{
    static const int words[] = { [WEIR_CODING_MORE] = Z_NO_FLUSH,
                                 [WEIR_CODING_SYNC] = Z_SYNC_FLUSH,
                                 [WEIR_CODING_END] = Z_FINISH };
    struct zlib_compressor *c = (struct zlib_compressor *)base;

    while (io->out_len != 0) {
        int rc = zlib_step(&c->z, io, words[flush]);

        if (rc == Z_STREAM_END) {
            return WEIR_OK;
        }
        /* Z_BUF_ERROR: nothing was left to do. */
        if (rc != Z_OK && rc != Z_BUF_ERROR) {
            return WEIR_ERROR;
        }
        if (flush != WEIR_CODING_END && io->in_len == 0 &&
            (flush == WEIR_CODING_MORE || io->out_len != 0)) {
            return WEIR_OK;
        }
        if (flush == WEIR_CODING_END && rc == Z_BUF_ERROR && io->out_len != 0) {
            return WEIR_ERROR;
        }
    }
    return WEIR_AGAIN;
}

const struct compressor_kind compressor_zlib = {
    .create = zlib_create,
    .destroy = zlib_destroy,
    .restart = zlib_restart,
    .run = zlib_run,
};
