/* upstream/tunnel.c - behind a 101: the peer joined to the client that asked for it.
 *
 * The long way is that of any body: a source reads the exchange, pieces of what the client sends
 * are handed to it, and each side is stopped by the other. While nothing waits on that way, bytes
 * do not take it: what one socket had is sent to the other at once, and only what that does not
 * take becomes buffers.
 */
#include <string.h>

#include "base/assert.h"
#include "upstream/exchange.h"

enum { ROUNDS = 16 /* reads before others have their turn */ };

/* ---- From the peer to the client. ---- */

static int
source(weir_request *r, void *data, weir_chain *out, size_t want)
{
    weir_exchange *x = data;
    int rc = weir_exchange_read(x, r->pool, out, want);

    if (rc == WEIR_AGAIN) {
        x->tunnel.source = weir_suspend(r, WEIR_NEVER, NULL, NULL); /* x has deadlines */
        return x->tunnel.source != NULL ? WEIR_AGAIN : WEIR_ERROR;
    }
    return rc == WEIR_OK ? WEIR_NEXT : rc == WEIR_DONE ? WEIR_DONE : WEIR_ERROR;
}

static void
on_readable(weir_exchange *x, void *data)
{
    weir_ticket *ticket = x->tunnel.source;

    (void)data;
    x->tunnel.source = NULL;
    if (ticket != NULL) {
        (void)weir_resume(ticket, WEIR_NEXT);
    }
}

bool
wr_tunnel_pass(weir_exchange *x)
{
    struct wr_conn *c = &x->link->conn;
    size_t n;
    int rc;

    for (unsigned rounds = 0; c->can_read; rounds++) {
        if (rounds == ROUNDS) { /* no edge will tell that there is more */
            wr_conn_wake(c);
            break;
        }
        rc = wr_reply_body_receive(x, WR_INTAKE_BLOCK);
        if (rc == WEIR_AGAIN) {
            break;
        }
        if (rc != WEIR_OK) {
            wr_exchange_over(x, rc);
            return false;
        }
        wr_exchange_deadline(x, x->policy.read_ms);
        n = weir_tunnel_send(x->o.r, (weir_str){ (const char *)x->in.at, x->in.len });
        x->tried->last->body += n;
        wr_intake_skip(&x->in, n);
        if (x->in.len != 0) {
            return false;
        }
    }
    wr_intake_drop(&x->in);
    return true;
}

/* ---- And back. ---- */

static void
piece(weir_request *r, void *data, int result, weir_chain *body)
{
    weir_exchange *x = data;
    struct wr_tunnel *t = &x->tunnel;
    bool last = result != WEIR_NEXT;
    int rc;

    (void)r;
    if (t->stuck && !t->over && body->head != NULL) {
        return; /* what is left here stops the client */
    }
    rc = t->over ? WEIR_CLOSED : weir_exchange_send(x, body, last);
    t->stuck = rc == WEIR_AGAIN && !last;
    t->over = last || rc == WEIR_CLOSED;
    if (rc == WEIR_CLOSED) { /* nobody wants the rest */
        weir_chain_skip(body, SIZE_MAX);
    }
}

static void
on_writable(weir_exchange *x, void *data)
{
    (void)data;
    x->tunnel.stuck = false;
    weir_stream_body_go(x->o.r);
}

static size_t
take(void *data, weir_str bytes)
{
    weir_exchange *x = data;
    struct iovec v = { (void *)(uintptr_t)bytes.data, bytes.len };
    struct wr_conn *c;
    ssize_t n;

    if (x->state != WR_EXCHANGE_TUNNEL || x->out.at != NULL || x->out.last || x->out.error != 0 ||
        !x->link->conn.can_write) {
        return 0;
    }
    c = &x->link->conn;
    n = c->transport->send(c, &v, 1, false);
    if (n <= 0) { /* an error shows again to whoever sends next */
        return 0;
    }
    x->out.sent += (uint64_t)n;
    x->tried->last->sent += (uint64_t)n;
    wr_exchange_deadline(x, x->policy.read_ms);
    return (size_t)n;
}

/* ---- The beginning. ---- */

static const weir_exchange_ops ops = { .readable = on_readable, .writable = on_writable };

int
weir_exchange_tunnel(weir_exchange *x)
{
    weir_request *r = x->o.r;

    WR_CHECK(x, WR_EXCHANGE_TAG);
    if (x->reply == NULL || x->reply->status != 101 || r == NULL) {
        return WEIR_INVALID;
    }
    x->o.ops = &ops;
    if (weir_respond_from(r, 101, source, x) != WEIR_DONE ||
        weir_stream_body(r, 0, piece, x) != WEIR_OK) {
        return WEIR_INVALID;
    }
    weir_tunnel_direct(r, take, x);
    x->tunnel.joined = true;
    return WEIR_DONE;
}
