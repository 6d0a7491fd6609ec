/*
 * learn.c - `sticky learn`: the application begins a session, by a cookie for instance, and requests
 * of that session go to the peer it was begun at.
 *
 * Sessions are kept in a zone, by their text; each use of one makes its time begin anew. Where the
 * session comes from a cookie of the response ($upstream_cookie_NAME), that cookie is read from the
 * response itself, which also works before variables about it are set.
 */
#include "sticky.h"

enum { SESSION_MAX = 1024, TIMEOUT_MS = 10 * 60 * 1000 };

#define COOKIE_OF_REPLY "$upstream_cookie_"

static weir_str
first_of(weir_request *r, weir_value **values, uint32_t n)
{
    weir_str text = { NULL, 0 };

    for (uint32_t i = 0; i < n && text.len == 0; i++) {
        text = weir_value_get(r, values[i]);
    }
    return text;
}

static int
pick(const weir_upstream *u, void *group, weir_attempt *a, uint32_t *i, bool *bound)
{
    const struct sticky_learn *l = group;
    weir_str session;
    uint64_t id;

    if (a->r == NULL) {
        return WEIR_NEXT;
    }
    session = first_of(a->r, l->lookup, l->n_lookup);
    if (session.len == 0 || session.len > SESSION_MAX ||
        weir_map_get(l->sessions, session, &id) != WEIR_OK) {
        return WEIR_NEXT;
    }
    for (uint32_t n = 0; n < weir_upstream_count(u); n++) {
        if (weir_upstream_peer(u, n)->id == id) {
            (void)weir_map_put(l->sessions, session, &id, l->timeout_ms);
            return bind_to(n, i, bound);
        }
    }
    return WEIR_NEXT;
}

/* ---- Sessions that begin. ---- */

/* The value of cookie `name` if this Set-Cookie field sets it. */
static weir_str
cookie_set(weir_str field, weir_str name)
{
    weir_str value;

    if (!weir_str_after(field, name, &value) || !weir_str_after(value, WEIR_STR("="), &value)) {
        return (weir_str){ NULL, 0 };
    }
    return weir_str_trim(weir_str_cut(value, 0, weir_str_find(value, ';')));
}

static weir_str
session_of_reply(const struct sticky_learn *l, const weir_reply *reply)
{
    weir_str name, value = { NULL, 0 };

    for (size_t i = 0; i < l->create_texts.count; i++) {
        if (!weir_str_after(l->create_texts.at[i], WEIR_STR(COOKIE_OF_REPLY), &name)) {
            continue;
        }
        for (const weir_header *h = reply->at[WEIR_H_SET_COOKIE]; h != NULL; h = h->same) {
            value = cookie_set(h->value, name);
            if (value.len != 0) {
                return value;
            }
        }
    }
    return value;
}

static void
learn(const struct sticky_learn *l, weir_str session, uint64_t id)
{
    if (session.len != 0 && session.len <= SESSION_MAX) {
        (void)weir_map_put(l->sessions, session, &id, l->timeout_ms);
    }
}

/* What is learned when the response is complete. */
struct begun {
    weir_str session;
};

static void
answered(const weir_upstream *u, void *group, weir_attempt *a, uint32_t i, const weir_reply *reply)
{
    const struct sticky_learn *l = group;
    struct begun *b = a->state;
    weir_str session;

    if (a->r == NULL) {
        return;
    }
    session = session_of_reply(l, reply);
    if (l->header) {
        session = session.len != 0 ? session : first_of(a->r, l->create, l->n_create);
        learn(l, session, weir_upstream_peer(u, i)->id);
        return;
    }
    if (b == NULL) {
        b = a->state = weir_zalloc(a->pool, sizeof(*b));
    }
    b->session = weir_dup(a->pool, session);
}

static void
done(const weir_upstream *u, void *group, weir_attempt *a, uint32_t i, int result)
{
    const struct sticky_learn *l = group;
    const struct begun *b = a->state;
    weir_str session;

    if (b == NULL || result != WEIR_OK) {
        return;
    }
    session = b->session.len != 0 ? b->session : first_of(a->r, l->create, l->n_create);
    learn(l, session, weir_upstream_peer(u, i)->id);
}

static const weir_balancer balancer = { .size = sizeof(balancer), .pick = pick,
                                        .answered = answered, .done = done };

/* ---- The directive. ---- */

static bool
add_value(weir_conf *cf, weir_str text, weir_value **all, uint32_t *n)
{
    weir_value *v = text.len != 0 && text.data[0] == '$' ? weir_value_compile(cf, text) : NULL;

    all[*n] = v;
    *n += v != NULL;
    return v != NULL;
}

static bool
set_parameter(weir_conf *cf, struct sticky_learn *l, weir_str *texts, weir_str word)
{
    weir_str value;

    if (weir_str_after(word, WEIR_STR("create="), &value)) {
        texts[l->create_texts.count++] = value;
        return add_value(cf, value, l->create, &l->n_create);
    }
    if (weir_str_after(word, WEIR_STR("lookup="), &value)) {
        return add_value(cf, value, l->lookup, &l->n_lookup);
    }
    if (weir_str_after(word, WEIR_STR("zone="), &value)) {
        l->zone = weir_zone_find(cf, value);
        return l->zone != NULL;
    }
    if (weir_str_after(word, WEIR_STR("timeout="), &value)) {
        return weir_parse_msec(value, &l->timeout_ms) == WEIR_OK && l->timeout_ms != 0;
    }
    l->header = l->header || weir_str_eq(word, WEIR_STR("header"));
    return weir_str_eq(word, WEIR_STR("header"));
}

int
sticky_set_learn(weir_conf *cf, struct sticky_learn **made)
{
    weir_pool *pool = weir_conf_pool(cf);
    uint32_t argc = weir_conf_argc(cf);
    struct sticky_learn *l = weir_zalloc(pool, sizeof(*l));
    weir_str *texts = weir_zalloc(pool, argc * sizeof(*texts));

    l->create_texts.at = texts;
    l->create = weir_zalloc(pool, argc * sizeof(*l->create));
    l->lookup = weir_zalloc(pool, argc * sizeof(*l->lookup));
    l->timeout_ms = TIMEOUT_MS;
    for (uint32_t i = 2; i < argc; i++) {
        if (!set_parameter(cf, l, texts, weir_conf_arg(cf, i))) {
            return wrong_parameter(cf, i);
        }
    }
    if (l->n_create == 0 || l->n_lookup == 0 || l->zone == NULL) {
        return weir_conf_error(cf, "\"sticky learn\" wants create=, lookup= and zone=");
    }
    *made = l;
    return weir_upstream_balance(cf, &balancer, l, true);
}

int
sticky_claim_learn(weir_conf *cf, struct sticky_learn *l)
{
    l->sessions = weir_map_claim(cf, l->zone, "balance_sticky/1", sizeof(uint64_t));
    return l->sessions != NULL ? WEIR_OK : WEIR_ERROR;
}
