/* tests/fuzz/fuzz_h2.c - an HTTP/2 connection under any bytes behind its preface and settings. The first byte says how many are
 * read at once. What comes out is whole frames, in their places; every stream ends at most once; what a connection holds is
 * bounded, and all of it is given back; every request that began has its line in the log. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#include "unit/http2/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { STREAMS = 1 << 16, HELD = 2 << 20 };

/* What is known of the streams whose number is small. */
static uint8_t ended[STREAMS];

static void
check_frame(const struct memory_frame *f, uint32_t *in_block)
{
    bool of_stream = f->type == NGHTTP2_DATA || f->type == NGHTTP2_HEADERS ||
                     f->type == NGHTTP2_RST_STREAM || f->type == NGHTTP2_CONTINUATION;

    CHECK(f->len <= 16384);
    CHECK(f->type <= NGHTTP2_CONTINUATION);
    CHECK(of_stream == (f->stream != 0) || f->type == NGHTTP2_WINDOW_UPDATE);
    CHECK(*in_block == 0 || (f->type == NGHTTP2_CONTINUATION && f->stream == *in_block));
    if (f->type == NGHTTP2_HEADERS || f->type == NGHTTP2_CONTINUATION) {
        *in_block = f->flags & NGHTTP2_FLAG_END_HEADERS ? 0 : f->stream;
    }
    if (f->type == NGHTTP2_RST_STREAM && f->stream < STREAMS) {
        ended[f->stream] |= 2;
    }
    if ((f->type == NGHTTP2_DATA || f->type == NGHTTP2_HEADERS) && f->stream < STREAMS) {
        CHECK(ended[f->stream] == 0);
        ended[f->stream] |= f->flags & NGHTTP2_FLAG_END_STREAM;
    }
}

static void
check_output(void)
{
    struct memory_frame f;
    uint32_t in_block = 0;

    memset(ended, 0, sizeof(ended));
    while (memory_frame(&f)) {
        check_frame(&f, &in_block);
    }
    CHECK(memory.out_read == memory.out_len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const uint8_t preface[] = MEMORY_PREFACE "\0\0\0\4\0\0\0\0";
    static bool loaded;
    size_t pools;

    if (!loaded) {
        loaded = true;
        memory_load("client_body_buffer_size 1m; client_max_body_size 1m;");
    }
    if (len < 1) {
        return 0;
    }
    wr_pool_trim();
    pools = wr_pool_held_total();
    memory_connect(preface, sizeof(preface)); /* with the zero at its end: a whole SETTINGS */
    memory.in_piece = bytes[0] == 0 ? SIZE_MAX : bytes[0];
    memory_feed(bytes + 1, len - 1);
    CHECK(wr_pool_held_total() - pools <= HELD + len);
    memory_close();
    check_output();
    CHECK(memory.logged >= memory.requests);
    return 0;
}
