/* http2/window.c - how much a client may send: the windows of streams and of the connection. [RFC 9113 6.9]
 *
 * Bytes that have come use up both; those that somebody took are given back, half a window at a time. Our settings, which say how
 * much a stream may bring at first, count when the client has acknowledged them: it may not have known them before.
 */
#include "base/assert.h"
#include "http2/http2.h"

/* Let n bytes more come. */
static void
open_by(struct wr_http2 *h, struct wr_stream *s, int64_t n)
{
    wr_output_window(h, s != NULL ? s->id : 0, (uint32_t)n);
}

bool
wr_window_came(struct wr_http2 *h, struct wr_stream *s, size_t n)
{
    h->in_window += (int64_t)n;
    if (h->in_window > (int64_t)h->window) {
        return false;
    }
    if (s != NULL) {
        s->in_window += (int64_t)n;
        if (s->in_window > s->window) {
            wr_output_reset(s, NGHTTP2_FLOW_CONTROL_ERROR);
        }
    }
    return true;
}

void
wr_window_return(struct wr_http2 *h)
{
    if (h->in_taken != 0) {
        open_by(h, NULL, h->in_taken);
        h->in_window -= h->in_taken;
        h->in_taken = 0;
    }
}

void
wr_window_give(struct wr_http2 *h, struct wr_stream *s, size_t n)
{
    h->in_taken += (int64_t)n;
    if (h->in_taken >= (int64_t)h->window / 2) {
        wr_window_return(h);
    }
    if (s == NULL || s->closed || s->in_end) {
        return;
    }
    s->in_taken += (int64_t)n;
    if (s->in_taken != 0 && s->in_taken >= s->window / 2) {
        open_by(h, s, s->in_taken);
        s->in_window -= s->in_taken;
        s->in_taken = 0;
    }
}

void
wr_window_grow(struct wr_http2 *h, struct wr_stream *s, uint32_t to)
{
    int64_t more = (int64_t)to - (s != NULL ? s->window : (int64_t)h->window);

    if (more <= 0 || (s != NULL && s->closed)) {
        return;
    }
    if (s != NULL) {
        s->window = to;
    } else {
        h->window = to;
    }
    open_by(h, s, more);
}

void
wr_window_settle(struct wr_http2 *h)
{
    int64_t more = (int64_t)wr_http2_settings(h)->preread - WR_HTTP2_WINDOW_FIRST;

    h->settled = true;
    WR_LIST_EACH(at, &h->streams) {
        struct wr_stream *s = WR_CONTAINER(at, struct wr_stream, link);
        s->window += more;
        if (s->body_wanted && s->window < WR_HTTP2_WINDOW_FIRST) {
            wr_window_grow(h, s, WR_HTTP2_WINDOW_FIRST);
        }
    }
}
