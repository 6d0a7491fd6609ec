/* upstream/exchange.c - the life of an exchange: start, what its link tells, the callbacks, the
 * end. */
#include "upstream/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "module/running.h"
#include "upstream/exchange_metrics.h"
#include "upstream/tally.h"
#include "upstream/tls_client.h"

enum { SPARES = 64 }; /* structs kept for the next exchanges */

/* This worker's. */
static struct {
    weir_exchange *free[SPARES];
    uint32_t n;
} spares;

/* ---- The end. ---- */

static void
free_exchange(struct wr_task *t)
{
    weir_exchange *x = WR_CONTAINER(t, weir_exchange, task);

    x->tag = 0;
    if (spares.n < SPARES) {
        spares.free[spares.n++] = x;
    } else {
        free(x);
    }
}

void
wr_exchange_release(weir_exchange *x, bool keep)
{
    struct wr_link *l = x->link;

    x->link = NULL;
    if (l == NULL) {
        return;
    }
    if (keep) {
        wr_link_keep(l, UINT32_MAX);
    } else {
        wr_link_close(l);
    }
}

void
wr_exchange_peer_done(weir_exchange *x, int result)
{
    struct wr_group_peer *p = x->peer;

    x->peer = NULL;
    if (p == NULL) {
        return;
    }
    if (x->o.peer != 0) {
        wr_peer_release(p);
    } else {
        x->attempt.step = wr_exchange_doing(x);
        wr_balance_done(x->o.to, &x->attempt, p, result);
    }
}

/* Nothing is called from here on. */
static void
retire(weir_exchange *x)
{
    struct wr_log *log = wr_exchange_log(x);

    wr_queue_leave(&x->place);
    wr_lookup_leave(&x->lookup);
    wr_exchange_release(x, false);
    wr_exchange_peer_done(x, WEIR_ABSENT);
    wr_intake_drop(&x->in);
    wr_tries_end(x->tried, 0);
    if (log != NULL && log->note == &x->note) {
        log->note = NULL;
    }
    x->state = WR_EXCHANGE_DONE;
    wr_pool_disown(&x->owned);
    wr_loop_bury(wr_loop_self(), &x->task, free_exchange);
}

static void
owner_ended(struct wr_owned *o)
{
    weir_exchange *x = WR_CONTAINER(o, weir_exchange, owned);

    WR_CHECK(x, WR_EXCHANGE_TAG);
    retire(x);
}

/* ---- Results. ---- */

/* The status that stands for a failure, for $upstream_status as for the client. */
static uint32_t
status_of(int result)
{
    return result == WEIR_TIMEOUT ? 504 : result == WEIR_LIMIT ? 503 : 502;
}

void
wr_exchange_fail(weir_exchange *x, int result)
{
    wr_exchange_release(x, false);
    wr_exchange_peer_done(x, result);
    wr_intake_drop(&x->in);
    wr_tries_end(x->tried, status_of(result));
    wr_count_exchange(result);
    x->state = WR_EXCHANGE_FAILED;
    x->result = result;
    wr_task_add(wr_loop_self(), &x->task);
}

void
wr_exchange_over(weir_exchange *x, int result)
{
    bool complete = result == WEIR_DONE;
    bool keep = complete && x->persistent && x->in.len == 0 && wr_exchange_sent_all(x) &&
                !(x->policy.flags & WEIR_POLICY_NO_KEEP);

    wr_exchange_release(x, keep);
    wr_exchange_peer_done(x, complete ? WEIR_OK : result);
    wr_intake_drop(&x->in);
    wr_tries_end(x->tried, 0);
    x->tried->trailers = x->body.trailers;
    wr_count_exchange(complete ? WEIR_OK : result);
    x->state = WR_EXCHANGE_OVER;
    x->result = result;
}

/* ---- Callbacks. ---- */

static void
tell_failed(weir_exchange *x)
{
    int result = x->result;

    x->state = WR_EXCHANGE_OVER;
    x->result = WEIR_CLOSED; /* to whoever reads all the same */
    wr_running_enter(x->module, x->o.r, 0);
    x->o.ops->failed(x, x->o.data, result);
    wr_running_leave();
}

