/* http1/connection.c - the life of an HTTP/1 connection: reading, serving request after request, waiting, closing.
 *
 * One function, serve, moves the connection on as far as it goes and flushes its output once at the end. Everything
 * that happens (readiness, a resumed hook, a timer) ends in a call of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/body_in.h"
#include "http/http.h"
#include "http/metrics.h"
#include "http/response.h"
#include "http1/http1.h"
#include "net/send.h"

/* What a leaving worker waits for the first request of a connection at least. */
enum { FIRST_REQUEST_MS = 1000 };

/* How long one connection may go on before others have their turn. */
enum {
    STEPS_A_TURN = 2048, /* requests */
    ROUNDS_A_TURN = 16   /* rounds of making a large body */
};

/* ---- Opening and closing. ---- */

void
wr_http1_close(struct wr_http1 *h, bool reset)
{
    free(h->held);
    h->held = NULL;
    h->held_len = 0;
    if (!h->conn.closed) {
        wr_count_closed((enum wr_shown)h->shown);
    }
    wr_conn_close(&h->conn, reset);
    wr_pool_destroy(&h->pool);
}

/* What was put out and will not be sent does not count as sent. */
static void
count_sent(struct wr_http1 *h)
{
    struct wr_request *r = h->r;
    uint64_t sent = h->conn.sent - WR_MIN(h->x->sent_before, h->conn.sent);

    if (wr_response_begun(r) && sent < r->sent_head + r->sent_body) {
        r->sent_head = WR_MIN(r->sent_head, sent);
        r->sent_body = WR_MIN(r->sent_body, sent - r->sent_head);
    }
}

/* The connection broke, or has to be cut: what runs ends, or goes on without it, unless the worker leaves (log_status 0). */
static void
abandon(struct wr_http1 *h, uint32_t log_status, bool reset)
{
    struct wr_request *r = h->r;

    if (r != NULL && !wr_request_left(r)) {
        count_sent(h);
        wr_request_gone(r, log_status, log_status != 0);
        if (h->r != NULL && !wr_request_left(r)) { /* a hook of it runs: it ends when that returns */
            h->conn.gone = true;
            return;
        }
    }
    if (h->r != NULL) {
        reset = reset || h->x->until_close;
        wr_out_drop(&h->conn); /* what waits may be in the request's memory */
        wr_http1_release(h);
    }
    wr_http1_close(h, reset);
}

/* ---- States. Each answers whether to go on with the next one. ---- */

/* The first bytes of a head have come: from here the whole of it has client_header_timeout. */
static void
head_begun(struct wr_http1 *h)
{
    if (!h->reading_head) {
        h->reading_head = true;
        wr_conn_idle(&h->conn, false);
    }
}

/* What stands at the front of the input: a head to be answered, HTTP/2, or the beginning of either. True: go on. */
static bool
take_input(struct wr_http1 *h)
{
    enum wr_wire preface = wr_http1_preface(h);

    head_begun(h);
    if (preface == WR_OK) {
        wr_http1_hand_over(h);
        return true;
    }
    return (preface == WR_BAD || h->timed_out) && wr_http1_take_head(h);
}

static bool
serve_head(struct wr_http1 *h)
{
    /* A client that does not take its answers gets no more of them. */
    if (h->conn.wait.head != NULL && wr_out_flush(&h->conn) == -EAGAIN && !h->conn.gone) {
        return false;
    }
    for (;;) {
        ssize_t n;
        if (wr_http1_input.len != 0) {
            if (take_input(h)) { /* or, past its deadline, refuses it */
                return !h->handed_over;
            }
        }
        if (!h->conn.can_read) {
            break;
        }
        n = wr_http1_read(h, WR_HTTP1_HEAD_READ);
        if (n <= 0) {
            break;
        }
    }
    if (wr_http1_at_end(h)) {
        if (h->reading_head && wr_http1_input.len != 0) {
            wr_conn_say(&h->conn, INFO,
                        "client prematurely closed connection while sending a request head");
        }
        if (wr_out_flush(&h->conn) != -EAGAIN) {
            wr_http1_close(h, false);
        } else {
            h->state = WR_HTTP1_LINGER;
            h->linger_until_ms = 0;
        }
        return false;
    }
    if (h->reading_head && !h->head_timed) { /* the whole head has one deadline, however it drips in */
        h->head_timed = true;
        wr_conn_deadline(&h->conn, wr_http1_conf(h)->header_timeout_ms);
    }
    return false;
}

