/*
 * balance_sticky - a client stays with the peer it had.
 *
 *     upstream app { server app1:8080; server app2:8080; sticky cookie srv path=/; }
 *
 * It is asked before the group's method, which decides for clients that have had none, or whose peer
 * is gone.
 */
#include "sticky.h"

typedef struct {
    struct sticky_learn *learn; /* of this upstream{}; NULL: none */
} sticky_conf;

static int
set_sticky(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_str how = weir_conf_arg(cf, 1);

    (void)d;
    if (weir_str_eq(how, WEIR_STR("cookie"))) {
        return sticky_set_cookie(cf);
    }
    if (weir_str_eq(how, WEIR_STR("route"))) {
        return sticky_set_route(cf);
    }
    if (weir_str_eq(how, WEIR_STR("learn"))) {
        return sticky_set_learn(cf, field);
    }
    return wrong_parameter(cf, 1);
}

static int
check(weir_conf *cf, void *conf)
{
    const sticky_conf *c = conf;

    return c->learn != NULL ? sticky_claim_learn(cf, c->learn) : WEIR_OK;
}

static const weir_directive directives[] = {
    { .name = "sticky",
      .help = "clients stay with the server they had: by a cookie, a route or a learned session",
      .where = WEIR_IN_UPSTREAM,
      .type = WEIR_T_CUSTOM,
      .offset = offsetof(sticky_conf, learn),
      .size = sizeof(struct sticky_learn *),
      .min = 2,
      .max = UINT16_MAX,
      .set = set_sticky },
};

WEIR_MODULE("balance_sticky", "0.1", .summary = "keeps clients with the server they had",
            .conf_size = sizeof(sticky_conf), .directives = WEIR_ITEMS(directives),
            .check = check);
