/* upstream/probe.c - checks of peers: a fetch from each every interval, and what is made of it.
 *
 * A check goes to a group of its own with the one address in it, so that it neither waits for a
 * place at the peer nor counts as one of its exchanges. That group ends with the check, or, where
 * connections are kept, with the peer.
 */
#include "upstream/probe.h"

#include <weir/shm.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/strbuf.h"
#include "upstream/link.h"

/* One under way. */
struct check {
    struct wr_list link; /* in probe->checks */
    struct wr_probe *probe;
    struct wr_group_peer *peer; /* held */
    weir_pool *pool;            /* all of it, this too */
    struct wr_log log;          /* where the exchange says what goes wrong, as long as that is news */
};

/* Where a peer is checked whose connection is kept. */
struct target {
    struct wr_list link; /* in probe->targets */
    struct wr_group_peer *peer; /* held */
    weir_pool *pool;     /* all of it, this too */
    weir_upstream *group;
    struct wr_task end;
};

enum { REST_MS = 1000 }; /* how much longer than to the next check a connection is kept */

#define LOAD(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)
#define STORE(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)

/* ---- What is made of a result. ---- */

static void
learn_pass(const struct wr_probe *probe, struct wr_group_peer *p)
{
    const uint32_t bad = WEIR_PEER_UNHEALTHY | WEIR_PEER_UNKNOWN;
    struct wr_peer_state *s = p->state;
    uint32_t flags = wr_peer_flags(p);

    STORE(s->misses, 0);
    if (LOAD(s->passes) < probe->passes) {
        STORE(s->passes, LOAD(s->passes) + 1);
    }
    if ((flags & bad) == 0 || LOAD(s->passes) < probe->passes) {
        return;
    }
    wr_peer_flag(p, bad, false);
    if ((flags & WEIR_PEER_UNHEALTHY) != 0) {
        wr_peer_start_slowly(p);
    }
    wr_say(wr_log_process(), NOTICE,
           "peer is healthy, health check \"%.*s\" of peer %.*s in upstream \"%.*s\"",
           WEIR_FMT(probe->match_name), WEIR_FMT(p->text), WEIR_FMT(probe->group->name));
}

static void
learn_miss(const struct wr_probe *probe, struct wr_group_peer *p, const char *fault)
{
    struct wr_peer_state *s = p->state;

    STORE(s->passes, 0);
    if (LOAD(s->misses) < probe->fails) {
        STORE(s->misses, LOAD(s->misses) + 1);
    }
    if ((wr_peer_flags(p) & WEIR_PEER_UNHEALTHY) != 0 || LOAD(s->misses) < probe->fails) {
        return;
    }
    wr_peer_count(&wr_peer_counts(p)->unhealthy);
    wr_peer_flag(p, WEIR_PEER_UNHEALTHY, true);
    wr_peer_flag(p, WEIR_PEER_UNKNOWN, false);
    wr_say(wr_log_process(), WARN,
           "peer is unhealthy: %s, health check \"%.*s\" of peer %.*s in upstream \"%.*s\"", fault,
           WEIR_FMT(probe->match_name), WEIR_FMT(p->text), WEIR_FMT(probe->group->name));
}

void
wr_probe_learn(const struct wr_probe *probe, struct wr_group_peer *p, const char *fault)
{
    wr_peer_count(&wr_peer_counts(p)->checks);
    if (fault == NULL) {
        learn_pass(probe, p);
    } else {
        wr_peer_count(&wr_peer_counts(p)->checks_failed);
        learn_miss(probe, p, fault);
    }
}

/* ---- Checks. ---- */

static void
drop(struct check *c)
{
    weir_pool *pool = c->pool;

    wr_list_remove(&c->link);
    wr_peer_release(c->peer);
    wr_pool_destroy(&pool);
}

static const char *
fault_of(const struct check *c, int result, const weir_reply *reply)
{
    weir_str body = { NULL, 0 };

    if (result != WEIR_OK) {
        return result == WEIR_TIMEOUT   ? "no response in time"
               : result == WEIR_LIMIT   ? "the body is too long to be checked"
               : result == WEIR_INVALID ? "an invalid response"
                                        : "no response";
    }
    if (wr_match_wants_body(c->probe->match)) {
        body = weir_chain_str(c->pool, reply->body, WR_PROBE_BODY_MAX);
    }
    return wr_match_fault(c->probe->match, reply, body);
}

