/* http2/block.c - field blocks that go out: the fields of an answer, compressed, in HEADERS and what continues it. [RFC 7541]
 *
 * Blocks refer to what blocks before them said, so they are put out in the order in which they are made: at once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/str.h"
#include "http/response.h"
#include "http2/http2.h"
#include "net/send.h"
#include "wire/names.h"

enum {
    FIELDS_USUAL = 64, /* of a response; more are put into the request's memory */
    FIELDS_OWN = 8,    /* that this file may add */
    FRAME_MAX = WR_HTTP2_FRAME - WR_HTTP2_FRAME_HEAD /* bytes of a block in one frame */
};

/* Names of response fields in the small letters that HTTP/2 wants, by id. */
static weir_str
small_name(uint32_t id)
{
    static char bytes[WR_FIELDS][WR_NAME_TEXT_MAX + 1];
    weir_str name = wr_name_text(id);

    if (bytes[id][0] == '\0') {
        for (size_t i = 0; i < name.len; i++) {
            bytes[id][i] = (char)weir_lower((uint8_t)name.data[i]);
        }
    }
    return (weir_str){ bytes[id], name.len };
}

static weir_str
small_name_of(weir_pool *pool, const weir_header *f)
{
    char *to;

    if (f->id != 0) {
        return small_name(f->id);
    }
    to = wr_pool_alloc(pool, f->name.len + 1);
    for (size_t i = 0; i < f->name.len; i++) {
        to[i] = (char)weir_lower((uint8_t)f->name.data[i]);
    }
    return (weir_str){ to, f->name.len };
}

/* A list of fields for nghttp2. */
struct list {
    nghttp2_nv *at;
    size_t n, room;
};

static void
add(struct list *l, weir_str name, weir_str value)
{
    WR_ASSERT(l->n < l->room);
    l->at[l->n++] = (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)name.data,
                                  .value = (uint8_t *)(uintptr_t)(value.len != 0 ? value.data : ""),
                                  .namelen = name.len,
                                  .valuelen = value.len,
                                  .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME |
                                           NGHTTP2_NV_FLAG_NO_COPY_VALUE };
}

/* Fields that an answer made for HTTP/1 may have, and no answer of HTTP/2. [RFC 9113 8.2.2, RFC 8441 5] */
static bool
is_of_http1(const weir_header *h)
{
    switch (h->id) {
    case WEIR_H_CONNECTION:
    case WEIR_H_KEEP_ALIVE:
    case WEIR_H_TRANSFER_ENCODING:
    case WEIR_H_UPGRADE:
    case WEIR_H_CONTENT_LENGTH:
        return true;
    case WEIR_H_OTHER:
        return weir_str_ieq(h->name, WEIR_STR("Proxy-Connection")) ||
               weir_str_ieq(h->name, WEIR_STR("Sec-WebSocket-Accept"));
    default:
        return false;
    }
}

static void
add_fields(struct list *l, weir_pool *pool, const weir_header *first)
{
    for (const weir_header *h = first; h != NULL; h = h->next) {
        if (!is_of_http1(h)) {
            add(l, small_name_of(pool, h), h->value);
        }
    }
}

/* An empty list with room for r's fields. */
static struct list
list_for(struct wr_request *r, uint32_t n_fields)
{
    static nghttp2_nv usual[FIELDS_USUAL + FIELDS_OWN];
    struct list l = { .at = usual, .room = WR_COUNT(usual) };

    if (n_fields > FIELDS_USUAL) {
        l.room = (size_t)n_fields + FIELDS_OWN;
        l.at = wr_pool_array(r->pub.pool, nghttp2_nv, l.room);
    }
    return l;
}

static weir_str
number(weir_pool *pool, uint64_t n)
{
    char *to = wr_pool_alloc(pool, 20);

    return (weir_str){ to, wr_num_format(to, n) };
}

static weir_str
status_text(weir_pool *pool, uint32_t status)
{
    return status == 200 ? WEIR_STR("200") : number(pool, status);
}

