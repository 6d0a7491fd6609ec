/* sticky.h - the three ways to know which peer a client had: a cookie of ours, a route that the
 * request names, a session that the application began. */
#ifndef BALANCE_STICKY_STICKY_H
#define BALANCE_STICKY_STICKY_H

#include <weir/weir.h>

enum { TOKEN_LEN = 32 };

/* ---- cookie.c ---- */

#define EXPIRES_SESSION 0u
#define EXPIRES_MAX UINT32_MAX

struct sticky_cookie {
    weir_str name;
    weir_value *domain, *path, *samesite; /* NULL: none */
    uint32_t expires_s;                   /* EXPIRES_SESSION: with the browser */
    bool httponly, secure;
    uint8_t key[32];
    /* the worker's: the value for each peer */
    char (*tokens)[TOKEN_LEN + 1];
    uint64_t generation;
    weir_pool *pool;
};

int sticky_set_cookie(weir_conf *cf);

/* ---- route.c ---- */

struct sticky_route {
    weir_value **values;
    uint32_t n;
};

int sticky_set_route(weir_conf *cf);

/* ---- learn.c ---- */

struct sticky_learn {
    weir_strs create_texts;
    weir_value **create, **lookup;
    uint32_t n_create, n_lookup;
    weir_zone *zone;
    weir_map *sessions; /* ids of peers by session */
    uint64_t timeout_ms;
    bool header; /* a session counts once the head is there, not only when all of the response is */
};

/* *made: for sticky_claim_learn. */
int sticky_set_learn(weir_conf *cf, struct sticky_learn **made);

/* In check(): sessions need their zone. */
int sticky_claim_learn(weir_conf *cf, struct sticky_learn *l);

/* ---- What they share. ---- */

/* The peer a request belongs to: WEIR_OK for weir_balancer.pick. */
static inline int
bind_to(uint32_t peer, uint32_t *i, bool *bound)
{
    *i = peer;
    *bound = true;
    return WEIR_OK;
}

static inline int
wrong_parameter(weir_conf *cf, uint32_t i)
{
    return weir_conf_error_at(cf, i, "invalid parameter \"%.*s\"", WEIR_FMT(weir_conf_arg(cf, i)));
}

#endif
