/*
 * balance_ip_hash - a client's address decides which peer it gets.
 *
 *     upstream app { ip_hash; server app1:8080; server app2:8080; }
 *
 * The first three bytes of an IPv4 address count, all of an IPv6 address. The sums are nginx's, so
 * that clients stay where they are when one server takes the other's place.
 */
#include <weir/weir.h>

enum { SEED = 89, FACTOR = 113, MODULUS = 6271, V4_BYTES = 3, TRIES = 20 };

/* An exchange's way through the peers. */
struct walk {
    uint32_t hash;
    uint32_t tries;
};

/* The bytes of the client's address that count; a client without one has zeros. */
static weir_str
key_of(const weir_request *r)
{
    weir_str bytes = weir_client_addr_bytes(r);

    if (bytes.len == 0) {
        return (weir_str){ "\0\0\0", V4_BYTES };
    }
    if (bytes.len == 4) {
        bytes.len = V4_BYTES;
    }
    return bytes;
}

static uint32_t
mix(uint32_t hash, weir_str key)
{
    for (size_t i = 0; i < key.len; i++) {
        hash = (hash * FACTOR + (uint8_t)key.data[i]) % MODULUS;
    }
    return hash;
}

static struct walk *
walk_of(weir_attempt *a)
{
    struct walk *w = a->state;

    if (w == NULL) {
        w = a->state = weir_zalloc(a->pool, sizeof(*w));
        w->hash = SEED;
    }
    return w;
}

static int
pick(const weir_upstream *u, void *group, weir_attempt *a, uint32_t *i, bool *bound)
{
    uint64_t total = weir_peer_weights(u, a);
    struct walk *w = walk_of(a);
    weir_str key;

    (void)group;
    (void)bound;
    if (a->r == NULL || total == 0) {
        return WEIR_NEXT;
    }
    for (key = key_of(a->r); w->tries <= TRIES; w->tries++) {
        w->hash = mix(w->hash, key);
        *i = weir_peer_by_weight(u, a, w->hash % total);
        if (weir_peer_usable(u, a, *i)) {
            return WEIR_OK;
        }
    }
    return WEIR_NEXT;
}

static const weir_balancer balancer = { .size = sizeof(balancer), .pick = pick };

static int
set_ip_hash(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    (void)field;
    return weir_upstream_balance(cf, &balancer, NULL, false);
}

static const weir_directive directives[] = {
    { .name = "ip_hash",
      .help = "a client's requests go to one server, by its address",
      .where = WEIR_IN_UPSTREAM,
      .type = WEIR_T_CUSTOM,
      .set = set_ip_hash },
};

WEIR_MODULE("balance_ip_hash", "0.1", .summary = "balances by the client's address",
            .directives = WEIR_ITEMS(directives));
