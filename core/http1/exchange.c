/* http1/exchange.c - the end of a request on its connection, and what comes next: another head, the rest of a body, the close.
 *
 * Called once a request has ended and its output is gathered or gone, so that nothing needs its memory any more.
 */
#include <errno.h>

#include "base/assert.h"
#include "base/clock.h"
#include "http/background.h"
#include "http/http.h"
#include "http1/http1.h"
#include "net/send.h"

void
wr_http1_next_head(struct wr_http1 *h, const struct wr_loc_conf *c)
{
    h->state = WR_HTTP1_HEAD;
    h->reading_head = h->head_timed = false;
    h->pipelined = wr_http1_input.len != 0;
    h->scan = (struct wr_head_scan){ 0 };
    wr_conn_deadline(&h->conn, c->keepalive_timeout_ms);
}

void
wr_http1_release(struct wr_http1 *h)
{
    struct wr_request *r = h->r;

    wr_pace_end(&h->x->pace);
    h->r = NULL;
    h->x = NULL;
    if (wr_background_take(r, h->pool)) {
        h->pool = wr_pool_create("request", NULL);
        return;
    }
    wr_request_free(r);
    if (wr_http1_input.len != 0) {
        wr_pool_recycle(h->pool); /* the next request wants it */
    } else {
        wr_pool_reset(h->pool);
    }
}

/* The connection stays, and so does the rest of a body that nobody wanted: where that stands outlives the request. */
static void
begin_discard(struct wr_http1 *h, const struct wr_loc_conf *c)
{
    struct wr_exchange x = *h->x;

    wr_http1_release(h);
    h->x = wr_pool_alloc(h->pool, sizeof(x));
    *h->x = x;
    h->state = WR_HTTP1_DISCARD;
    h->linger_until_ms = wr_clock.now_ms + c->lingering_time_ms;
    wr_conn_deadline(&h->conn, c->lingering_timeout_ms);
}

/* The answer was cut. */
static void
break_off(struct wr_http1 *h, const struct wr_loc_conf *c)
{
    bool reset = h->x->until_close || (c->reset_timedout && h->r->pub.status == 444);

    (void)wr_out_flush(&h->conn); /* what was gathered may be in the request's memory */
    wr_out_drop(&h->conn);
    wr_http1_release(h);
    wr_http1_close(h, reset);
}

void
wr_http1_exchange_over(struct wr_http1 *h)
{
    const struct wr_loc_conf *c = wr_loc_conf(h->r);
    bool body_left = h->x->body != WR_HTTP1_BODY_NONE;
    bool keep = h->r->keep_alive && !h->conn.gone; /* as the client was told */

    if (h->x->error) {
        break_off(h, c);
        return;
    }
    if (body_left && keep && !h->x->continue_owed) {
        begin_discard(h, c);
        return;
    }
    wr_http1_release(h);
    if (keep && !body_left) {
        wr_http1_next_head(h, c);
        return;
    }
    if (h->timed_out && c->reset_timedout) { /* logged as a 408, and that is all */
        wr_http1_close(h, true);
        return;
    }
    if (wr_out_flush(&h->conn) == -EAGAIN ||
        (!h->conn.gone && c->lingering_close != 0 &&
         (body_left || wr_http1_input.len != 0 || c->lingering_close == 2 ||
          (h->conn.can_read && !h->conn.half_closed)))) {
        wr_http1_linger(h, c);
        return;
    }
    wr_http1_close(h, false);
}
