/* upstream/retry.c - which failures another peer is asked after, and which end the exchange.
 *
 * Nothing is retried once a part of a response was handed on. What is not idempotent is retried
 * only while none of it was sent, unless the policy says otherwise. [RFC 9110 9.2.2]
 */
#include "base/clock.h"
#include "upstream/budget.h"
#include "upstream/exchange.h"
#include "upstream/exchange_metrics.h"
#include "upstream/tally.h"
#include "wire/names.h"

bool
wr_exchange_idempotent(const weir_exchange *x)
{
    weir_str name = wr_method_text(x->o.method);

    if (name.len != 0) {
        return (x->o.method & (WEIR_POST | WEIR_PATCH | WEIR_CONNECT)) == 0;
    }
    return wr_method_is_idempotent(weir_str_cut(x->o.head, 0, weir_str_find(x->o.head, ' ')));
}

/* May the request be sent once more after what became of it? */
static bool
may_send_again(const weir_exchange *x)
{
    if (x->out.sent == 0) {
        return true;
    }
    return !(x->o.flags & WEIR_EXCHANGE_STREAM) &&
           (wr_exchange_idempotent(x) || x->policy.retry & WEIR_RETRY_NON_IDEMPOTENT);
}

/* Does everything but the cause speak for another try? */
static bool
may_try_another(const weir_exchange *x)
{
    uint64_t spent = wr_clock.now_ms - x->started_ms;

    return x->o.peer == 0 && x->tries_left > 1 &&
           (x->policy.tries_ms == 0 || spent < x->policy.tries_ms) && may_send_again(x) &&
           wr_balance_more(x->o.to, &x->attempt) && wr_group_may_retry(x->o.to);
}

static uint32_t
status_of(uint32_t cause)
{
    return cause == WEIR_RETRY_TIMEOUT ? 504 : 502;
}

bool
wr_retry_wanted(weir_exchange *x, uint32_t cause, int result)
{
    if (!(x->policy.retry & cause) || !may_try_another(x)) {
        wr_exchange_fail(x, result);
        return false;
    }
    wr_count_retry();
    WR_TALLY(x->o.to->tally, retries);
    x->tries_left--;
    wr_exchange_release(x, false);
    wr_exchange_peer_done(x, result);
    wr_tries_end(x->tried, status_of(cause));
    return true;
}

void
wr_retry(weir_exchange *x, uint32_t cause, int result)
{
    if (wr_retry_wanted(x, cause, result)) {
        wr_exchange_try(x);
    }
}

bool
wr_retry_stale(weir_exchange *x)
{
    if (x->link->uses == 0 || !may_send_again(x)) {
        return false;
    }
    wr_exchange_release(x, false);
    x->fresh = true;
    wr_exchange_try(x);
    return true;
}

/* The bit of a status that policies name. */
static uint32_t
cause_of(uint32_t status)
{
    switch (status) {
    case 403:
        return WEIR_RETRY_403;
    case 404:
        return WEIR_RETRY_404;
    case 429:
        return WEIR_RETRY_429;
    case 500:
        return WEIR_RETRY_500;
    case 502:
        return WEIR_RETRY_502;
    case 503:
        return WEIR_RETRY_503;
    case 504:
        return WEIR_RETRY_504;
    default:
        return 0;
    }
}

bool
wr_retry_status(weir_exchange *x, uint32_t status)
{
    uint32_t cause = cause_of(status);

    if (!(x->policy.retry & cause) || !may_try_another(x)) {
        return false;
    }
    wr_count_retry();
    WR_TALLY(x->o.to->tally, retries);
    x->tries_left--;
    wr_exchange_release(x, false);
    /* that something is not there, or not allowed, is no failure of the peer's */
    wr_exchange_peer_done(x, status == 403 || status == 404 ? WEIR_ABSENT : WEIR_ERROR);
    wr_tries_end(x->tried, status);
    wr_exchange_try(x);
    return true;
}
