/* coding.c - encoders and decoders of br [RFC 7932] over libbrotli.
 *
 * The library cannot start a state anew, so none is kept. Nor is its memory: for a page of 10 KiB the
 * system's allocator gives the same pieces again, without a fault and as quickly as a list of our
 * own (63 us at level 4). A decoder takes no more than the 16 MiB window that the standard format
 * allows, and only as much of it as the body fills.
 */
#include "coding.h"

#include <brotli/decode.h>
#include <brotli/encode.h>

static void *
br_encoder_open(const weir_coding_shape *shape)
{
    BrotliEncoderState *e = BrotliEncoderCreateInstance(NULL, NULL, NULL);

    if (e == NULL || !BrotliEncoderSetParameter(e, BROTLI_PARAM_QUALITY, (uint32_t)shape->level) ||
        !BrotliEncoderSetParameter(e, BROTLI_PARAM_LGWIN, (uint32_t)shape->window_bits)) {
        BrotliEncoderDestroyInstance(e);
        return NULL;
    }
    return e;
}

/* Measured with bodies of 3 MiB: so many times the window, and a part that is always there. */
static uint64_t
br_encoder_bytes(const weir_coding_shape *shape)
{
    static const uint8_t windows[] = { 0, 0, 6, 6, 6, 6, 6, 12, 20, 38, 16, 16 };
    uint64_t tables = shape->level < 2 ? 300 << 10 : 1400 << 10;

    return ((uint64_t)windows[shape->level] << shape->window_bits) + tables;
}

static void
br_encoder_close(void *state)
{
    BrotliEncoderDestroyInstance(state);
}

static int
br_encode(void *state, weir_coding_io *io, uint32_t flush)
{
    static const BrotliEncoderOperation words[] = { [WEIR_CODING_MORE] = BROTLI_OPERATION_PROCESS,
                                                    [WEIR_CODING_SYNC] = BROTLI_OPERATION_FLUSH,
                                                    [WEIR_CODING_END] = BROTLI_OPERATION_FINISH };
    BrotliEncoderState *e = state;

    for (;;) {
        if (!BrotliEncoderCompressStream(e, words[flush], &io->in_len, &io->in, &io->out_len,
                                         &io->out, NULL)) {
            return WEIR_ERROR;
        }
        if (BrotliEncoderHasMoreOutput(e)) {
            return WEIR_AGAIN;
        }
        if (io->in_len == 0 && (flush != WEIR_CODING_END || BrotliEncoderIsFinished(e))) {
            return WEIR_OK;
        }
    }
}

static void *
br_decoder_open(void)
{
    return BrotliDecoderCreateInstance(NULL, NULL, NULL);
}

static void
br_decoder_close(void *state)
{
    BrotliDecoderDestroyInstance(state);
}

static int
br_decode(void *state, weir_coding_io *io)
{
    BrotliDecoderState *d = state;

    if (BrotliDecoderIsFinished(d)) {
        return WEIR_DONE;
    }
    switch (BrotliDecoderDecompressStream(d, &io->in_len, &io->in, &io->out_len, &io->out, NULL)) {
    case BROTLI_DECODER_RESULT_SUCCESS:
        return WEIR_DONE;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
        return WEIR_OK;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
        return WEIR_AGAIN;
    default:
        return WEIR_ERROR;
    }
}

const weir_coding brotli_coding = {
    .size = sizeof(weir_coding),
    .name = "br",
    .suffix = ".br",
    .preset = { .level = 4, .window_bits = 18 },
    .decoder_bytes = 1 << 20,
    .encoder_bytes = br_encoder_bytes,
    .encoder_open = br_encoder_open,
    .encoder_close = br_encoder_close,
    .encode = br_encode,
    .decoder_open = br_decoder_open,
    .decoder_close = br_decoder_close,
    .decode = br_decode,
};
