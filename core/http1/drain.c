/* http1/drain.c - reading what nobody wants: the rest of a body before the next head, and a lingering close.
 *
 * Closing a socket with unread bytes in it makes the system reset the connection, and the peer may lose the answer; so we say
 * "no more from us", and read until the peer closes, for a bounded time.
 */
#include <errno.h>

#include "base/assert.h"
#include "base/clock.h"
#include "http1/http1.h"
#include "net/send.h"

/* Say "no more from us" once all is out, then wait for the peer to close. */
void
wr_http1_linger(struct wr_http1 *h, const struct wr_loc_conf *c)
{
    h->state = WR_HTTP1_LINGER;
    if (wr_out_flush(&h->conn) == -EAGAIN) { /* the deadline is the client's until then */
        h->linger_until_ms = 0;
        wr_conn_deadline(&h->conn, c->send_timeout_ms);
        return;
    }
    wr_conn_shut(&h->conn);
    h->linger_until_ms = wr_clock.now_ms + c->lingering_time_ms;
    wr_conn_deadline(&h->conn, c->lingering_timeout_ms);
}

bool
wr_http1_serve_linger(struct wr_http1 *h)
{
    ssize_t n = 0;

    if (h->linger_until_ms == 0) { /* the rest of the answer is still going out */
        int rc = wr_out_flush(&h->conn);
        if (rc == -EAGAIN && !h->conn.gone) {
            return false;
        }
        if (rc != 0) {
            wr_http1_close(h, false);
            return false;
        }
        wr_http1_linger(h, wr_http1_loc_conf(h));
    }
    while (h->conn.can_read && !h->conn.gone) {
        wr_http1_input.len = 0;
        n = wr_http1_read(h, WR_HTTP1_AREA);
        wr_http1_input.len = 0;
        if (n <= 0) {
            break;
        }
    }
    if (h->conn.gone || (n == 0 && h->conn.half_closed) || wr_clock.now_ms >= h->linger_until_ms) {
        wr_http1_close(h, false);
        return false;
    }
    wr_conn_deadline(&h->conn, WR_MIN(wr_http1_loc_conf(h)->lingering_timeout_ms,
                                      h->linger_until_ms - wr_clock.now_ms));
    return false;
}

bool
wr_http1_serve_discard(struct wr_http1 *h)
{
    for (;;) {
        wr_http1_take_body(h, true);
        if (h->x->body == WR_HTTP1_BODY_NONE) {
            bool error = h->x->error;
            h->x = NULL;
            wr_pool_recycle(h->pool);
            if (error) {
                wr_http1_linger(h, wr_http1_loc_conf(h));
                return true;
            }
            wr_http1_next_head(h, wr_http1_loc_conf(h));
            return true;
        }
        if (!h->conn.can_read || wr_http1_read(h, WR_HTTP1_AREA) <= 0) {
            break;
        }
    }
    if (wr_http1_at_end(h) || wr_clock.now_ms >= h->linger_until_ms) {
        wr_http1_close(h, false);
        return false;
    }
    wr_conn_deadline(&h->conn, WR_MIN(wr_http1_loc_conf(h)->lingering_timeout_ms,
                                      h->linger_until_ms - wr_clock.now_ms));
    return false;
}
