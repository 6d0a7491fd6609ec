/* upstream/budget.c - requests and second tries, counted so that those of a second ago weigh half.
 *
 * What is counted is the group's state, which workers may share: a lost race costs a count.
 */
#include "upstream/budget.h"

#include "base/assert.h"
#include "base/clock.h"

enum { SECOND_MS = 1000, BITS = 31 };

#define LOAD(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)
#define STORE(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)

static void
fade(struct wr_group_state *s)
{
    uint64_t began = LOAD(s->tries_ms), gone;

    if (wr_clock.now_ms < began + SECOND_MS) {
        return;
    }
    gone = (wr_clock.now_ms - began) / SECOND_MS;
    if (__atomic_compare_exchange_n(&s->tries_ms, &began, began + gone * SECOND_MS, false,
                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        gone = WR_MIN(gone, (uint64_t)BITS);
        STORE(s->requests, LOAD(s->requests) >> gone);
        STORE(s->retries, LOAD(s->retries) >> gone);
    }
}

void
wr_budget_request(const weir_upstream *u)
{
    if (u->budget_percent != 0) {
        fade(u->state);
        __atomic_add_fetch(&u->state->requests, 1, __ATOMIC_RELAXED);
    }
}

bool
wr_group_may_retry(const weir_upstream *u)
{
    uint64_t least = WR_MAX(u->budget_min, wr_group_count(u)), allowed;

    if (u->budget_percent == 0) {
        return true;
    }
    fade(u->state);
    /* the least is for a second, and half of the second before weighs on it still */
    allowed = (uint64_t)LOAD(u->state->requests) * u->budget_percent / 100 + 2 * least;
    if (LOAD(u->state->retries) >= allowed) {
        return false;
    }
    __atomic_add_fetch(&u->state->retries, 1, __ATOMIC_RELAXED);
    return true;
}
