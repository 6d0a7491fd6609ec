/* decoder.c - decoders over zlib's inflate.
 *
 * A gzip body may be several members, one after another [RFC 1952 2.2]. What is called deflate in HTTP is a zlib stream; servers
 * that send it bare have always been, and a bare one cannot begin as the other does: its first block would be a stored one
 * with bits set that nobody sets.
 */
#define ZLIB_CONST
#include "decoder.h"

#include <stdlib.h>

#include "zlib_io.h"

enum {
    GZIP_BITS = MAX_WBITS + 16, /* inflateInit2's way to say: a gzip stream */
    GZIP_FIRST = 0x1f,          /* the first byte of a member */
    ZLIB_METHOD = 8             /* the low half of a zlib stream's first byte */
};

struct decoder {
    z_stream z;
    bool gzip;
    bool begun; /* bytes of this stream or member have come */
    bool ended; /* it, or the member, is complete */
};

static void *
open_as(bool gzip)
{
    struct decoder *d = calloc(1, sizeof(*d));

    if (d == NULL) {
        return NULL;
    }
    d->gzip = gzip;
    if (inflateInit2(&d->z, gzip ? GZIP_BITS : MAX_WBITS) != Z_OK) {
        free(d);
        return NULL;
    }
    return d;
}

void *
decoder_open_gzip(void)
{
    return open_as(true);
}

void *
decoder_open_deflate(void)
{
    return open_as(false);
}

void
decoder_close(void *state)
{
    struct decoder *d = state;

    (void)inflateEnd(&d->z);
    free(d);
}

bool
decoder_restart(void *state)
{
    struct decoder *d = state;

    d->begun = d->ended = false;
    return inflateReset2(&d->z, d->gzip ? GZIP_BITS : MAX_WBITS) == Z_OK;
}

/* The first byte of a deflate body tells whether it has zlib's wrapping. */
static bool
begin(struct decoder *d, uint8_t first)
{
    d->begun = true;
    return d->gzip || (first & 15) == ZLIB_METHOD || inflateReset2(&d->z, -MAX_WBITS) == Z_OK;
}

static int
step(z_stream *z, weir_coding_io *io)
{
    int rc;

    zlib_lend(z, io);
    rc = inflate(z, Z_NO_FLUSH);
    zlib_settle(z, io);
    return rc;
}

int
decoder_run(void *state, weir_coding_io *io)
{
    struct decoder *d = state;

    for (;;) {
        int rc;

        if (d->ended) {
            if (io->in_len == 0 || !d->gzip || io->in[0] != GZIP_FIRST) {
                return WEIR_DONE;
            }
            if (!decoder_restart(d)) {
                return WEIR_ERROR;
            }
        }
        if (!d->begun && (io->in_len == 0 || !begin(d, io->in[0]))) {
            return io->in_len == 0 ? WEIR_OK : WEIR_ERROR;
        }
        if (io->out_len == 0) {
            return WEIR_AGAIN;
        }
        rc = step(&d->z, io);
        d->ended = rc == Z_STREAM_END;
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
            return WEIR_ERROR;
        }
        if (!d->ended && io->in_len == 0 && io->out_len != 0) {
            return WEIR_OK;
        }
    }
}