/* Does the status have a length of its body to tell? [RFC 9110 8.6] */
static bool
tells_length(const struct wr_request *r)
{
    return r->pub.out_length >= 0 && r->pub.status >= 200 && r->pub.status != 204 &&
           r->pub.status != 304;
}

/* ---- Blocks. ---- */

/* A block in as many frames as it needs. */
static void
put_frames(struct wr_stream *s, const uint8_t *block, size_t len, uint8_t flags)
{
    uint8_t type = NGHTTP2_HEADERS;

    do {
        size_t n = WR_MIN(len, (size_t)FRAME_MAX);
        char *to = wr_out_room(s->h->conn, WR_HTTP2_FRAME_HEAD + n);
        len -= n;
        wr_output_head(to, n, type, len == 0 ? flags | NGHTTP2_FLAG_END_HEADERS : flags, s->id);
        memcpy(to + WR_HTTP2_FRAME_HEAD, block, n);
        wr_out_built(s->h->conn, WR_HTTP2_FRAME_HEAD + n);
        s->r->sent_head += WR_HTTP2_FRAME_HEAD + n;
        block += n;
        flags = 0;
        type = NGHTTP2_CONTINUATION;
    } while (len != 0);
}

/* One that may be longer than a frame. */
static void
put_long(struct wr_stream *s, const struct list *l, size_t most, uint8_t flags)
{
    uint8_t *block = malloc(most);
    ssize_t len;

    WR_ASSERT(block != NULL);
    len = nghttp2_hd_deflate_hd(s->h->deflater, block, most, l->at, l->n);
    WR_ASSERT(len >= 0);
    put_frames(s, block, (size_t)len, flags);
    free(block);
}

/* The fields of l, compressed, as a head of s. */
static bool
put(struct wr_stream *s, const struct list *l, bool last)
{
    struct wr_http2 *h = s->h;
    size_t most = nghttp2_hd_deflate_bound(h->deflater, l->at, l->n);
    uint8_t flags = last ? NGHTTP2_FLAG_END_STREAM : 0;
    ssize_t len;
    char *to;

    if (most > WR_HTTP2_HEADS) {
        return false;
    }
    h->queued++;
    if (most > FRAME_MAX) {
        put_long(s, l, most, flags);
        return true;
    }
    to = wr_out_room(h->conn, WR_HTTP2_FRAME_HEAD + most);
    len = nghttp2_hd_deflate_hd(h->deflater, (uint8_t *)to + WR_HTTP2_FRAME_HEAD, most, l->at, l->n);
    WR_ASSERT(len >= 0);
    wr_output_head(to, (size_t)len, NGHTTP2_HEADERS, flags | NGHTTP2_FLAG_END_HEADERS, s->id);
    wr_out_built(h->conn, WR_HTTP2_FRAME_HEAD + (size_t)len);
    s->r->sent_head += WR_HTTP2_FRAME_HEAD + (size_t)len;
    return true;
}

bool
wr_block_answer(struct wr_stream *s, const struct wr_http2_answer *a)
{
    struct wr_request *r = s->r;
    struct list l = list_for(r, a->n);

    add(&l, WEIR_STR(":status"), status_text(r->pub.pool, a->status));
    if (a->final && r->out->index[WEIR_H_SERVER] == NULL && !r->nameless) {
        add(&l, WEIR_STR("server"), wr_server_token(r));
    }
    if (a->final && r->out->index[WEIR_H_DATE] == NULL) {
        add(&l, WEIR_STR("date"), (weir_str){ wr_clock.http_date, 29 });
    }
    add_fields(&l, r->pub.pool, a->first);
    if (a->final && tells_length(r)) {
        add(&l, WEIR_STR("content-length"), number(r->pub.pool, (uint64_t)r->pub.out_length));
    }
    return put(s, &l, a->last);
}

bool
wr_block_trailers(struct wr_stream *s)
{
    struct wr_request *r = s->r;
    struct list l = list_for(r, r->trailers->n);

    add_fields(&l, r->pub.pool, r->trailers->first);
    return put(s, &l, true);
}
