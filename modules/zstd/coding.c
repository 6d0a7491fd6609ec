/* coding.c - encoders and decoders of zstd [RFC 8878] over libzstd.
 *
 * A body in HTTP has a window of at most 8 MiB, both ways [RFC 9659 3].
 */
#include "coding.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

static void *
zstd_encoder_open(const weir_coding_shape *shape)
{
    ZSTD_CCtx *e = ZSTD_createCCtx();
    int bits = shape->window_bits; /* 0: the level's own, which may be too much from level 17 on */

    if (e == NULL) {
        return NULL;
    }
    if (bits == 0 && shape->level >= 17) {
        bits = ZSTD_BITS_MAX;
    }
    if (ZSTD_isError(ZSTD_CCtx_setParameter(e, ZSTD_c_compressionLevel, shape->level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(e, ZSTD_c_windowLog, bits))) {
        (void)ZSTD_freeCCtx(e);
        return NULL;
    }
    return e;
}

/* Measured, for a body whose length is not known: MiB by level. */
static uint64_t
zstd_encoder_bytes(const weir_coding_shape *shape)
{
    static const uint8_t mib[] = { 4,  2,  2,  4,  5,  6,  6,  9,  9,  17,
                                   29, 29, 53, 37, 53, 69, 37, 58, 58, 90 };

    return (uint64_t)mib[shape->level] << 20;
}

static void
zstd_encoder_close(void *state)
{
    (void)ZSTD_freeCCtx(state);
}

static bool
zstd_encoder_restart(void *state)
{
    return !ZSTD_isError(ZSTD_CCtx_reset(state, ZSTD_reset_session_only));
}

static int
zstd_encode(void *state, weir_coding_io *io, uint32_t flush)
{
    static const ZSTD_EndDirective words[] = { [WEIR_CODING_MORE] = ZSTD_e_continue,
                                               [WEIR_CODING_SYNC] = ZSTD_e_flush,
                                               [WEIR_CODING_END] = ZSTD_e_end };

    for (;;) {
        ZSTD_inBuffer in = { io->in, io->in_len, 0 };
        ZSTD_outBuffer out = { io->out, io->out_len, 0 };
        size_t left = ZSTD_compressStream2(state, &out, &in, words[flush]);

        if (ZSTD_isError(left)) {
            return WEIR_ERROR;
        }
        io->in = io->in != NULL ? io->in + in.pos : NULL;
        io->in_len -= in.pos;
        io->out += out.pos;
        io->out_len -= out.pos;
        if (io->in_len == 0 && (flush == WEIR_CODING_MORE || left == 0)) {
            return WEIR_OK;
        }
        if (io->out_len == 0) {
            return WEIR_AGAIN;
        }
    }
}

enum { HEAD_MAX = 18 }; /* bytes of a frame's header [RFC 8878 3.1.1.1] */

struct zstd_decoder {
    ZSTD_DCtx *z;
    bool between; /* frames: the body may end here */
    uint8_t head_len;
    uint8_t head[HEAD_MAX]; /* the frame's first bytes, */
    uint64_t made;          /* and how many have come of it */
};

static bool
zstd_decoder_restart(void *state)
{
    struct zstd_decoder *d = state;

    d->between = false;
    d->head_len = 0;
    d->made = 0;
    return !ZSTD_isError(ZSTD_DCtx_reset(d->z, ZSTD_reset_session_only));
}

static void
zstd_decoder_close(void *state)
{
    struct zstd_decoder *d = state;

    (void)ZSTD_freeDCtx(d->z);
    free(d);
}

static void *
zstd_decoder_open(void)
{
    struct zstd_decoder *d = calloc(1, sizeof(*d));

    if (d == NULL) {
        return NULL;
    }
    d->z = ZSTD_createDCtx();
    if (d->z == NULL ||
        ZSTD_isError(ZSTD_DCtx_setParameter(d->z, ZSTD_d_windowLogMax, ZSTD_BITS_MAX))) {
        zstd_decoder_close(d);
        return NULL;
    }
    return d;
}

/* So much of the frame was read, and so much made. */
static void
note(struct zstd_decoder *d, const uint8_t *read, size_t n_read, size_t n_made)
{
    size_t room = sizeof(d->head) - d->head_len, n = n_read < room ? n_read : room;

    if (n != 0) {
        memcpy(d->head + d->head_len, read, n);
        d->head_len = (uint8_t)(d->head_len + n);
    }
    d->made += n_made;
}

/* The frame is over: has it what its header says? The library looks at some ends only, which
 * depends on how the bytes come. */
static bool
is_whole(struct zstd_decoder *d)
{
    unsigned long long size = ZSTD_getFrameContentSize(d->head, d->head_len);
    bool whole = size == ZSTD_CONTENTSIZE_UNKNOWN || size == d->made;

    d->head_len = 0;
    d->made = 0;
    return whole;
}

/* Several frames may follow one another. [RFC 8878 3.1] */
static int
zstd_decode(void *state, weir_coding_io *io)
{
    struct zstd_decoder *d = state;

    while (io->in_len != 0 || !d->between) {
        ZSTD_inBuffer in = { io->in, io->in_len, 0 };
        ZSTD_outBuffer out = { io->out, io->out_len, 0 };
        size_t left = ZSTD_decompressStream(d->z, &out, &in);

        if (ZSTD_isError(left)) {
            return WEIR_ERROR;
        }
        note(d, io->in, in.pos, out.pos);
        io->in = io->in != NULL ? io->in + in.pos : NULL;
        io->in_len -= in.pos;
        io->out += out.pos;
        io->out_len -= out.pos;
        d->between = left == 0;
        if (d->between && !is_whole(d)) {
            return WEIR_ERROR;
        }
        if (!d->between && io->out_len == 0) {
            return WEIR_AGAIN;
        }
        if (!d->between && io->in_len == 0) {
            return WEIR_OK;
        }
        if (d->between && io->out_len == 0 && io->in_len != 0) {
            return WEIR_AGAIN;
        }
    }
    return WEIR_DONE;
}

const weir_coding zstd_coding = {
    .size = sizeof(weir_coding),
    .name = "zstd",
    .suffix = ".zst",
    .preset = { .level = 3 },
    .decoder_bytes = 2 << 20,
    .encoder_bytes = zstd_encoder_bytes,
    .encoder_open = zstd_encoder_open,
    .encoder_close = zstd_encoder_close,
    .encoder_restart = zstd_encoder_restart,
    .encode = zstd_encode,
    .decoder_open = zstd_decoder_open,
    .decoder_close = zstd_decoder_close,
    .decoder_restart = zstd_decoder_restart,
    .decode = zstd_decode,
};
