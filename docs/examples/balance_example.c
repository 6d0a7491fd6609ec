/* balance_example - a load balancing method: each client keeps to the half of the servers that the
 * last bit of its address says, and takes turns there.
 *
 *     upstream app { demo_halves; server app1:8080; server app2:8080; server app3:8080; }
 *
 * A method says which peer an exchange is tried with. The server asks it for each try, checks that
 * the peer can be used, and goes on with round robin where the method has no opinion.
 */
#include <weir/weir.h>

/* Does peer i belong to the half that data says? */
static bool
in_half(const void *data, uint32_t i)
{
    return i % 2 == *(const uint32_t *)data;
}

static int
pick(const weir_upstream *u, void *group, weir_attempt *a, uint32_t *i, bool *bound)
{
    weir_str addr;
    uint32_t half;

    (void)group;
    (void)bound; /* true would say: there or at no other, also while it drains */
    if (a->r == NULL) {
        return WEIR_NEXT; /* nobody's request: a fetch of the server's own */
    }
    addr = weir_client_addr_bytes(a->r);
    if (addr.len == 0) {
        return WEIR_NEXT;
    }
    half = (uint8_t)addr.data[addr.len - 1] % 2;
    *i = weir_peer_turn(u, a, in_half, &half); /* among the usable peers of that half */
    return *i != UINT32_MAX ? WEIR_OK : WEIR_NEXT;
}

static const weir_balancer halves = { .size = sizeof(halves), .pick = pick };

static int
set_halves(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    (void)field;
    return weir_upstream_balance(cf, &halves, NULL, false);
}

static const weir_directive directives[] = {
    { .name = "demo_halves",
      .help = "clients keep to one half of the servers",
      .where = WEIR_IN_UPSTREAM,
      .type = WEIR_T_CUSTOM,
      .set = set_halves },
};

WEIR_MODULE("demo.halves", "1.0", .summary = "a load balancing method",
            .directives = WEIR_ITEMS(directives));
