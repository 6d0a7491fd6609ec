/* http2/inflate.c - the fields of a block that comes. [RFC 7541]
 *
 * nghttp2 decompresses them and keeps the table that blocks refer to. Two kinds of field change nothing in that, and are nearly all
 * that clients send once they are known: one that stands in the table, and one whose name does, as paths are sent, which differ.
 * These are read here. What is wrong in them is left to nghttp2 to find.
 */
#include "base/assert.h"
#include "http2/http2.h"
#include "wire/huffman.h"

enum {
    STATIC = 61,         /* fields of the table that everybody has */
    NAME_BITS = 0x0f,    /* a name's place in the first byte of a field that no table is to have; all: it goes on behind it */
    LENGTH_BITS = 0x7f,  /* the length of a value, in the same way; */
    CODED = 0x80         /* the bit for one that is coded */
};

static void
take_field(struct wr_http2 *h, const nghttp2_nv *nv, bool stays)
{
    h->in.fields = true;
    if (h->in.stream != NULL &&
        !wr_head_field(h->in.stream, (weir_str){ (const char *)nv->name, nv->namelen },
                       (weir_str){ (const char *)nv->value, nv->valuelen }, stays)) {
        wr_http2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, "a request head far over the limit");
    }
}

/* A field that one byte names, by its place in the table: most are. [RFC 7541 6.1] */
static size_t
inflate_indexed(struct wr_http2 *h, uint8_t byte)
{
    const nghttp2_nv *nv = nghttp2_hd_inflate_get_table_entry(h->inflater, byte & 0x7f);

    if (nv == NULL) {
        wr_http2_fail(h, NGHTTP2_COMPRESSION_ERROR, "a field that is not in the table");
    } else {
        take_field(h, nv, (byte & 0x7f) <= STATIC);
    }
    return 1;
}

/* A field that no table is to have, there as a whole, with its name's place and its value's length in a byte each. How many bytes
 * it took; 0: it is not such a field. [RFC 7541 6.2.2, 6.2.3] */
static size_t
inflate_passing(struct wr_http2 *h, const uint8_t *bytes, size_t len)
{
    static char decoded[WR_HUFFMAN_ROOM(LENGTH_BITS)];
    nghttp2_nv nv;
    size_t n;

    if (!h->in.between || len < 2 || bytes[0] > 0x1f || (bytes[0] & NAME_BITS) == 0 ||
        (bytes[0] & NAME_BITS) == NAME_BITS) {
        return 0;
    }
    n = bytes[1] & LENGTH_BITS;
    if (n == LENGTH_BITS || n > len - 2) {
        return 0;
    }
    nv = *nghttp2_hd_inflate_get_table_entry(h->inflater, bytes[0] & NAME_BITS);
    nv.value = (uint8_t *)(uintptr_t)(bytes + 2);
    nv.valuelen = n;
    if (bytes[1] & CODED) {
        if (wr_huffman_decode((weir_str){ (const char *)bytes + 2, n }, decoded, &nv.valuelen) != WR_OK) {
            return 0;
        }
        nv.value = (uint8_t *)decoded;
    }
    take_field(h, &nv, false);
    return 2 + n;
}

/* Any other field, or a part of one. How many bytes it took. */
static size_t
inflate_any(struct wr_http2 *h, const uint8_t *bytes, size_t len, bool last)
{
    struct wr_frames *in = &h->in;
    nghttp2_nv nv;
    int flags = 0;
    ssize_t n;

    if (in->between && in->fields && len != 0 && (bytes[0] & 0xe0) == 0x20) {
        wr_http2_fail(h, NGHTTP2_COMPRESSION_ERROR, "a table size behind a field");
        return 0;
    }
    n = nghttp2_hd_inflate_hd2(h->inflater, &nv, &flags, bytes, len, last);
    if (n < 0) {
        wr_http2_fail(h, NGHTTP2_COMPRESSION_ERROR, nghttp2_strerror((int)n));
        return 0;
    }
    in->between = flags & NGHTTP2_HD_INFLATE_EMIT;
    if (in->between) {
        take_field(h, &nv, false);
    }
    return (size_t)n;
}

void
wr_inflate_begin(struct wr_http2 *h)
{
    h->in.between = true;
    h->in.fields = false;
}

void
wr_inflate(struct wr_http2 *h, const uint8_t *bytes, size_t len, bool last)
{
    struct wr_frames *in = &h->in;

    while (len != 0 && !h->failed) {
        bool indexed = in->between && bytes[0] > 0x80 && bytes[0] < 0xff;
        size_t n = indexed ? inflate_indexed(h, bytes[0]) : inflate_passing(h, bytes, len);
        n = n != 0 ? n : inflate_any(h, bytes, len, last);
        bytes += n;
        len -= n;
    }
    if (last && !h->failed) {
        if (!in->between) { /* it was cut, unless it is only a table's size */
            (void)inflate_any(h, bytes, 0, true);
        }
        (void)nghttp2_hd_inflate_end_headers(h->inflater);
    }
}
