/* upstream/exchange_connect.c - from a group to a link that can be sent over: picking a peer,
 * connecting, the handshake. */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "net/connect.h"
#include "upstream/exchange.h"
#include "upstream/exchange_metrics.h"
#include "upstream/tls_client.h"
#include "tls/client.h"

/* Shortages of our own: another peer would not help, and this one has not failed. */
static bool
is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
           error == EADDRNOTAVAIL;
}

/* Can the request not be sent again? Then a look whether a kept link has ended is worth a system
 * call. */
static bool
must_be_sure(const weir_exchange *x)
{
    return !wr_exchange_idempotent(x) || x->o.flags & WEIR_EXCHANGE_STREAM;
}

/* "192.0.2.1", where any port will do, or "192.0.2.1:80". */
static bool
parse_local(weir_str text, struct wr_addr *addr, struct wr_err *err)
{
    if (wr_addr_parse(text, 0, false, addr, err)) {
        return true;
    }
    if (!wr_addr_parse(text, 1, false, addr, err)) {
        return false;
    }
    if (addr->at.family == AF_INET) {
        addr->at.v4.sin_port = 0;
    } else if (addr->at.family == AF_INET6) {
        addr->at.v6.sin6_port = 0;
    }
    return true;
}

/* Where the policy says to come from. False after a log line: that is no address. */
static bool
come_from(const weir_exchange *x, struct wr_addr *addr, struct wr_connect_from *from)
{
    weir_str text = weir_value_get(x->o.r, x->policy.bind);
    struct wr_err err;

    if (text.len == 0) {
        return true;
    }
    if (!parse_local(text, addr, &err)) {
        wr_exchange_say(x, 0, "invalid local address \"%.*s\"", WEIR_FMT(text));
        return false;
    }
    from->addr = addr;
    from->transparent = (x->policy.flags & WEIR_POLICY_TRANSPARENT) != 0;
    return true;
}

/* ---- Connecting. ---- */

/* Forget what the try before has left. */
static void
begin_try(weir_exchange *x)
{
    wr_intake_drop(&x->in);
    x->answered = false;
    x->interims = 0;
    x->scan = (struct wr_head_scan){ 0 };
    x->out.head = 0;
    x->out.at = x->out.body.head;
    x->out.off = 0;
    x->out.sent = 0;
    x->out.error = 0;
}

/* The connection is there, and what has to be agreed on it. */
static void
connected(weir_exchange *x)
{
    struct wr_try *t = x->tried->last;

    t->connect_ms = (int64_t)(wr_clock.now_ms - t->began_ms);
    wr_exchange_send_begin(x);
}

/* A link to x's peer. 0, or -errno after a log line. */
static int
open_link(weir_exchange *x)
{
    struct wr_addr addr __attribute__((uninitialized)); /* set where want refers to it */
    struct wr_link_want want = { .protocol = x->policy.protocol,
                                 .tls = wr_upstream_tls(x->policy.tls),
                                 .tls_name = x->o.tls_name,
                                 .tls_identity = x->tls_identity,
                                 .from.keepalive =
                                     (x->policy.flags & WEIR_POLICY_SOCKET_KEEPALIVE) != 0,
                                 .from.rcvbuf = x->policy.rcvbuf,
                                 .from.sndbuf = x->policy.sndbuf,
                                 .fresh = x->fresh || x->policy.flags & WEIR_POLICY_NO_KEEP,
                                 .sure = must_be_sure(x) };
    int rc;

    if (x->policy.bind != NULL && x->o.r != NULL && x->peer->addr.at.family != AF_UNIX &&
        !come_from(x, &addr, &want.from)) {
        return -EADDRNOTAVAIL;
    }
    begin_try(x);
    x->state = WR_EXCHANGE_CONNECT;
    x->fresh = false;
    rc = wr_link_open(x->o.to, x->peer, &want, &wr_exchange_link_ops, x, &x->link);
    if (rc != 0) {
        wr_exchange_say(x, -rc, "connect() to %.*s failed", WEIR_FMT(x->peer->text));
    } else if (x->link->uses != 0) {
        wr_count_link(true);
        connected(x);
    } else {
        wr_count_link(false);
        wr_exchange_deadline(x, x->policy.connect_ms);
    }
    return rc;
}

/* As wr_balance_pick; the one peer that is wanted is no turn of anybody's. */
static int
choose(weir_exchange *x)
{
    if (x->o.peer == 0) {
        return wr_balance_pick(x->o.to, &x->attempt, &x->peer);
    }
    x->peer = wr_group_find(x->o.to, x->o.peer);
    if (x->peer == NULL) {
        return WEIR_ABSENT;
    }
    wr_peer_hold(x->peer);
    return WEIR_OK;
}