/* Output that refers to the request's memory has to leave before the request does. */
static bool
output_free_of(struct wr_http1 *h)
{
    if (h->x->out.head != NULL) {
        return false;
    }
    if (h->x->referring && wr_out_flush(&h->conn) == -EAGAIN) {
        return false;
    }
    h->x->referring = false;
    return true;
}

/* Let the response make more of its body as long as the connection takes it. */
static void
send_what_there_is(struct wr_http1 *h)
{
    struct wr_request *r = h->r;

    for (unsigned rounds = 0; rounds < ROUNDS_A_TURN; rounds++) {
        if (h->x->out.head != NULL) {
            wr_http1_send_more(h);
        }
        if (wr_request_left(r) || r->answer != WR_ANSWER_BODY || h->x->out.head != NULL ||
            wr_out_flush(&h->conn) != 0) {
            return;
        }
        wr_request_can_send(r);
        if (h->x->out.head == NULL) {
            return; /* it made nothing: what it waits for will wake it */
        }
    }
    wr_http1_touch(h);
}

/* Has the client shut its side while there is nothing for it yet? It has given up, most likely (nginx). */
static bool
client_left(const struct wr_http1 *h)
{
    const struct wr_request *r = h->r;

    if (!h->conn.half_closed || h->x->body_wanted || wr_body_due(r) ||
        r->outlives_client == WEIR_IGNORES) {
        return false;
    }
    return r->answer == WR_ANSWER_NONE ? r->suspended != NULL
                                       : r->source_suspended != NULL && !wr_response_is_tunnel(r);
}

/* Read what there is of the body. False: the client has gone before its end, and the request with it. */
static bool
read_body(struct wr_http1 *h)
{
    struct wr_request *r = h->r;

    if (wr_request_left(r) || !wr_http1_body_awaited(h)) {
        return true;
    }
    do {
        wr_http1_take_body(h, false);
    } while (!wr_request_left(r) && wr_http1_body_awaited(h) && h->conn.can_read &&
             wr_http1_read(h, WR_HTTP1_AREA) > 0);
    if (wr_request_left(r) || !wr_http1_body_awaited(h) || !wr_http1_at_end(h)) {
        return true;
    }
    if (h->x->body == WR_HTTP1_BODY_TUNNEL) {
        wr_http1_tunnel_end(h);
        return true;
    }
    wr_body_failed(r, 0);
    abandon(h, 499, false);
    return false;
}

static bool
serve_request(struct wr_http1 *h)
{
    struct wr_request *r = h->r;
    struct wr_exchange *x = h->x;

    if (h->conn.gone && !wr_request_left(r)) {
        abandon(h, 499, false);
        return false;
    }
    if (!read_body(h)) {
        return false;
    }
    if (!wr_request_left(r) && client_left(h)) {
        wr_say(&r->log, INFO, "client prematurely closed connection");
        abandon(h, 499, false);
        return false;
    }
    if (!wr_request_left(r) && x->body != WR_HTTP1_BODY_TUNNEL && wr_http1_body_awaited(h) &&
        wr_pace_too_slow(x->body_read, x->body_since_ms, wr_body_conf(r)->min_rate)) {
        wr_say(&r->log, INFO, "client sent the request body too slowly");
        wr_body_failed(r, 408);
    }
    send_what_there_is(h);
    if (!wr_request_left(r) && r->answer == WR_ANSWER_LAST && output_free_of(h)) {
        if (h->conn.gone) {
            abandon(h, 499, false);
            return false;
        }
        wr_request_end(r, false);
    }
    if (x->finished && (x->error || output_free_of(h))) {
        wr_http1_exchange_over(h);
        return !h->conn.closed;
    }
    return false;
}

static bool
step(struct wr_http1 *h)
{
    if (WR_LIKELY(h->state == WR_HTTP1_HEAD)) {
        return serve_head(h);
    }
    if (WR_LIKELY(h->state == WR_HTTP1_REQUEST)) {
        return serve_request(h);
    }
    switch (h->state) {
    case WR_HTTP1_PROXY:
        return wr_http1_serve_proxy(h);
    case WR_HTTP1_TLS:
        return wr_http1_serve_tls(h);
    case WR_HTTP1_DISCARD:
        return wr_http1_serve_discard(h);
    default:
        return wr_http1_serve_linger(h);
    }
}