static void
on_done(void *data, int result, const weir_reply *reply)
{
    struct check *c = data;

    if (c->peer->index != WR_PEER_OUT) {
        wr_probe_learn(c->probe, c->peer, fault_of(c, result, reply));
    }
    drop(c);
}

/* A group in pool of nothing but p's address, at the port that is checked. */
static weir_upstream *
make_group(const struct wr_probe *probe, const struct wr_group_peer *p, weir_pool *pool)
{
    const struct wr_group_server like = { .weight = 1 };
    weir_upstream *u = wr_group_create(pool, probe->group->name);
    struct wr_addr addr = p->addr;
    char room[WR_ADDR_TEXT];
    struct wr_strbuf text = wr_strbuf_over(room, sizeof(room));
    struct wr_err err;

    if (probe->port != 0 && addr.at.family == AF_INET) {
        addr.at.v4.sin_port = htons(probe->port);
    } else if (probe->port != 0 && addr.at.family == AF_INET6) {
        addr.at.v6.sin6_port = htons(probe->port);
    }
    wr_addr_format(&addr, false, &text);
    u->keepalive = probe->keepalive_ms != 0 ? 1 : 0;
    u->keepalive_time_ms = probe->keepalive_ms;
    u->keepalive_ms = probe->interval_ms + probe->jitter_ms + REST_MS;
    u->keepalive_requests = UINT64_MAX;
    WR_ASSERT(wr_group_add(u, weir_dup(pool, wr_strbuf_view(&text)), 0, &like, &err));
    return u;
}

/* ---- Connections that are kept. ---- */

static void
end_target(struct wr_task *t)
{
    weir_pool *pool = WR_CONTAINER(t, struct target, end)->pool;

    wr_pool_destroy(&pool);
}

/* No check of it is under way. Its memory stays to the end of the turn, in which a closing link may
 * still name it. */
static void
drop_target(struct target *t)
{
    wr_list_remove(&t->link);
    wr_peer_release(t->peer);
    wr_link_close_idle(t->group);
    wr_loop_bury(wr_loop_self(), &t->end, end_target);
}

static struct target *
find_target(struct wr_probe *probe, struct wr_group_peer *p)
{
    weir_pool *pool;
    struct target *t;

    for (struct wr_list *at = probe->targets.next; at != &probe->targets; at = at->next) {
        t = WR_CONTAINER(at, struct target, link);
        if (t->peer == p) {
            return t;
        }
    }
    pool = wr_pool_create("check", NULL);
    t = wr_pool_zalloc(pool, sizeof(*t));
    *t = (struct target){ .peer = p, .pool = pool, .group = make_group(probe, p, pool) };
    wr_task_init(&t->end, end_target);
    wr_peer_hold(p);
    wr_list_add(&probe->targets, &t->link);
    return t;
}

/* ---- Checking. ---- */

static void
begin(struct wr_probe *probe, struct wr_group_peer *p)
{
    weir_pool *pool = wr_pool_create("check", NULL);
    struct check *c = wr_pool_alloc(pool, sizeof(*c));
    weir_fetch_options o = { .size = sizeof(o),
                             .method = WEIR_GET,
                             .host = probe->group->name,
                             .policy = &probe->policy,
                             .tls_name = probe->tls_name,
                             .target = probe->uri,
                             .timeout_ms = probe->timeout_ms,
                             .keep = wr_match_wants_body(probe->match) ? WR_PROBE_BODY_MAX : 0 };

    *c = (struct check){ .probe = probe, .peer = p, .pool = pool };
    wr_peer_hold(p);
    wr_list_add(&probe->checks, &c->link);
    c->log = *wr_log_process();
    if ((wr_peer_flags(p) & WEIR_PEER_UNHEALTHY) != 0) {
        c->log.pub.level = WR_MIN(c->log.pub.level, (uint32_t)WR_LOG_CRIT);
    }
    o.log = &c->log.pub;
    o.to = probe->keepalive_ms != 0 ? find_target(probe, p)->group : make_group(probe, p, pool);
    weir_fetch(pool, &o, on_done, c);
}

