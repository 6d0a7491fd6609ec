/* tests/fuzz/fuzz_huffman.c - any bytes in HPACK's code for letters are the text that nghttp2 takes them for, or no text to both. */
#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

#include "base/assert.h"
#include "wire/huffman.h"

enum { CODED_MAX = 126 }; /* a length in one byte */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t block[2 + CODED_MAX] = { 0x04, (uint8_t)(0x80 | size) };
    char *text = malloc(WR_HUFFMAN_ROOM(size) + 1);
    nghttp2_hd_inflater *inflater;
    nghttp2_nv nv;
    size_t len = 0;
    int flags = 0;
    bool right = wr_huffman_decode((weir_str){ (const char *)data, size }, text, &len) == WR_OK;

    WR_ASSERT(len <= WR_HUFFMAN_ROOM(size));
    if (size <= CODED_MAX) {
        memcpy(block + 2, data, size);
        WR_ASSERT(nghttp2_hd_inflate_new(&inflater) == 0);
        WR_ASSERT((nghttp2_hd_inflate_hd2(inflater, &nv, &flags, block, 2 + size, 1) >= 0) == right);
        WR_ASSERT(!right || (nv.valuelen == len && memcmp(nv.value, text, len) == 0));
        nghttp2_hd_inflate_del(inflater);
    }
    free(text);
    return 0;
}