void
wr_exchange_tell_head(weir_exchange *x)
{
    wr_running_enter(x->module, x->o.r, 0);
    x->o.ops->head(x, x->o.data, x->reply);
    wr_running_leave();
}

void
wr_exchange_tell_interim(weir_exchange *x, const weir_reply *reply)
{
    if (x->o.ops->interim != NULL) {
        wr_running_enter(x->module, x->o.r, 0);
        x->o.ops->interim(x, x->o.data, reply);
        wr_running_leave();
    }
}

static void
tell_readable(weir_exchange *x)
{
    x->waiting = false;
    wr_running_enter(x->module, x->o.r, 0);
    x->o.ops->readable(x, x->o.data);
    wr_running_leave();
}

static void
tell_writable(weir_exchange *x)
{
    x->full = false;
    if (x->o.ops->writable != NULL) {
        wr_running_enter(x->module, x->o.r, 0);
        x->o.ops->writable(x, x->o.data);
        wr_running_leave();
    }
}

static void
run(struct wr_task *t)
{
    weir_exchange *x = WR_CONTAINER(t, weir_exchange, task);

    WR_CHECK(x, WR_EXCHANGE_TAG);
    if (x->state == WR_EXCHANGE_FAILED) {
        tell_failed(x);
    }
}

/* ---- What the link tells. ---- */

void
wr_exchange_deadline(weir_exchange *x, uint64_t ms)
{
    wr_conn_deadline(&x->link->conn, ms);
}

/* Both ways of an open response: what waits to be sent, and who waits for bytes. */
static void
serve_body(weir_exchange *x)
{
    wr_exchange_flush(x);
    if (x->full && x->out.waiting <= WR_EXCHANGE_OUT_FULL) {
        tell_writable(x);
    }
    if (x->waiting && wr_exchange_open(x) && x->link->conn.can_read) {
        tell_readable(x);
    }
}

/* Of a joined tunnel in which nothing waits there is no more to do than to pass on what came. */
static void
serve_tunnel(weir_exchange *x)
{
    if (!x->tunnel.joined || !x->waiting || x->full || wr_exchange_pending(x)) {
        serve_body(x);
    } else if (!wr_tunnel_pass(x)) {
        tell_readable(x);
    }
}

static void
serve_request(weir_exchange *x)
{
    if (x->state == WR_EXCHANGE_SENT) { /* later there is nothing left to send */
        wr_exchange_flush(x);
    }
    if (x->full && x->out.waiting <= WR_EXCHANGE_OUT_FULL) {
        tell_writable(x);
    }
    if ((x->state == WR_EXCHANGE_SENT || x->state == WR_EXCHANGE_HEAD) && x->link->conn.can_read) {
        wr_reply_receive(x);
    }
}

static void
link_ready(void *user)
{
    weir_exchange *x = user;

    WR_CHECK(x, WR_EXCHANGE_TAG);
    switch (x->state) {
    case WR_EXCHANGE_CONNECT:
    case WR_EXCHANGE_TLS:
        wr_exchange_connecting(x);
        break;
    case WR_EXCHANGE_SENT:
    case WR_EXCHANGE_HEAD:
        serve_request(x);
        break;
    case WR_EXCHANGE_TUNNEL:
        serve_tunnel(x);
        break;
    default:
        serve_body(x);
        break;
    }
}

static void
link_expired(void *user)
{
    weir_exchange *x = user;
    bool broke = wr_exchange_open(x);

    WR_CHECK(x, WR_EXCHANGE_TAG);
    if (!wr_exchange_pending(x) &&
        (broke ? !x->waiting && x->state == WR_EXCHANGE_BODY : x->state == WR_EXCHANGE_SENT)) {
        return; /* nobody waits for the peer */
    }
    wr_exchange_say(x, ETIMEDOUT, "upstream timed out");
    if (!broke) {
        wr_retry(x, WEIR_RETRY_TIMEOUT, WEIR_TIMEOUT);
        return;
    }
    wr_exchange_over(x, WEIR_TIMEOUT);
    if (x->waiting) {
        tell_readable(x);
    }
}