static bool
is_under_way(const struct wr_probe *probe, const struct wr_group_peer *p)
{
    for (const struct wr_list *at = probe->checks.next; at != &probe->checks; at = at->next) {
        if (WR_CONTAINER(at, struct check, link)->peer == p) {
            return true;
        }
    }
    return false;
}

/* Those of peers that have left the group. */
static void
drop_old_targets(struct wr_probe *probe)
{
    struct wr_list *next;

    for (struct wr_list *at = probe->targets.next; at != &probe->targets; at = next) {
        struct target *t = WR_CONTAINER(at, struct target, link);
        next = at->next;
        if (t->peer->index == WR_PEER_OUT && !is_under_way(probe, t->peer)) {
            drop_target(t);
        }
    }
}

/* ---- When, and who. ---- */

bool
wr_probe_lease(struct wr_probe *probe)
{
    const weir_upstream *u = probe->group;
    struct wr_group_state *s = u->state;
    bool mine;

    if (u->share == NULL) {
        return true;
    }
    (void)weir_zone_lock(u->zone);
    mine = s->lease_owner == probe->owner || s->lease_end_ms <= wr_clock.now_ms ||
           s->lease_set_ms < u->loaded_ms;
    if (mine) {
        s->lease_owner = probe->owner;
        s->lease_set_ms = u->loaded_ms;
        s->lease_end_ms = wr_clock.now_ms + 2 * (probe->interval_ms + probe->jitter_ms);
    }
    weir_zone_unlock(u->zone);
    return mine;
}

static uint64_t
next_ms(const struct wr_probe *probe)
{
    uint32_t lot;

    weir_random(&lot, sizeof(lot));
    return probe->interval_ms + (probe->jitter_ms != 0 ? lot % (probe->jitter_ms + 1) : 0);
}

static void
fire(struct wr_timer *t)
{
    struct wr_probe *probe = WR_CONTAINER(t, struct wr_probe, timer);
    const weir_upstream *u = probe->group;

    wr_timer_set(wr_loop_self(), t, next_ms(probe));
    drop_old_targets(probe);
    if (!wr_probe_lease(probe)) {
        return;
    }
    for (uint32_t i = 0; i < wr_group_count(u); i++) {
        struct wr_group_peer *p = wr_group_peer(u, i);
        if ((wr_peer_flags(p) & WEIR_PEER_DOWN) == 0 && !is_under_way(probe, p)) {
            begin(probe, p);
        }
    }
}

void
wr_probe_start(weir_upstream *u)
{
    struct wr_probe *probe = u->probe;

    if (probe == NULL) {
        return;
    }
    wr_list_init(&probe->checks);
    wr_list_init(&probe->targets);
    probe->timer.fire = fire;
    do {
        weir_random(&probe->owner, sizeof(probe->owner));
    } while (probe->owner == 0);
    wr_timer_set(wr_loop_self(), &probe->timer, 0);
}

static void
end_lease(struct wr_probe *probe)
{
    const weir_upstream *u = probe->group;

    if (u->share != NULL) {
        (void)weir_zone_lock(u->zone);
        if (u->state->lease_owner == probe->owner) {
            u->state->lease_end_ms = 0;
        }
        weir_zone_unlock(u->zone);
    }
}

void
wr_probe_stop(weir_upstream *u)
{
    struct wr_probe *probe = u->probe;

    if (probe == NULL || probe->owner == 0) {
        return;
    }
    wr_timer_clear(wr_loop_self(), &probe->timer);
    while (!wr_list_empty(&probe->checks)) {
        drop(WR_CONTAINER(probe->checks.next, struct check, link));
    }
    while (!wr_list_empty(&probe->targets)) {
        drop_target(WR_CONTAINER(probe->targets.next, struct target, link));
    }
    end_lease(probe);
    probe->owner = 0;
}
