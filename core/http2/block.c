/* http2/block.c - field blocks that go out: the fields of an answer, compressed, in HEADERS and what continues it. [RFC 7541]
 *
 * Blocks refer to what blocks before them said, so they are put out in the order in which they are made: at once.
 */
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/str.h"
#include "http/response.h"
#include "http2/http2.h"
#include "net/send.h"

enum { FRAME_MAX = WR_HTTP2_FRAME - WR_HTTP2_FRAME_HEAD }; /* bytes of a block in one frame */

/* A name in the small letters that HTTP/2 wants. */
static weir_str
small(weir_pool *pool, weir_str name)
{
    char *to = wr_pool_alloc(pool, name.len + 1);

    for (size_t i = 0; i < name.len; i++) {
        to[i] = (char)weir_lower((uint8_t)name.data[i]);
    }
    return (weir_str){ to, name.len };
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
add_fields(struct wr_stream *s, const weir_header *first)
{
    for (const weir_header *f = first; f != NULL; f = f->next) {
        if (is_of_http1(f)) {
            continue;
        }
        if (f->id != WEIR_H_OTHER) {
            wr_deflate_known(s->h, f->id, f->value);
        } else {
            wr_deflate_other(s->h, small(s->r->pub.pool, f->name), f->value);
        }
    }
}

/* Does the status have a length of its body to tell? [RFC 9110 8.6] */
static bool
tells_length(const struct wr_request *r)
{
    return r->pub.out_length >= 0 && r->pub.status >= 200 && r->pub.status != 204 &&
           r->pub.status != 304;
}

/* The block that was made, as a head of s, in as many frames as it needs. The bytes that they take; 0: too many. */
static size_t
put(struct wr_stream *s, bool last)
{
    uint8_t type = NGHTTP2_HEADERS, flags = last ? NGHTTP2_FLAG_END_STREAM : 0;
    size_t sent = 0;
    weir_str block;

    if (!wr_deflate_end(s->h, &block)) {
        return 0;
    }
    s->h->queued++;
    do {
        size_t n = WR_MIN(block.len, (size_t)FRAME_MAX);
        char *to = wr_out_room(s->h->conn, WR_HTTP2_FRAME_HEAD + n);
        flags |= n == block.len ? NGHTTP2_FLAG_END_HEADERS : 0;
        wr_output_head(to, n, type, flags, s->id);
        memcpy(to + WR_HTTP2_FRAME_HEAD, block.data, n);
        wr_out_built(s->h->conn, WR_HTTP2_FRAME_HEAD + n);
        sent += WR_HTTP2_FRAME_HEAD + n;
        block = weir_str_cut(block, n, SIZE_MAX);
        flags = 0;
        type = NGHTTP2_CONTINUATION;
    } while (block.len != 0);
    return sent;
}

/* As a head of the request's answer. */
static bool
put_of(struct wr_request *r, struct wr_stream *s, bool last)
{
    size_t sent = put(s, last);

    r->sent_head += sent;
    return sent != 0;
}

/* Status, and of a final answer the server and the date, unless it has its own. */
static void
open_answer(struct wr_http2 *h, const struct wr_request *r, const struct wr_http2_answer *a)
{
    bool server = a->final && r->out->index[WEIR_H_SERVER] == NULL && !r->nameless;
    bool date = a->final && r->out->index[WEIR_H_DATE] == NULL;

    if (server && date) {
        wr_deflate_opening(h, a->status, wr_server_token(r));
        return;
    }
    wr_deflate_status(h, a->status);
    if (server) {
        wr_deflate_known(h, WEIR_H_SERVER, wr_server_token(r));
    }
    if (date) {
        wr_deflate_known(h, WEIR_H_DATE, (weir_str){ wr_clock.http_date, 29 });
    }
}

bool
wr_block_answer(struct wr_stream *s, const struct wr_http2_answer *a)
{
    struct wr_http2 *h = s->h;
    struct wr_request *r = s->r;
    char digits[20];

    wr_deflate_begin();
    open_answer(h, r, a);
    add_fields(s, a->first);
    if (a->final && tells_length(r)) {
        wr_deflate_known(h, WEIR_H_CONTENT_LENGTH,
                         (weir_str){ digits, wr_num_format(digits, (uint64_t)r->pub.out_length) });
    }
    return put_of(r, s, a->last);
}

void
wr_block_refusal(struct wr_stream *s, uint32_t status)
{
    wr_deflate_begin();
    wr_deflate_status(s->h, status);
    wr_deflate_known(s->h, WEIR_H_DATE, (weir_str){ wr_clock.http_date, 29 });
    (void)put(s, false);
}

bool
wr_block_trailers(struct wr_stream *s)
{
    wr_deflate_begin();
    add_fields(s, s->r->trailers->first);
    return put_of(s->r, s, true);
}
