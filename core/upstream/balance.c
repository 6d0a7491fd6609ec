/* upstream/balance.c - the course of a pick: who is bound, what the method says, the weighted
 * round robin, the place taken; and what becomes of the peer's record afterwards. */
#include "upstream/balance.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"
#include "module/running.h"
#include "upstream/budget.h"
#include "upstream/outlier.h"
#include "upstream/queue.h"

enum { ROUNDS = 8 }; /* picks until a place is had that no other worker took first */

/* Passes, as in weir_attempt; and a request that belongs to a peer, for which it does not matter
 * that the peer drains or is a backup. */
enum { PRIMARIES, BACKUPS, BOUND };

/* How a peer stands to an attempt. */
enum standing { USABLE, BUSY, OUT };

static const struct wr_attempt *
attempt_of(const weir_attempt *a)
{
    return (const struct wr_attempt *)(const void *)a;
}

void
wr_attempt_init(struct wr_attempt *a, weir_upstream *u, weir_request *r, weir_pool *pool)
{
    WR_CHECK(u, WR_GROUP_TAG);
    *a = (struct wr_attempt){ .pub = { .r = r, .pool = pool },
                              .group = u,
                              .step = "connecting to upstream",
                              .tried_room = WR_ATTEMPT_TRIED };
}

/* ---- Who may be picked. ---- */

static uint64_t *
tried_at(struct wr_attempt *a)
{
    return a->tried != NULL ? a->tried : a->first;
}

static bool
is_tried(const struct wr_attempt *a, uint64_t id)
{
    const uint64_t *tried = a->tried != NULL ? a->tried : a->first;

    for (uint32_t i = 0; i < a->n_tried; i++) {
        if (tried[i] == id) {
            return true;
        }
    }
    return false;
}

static void
note_tried(struct wr_attempt *a, uint64_t id)
{
    if (a->n_tried == a->tried_room) {
        uint64_t *more = wr_pool_array(a->pub.pool, uint64_t, a->tried_room * 2);
        memcpy(more, tried_at(a), a->n_tried * sizeof(*more));
        a->tried = more;
        a->tried_room *= 2;
    }
    tried_at(a)[a->n_tried++] = id;
}

static enum standing
standing_of(const weir_upstream *u, const struct wr_attempt *a, struct wr_group_peer *p,
            uint32_t pass)
{
    const uint32_t out = WEIR_PEER_DOWN | WEIR_PEER_UNHEALTHY | WEIR_PEER_UNKNOWN;
    uint32_t flags = wr_peer_flags(p), max;

    if ((flags & out) != 0 ||
        (pass != BOUND && ((flags & WEIR_PEER_DRAIN) != 0 || p->backup != (pass == BACKUPS))) ||
        is_tried(a, p->state->pub.id)) {
        return OUT;
    }
    if (u->peers.count > 1 && wr_peer_left_out(p)) { /* an only one is always tried */
        return OUT;
    }
    if ((flags & WEIR_PEER_EJECTED) != 0 && wr_outlier_out(p)) {
        return OUT;
    }
    (void)wr_peer_share(p);
    max = p->state->pub.max_conns;
    return max != 0 && __atomic_load_n(&p->state->pub.active, __ATOMIC_RELAXED) >= max ? BUSY
                                                                                       : USABLE;
}

bool
weir_peer_usable(const weir_upstream *u, const weir_attempt *a, uint32_t i)
{
    return i < wr_group_count(u) &&
           standing_of(u, attempt_of(a), wr_group_peer(u, i), a->pass) == USABLE;
}

uint64_t
weir_peer_weights(const weir_upstream *u, const weir_attempt *a)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < wr_group_count(u); i++) {
        const struct wr_group_peer *p = wr_group_peer(u, i);
        sum += p->backup == (a->pass == BACKUPS) ? p->state->pub.weight : 0;
    }
    return sum;
}

uint32_t
weir_peer_by_weight(const weir_upstream *u, const weir_attempt *a, uint64_t w)
{
    for (uint32_t i = 0; i < wr_group_count(u); i++) {
        const struct wr_group_peer *p = wr_group_peer(u, i);
        if (p->backup != (a->pass == BACKUPS)) {
            continue;
        }
        if (w < p->state->pub.weight) {
            return i;
        }
        w -= p->state->pub.weight;
    }
    return UINT32_MAX;
}

