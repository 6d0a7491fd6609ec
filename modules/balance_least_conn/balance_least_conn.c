/*
 * balance_least_conn - the peer with the fewest exchanges under way for its weight is asked next.
 *
 *     upstream app { least_conn; server app1:8080; server app2:8080 weight=2; }
 *
 * Peers with equally many take turns by weight.
 */
#include <weir/weir.h>

/* What a pick compares peers with: the least busy one so far. */
struct search {
    const weir_upstream *u;
    uint64_t active, room;
};

/* How much a peer can carry now. */
static uint64_t
room_of(const weir_peer *p)
{
    return (uint64_t)p->weight * p->share;
}

/* <0: p is less busy for its room than the best so far, 0: equally. */
static int
compare(const weir_peer *p, const struct search *best)
{
    uint64_t a = p->active * best->room, b = best->active * room_of(p);

    return a < b ? -1 : a > b;
}

static bool
is_least(const void *data, uint32_t i)
{
    const struct search *best = data;

    return compare(weir_upstream_peer(best->u, i), best) == 0;
}

static int
pick(const weir_upstream *u, void *group, weir_attempt *a, uint32_t *i, bool *bound)
{
    struct search best = { .u = u };

    (void)group;
    (void)bound;
    for (uint32_t n = 0; n < weir_upstream_count(u); n++) {
        const weir_peer *p = weir_upstream_peer(u, n);
        if (weir_peer_usable(u, a, n) && (best.room == 0 || compare(p, &best) < 0)) {
            best.active = p->active;
            best.room = room_of(p);
        }
    }
    *i = weir_peer_turn(u, a, is_least, &best);
    return WEIR_OK;
}

static const weir_balancer balancer = { .size = sizeof(balancer), .pick = pick };

static int
set_least_conn(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    (void)field;
    return weir_upstream_balance(cf, &balancer, NULL, false);
}

static const weir_directive directives[] = {
    { .name = "least_conn",
      .help = "ask the server with the fewest requests under way for its weight",
      .where = WEIR_IN_UPSTREAM,
      .type = WEIR_T_CUSTOM,
      .set = set_least_conn },
};

WEIR_MODULE("balance_least_conn", "0.1", .summary = "balances by requests under way",
            .directives = WEIR_ITEMS(directives));
