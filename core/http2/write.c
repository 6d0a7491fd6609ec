/* http2/write.c - the HTTP/2 driver: response heads as field blocks, bodies as frames of DATA.
 *
 * A frame's bytes are put right behind what the connection has gathered, its header and body together: files are read there,
 * other bytes copied. nghttp2 says which stream's turn it is, by urgency, and how much its windows take.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/str.h"
#include "http/limits.h"
#include "http/response.h"
#include "http2/http2.h"
#include "net/buf.h"
#include "net/send.h"
#include "wire/names.h"

enum {
    FIELDS_USUAL = 64, /* of a response; more are put into the request's memory */
    FIELDS_OWN = 8     /* that this file may add */
};

/* ---- Heads. ---- */

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

/* A list of fields for nghttp2, which refers to names and values until it has written them. */
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

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
                         uint32_t *flags, nghttp2_data_source *source, void *user);

static void
http2_head(struct wr_request *r, bool last)
{
    struct wr_stream *s = wr_stream_of(r);
    nghttp2_data_provider body = { .source = { .ptr = s }, .read_callback = read_body };
    struct list l = list_for(r, r->out->n);
    bool tunnel = wr_response_is_tunnel(r); /* [RFC 8441 5] */

    if (r->protocol.data != NULL && !tunnel && r->pub.status / 100 == 2) { /* it would say that there is a tunnel */
        wr_say(&r->log, ERROR, "a request for a tunnel was answered with %u", r->pub.status);
        s->reset = true;
        wr_session_reset(s->h, s->id, NGHTTP2_CONNECT_ERROR);
        wr_http2_due(s);
        return;
    }
    add(&l, WEIR_STR(":status"), status_text(r->pub.pool, tunnel ? 200 : r->pub.status));
    if (r->out->index[WEIR_H_SERVER] == NULL && !r->nameless) {
        add(&l, WEIR_STR("server"), wr_server_token(r));
    }
    if (r->out->index[WEIR_H_DATE] == NULL) {
        add(&l, WEIR_STR("date"), (weir_str){ wr_clock.http_date, 29 });
    }
    add_fields(&l, r->pub.pool, r->out->first);
    if (tells_length(r)) {
        add(&l, WEIR_STR("content-length"), number(r->pub.pool, (uint64_t)r->pub.out_length));
    }
    s->pace.since_ms = wr_clock.now_ms;
    s->answered = true;
    if (!s->closed && !s->reset) {
        (void)nghttp2_submit_response(s->h->session, s->id, l.at, l.n, last ? NULL : &body);
    } else {
        s->out_last = last;
        wr_http2_due(s);
    }
    wr_http2_touch(s->h);
}

static void
http2_interim(struct wr_request *r, uint32_t status, const weir_header *first)
{
    struct wr_stream *s = wr_stream_of(r);
    uint32_t n = 0;
    struct list l;

    for (const weir_header *h = first; h != NULL; h = h->next) {
        n++;
    }
    l = list_for(r, n);
    add(&l, WEIR_STR(":status"), status_text(r->pub.pool, status));
    add_fields(&l, r->pub.pool, first);
    if (!s->closed && !s->reset) {
        (void)nghttp2_submit_headers(s->h->session, NGHTTP2_FLAG_NONE, s->id, NULL, l.at, l.n, NULL);
    }
    wr_http2_touch(s->h);
}

/* ---- Bodies: what waits. ---- */

static void
count_held(struct wr_stream *s, const weir_buf *b, size_t n, bool more)
{
    if (wr_buf_of(b)->store == NULL || b->flags & WEIR_BUF_FILE) {
        return;
    }
    s->held = more ? s->held + n : s->held - WR_MIN(n, s->held);
    s->h->held = more ? s->h->held + n : s->h->held - WR_MIN(n, s->h->held);
}

void
wr_write_drop(struct wr_stream *s)
{
    wr_chain_drop(&s->out);
    s->out_bytes = 0;
    s->h->held -= s->held;
    s->held = 0;
}

static void
http2_body(struct wr_request *r, weir_chain *chain)
{
    struct wr_stream *s = wr_stream_of(r);
    weir_buf *b;

    while ((b = weir_chain_pop(chain)) != NULL) {
        s->out_last = s->out_last || b->flags & WEIR_BUF_LAST;
        if (b->len == 0 || s->closed || s->reset) {
            weir_buf_drop(b);
            continue;
        }
        s->out_bytes += b->len;
        count_held(s, b, b->len, true);
        weir_chain_push(&s->out, b);
    }
    s->hungry = false;
    if (s->closed) {
        wr_http2_due(s);
    } else if (s->waits) {
        s->waits = false;
        (void)nghttp2_session_resume_data(s->h->session, s->id);
    }
    wr_http2_touch(s->h);
}

static size_t
http2_room(struct wr_request *r)
{
    const struct wr_stream *s = wr_stream_of(r);
    const struct wr_http2 *h = s->h;
    uint64_t held_max = s->out_bytes == 0 ? WR_HTTP2_HELD_MAX : WR_HTTP2_HELD;

    if (s->closed && wr_stream_outlives(s)) { /* it is dropped */
        return WR_HTTP2_STREAM_OUT;
    }
    if (s->closed || s->reset || h->ending || h->conn->gone ||
        s->out_bytes >= WR_HTTP2_STREAM_OUT || h->held >= held_max) {
        return 0;
    }
    return (size_t)(WR_HTTP2_STREAM_OUT - s->out_bytes);
}

/* ---- Bodies: what goes. ---- */