/* Deadlines while a request is being served: its body, or a slow client. */
static void
set_deadline(struct wr_http1 *h)
{
    if (h->state == WR_HTTP1_REQUEST) {
        if (wr_out_pending(&h->conn) || h->x->out.head != NULL) {
            if (!wr_timer_running(&h->conn.timer)) {
                wr_conn_deadline(&h->conn, wr_http1_loc_conf(h)->send_timeout_ms);
            }
        } else if (h->x->body != WR_HTTP1_BODY_TUNNEL && wr_http1_body_awaited(h)) {
            wr_conn_deadline(&h->conn, wr_body_conf(h->r)->timeout_ms);
        } else {
            wr_conn_deadline(&h->conn, 0); /* its hooks have deadlines of their own */
        }
    }
}

/* Does the client take the answer at less than send_min_rate? The clock starts when it first keeps us waiting. */
static bool
reads_too_slowly(struct wr_http1 *h)
{
    struct wr_exchange *x = h->x;

    if (h->state != WR_HTTP1_REQUEST) {
        return false;
    }
    if (x->sending_since_ms == 0) {
        x->sending_since_ms = wr_clock.now_ms;
        x->sent_at_start = h->conn.sent;
    }
    if (x->pace.rate != 0 ||
        !wr_pace_too_slow(h->conn.sent - x->sent_at_start, x->sending_since_ms,
                  wr_http1_loc_conf(h)->send_min_rate)) {
        return false;
    }
    wr_say(&h->r->log, INFO, "client reads the response too slowly");
    return true;
}

/* Send what this event gathered. */
static void
flush(struct wr_http1 *h)
{
    bool pending = wr_out_pending(&h->conn);
    int rc = wr_out_flush(&h->conn);

    if (h->conn.gone) {
        abandon(h, 499, false);
    } else if (rc == -EAGAIN) {
        if (reads_too_slowly(h)) {
            abandon(h, 408, false);
        }
    } else if (h->state == WR_HTTP1_REQUEST) {
        h->x->referring = false;
        h->x->sending_since_ms = 0; /* a client that has taken everything is not slow */
        if (pending) {
            wr_http1_touch(h); /* there is room again, or the end has become possible */
        }
    }
}

/* The worker is leaving, and the connection idle: a request may be on its way, so it stays for the grace, and that one is
 * answered with Connection: close. On a connection that has had no request yet one surely is, and its client will not ask
 * again as it does after a kept one was closed: it has a grace in any case. */
static void
leave(struct wr_http1 *h)
{
    uint64_t grace = wr_http1_loc_conf(h)->keepalive_min_ms;

    if (h->conn.requests == 0) {
        grace = WR_MAX(grace, FIRST_REQUEST_MS);
    }
    if (grace == 0) {
        wr_http1_close(h, false);
    } else if (!h->leaving) {
        h->leaving = true;
        wr_conn_deadline(&h->conn, grace);
    }
}

/* Nothing is under way, in either direction. */
static bool
is_idle(const struct wr_http1 *h)
{
    return h->state == WR_HTTP1_HEAD && !h->reading_head && h->held == NULL &&
           !wr_out_pending(&h->conn);
}

/* See to what the connection waits for now. */
static void
settle(struct wr_http1 *h, bool sent)
{
    if (sent && h->state == WR_HTTP1_REQUEST) {
        wr_conn_deadline(&h->conn, wr_http1_loc_conf(h)->send_timeout_ms);
    }
    set_deadline(h);
    if (is_idle(h)) {
        if (h->pool->first != NULL) {
            wr_pool_reset(h->pool);
        }
        wr_conn_idle(&h->conn, true);
        if (h->quitting) {
            leave(h);
        }
    }
}

static void
serve(struct wr_http1 *h)
{
    uint64_t sent = h->conn.sent;

    if (h->conn.closed || h->serving) {
        return;
    }
    h->serving = true;
    if (h->conn.wait.head != NULL) {
        (void)wr_out_flush(&h->conn); /* what waited comes first; a broken connection shows in gone */
    }
    wr_http1_input_begin(h);
    for (unsigned steps = 0; !h->conn.closed && step(h); steps++) {
        if (steps == STEPS_A_TURN) { /* others want to be served, too */
            wr_conn_wake(&h->conn);
            break;
        }
    }
    if (h->handed_over) {
        return;
    }
    if (!h->conn.closed) {
        flush(h);
    }
    h->serving = false;
    wr_http1_input_end(h);
    if (!h->conn.closed) {
        settle(h, h->conn.sent != sent);
    }
    if (h->conn.closed) {
        return;
    }
    wr_count_show(&h->shown, h->state == WR_HTTP1_REQUEST                 ? WR_SHOWN_WRITING
                             : h->state == WR_HTTP1_HEAD && h->conn.idle ? WR_SHOWN_WAITING
                                                                         : WR_SHOWN_READING);
    if (!wr_conn_watch(&h->conn)) {
        abandon(h, 0, false);
    }
}

