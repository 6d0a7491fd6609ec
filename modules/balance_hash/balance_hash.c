/*
 * balance_hash - a value of the request decides which peer it gets.
 *
 *     upstream app { hash $request_uri consistent; server app1:8080; server app2:8080; }
 *
 * Without `consistent` a peer that comes or goes moves most keys; with it only those that it gets or
 * had. Either way the sums are nginx's (and Cache::Memcached's), so keys stay where they are.
 */
#include <weir/weir.h>

#include <stdio.h>
#include <zlib.h>

#include "ring.h"

enum { TRIES = 20, SUM_BITS = 0x7fff };

/* The settings of a group, and in a worker its rings. */
struct keyed {
    weir_value *key;
    bool consistent;
    struct ring rings[2]; /* of the servers, of the backups; made when first wanted */
};

/* An exchange's way through the peers. */
struct walk {
    weir_str key;
    uint64_t hash; /* or place in the ring */
    uint32_t rehash;
    uint32_t tries;
    uint32_t pass;
};

/* ---- Plain. ---- */

/* ((crc32([REHASH] KEY) >> 16) & 0x7fff) + what the tries before gave; no REHASH the first time. */
static void
hash_again(struct walk *w)
{
    char text[16];
    uLong sum = 0;

    if (w->rehash != 0) {
        int len = snprintf(text, sizeof(text), "%u", w->rehash);
        sum = crc32(sum, (const Bytef *)text, (uInt)len);
    }
    sum = crc32(sum, (const Bytef *)w->key.data, (uInt)w->key.len);
    w->hash += sum >> 16 & SUM_BITS;
    w->rehash++;
}

static int
pick_plain(const weir_upstream *u, const weir_attempt *a, struct walk *w, uint32_t *i)
{
    uint64_t total = weir_peer_weights(u, a);

    for (; total != 0 && w->tries <= TRIES; w->tries++) {
        hash_again(w);
        *i = weir_peer_by_weight(u, a, w->hash % total);
        if (weir_peer_usable(u, a, *i)) {
            return WEIR_OK;
        }
    }
    return WEIR_NEXT;
}

/* ---- Consistent. ---- */

struct named {
    const weir_upstream *u;
    weir_str name;
};

static bool
has_name(const void *data, uint32_t i)
{
    const struct named *n = data;

    return weir_str_eq(weir_upstream_peer(n->u, i)->name, n->name);
}

static const struct ring *
ring_of(struct keyed *c, const weir_upstream *u, uint32_t pass)
{
    struct ring *ring = &c->rings[pass != 0];

    if (ring->pool == NULL || ring->generation != weir_upstream_generation(u)) {
        if (ring->pool != NULL) {
            weir_pool_end(ring->pool);
        }
        ring->pool = weir_pool_new(NULL);
        ring_make(ring, u, pass != 0);
    }
    return ring;
}

static int
pick_consistent(struct keyed *c, const weir_upstream *u, const weir_attempt *a, struct walk *w,
                uint32_t *i)
{
    const struct ring *ring = ring_of(c, u, a->pass);

    if (ring->n == 0) {
        return WEIR_NEXT;
    }
    if (w->rehash == 0) {
        w->rehash = 1;
        w->hash = ring_find(ring, w->key);
    }
    for (; w->tries <= TRIES; w->tries++, w->hash++) {
        uint32_t first = ring->points[w->hash % ring->n].peer;
        struct named server = { u, weir_upstream_peer(u, first)->name };
        *i = weir_peer_turn(u, a, has_name, &server);
        if (*i != UINT32_MAX) {
            return WEIR_OK;
        }
    }
    return WEIR_NEXT;
}

/* ---- Both. ---- */

static struct walk *
walk_of(struct keyed *c, weir_attempt *a)
{
    struct walk *w = a->state;

    if (w == NULL) {
        w = a->state = weir_zalloc(a->pool, sizeof(*w));
        w->key = weir_value_get(a->r, c->key);
        w->pass = a->pass;
    }
    if (w->pass != a->pass) { /* the backups are another circle */
        *w = (struct walk){ .key = w->key, .pass = a->pass };
    }
    return w;
}

static int
pick(const weir_upstream *u, void *group, weir_attempt *a, uint32_t *i, bool *bound)
{
    struct keyed *c = group;
    struct walk *w;

    (void)bound;
    if (a->r == NULL) {
        return WEIR_NEXT;
    }
    w = walk_of(c, a);
    if (w->key.len == 0) {
        return WEIR_NEXT;
    }
    return c->consistent ? pick_consistent(c, u, a, w, i) : pick_plain(u, a, w, i);
}

static const weir_balancer balancer = { .size = sizeof(balancer), .pick = pick };

static int
set_hash(weir_conf *cf, const weir_directive *d, void *field)
{
    struct keyed *c = weir_zalloc(weir_conf_pool(cf), sizeof(*c));

    (void)d;
    (void)field;
    c->key = weir_value_compile(cf, weir_conf_arg(cf, 1));
    if (c->key == NULL) {
        return WEIR_ERROR;
    }
    if (weir_conf_argc(cf) > 2) {
        if (!weir_str_eq(weir_conf_arg(cf, 2), WEIR_STR("consistent"))) {
            return weir_conf_invalid(cf, 2, "parameter");
        }
        c->consistent = true;
    }
    return weir_upstream_balance(cf, &balancer, c, false);
}

static const weir_directive directives[] = {
    { .name = "hash",
      .help = "requests with the same key go to one server",
      .where = WEIR_IN_UPSTREAM,
      .type = WEIR_T_CUSTOM,
      .min = 1,
      .max = 2,
      .set = set_hash },
};

WEIR_MODULE("balance_hash", "0.1", .summary = "balances by a value of the request",
            .directives = WEIR_ITEMS(directives));
