/*
 * balance_least_time - the peer that answers soonest, for what it has to do already, is asked next.
 *
 *     upstream app { least_time header; server app1:8080; server app2:8080; }
 *
 * What a request would wait at a peer is taken to be the peer's average time for each exchange under
 * way and the new one. Peers that would make it wait equally long take turns by weight.
 */
#include <weir/weir.h>

enum { SHARE_FULL = 1000 };

/* What is under way at a peer from this worker. */
struct load {
    uint64_t id;
    uint64_t began_ms; /* summed over all under way */
    uint32_t n;
};

struct timed {
    bool last_byte; /* else to the head */
    bool inflight;  /* what is under way counts with the time it has taken so far */
    struct load *loads; /* by peer */
    uint32_t n;
    uint64_t generation;
    weir_pool *pool;
};

/* What an exchange adds to a load. */
struct part {
    uint64_t id;
    uint64_t began_ms;
};

/* ---- What is under way. ---- */

static struct load *
load_of(const struct timed *c, uint64_t id)
{
    for (uint32_t i = 0; i < c->n; i++) {
        if (c->loads[i].id == id) {
            return &c->loads[i];
        }
    }
    return NULL;
}

/* Have a load for each peer of now; those of peers that stay are kept. */
static void
follow_peers(struct timed *c, const weir_upstream *u)
{
    weir_pool *pool = weir_pool_new(NULL);
    uint32_t n = weir_upstream_count(u);
    struct load *loads = weir_zalloc(pool, (n + 1) * sizeof(*loads));

    for (uint32_t i = 0; i < n; i++) {
        const struct load *old = load_of(c, weir_upstream_peer(u, i)->id);
        loads[i].id = weir_upstream_peer(u, i)->id;
        if (old != NULL) {
            loads[i] = *old;
        }
    }
    if (c->pool != NULL) {
        weir_pool_end(c->pool);
    }
    c->pool = pool;
    c->loads = loads;
    c->n = n;
    c->generation = weir_upstream_generation(u);
}

static void
leave(const struct timed *c, struct part *part)
{
    struct load *load = part->id != 0 ? load_of(c, part->id) : NULL;

    if (load != NULL) {
        load->n--;
        load->began_ms -= part->began_ms;
    }
    part->id = 0;
}

static void
enter(const struct timed *c, weir_attempt *a, uint64_t id)
{
    struct part *part = a->state;
    struct load *load = load_of(c, id);

    if (part == NULL) {
        part = a->state = weir_zalloc(a->pool, sizeof(*part));
    }
    if (load != NULL) {
        *part = (struct part){ id, weir_now() };
        load->n++;
        load->began_ms += part->began_ms;
    }
}

/* ---- What a peer costs. ---- */

static uint64_t
average_us(const struct timed *c, const weir_peer *p, uint32_t i)
{
    uint64_t us = c->last_byte ? p->ewma_last_us : p->ewma_us;

    if (c->inflight && c->loads[i].n != 0) {
        uint64_t so_far = weir_now() - c->loads[i].began_ms / c->loads[i].n;
        us = so_far * 1000 > us ? so_far * 1000 : us;
    }
    return us;
}

struct search {
    const struct timed *c;
    const weir_upstream *u;
    uint64_t unknown_us; /* taken for a peer of which no time is known */
    double best;
};

static double
cost(const struct search *s, uint32_t i)
{
    const weir_peer *p = weir_upstream_peer(s->u, i);
    uint64_t us = average_us(s->c, p, i);

    us = us != 0 ? us : s->unknown_us;
    return (double)us * (p->active + 1.0) * SHARE_FULL / ((double)p->weight * p->share);
}

static bool
is_least(const void *data, uint32_t i)
{
    const struct search *s = data;

    return cost(s, i) <= s->best;
}

/* The shortest time that is known of any; a peer that is new is taken to be as good as that. */
static uint64_t
shortest_us(const struct timed *c, const weir_upstream *u)
{
    uint64_t shortest = 0;

    for (uint32_t i = 0; i < weir_upstream_count(u); i++) {
        uint64_t us = average_us(c, weir_upstream_peer(u, i), i);
        shortest = us != 0 && (shortest == 0 || us < shortest) ? us : shortest;
    }
    return shortest != 0 ? shortest : 1;
}

static int
pick(const weir_upstream *u, void *group, weir_attempt *a, uint32_t *i, bool *bound)
{
    struct timed *c = group;
    struct search s = { .c = c, .u = u, .best = -1 };

    (void)bound;
    if (c->pool == NULL || c->generation != weir_upstream_generation(u)) {
        follow_peers(c, u);
    }
    if (a->state != NULL) {
        leave(c, a->state); /* picked before, and then not used */
    }
    s.unknown_us = shortest_us(c, u);
    for (uint32_t n = 0; n < weir_upstream_count(u); n++) {
        if (weir_peer_usable(u, a, n) && (s.best < 0 || cost(&s, n) < s.best)) {
            s.best = cost(&s, n);
        }
    }
    *i = weir_peer_turn(u, a, is_least, &s);
    if (*i == UINT32_MAX) {
        return WEIR_NEXT;
    }
    if (c->inflight) {
        enter(c, a, weir_upstream_peer(u, *i)->id);
    }
    return WEIR_OK;
}

static void
done(const weir_upstream *u, void *group, weir_attempt *a, uint32_t i, int result)
{
    (void)u;
    (void)i;
    (void)result;
    if (a->state != NULL) {
        leave(group, a->state);
    }
}

static const weir_balancer balancer = { .size = sizeof(balancer), .pick = pick, .done = done };

static int
set_least_time(weir_conf *cf, const weir_directive *d, void *field)
{
    struct timed *c = weir_zalloc(weir_conf_pool(cf), sizeof(*c));
    weir_str what = weir_conf_arg(cf, 1);

    (void)d;
    (void)field;
    c->last_byte = weir_str_eq(what, WEIR_STR("last_byte"));
    if (!c->last_byte && !weir_str_eq(what, WEIR_STR("header"))) {
        return weir_conf_invalid(cf, 1, "parameter");
    }
    if (weir_conf_argc(cf) > 2) {
        if (!weir_str_eq(weir_conf_arg(cf, 2), WEIR_STR("inflight"))) {
            return weir_conf_invalid(cf, 2, "parameter");
        }
        c->inflight = true;
    }
    return weir_upstream_balance(cf, &balancer, c, false);
}

static const weir_directive directives[] = {
    { .name = "least_time",
      .help = "ask the server that is to answer soonest",
      .where = WEIR_IN_UPSTREAM,
      .type = WEIR_T_CUSTOM,
      .min = 1,
      .max = 2,
      .set = set_least_time },
};

WEIR_MODULE("balance_least_time", "0.1", .summary = "balances by how long answers take",
            .directives = WEIR_ITEMS(directives));
