/*
 * balance_random - peers are drawn by lot, weighted; or the better of two that were drawn.
 *
 *     upstream app { random two least_conn; server app1:8080; server app2:8080; }
 *
 * Several servers that balance the same group without knowing of one another do best with two: the
 * lot spreads them, and neither sends everybody to the one peer that seems idle.
 */
#include <weir/weir.h>

enum better { ONE, FEWEST, HEADER, LAST_BYTE };

enum { TRIES = 20, SHARE_FULL = 1000 };

struct lots {
    enum better by;
};

/* A number below n, n not 0: the bias of the remainder is one in 2^32 for n below 2^32. */
static uint64_t
draw(uint64_t n)
{
    uint64_t lot;

    weir_random(&lot, sizeof(lot));
    return lot % n;
}

/* One that is usable and not `but`; UINT32_MAX: the lot has found none. */
static uint32_t
draw_peer(const weir_upstream *u, const weir_attempt *a, uint64_t total, uint32_t but)
{
    for (int n = 0; n < TRIES; n++) {
        uint32_t i = weir_peer_by_weight(u, a, draw(total));
        if (i == but || !weir_peer_usable(u, a, i)) {
            continue;
        }
        if (draw(SHARE_FULL) < weir_upstream_peer(u, i)->share) { /* less often while it starts */
            return i;
        }
    }
    return UINT32_MAX;
}

/* What a peer costs; less is better. A time that is not known yet counts as the shortest. */
static uint64_t
cost(const weir_peer *p, enum better by)
{
    uint64_t busy = (uint64_t)p->active + 1;

    return by == FEWEST   ? p->active
           : by == HEADER ? busy * p->ewma_us
                          : busy * p->ewma_last_us;
}

static uint32_t
better_of(const weir_upstream *u, enum better by, uint32_t i, uint32_t k)
{
    const weir_peer *p = weir_upstream_peer(u, i), *q = weir_upstream_peer(u, k);

    return cost(q, by) * p->weight < cost(p, by) * q->weight ? k : i;
}

static int
pick(const weir_upstream *u, void *group, weir_attempt *a, uint32_t *i, bool *bound)
{
    const struct lots *c = group;
    uint64_t total = weir_peer_weights(u, a);
    uint32_t other;

    (void)bound;
    if (total == 0) {
        return WEIR_NEXT;
    }
    *i = draw_peer(u, a, total, UINT32_MAX);
    if (*i == UINT32_MAX) {
        return WEIR_NEXT;
    }
    if (c->by != ONE) {
        other = draw_peer(u, a, total, *i);
        *i = other == UINT32_MAX ? *i : better_of(u, c->by, *i, other);
    }
    return WEIR_OK;
}

static const weir_balancer balancer = { .size = sizeof(balancer), .pick = pick };

static const weir_name methods[] = { { "least_conn", FEWEST },
                                     { "least_time=header", HEADER },
                                     { "least_time=last_byte", LAST_BYTE },
                                     { NULL, 0 } };

static int
set_random(weir_conf *cf, const weir_directive *d, void *field)
{
    struct lots *c = weir_zalloc(weir_conf_pool(cf), sizeof(*c));
    const weir_name *m = methods;

    (void)d;
    (void)field;
    if (weir_conf_argc(cf) > 1) {
        if (!weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("two"))) {
            return weir_conf_invalid(cf, 1, "parameter");
        }
        c->by = FEWEST;
    }
    if (weir_conf_argc(cf) > 2) {
        while (m->name != NULL && !weir_str_eq(weir_conf_arg(cf, 2), weir_str_c(m->name))) {
            m++;
        }
        if (m->name == NULL) {
            return weir_conf_invalid(cf, 2, "parameter");
        }
        c->by = (enum better)m->value;
    }
    return weir_upstream_balance(cf, &balancer, c, false);
}

static const weir_directive directives[] = {
    { .name = "random",
      .help = "a server is drawn by lot, or the better of two",
      .where = WEIR_IN_UPSTREAM,
      .type = WEIR_T_CUSTOM,
      .max = 2,
      .set = set_random },
};

WEIR_MODULE("balance_random", "0.1", .summary = "balances by lot",
            .directives = WEIR_ITEMS(directives));
