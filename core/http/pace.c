/* http/pace.c - the arithmetic of limit_rate. */
#include "http/pace.h"

#include "base/clock.h"
#include "http/http.h"
#include "http/request.h"
#include "http/variable.h"

enum {
    LEAD_MS = 250, /* this much time's worth goes ahead */
    WAIT_MS = 50
};

static void
find_rate(struct wr_pace *p, struct wr_request *r)
{
    const struct wr_loc_conf *c = wr_loc_conf(r);

    p->known = true;
    if (r->has_limit_rate) {
        p->rate = r->limit_rate;
    } else if (c->limit_rate != NULL && !wr_value_is_nought(c->limit_rate)) {
        p->rate = wr_value_size(&r->pub, c->limit_rate);
    }
    if (p->rate != 0 && c->limit_rate_after != NULL) {
        p->after = wr_value_size(&r->pub, c->limit_rate_after);
    }
}

uint64_t
wr_pace_allowed(struct wr_pace *p, struct wr_request *r)
{
    uint64_t ms = wr_clock.now_ms - p->since_ms + LEAD_MS, budget;

    if (!p->known) {
        find_rate(p, r);
    }
    if (p->rate == 0 || __builtin_mul_overflow(p->rate, ms, &budget) ||
        __builtin_add_overflow(budget / 1000, p->after, &budget)) {
        return UINT64_MAX;
    }
    return budget > p->sent ? budget - p->sent : 0;
}

void
wr_pace_wait(struct wr_pace *p, struct wr_request *r, void (*go)(void *data), void *data)
{
    if (p->timer == NULL) {
        p->timer = weir_timer_start(r->pub.pool, WAIT_MS, go, data);
    } else {
        weir_timer_set(p->timer, WAIT_MS);
    }
}

void
wr_pace_end(struct wr_pace *p)
{
    if (p->timer != NULL) {
        weir_timer_stop(p->timer);
        p->timer = NULL;
    }
}
