/* route.c - `sticky route $x $y`: the first of the values that is not empty is the route= of the
 * client's peer. */
#include "sticky.h"

static weir_str
route_of(weir_request *r, const struct sticky_route *c)
{
    weir_str route = { NULL, 0 };

    for (uint32_t n = 0; n < c->n && route.len == 0; n++) {
        route = weir_value_get(r, c->values[n]);
    }
    return route;
}

static int
pick(const weir_upstream *u, void *group, weir_attempt *a, uint32_t *i, bool *bound)
{
    weir_str route;

    if (a->r == NULL) {
        return WEIR_NEXT;
    }
    route = route_of(a->r, group);
    for (uint32_t n = 0; route.len != 0 && n < weir_upstream_count(u); n++) {
        if (weir_str_eq(weir_upstream_peer(u, n)->route, route)) {
            return bind_to(n, i, bound);
        }
    }
    return WEIR_NEXT;
}

static const weir_balancer balancer = { .size = sizeof(balancer), .pick = pick };

int
sticky_set_route(weir_conf *cf)
{
    struct sticky_route *c = weir_zalloc(weir_conf_pool(cf), sizeof(*c));

    c->values = weir_zalloc(weir_conf_pool(cf), weir_conf_argc(cf) * sizeof(*c->values));
    for (uint32_t i = 2; i < weir_conf_argc(cf); i++) {
        c->values[c->n] = weir_value_compile(cf, weir_conf_arg(cf, i));
        if (c->values[c->n++] == NULL) {
            return WEIR_ERROR;
        }
    }
    return weir_upstream_balance(cf, &balancer, c, true);
}