static void
pace_over(void *data)
{
    struct wr_stream *s = data;

    if (s->waits && !s->closed) {
        s->waits = false;
        (void)nghttp2_session_resume_data(s->h->session, s->id);
        wr_http2_touch(s->h);
    }
}

/* The last of the body: the stream ends with it, or with trailers behind it. */
static void
end_body(struct wr_stream *s, uint32_t *flags)
{
    struct wr_request *r = s->r;
    struct list l;

    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (r->trailers == NULL || r->trailers->n == 0) {
        return;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    l = list_for(r, r->trailers->n);
    add_fields(&l, r->pub.pool, r->trailers->first);
    (void)nghttp2_submit_trailer(s->h->session, s->id, l.at, l.n);
}

/* nghttp2 asks how many bytes the next frame of s has: at most `length`, as windows and urgency have it. */
static ssize_t
read_body(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length, uint32_t *flags,
          nghttp2_data_source *source, void *user)
{
    struct wr_stream *s = source->ptr;
    uint64_t n, most, allowed;

    (void)session, (void)id, (void)buf, (void)user;
    if (s->finished || (s->out_bytes == 0 && !s->out_last)) {
        s->waits = true;
        s->hungry = true;
        wr_http2_due(s);
        return NGHTTP2_ERR_DEFERRED;
    }
    allowed = s->out_bytes != 0 ? wr_pace_allowed(&s->pace, s->r) : 0;
    most = WR_MIN(wr_http2_conf(s->r)->chunk_size, (uint64_t)(WR_HTTP2_FRAME - WR_HTTP2_FRAME_HEAD));
    n = WR_MIN(WR_MIN(s->out_bytes, most), WR_MIN(allowed, (uint64_t)length));
    if (n == 0 && s->out_bytes != 0) {
        s->waits = true;
        wr_pace_wait(&s->pace, s->r, pace_over, s);
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (n == s->out_bytes && s->out_last) {
        end_body(s, flags);
    }
    return (ssize_t)n;
}

/* n bytes of b, at most what it has, to `to`. False: its file cannot be read, or has become shorter. */
static bool
copy_buf(struct wr_stream *s, char *to, const weir_buf *b, size_t n)
{
    const struct wr_buf *own = wr_buf_of(b);
    size_t done = 0;

    if (!(b->flags & WEIR_BUF_FILE)) {
        memcpy(to, b->data, n);
        return true;
    }
    while (done < n) {
        ssize_t got = pread(own->fd, to + done, n - done, (off_t)own->offset + (off_t)done);
        if (got <= 0) {
            wr_log_errno(&s->r->log, WR_LOG_ERROR, got < 0 ? errno : 0,
                         got < 0 ? "reading a file failed" : "a file became shorter while it was sent");
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

/* The first n bytes of what waits to `to`; they are taken off. */
static bool
take_out(struct wr_stream *s, char *to, size_t n)
{
    while (n != 0) {
        weir_buf *b = s->out.head;
        size_t part = WR_MIN(n, b->len);
        if (!copy_buf(s, to, b, part)) {
            return false;
        }
        count_held(s, b, part, false);
        wr_buf_consume(b, part);
        s->out_bytes -= part;
        to += part;
        n -= part;
        if (b->len == 0) {
            weir_buf_drop(weir_chain_pop(&s->out));
        }
    }
    return true;
}

int
wr_write_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *framehd, size_t len,
              nghttp2_data_source *source, void *user_data)
{
    struct wr_http2 *h = user_data;
    struct wr_stream *s = source->ptr;
    char *to;

    (void)session, (void)frame;
    if (h->conn->wait.head != NULL || h->budget < len) { /* the same frame again, later */
        return NGHTTP2_ERR_WOULDBLOCK;
    }
    if (s->finished || s->out_bytes < len) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    to = wr_out_room(h->conn, len + WR_HTTP2_FRAME_HEAD);
    if (!take_out(s, to + WR_HTTP2_FRAME_HEAD, len)) {
        s->reset = true;
        wr_http2_due(s);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    memcpy(to, framehd, WR_HTTP2_FRAME_HEAD);
    wr_out_built(h->conn, len + WR_HTTP2_FRAME_HEAD);
    s->pace.sent += len;
    s->r->sent_head += WR_HTTP2_FRAME_HEAD;
    s->r->sent_body += len;
    h->budget -= len;
    h->body_sent += len;
    wr_cost_sent(h, len);
    return 0;
}

/* ---- The rest of the driver. ---- */

static void
http2_want_body(struct wr_request *r)
{
    struct wr_stream *s = wr_stream_of(r);

    if (!s->body_wanted) {
        s->body_wanted = true;
        s->body_since_ms = s->body_ms = wr_clock.now_ms;
        if (s->continue_owed && s->early_len == 0 && !s->in_end) {
            http2_interim(r, 100, NULL);
        }
        s->continue_owed = false;
        if (s->window == 0 && !s->closed) { /* http2_body_preread_size 0: nothing could come before */
            s->window = UINT16_MAX;
            (void)nghttp2_session_set_local_window_size(s->h->session, NGHTTP2_FLAG_NONE, s->id,
                                                        UINT16_MAX);
        }
    }
    wr_http2_due(s);
}

static void
http2_finish(struct wr_request *r, bool error)
{
    struct wr_stream *s = wr_stream_of(r);

    s->finished = true;
    s->error = error;
    wr_http2_due(s);
}

const struct wr_driver wr_http2_driver = { .name = "h2",
                                           .head = http2_head,
                                           .interim = http2_interim,
                                           .body = http2_body,
                                           .room = http2_room,
                                           .want_body = http2_want_body,
                                           .finish = http2_finish };