/* How the best of the peers stands, of either pass. */
static enum standing
best_standing(const weir_upstream *u, const struct wr_attempt *a)
{
    enum standing best = OUT;

    for (uint32_t i = 0; i < wr_group_count(u); i++) {
        struct wr_group_peer *p = wr_group_peer(u, i);
        enum standing s = standing_of(u, a, p, p->backup ? BACKUPS : PRIMARIES);
        best = WR_MIN(best, s);
    }
    return best;
}

bool
wr_balance_more(const weir_upstream *u, const struct wr_attempt *a)
{
    return best_standing(u, a) == USABLE;
}

/* ---- Methods. ---- */

/*
 * Everyone gains its weight, who has most is picked and pays for all: with weights 5, 1, 1 the
 * turns are a a b a c a a. The effective weight falls with failures and comes back by one a turn.
 */
static struct wr_group_peer *
turn_among(const weir_upstream *u, const struct wr_attempt *a,
           bool (*among)(const void *data, uint32_t i), const void *data)
{
    struct wr_group_peer *best = NULL;
    int64_t total = 0;

    for (uint32_t i = 0; i < wr_group_count(u); i++) {
        struct wr_group_peer *p = wr_group_peer(u, i);
        int64_t gain;
        if (standing_of(u, a, p, a->pub.pass) != USABLE || (among != NULL && !among(data, i))) {
            continue;
        }
        gain = p->effective * (int64_t)wr_peer_share(p);
        p->current += gain;
        total += gain;
        p->effective += p->effective < (int64_t)p->weight ? 1 : 0;
        if (best == NULL || p->current > best->current) {
            best = p;
        }
    }
    if (best != NULL) {
        best->current -= total;
    }
    return best;
}

uint32_t
weir_peer_turn(const weir_upstream *u, const weir_attempt *a,
               bool (*among)(const void *data, uint32_t i), const void *data)
{
    const struct wr_group_peer *p = turn_among(u, attempt_of(a), among, data);

    return p != NULL ? p->index : UINT32_MAX;
}

/* A method's code runs, and sees its own state. */
static void
enter_method(const weir_upstream *u, const struct wr_group_method *m, struct wr_attempt *a)
{
    a->pub.state = a->states[m == &u->method];
    wr_running_enter(m->module, a->pub.r, 0);
}

static void
leave_method(const weir_upstream *u, const struct wr_group_method *m, struct wr_attempt *a)
{
    wr_running_leave();
    a->states[m == &u->method] = a->pub.state;
}

/* What a module's method says; NULL: nothing that can be followed. */
static struct wr_group_peer *
ask(weir_upstream *u, const struct wr_group_method *m, struct wr_attempt *a)
{
    uint32_t i = UINT32_MAX;
    bool bound = false;
    struct wr_group_peer *p;
    int rc;

    if (m->balancer == NULL) {
        return NULL;
    }
    enter_method(u, m, a);
    rc = m->balancer->pick(u, m->group, &a->pub, &i, &bound);
    leave_method(u, m, a);
    if (rc != WEIR_OK || i >= wr_group_count(u)) {
        return NULL;
    }
    p = wr_group_peer(u, i);
    return standing_of(u, a, p, bound ? BOUND : a->pub.pass) == USABLE ? p : NULL;
}

static struct wr_group_peer *
choose(weir_upstream *u, struct wr_attempt *a)
{
    uint32_t last = u->backups != 0 ? BACKUPS : PRIMARIES;
    struct wr_group_peer *p;

    a->pub.pass = PRIMARIES;
    p = ask(u, &u->beside, a);
    for (uint32_t pass = PRIMARIES; p == NULL && pass <= last; pass++) {
        a->pub.pass = pass;
        p = ask(u, &u->method, a);
        p = p != NULL ? p : turn_among(u, a, NULL, NULL);
    }
    return p;
}

/* ---- An exchange's course. ---- */

