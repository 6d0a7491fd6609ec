/* compressor_isal.c - compressors over ISA-L's igzip.
 *
 * gzip_comp_level 1 is igzip's level 1 and 2 to 6 are its level 3: in speed and size they stand
 * where zlib's 1 and about 4 do, level 2 gives little more than 1. The level's buffer is part of
 * the one allocation; of its sizes the small one codes a page as fast and as short as the larger,
 * so that a compressor takes 164 or 228 KiB. igzip counts in 32 bits: longer pieces go in slices.
 */
#include <isa-l/igzip_lib.h>

#include <stdalign.h>
#include <stdlib.h>

#include "compressor_kind.h"

enum { CACHE_LINE = 64 };

struct isal_compressor {
    struct compressor base; /* first */
    bool unsent;            /* input has come since the last flush */
    struct isal_zstream z;
    alignas(CACHE_LINE) uint8_t level_buf[]; /* scratch and search table of the level */
};

static void
isal_destroy(struct compressor *base)
{
    free(base);
}

static bool
isal_restart(struct compressor *base)
{
    struct isal_compressor *c = (struct isal_compressor *)base;

    isal_deflate_reset(&c->z);
    /* These two are settings, which the reset leaves; but igzip changes them as it runs. */
    c->z.gzip_flag = IGZIP_GZIP;
    c->z.hist_bits = 0;
    c->unsent = false;
    return true;
}

static struct compressor *
isal_create(const weir_coding_shape *shape)
{
    uint32_t level = shape->level <= 1 ? 1 : 3;
    uint32_t level_bytes = level == 1 ? ISAL_DEF_LVL1_SMALL : ISAL_DEF_LVL3_SMALL;
    size_t size = sizeof(struct isal_compressor) + level_bytes;
    struct isal_compressor *c =
        aligned_alloc(CACHE_LINE, (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);

    if (c == NULL) {
        return NULL;
    }
    isal_deflate_init(&c->z);
    c->z.level = level;
    c->z.level_buf = c->level_buf;
    c->z.level_buf_size = level_bytes;
    (void)isal_restart(&c->base);
    return &c->base;
}

/* One call of igzip over at most UINT32_MAX bytes either way. It only reads next_in. */
static int
isal_step(struct isal_zstream *z, weir_coding_io *io, uint32_t flush)
{
    uint32_t in_len = io->in_len < UINT32_MAX ? (uint32_t)io->in_len : UINT32_MAX;
    uint32_t out_len = io->out_len < UINT32_MAX ? (uint32_t)io->out_len : UINT32_MAX;
    bool whole = in_len == io->in_len;
    int rc;

    z->next_in = (uint8_t *)(uintptr_t)io->in;
    z->avail_in = in_len;
    z->next_out = io->out;
    z->avail_out = out_len;
    z->end_of_stream = whole && flush == WEIR_CODING_END;
    z->flush = whole && flush == WEIR_CODING_SYNC ? SYNC_FLUSH : NO_FLUSH;
    rc = isal_deflate(z);
    io->in += in_len - z->avail_in;
    io->in_len -= in_len - z->avail_in;
    io->out += out_len - z->avail_out;
    io->out_len -= out_len - z->avail_out;
    return rc;
}

/* Has the last step brought what flush asks for to its end? The library's header names the two
 * states as what a caller looks at. */
static bool
isal_done(const struct isal_zstream *z, const weir_coding_io *io, uint32_t flush)
{
    switch (flush) {
    case WEIR_CODING_MORE:
        return io->in_len == 0;
    case WEIR_CODING_SYNC:
        return io->in_len == 0 && z->internal_state.state == ZSTATE_NEW_HDR;
    default:
        return z->internal_state.state == ZSTATE_END;
    }
}

static int
isal_run(struct compressor *base, weir_coding_io *io, uint32_t flush)
{
    struct isal_compressor *c = (struct isal_compressor *)base;

    c->unsent = c->unsent || io->in_len != 0;
    if (flush == WEIR_CODING_SYNC && !c->unsent) {
        return WEIR_OK;
    }
    while (io->out_len != 0) {
        size_t in_len = io->in_len;
        size_t out_len = io->out_len;

        if (isal_step(&c->z, io, flush) != COMP_OK) {
            return WEIR_ERROR;
        }
        if (isal_done(&c->z, io, flush)) {
            c->unsent = flush == WEIR_CODING_MORE;
            return WEIR_OK;
        }
        if (io->in_len == in_len && io->out_len == out_len) {
            return WEIR_ERROR;
        }
    }
    return WEIR_AGAIN;
}

const struct compressor_kind compressor_isal = {
    .create = isal_create,
    .destroy = isal_destroy,
    .restart = isal_restart,
    .run = isal_run,
};