/* The worker's time is over. */
static void
link_drop(void *user)
{
    weir_exchange *x = user;

    WR_CHECK(x, WR_EXCHANGE_TAG);
    if (x->state < WR_EXCHANGE_BODY) {
        wr_exchange_fail(x, WEIR_ERROR);
        return;
    }
    wr_exchange_over(x, WEIR_CLOSED);
    if (x->waiting) {
        tell_readable(x);
    }
}

const struct wr_link_ops wr_exchange_link_ops = { link_ready, link_expired, link_drop };

/* ---- What modules call. ---- */

static weir_exchange *
create(void)
{
    weir_exchange *x;

    if (spares.n != 0) {
        x = spares.free[--spares.n];
        memset(x, 0, sizeof(*x));
    } else {
        x = calloc(1, sizeof(*x));
        WR_ASSERT(x != NULL);
    }
    x->tag = WR_EXCHANGE_TAG;
    return x;
}

static void
or_default(uint64_t *value, uint64_t preset)
{
    *value = *value != 0 ? *value : preset;
}

/* The policy as this server knows it, with what is said by default. */
static void
take_policy(weir_exchange *x, const weir_exchange_policy *p)
{
    if (p != NULL && p->size == sizeof(x->policy)) { /* as nearly all are: no call of memcpy */
        x->policy = *p;
    } else if (p != NULL) {
        memcpy(&x->policy, p, WR_MIN(p->size, sizeof(x->policy)));
    } else {
        x->policy.retry = WEIR_RETRY_ERROR | WEIR_RETRY_TIMEOUT;
    }
    or_default(&x->policy.connect_ms, WR_EXCHANGE_DEFAULT_MS);
    or_default(&x->policy.send_ms, WR_EXCHANGE_DEFAULT_MS);
    or_default(&x->policy.read_ms, WR_EXCHANGE_DEFAULT_MS);
    or_default(&x->policy.head_max, WR_EXCHANGE_HEAD_MAX);
    x->policy.head_max = WR_MIN(x->policy.head_max, (uint64_t)INT32_MAX);
    x->policy.protocol = x->policy.protocol != NULL ? x->policy.protocol : "http";
    x->tries_left = x->policy.tries != 0 ? x->policy.tries : UINT32_MAX;
}

weir_exchange *
weir_exchange_start(weir_pool *owner, const weir_exchange_options *o)
{
    weir_exchange *x = create();
    struct wr_log *log;

    if (o->size == sizeof(x->o)) {
        x->o = *o;
    } else {
        memcpy(&x->o, o, WR_MIN(o->size, sizeof(x->o)));
    }
    WR_CHECK(x->o.to, WR_GROUP_TAG);
    WR_ASSERT(x->o.ops != NULL && x->o.head.len != 0);
    take_policy(x, x->o.policy);
    x->memory = x->o.r != NULL ? x->o.r->pool : owner;
    x->module = wr_running.module;
    x->started_us = wr_clock.now_us;
    x->started_ms = wr_clock.now_ms;
    wr_task_init(&x->task, run);
    wr_pool_own(owner, &x->owned, owner_ended);
    wr_attempt_init(&x->attempt, x->o.to, x->o.r, x->memory);
    x->tried = wr_tries_begin(x->o.r, x->memory);
    x->tried->tally = x->o.to->tally;
    WR_TALLY(x->tried->tally, requests);
    x->note = (struct wr_log_note){ wr_exchange_note, x->started_ms };
    log = wr_exchange_log(x);
    if (log != NULL) {
        log->note = &x->note;
    }
    x->out.last = !(x->o.flags & WEIR_EXCHANGE_STREAM);
    if (x->o.body != NULL && x->out.last) {
        weir_chain_take(&x->out.body, x->o.body);
    } else if (x->o.body != NULL) {
        (void)weir_exchange_send(x, x->o.body, false);
    }
    if (x->policy.tls != NULL) {
        x->tls_identity = wr_upstream_tls_identity(x->policy.tls, x->o.r, x->memory);
    }
    wr_exchange_try(x);
    return x;
}

const weir_header *
weir_exchange_trailers(const weir_exchange *x)
{
    WR_CHECK(x, WR_EXCHANGE_TAG);
    return x->body.trailers;
}

void
weir_exchange_end(weir_exchange *x)
{
    WR_CHECK(x, WR_EXCHANGE_TAG);
    WR_ASSERT(wr_exchange_alive(x));
    retire(x);
}
