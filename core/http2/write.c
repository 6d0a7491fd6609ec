/* http2/write.c - the HTTP/2 driver: heads wait until the connection's turn to write, bodies until their windows take them.
 *
 * A frame's bytes are put right behind what the connection has gathered, its header and body together: files are read there,
 * other bytes copied. Heads go before bodies; of these schedule.c says whose turn it is.
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

/* ---- Heads. ---- */

/* Have a head written when no bytes are read. */
static void
answer(struct wr_request *r, struct wr_http2_answer head)
{
    struct wr_stream *s = wr_stream_of(r);
    struct wr_http2_answer **end = &s->answers;

    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = wr_pool_alloc(r->pub.pool, sizeof(head));
    **end = head;
    wr_http2_due(s);
}

static void
http2_head(struct wr_request *r, bool last)
{
    struct wr_stream *s = wr_stream_of(r);
    bool tunnel = wr_response_is_tunnel(r); /* [RFC 8441 5] */

    if (r->protocol.data != NULL && !tunnel && r->pub.status / 100 == 2) { /* it would say that there is a tunnel */
        wr_say(&r->log, ERROR, "a request for a tunnel was answered with %u", r->pub.status);
        s->reset = true;
        wr_output_reset(s, NGHTTP2_CONNECT_ERROR);
        wr_http2_due(s);
        return;
    }
    s->pace.since_ms = wr_clock.now_ms;
    answer(r, (struct wr_http2_answer){ .first = r->out->first,
                                        .status = tunnel ? 200 : r->pub.status,
                                        .final = true,
                                        .last = last });
}

static void
http2_interim(struct wr_request *r, uint32_t status, const weir_header *first)
{
    answer(r, (struct wr_http2_answer){ .first = first, .status = status });
}

/* The last byte of the answer is out. */
static void
sent_all(struct wr_stream *s)
{
    s->out_end = true;
    wr_schedule_remove(s);
    if (s->in_end) {
        wr_stream_close(s);
    } else {
        wr_http2_due(s);
    }
}

/* What cannot be sent (a head longer than any client takes) leaves its stream without an answer. */
static void
give_up(struct wr_stream *s)
{
    s->reset = true;
    wr_output_reset(s, NGHTTP2_INTERNAL_ERROR);
    wr_http2_due(s);
}

static void
write_head(struct wr_stream *s, const struct wr_http2_answer *a)
{
    if (s->closed || s->reset || s->h->conn->gone) {
        s->out_last = s->out_last || a->last;
    } else if (!wr_block_answer(s, a)) {
        wr_say(&s->r->log, ERROR, "the response head cannot be sent: it is too long");
        give_up(s);
    } else if (a->last) {
        sent_all(s);
    } else if (a->final) {
        s->answered = true;
        wr_schedule_add(s);
    }
}

void
wr_write_heads(struct wr_stream *s)
{
    const struct wr_http2_answer *a = s->answers;

    s->answers = NULL;
    for (; a != NULL && s->r != NULL && !s->finished; a = a->next) {
        write_head(s, a);
    }
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
    } else {
        wr_schedule_add(s);
    }
    wr_http2_touch(s->h);
}

static size_t
http2_room(struct wr_request *r)
{
    const struct wr_stream *s = wr_stream_of(r);
    const struct wr_http2 *h = s->h;
    uint64_t held_max = s->out_bytes == 0 ? WR_HTTP2_HELD_MAX : WR_HTTP2_HELD;

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

    wr_schedule_add(s);
    wr_http2_touch(s->h);
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

/* How many body bytes the next frame of s has. -1: it is to have none, and s waits for what lets it go on. */
static int64_t
next_bytes(struct wr_stream *s)
{
    struct wr_http2 *h = s->h;
    uint64_t allowed, most;
    int64_t windows = WR_MIN(s->send_window, h->send_window);

    if (s->finished || (s->out_bytes == 0 && !s->out_last)) {
        s->hungry = true;
        wr_http2_due(s);
        return -1;
    }
    if (s->out_bytes == 0) {
        return 0;
    }
    if (windows <= 0) {
        return -1;
    }
    allowed = wr_pace_allowed(&s->pace, s->r);
    if (allowed == 0) {
        wr_pace_wait(&s->pace, s->r, pace_over, s);
        return -1;
    }
    most = WR_MIN(wr_http2_conf(s->r)->chunk_size, (uint64_t)(WR_HTTP2_FRAME - WR_HTTP2_FRAME_HEAD));
    return (int64_t)WR_MIN(WR_MIN(s->out_bytes, most), WR_MIN(allowed, (uint64_t)windows));
}

/* One frame of n bytes of the body, and trailers, if it is the last. False: it cannot be read. */
static bool
write_frame(struct wr_stream *s, size_t n)
{
    struct wr_http2 *h = s->h;
    struct wr_request *r = s->r;
    bool last = s->out_last && n == s->out_bytes;
    bool trailers = last && r->trailers != NULL && r->trailers->n != 0;
    char *to = wr_out_room(h->conn, n + WR_HTTP2_FRAME_HEAD);

    if (!take_out(s, to + WR_HTTP2_FRAME_HEAD, n)) {
        return false;
    }
    wr_output_head(to, n, NGHTTP2_DATA, last && !trailers ? NGHTTP2_FLAG_END_STREAM : 0, s->id);
    wr_out_built(h->conn, n + WR_HTTP2_FRAME_HEAD);
    s->send_window -= (int64_t)n;
    h->send_window -= (int64_t)n;
    s->pace.sent += n;
    r->sent_head += WR_HTTP2_FRAME_HEAD;
    r->sent_body += n;
    h->budget -= WR_MIN(n, h->budget);
    h->body_sent += n;
    wr_cost_sent(h, n);
    if (trailers && !wr_block_trailers(s)) {
        return false;
    }
    if (last) {
        sent_all(s);
    }
    return true;
}

void
wr_write_bodies(struct wr_http2 *h)
{
    struct wr_stream *s;

    while (h->conn->wait.head == NULL && !h->conn->gone && h->budget >= WR_HTTP2_FRAME &&
           (s = wr_schedule_next(h)) != NULL) {
        int64_t n = next_bytes(s);
        if (n < 0 && h->send_window <= 0 && s->out_bytes != 0) { /* nobody may go on */
            return;
        }
        if (n < 0) {
            wr_schedule_remove(s);
        } else if (!write_frame(s, (size_t)n)) {
            give_up(s);
        } else {
            wr_schedule_pass(s);
        }
    }
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
        if (s->window == 0) { /* http2_body_preread_size 0: nothing could come before */
            wr_window_grow(s->h, s, WR_HTTP2_WINDOW_FIRST);
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
