/* http2/inflate.c - the fields of a block that comes, decompressed by nghttp2 where that is more than looking one up. [RFC 7541] */
#include "base/assert.h"
#include "http2/http2.h"

enum { STATIC = 61 }; /* fields of the table that everybody has */

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

/* A field that one byte names, by its place in the table: most are. It changes nothing that blocks refer to, so the library need
 * not decode it. [RFC 7541 6.1] */
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
        size_t n = indexed ? inflate_indexed(h, bytes[0]) : inflate_any(h, bytes, len, last);
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
