/* coding.c - gzip and deflate as the server knows codings: <weir/coding.h>. */
#include "compressor.h"
#include "decoder.h"
#include "gzip.h"

enum { DECODER_BYTES = 48 * 1024 /* inflate's window and tables */ };

static void *
encoder_open(const weir_coding_shape *shape)
{
    return compressor_open(shape);
}

static void
encoder_close(void *state)
{
    compressor_close(state);
}

static bool
encoder_restart(void *state)
{
    return compressor_restart(state);
}

static int
encode(void *state, weir_coding_io *io, uint32_t flush)
{
    return compressor_run(state, io, flush);
}

/* deflate's own figures, 268 KiB for the usual shape; ISA-L takes less. */
static uint64_t
encoder_bytes(const weir_coding_shape *shape)
{
    return (UINT64_C(1) << (shape->window_bits + 2)) + (UINT64_C(1) << (shape->memory + 9)) + 8192;
}

const weir_coding gzip_coding = {
    .size = sizeof(weir_coding),
    .name = "gzip",
    .suffix = ".gz",
    .preset = { .level = 5, .window_bits = 15, .memory = 8 },
    .decoder_bytes = DECODER_BYTES,
    .encoder_bytes = encoder_bytes,
    .encoder_open = encoder_open,
    .encoder_close = encoder_close,
    .encoder_restart = encoder_restart,
    .encode = encode,
    .decoder_open = decoder_open_gzip,
    .decoder_close = decoder_close,
    .decoder_restart = decoder_restart,
    .decode = decoder_run,
};

/* Nobody makes it any more: its two forms cannot be told apart by its name. */
const weir_coding gzip_coding_deflate = {
    .size = sizeof(weir_coding),
    .name = "deflate",
    .decoder_bytes = DECODER_BYTES,
    .decoder_open = decoder_open_deflate,
    .decoder_close = decoder_close,
    .decoder_restart = decoder_restart,
    .decode = decoder_run,
};
