/* http2/close.c - the end of an HTTP/2 connection: with a word to the client and its last bytes read, or at once. */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "http/metrics.h"
#include "http2/http2.h"
#include "net/send.h"

enum { READS_A_TURN = 16 }; /* of what a client sends that nobody listens to */

static void
bury(struct wr_task *t)
{
    free(WR_CONTAINER(t, struct wr_http2, task));
}

/* End whatever runs; with `stay` what outlives its client goes on in the background. False: a hook of a request runs, which
 * ends when that returns. */
static bool
end_requests(struct wr_http2 *h, uint32_t log_status, bool stay)
{
    bool all = true;

    h->ending = true;
    WR_LIST_EACH(at, &h->streams) {
        struct wr_stream *s = WR_CONTAINER(at, struct wr_stream, link);
        if (s->r != NULL && !wr_request_left(s->r)) {
            wr_request_gone(s->r, log_status, stay && !s->reset);
            all = all && wr_request_left(s->r);
        }
    }
    return all;
}

void
wr_http2_close(struct wr_http2 *h)
{
    if (h->conn->closed) {
        return;
    }
    if (!end_requests(h, 499, false)) {
        h->conn->gone = true; /* serve comes back to it */
        return;
    }
    while (!wr_list_empty(&h->streams)) {
        wr_stream_free(WR_CONTAINER(h->streams.next, struct wr_stream, link));
    }
    nghttp2_hd_inflate_del(h->inflater);
    nghttp2_hd_deflate_del(h->deflater);
    wr_count_closed((enum wr_shown)h->shown);
    wr_conn_close(h->conn, false);
    wr_loop_bury(wr_loop_self(), &h->task, bury);
}

/* The connection broke, or has to be cut: whatever runs ends. */
void
wr_http2_abandon(struct wr_http2 *h, uint32_t log_status)
{
    (void)end_requests(h, log_status, log_status == 408 || (log_status == 499 && h->conn->gone));
    h->conn->gone = true;
    wr_http2_close(h);
}

void
wr_http2_goodbye(struct wr_http2 *h, uint32_t code)
{
    if (!h->goodbye) {
        h->goodbye = true;
        wr_output_goaway(h, h->taken_id, code);
    }
}

/* No more from us: read until the client closes, so that the system does not take our last words back. */
void
wr_http2_linger(struct wr_http2 *h)
{
    const struct wr_loc_conf *c = wr_http2_loc_conf(h);

    h->ending = true;
    if (wr_out_flush(h->conn) == -EAGAIN) {
        wr_conn_deadline(h->conn, c->send_timeout_ms);
        return;
    }
    if (h->conn->gone || h->conn->half_closed || c->lingering_close == 0) {
        wr_http2_close(h);
        return;
    }
    wr_conn_shut(h->conn);
    h->lingering = true;
    h->linger_until_ms = wr_clock.now_ms + c->lingering_time_ms;
    wr_conn_deadline(h->conn, c->lingering_timeout_ms);
}

void
wr_http2_serve_ending(struct wr_http2 *h)
{
    static uint8_t unread[16 * 1024];
    ssize_t n = -EAGAIN;

    if (!h->lingering) {
        wr_http2_linger(h);
        return;
    }
    for (unsigned reads = 0; h->conn->can_read && reads < READS_A_TURN; reads++) {
        n = wr_conn_recv(h->conn, unread, sizeof(unread));
        if (n <= 0) {
            break;
        }
    }
    if (n == 0 || h->conn->gone || wr_clock.now_ms >= h->linger_until_ms) {
        wr_http2_close(h);
        return;
    }
    if (h->conn->can_read) {
        wr_conn_wake(h->conn);
    }
    wr_conn_deadline(h->conn, WR_MIN(wr_http2_loc_conf(h)->lingering_timeout_ms,
                                     h->linger_until_ms - wr_clock.now_ms));
}

/* End every request with what has been said to the client: GOAWAY with this code. */
void
wr_http2_end(struct wr_http2 *h, uint32_t code)
{
    wr_http2_goodbye(h, code);
    (void)end_requests(h, 499, false);
    wr_http2_linger(h);
}