void
wr_http1_touch(struct wr_http1 *h)
{
    wr_conn_wake(&h->conn);
}

/* ---- What the connection below tells. ---- */

/* A tunnel with nothing on its way to the client: pass on what that has sent. True: there is no more to do. */
static bool
pass_on(struct wr_http1 *h)
{
    if (h->state != WR_HTTP1_REQUEST || h->x->body != WR_HTTP1_BODY_TUNNEL || h->serving ||
        h->conn.gone || h->x->out.head != NULL || wr_out_pending(&h->conn) || h->held != NULL ||
        !wr_response_is_drained(h->r)) {
        return false;
    }
    wr_http1_input_begin(h);
    while (h->conn.can_read && wr_http1_body_awaited(h) && wr_http1_read(h, WR_HTTP1_AREA) > 0) {
        wr_http1_take_body(h, false);
    }
    return !wr_http1_at_end(h);
}

static void
conn_ready(struct wr_conn *c)
{
    struct wr_http1 *h = (struct wr_http1 *)c;

    if (!pass_on(h)) {
        serve(h);
    }
}

static void
head_expired(struct wr_http1 *h)
{
    if (!h->reading_head || h->state == WR_HTTP1_PROXY || h->conn.wait.head != NULL) {
        wr_http1_close(h, false); /* idle for long enough, or not taking its answers */
        return;
    }
    h->timed_out = true; /* answered with a 408 [RFC 9110 15.5.9] */
    wr_conn_deadline(&h->conn, wr_http1_loc_conf(h)->send_timeout_ms);
    serve(h);
}

static void
conn_expired(struct wr_conn *c)
{
    struct wr_http1 *h = (struct wr_http1 *)c;

    switch (h->state) {
    case WR_HTTP1_HEAD:
        head_expired(h);
        return;
    case WR_HTTP1_REQUEST:
        if (wr_http1_body_awaited(h) && !wr_out_pending(c)) {
            wr_say(&h->r->log, INFO, "client timed out while sending the request body");
            h->timed_out = true;
            wr_body_failed(h->r, 408);
            wr_http1_touch(h);
            return;
        }
        wr_say(&h->r->log, INFO, "client timed out while reading the response");
        abandon(h, 408, wr_http1_loc_conf(h)->reset_timedout);
        return;
    default:
        wr_http1_close(h, h->state == WR_HTTP1_LINGER && wr_http1_loc_conf(h)->reset_timedout);
    }
}

static void
conn_drop(struct wr_conn *c)
{
    abandon((struct wr_http1 *)c, 0, false);
}

static void
conn_quit(struct wr_conn *c)
{
    struct wr_http1 *h = (struct wr_http1 *)c;

    h->quitting = true;
    if (h->r != NULL) {
        h->r->keep_alive = h->r->keep_alive && (h->r->pub.flags & WEIR_R_HEAD_SENT);
    } else if (is_idle(h)) {
        leave(h);
    }
}

static const struct wr_conn_ops conn_ops = {
    .ready = conn_ready, .expired = conn_expired, .drop = conn_drop, .quit = conn_quit
};

void
wr_http1_accepted(struct wr_listen *l, int fd, const union wr_peer_addr *peer)
{
    struct wr_http1 *h =
        (struct wr_http1 *)wr_conn_open(fd, sizeof(*h), &conn_ops, l, peer);

    wr_count_accepted(h != NULL);
    if (h == NULL) {
        return;
    }
    h->shown = WR_SHOWN_READING;
    h->pool = wr_pool_create("request", NULL);
    h->endpoint = wr_endpoint_of(&h->conn);
    h->head_timed = true;
    h->state = h->endpoint->proxy_protocol ? WR_HTTP1_PROXY : WR_HTTP1_HEAD;
    if (h->endpoint->ssl && h->state == WR_HTTP1_HEAD && !wr_http1_enter_tls(h)) {
        return;
    }
    wr_conn_deadline(&h->conn, wr_http1_conf(h)->header_timeout_ms);
    wr_conn_wake(&h->conn); /* behind the turn's other events: the request has mostly come by then */
}