static void
no_peer(weir_exchange *x, int result)
{
    x->peer = NULL;
    (void)wr_tries_add(x->tried, x->memory, x->o.to->name);
    if (result == WEIR_LIMIT) {
        wr_exchange_say(x, 0, "no upstream has a place");
    } else {
        wr_exchange_say(x, 0, "no live upstreams");
    }
    wr_exchange_fail(x, result);
}

static void open_or_next(weir_exchange *x);

/* The wait for a peer that has a place is over. */
static void
waited(struct wr_queue_place *place, int result)
{
    weir_exchange *x = WR_CONTAINER(place, weir_exchange, place);

    WR_CHECK(x, WR_EXCHANGE_TAG);
    if (result != WEIR_OK) {
        no_peer(x, result);
        return;
    }
    x->peer = x->attempt.peer;
    (void)wr_tries_add(x->tried, x->memory, x->peer->text);
    open_or_next(x);
}

/* The peer of the next try. False: there is none, and x has failed; or it waits for one. */
static bool
pick(weir_exchange *x)
{
    int rc;

    x->state = WR_EXCHANGE_PEER;
    rc = choose(x);
    if (rc == WEIR_LIMIT) {
        rc = wr_queue_wait(x->o.to, &x->attempt, &x->place, waited);
    }
    if (rc == WEIR_OK) {
        (void)wr_tries_add(x->tried, x->memory, x->peer->text);
    } else if (rc != WEIR_AGAIN) {
        no_peer(x, rc);
    }
    return rc == WEIR_OK;
}

/* Connect to x's peer, or to others if that cannot be. */
static void
open_or_next(weir_exchange *x)
{
    int rc;

    while ((rc = open_link(x)) != 0) {
        if (is_shortage(-rc)) {
            wr_exchange_peer_done(x, WEIR_ABSENT);
            wr_exchange_fail(x, WEIR_ERROR);
            return;
        }
        if (!wr_retry_wanted(x, WEIR_RETRY_ERROR, WEIR_ERROR) || !pick(x)) {
            return;
        }
    }
}

/* The names of the group have been answered, or nobody could. */
static void
addresses_known(struct wr_lookup_wait *w)
{
    weir_exchange *x = WR_CONTAINER(w, weir_exchange, lookup);

    WR_CHECK(x, WR_EXCHANGE_TAG);
    if (pick(x)) {
        open_or_next(x);
    }
}

void
wr_exchange_try(weir_exchange *x)
{
    if (!x->fresh && wr_lookup_pending(x->o.to)) {
        x->state = WR_EXCHANGE_PEER;
        wr_lookup_wait(x->o.to, &x->lookup, addresses_known);
        return;
    }
    if (x->fresh || pick(x)) { /* fresh: the same peer again, its kept connection had ended */
        open_or_next(x);
    }
}

/* Go on with the handshake, which has a wait of its own. */
static void
shake(weir_exchange *x)
{
    struct wr_conn *c = &x->link->conn;
    int rc = c->transport->handshake(c);
    struct wr_err err;

    if (rc == -EAGAIN && !(c->half_closed && !c->can_read) && !c->gone) {
        return;
    }
    if (rc == 0) {
        connected(x);
        return;
    }
    wr_tls_client_reason(c, &err);
    wr_exchange_say(x, 0, "%s", err.text);
    wr_retry(x, WEIR_RETRY_ERROR, WEIR_ERROR);
}

/* The peer has taken the connection. */
static void
begin_tls(weir_exchange *x)
{
    struct wr_err err;

    if (!wr_upstream_tls_begin(x->policy.tls, &x->link->conn, x->o.tls_name, x->peer->text,
                               x->tls_identity, &err)) {
        wr_exchange_say(x, 0, "%s", err.text);
        wr_exchange_peer_done(x, WEIR_ABSENT);
        wr_exchange_fail(x, WEIR_ERROR);
        return;
    }
    x->state = WR_EXCHANGE_TLS;
    wr_exchange_deadline(x, x->policy.connect_ms);
    shake(x);
}

void
wr_exchange_connecting(weir_exchange *x)
{
    int rc;

    if (x->state == WR_EXCHANGE_TLS) {
        shake(x);
        return;
    }
    rc = wr_connect_result(&x->link->conn);
    if (rc == -EINPROGRESS) {
        return;
    }
    if (rc != 0) {
        wr_exchange_say(x, -rc, "connect() failed");
        wr_retry(x, WEIR_RETRY_ERROR, WEIR_ERROR);
    } else if (x->policy.tls != NULL) {
        begin_tls(x);
    } else {
        connected(x);
    }
}