int
wr_balance_pick(weir_upstream *u, struct wr_attempt *a, struct wr_group_peer **out)
{
    WR_CHECK(u, WR_GROUP_TAG);
    WR_ASSERT(a->peer == NULL);
    a->pub.number = a->n_tried;
    if (wr_attempt_fresh(a) && !wr_queue_serves(u->queue)) {
        wr_budget_request(u);
    }
    if (wr_queue_holds(u->queue)) {
        return WEIR_LIMIT;
    }
    for (int i = 0; i < ROUNDS; i++) {
        struct wr_group_peer *p = choose(u, a);
        if (p == NULL) {
            return best_standing(u, a) == OUT ? WEIR_ABSENT : WEIR_LIMIT;
        }
        if (!wr_peer_take(p)) { /* another worker was quicker */
            continue;
        }
        wr_peer_count(&wr_peer_counts(p)->requests);
        note_tried(a, p->state->pub.id);
        wr_peer_tried(p);
        wr_peer_hold(p);
        a->peer = p;
        a->status = 0;
        a->picked_us = wr_clock.now_us;
        *out = p;
        return WEIR_OK;
    }
    return WEIR_LIMIT;
}

static void
tell_answered(const weir_upstream *u, const struct wr_group_method *m, struct wr_attempt *a,
              const weir_reply *reply)
{
    if (m->balancer != NULL && m->balancer->answered != NULL) {
        enter_method(u, m, a);
        m->balancer->answered(u, m->group, &a->pub, a->peer->index, reply);
        leave_method(u, m, a);
    }
}

void
wr_balance_answered(weir_upstream *u, struct wr_attempt *a, struct wr_group_peer *p,
                    const weir_reply *reply)
{
    WR_ASSERT(p != NULL && p == a->peer);
    if (reply == NULL) {
        wr_peer_worked(p);
        return;
    }
    a->status = reply->status;
    if (reply->status >= 100 && reply->status <= 599) {
        wr_peer_count(&wr_peer_counts(p)->responses[reply->status / 100 - 1]);
    }
    wr_peer_average(&p->state->pub.ewma_us, wr_clock.now_us - a->picked_us);
    if (p->index != WR_PEER_OUT) {
        tell_answered(u, &u->beside, a, reply);
        tell_answered(u, &u->method, a, reply);
    }
}

static void
tell_done(const weir_upstream *u, const struct wr_group_method *m, struct wr_attempt *a, int result)
{
    if (m->balancer != NULL && m->balancer->done != NULL) {
        enter_method(u, m, a);
        m->balancer->done(u, m->group, &a->pub, a->peer->index, result);
        leave_method(u, m, a);
    }
}

static const weir_log *
log_of(const struct wr_attempt *a)
{
    return a->pub.r != NULL ? a->pub.r->log : weir_main_log();
}

static void
note_failure(const weir_upstream *u, const struct wr_attempt *a)
{
    if (!wr_peer_failed(a->peer, u->peers.count == 1)) {
        return;
    }
    if (a->pub.r != NULL) { /* whose lines name the upstream */
        weir_say(a->pub.r->log, WARN, "upstream server temporarily disabled while %s", a->step);
    } else {
        weir_say(weir_main_log(), WARN,
                 "upstream server temporarily disabled while %s, upstream: \"%.*s\"", a->step,
                 WEIR_FMT(a->peer->text));
    }
}

void
wr_balance_done(weir_upstream *u, struct wr_attempt *a, struct wr_group_peer *p, int result)
{
    WR_CHECK(u, WR_GROUP_TAG);
    WR_ASSERT(p != NULL && p == a->peer);
    if (result == WEIR_OK) {
        wr_peer_worked(p);
        if (a->status != 0) {
            wr_peer_average(&p->state->pub.ewma_last_us, wr_clock.now_us - a->picked_us);
        }
    } else if (result != WEIR_ABSENT) {
        note_failure(u, a);
    }
    if (result != WEIR_ABSENT) {
        wr_outlier_note(u, p, result != WEIR_OK || a->status >= 500, log_of(a));
    }
    wr_peer_give_back(p);
    if (p->index != WR_PEER_OUT) {
        tell_done(u, &u->beside, a, result);
        tell_done(u, &u->method, a, result);
    }
    a->peer = NULL;
    wr_peer_release(p);
    if (u->queue != NULL) {
        wr_queue_wake(u->queue);
    }
}
