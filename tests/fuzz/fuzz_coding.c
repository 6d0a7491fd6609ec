/* Any bytes through the decoders, in any pieces: what comes out does not depend on the pieces; and any text through the encoders and
 * back is the same text. The first byte chooses the coding and the direction, the second the pieces. */
#include <stdlib.h>
#include <string.h>

#include "../../modules/brotli/coding.c"
#include "../../modules/zstd/coding.c"
#include "../../modules/gzip/compressor.c"
#include "../../modules/gzip/compressor_zlib.c"
#include "../../modules/gzip/compressor_choose_zlib.c"
#include "../../modules/gzip/decoder.c"
#include "../../modules/gzip/coding.c"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 18 /* bytes that are looked at of what is decoded */ };

struct result {
    uint8_t *bytes;
    size_t len;
    int rc;
};

static const weir_coding *const codings[] = { &gzip_coding, &gzip_coding_deflate, &brotli_coding, &zstd_coding };

/* Decode all of it, in pieces of `piece` into rooms of `room`. */
static struct result
decode_all(const weir_coding *c, const uint8_t *in, size_t size, size_t piece, size_t room)
{
    void *d = c->decoder_open();
    struct result r = { malloc(MOST), 0, WEIR_OK };

    for (size_t at = 0; at < size && r.rc != WEIR_ERROR && r.len < MOST;) {
        size_t n = WR_MIN(piece, size - at);
        weir_coding_io io = { .in = in + at, .in_len = n };
        do {
            io.out = r.bytes + r.len;
            io.out_len = WR_MIN(room, (size_t)MOST - r.len);
            r.rc = c->decode(d, &io);
            WR_ASSERT(io.in_len <= n && (size_t)(io.out - r.bytes) <= MOST);
            r.len = (size_t)(io.out - r.bytes);
        } while (r.rc == WEIR_AGAIN && r.len < MOST);
        WR_ASSERT(r.rc != WEIR_OK || io.in_len == 0);
        if (r.rc == WEIR_DONE && io.in_len != 0) {
            break;
        }
        at += n;
    }
    c->decoder_close(d);
    return r;
}

static void
check_decoding(const weir_coding *c, const uint8_t *in, size_t size, size_t piece)
{
    struct result whole = decode_all(c, in, size, size, MOST);
    struct result parts = decode_all(c, in, size, piece, 1 + piece * 7);

    /* Of a stream that is broken or not over yet a codec may hold back more or less. */
    WR_ASSERT(memcmp(whole.bytes, parts.bytes, WR_MIN(whole.len, parts.len)) == 0);
    if (whole.len < MOST && parts.len < MOST) {
        WR_ASSERT((whole.rc == WEIR_DONE) == (parts.rc == WEIR_DONE));
        WR_ASSERT(whole.rc != WEIR_DONE || whole.len == parts.len);
    }
    free(whole.bytes);
    free(parts.bytes);
}

static void
check_coding(const weir_coding *c, const uint8_t *in, size_t size, size_t piece)
{
    size_t room = size * 2 + 65536, used = 0;
    uint8_t *coded = malloc(room);
    void *e = c->encoder_open(&c->preset);
    struct result back;

    for (size_t at = 0; at <= size; at += piece) {
        size_t n = WR_MIN(piece, size - at);
        bool last = at + piece > size;
        weir_coding_io io = { .in = in + at, .in_len = n };
        uint32_t flush = last ? WEIR_CODING_END : at / piece % 7 == 3 ? WEIR_CODING_SYNC : WEIR_CODING_MORE;
        int rc;
        do {
            io.out = coded + used;
            io.out_len = WR_MIN(16 + piece, room - used);
            WR_ASSERT(io.out_len >= 16);
            rc = c->encode(e, &io, flush);
            used = (size_t)(io.out - coded);
        } while (rc == WEIR_AGAIN);
        WR_ASSERT(rc == WEIR_OK && io.in_len == 0);
    }
    c->encoder_close(e);
    back = decode_all(c, coded, used, used, MOST);
    WR_ASSERT(back.rc == WEIR_DONE && back.len == size && (size == 0 || memcmp(back.bytes, in, size) == 0));
    free(back.bytes);
    free(coded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const weir_coding *c;
    size_t piece;

    if (size < 2 || size > 8192) {
        return 0;
    }
    c = codings[data[0] & 3];
    piece = 1 + data[1];
    if (data[0] & 4 && c->encoder_open != NULL) {
        check_coding(c, data + 2, size - 2, piece + 16);
    } else {
        check_decoding(c, data + 2, size - 2, piece);
    }
    return 0;
}
