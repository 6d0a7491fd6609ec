/*
 * cookie.c - `sticky cookie NAME`: a response brings a cookie that stands for the peer, and requests
 * with it go there.
 *
 * Its value is the peer's route=, or a keyed hash of what the peer is, from which nobody learns the
 * address. The key is the secret= of the directive; without one it comes from the machine's id, so
 * that it outlives restarts. Machines that balance the same group need the same secret=.
 */
#include <openssl/hmac.h>

#include "sticky.h"

/* ---- Values. ---- */

static void
make_token(const struct sticky_cookie *c, const weir_peer *p, char *to)
{
    uint8_t sum[EVP_MAX_MD_SIZE];
    unsigned len = sizeof(sum);
    weir_text t = weir_text_over(to, TOKEN_LEN);

    HMAC(EVP_sha256(), c->key, sizeof(c->key), (const uint8_t *)&p->id, sizeof(p->id), sum, &len);
    weir_hex_encode(&t, (weir_str){ (const char *)sum, TOKEN_LEN / 2 });
}

/* Have a value for each peer of now. */
static void
follow_peers(struct sticky_cookie *c, const weir_upstream *u)
{
    uint32_t n = weir_upstream_count(u);

    if (c->pool != NULL && c->generation == weir_upstream_generation(u)) {
        return;
    }
    if (c->pool != NULL) {
        weir_pool_end(c->pool);
    }
    c->pool = weir_pool_new(NULL);
    c->generation = weir_upstream_generation(u);
    c->tokens = weir_alloc(c->pool, (n + 1) * sizeof(c->tokens[0]));
    for (uint32_t i = 0; i < n; i++) {
        make_token(c, weir_upstream_peer(u, i), c->tokens[i]);
    }
}

static weir_str
value_for(const struct sticky_cookie *c, const weir_upstream *u, uint32_t i)
{
    weir_str route = weir_upstream_peer(u, i)->route;

    return route.len != 0 ? route : (weir_str){ c->tokens[i], TOKEN_LEN };
}

static int
pick(const weir_upstream *u, void *group, weir_attempt *a, uint32_t *i, bool *bound)
{
    struct sticky_cookie *c = group;
    weir_str value;

    if (a->r == NULL) {
        return WEIR_NEXT;
    }
    value = weir_cookie(a->r, c->name);
    if (value.len == 0) {
        return WEIR_NEXT;
    }
    follow_peers(c, u);
    for (uint32_t n = 0; n < weir_upstream_count(u); n++) {
        if (weir_str_eq(value, value_for(c, u, n))) {
            return bind_to(n, i, bound);
        }
    }
    return WEIR_NEXT;
}

/* ---- The field. ---- */

/* "; domain=example.com" for a value that is not empty. */
static weir_str
attribute(weir_request *r, const char *name, const weir_value *v)
{
    weir_str value = weir_value_get(r, v);

    return value.len != 0 ? weir_print(r->pool, "; %s=%.*s", name, WEIR_FMT(value)) : WEIR_STR("");
}

static weir_str
expiry(weir_request *r, const struct sticky_cookie *c)
{
    weir_str date;

    if (c->expires_s == EXPIRES_SESSION) {
        return WEIR_STR("");
    }
    if (c->expires_s == EXPIRES_MAX) {
        return WEIR_STR("; expires=Thu, 31 Dec 2037 23:55:55 GMT; max-age=315360000");
    }
    date = weir_print_date(r->pool, weir_wall_clock() + c->expires_s);
    return weir_print(r->pool, "; expires=%.*s; max-age=%u", WEIR_FMT(date), c->expires_s);
}

static void
answered(const weir_upstream *u, void *group, weir_attempt *a, uint32_t i, const weir_reply *reply)
{
    struct sticky_cookie *c = group;
    weir_request *r = a->r;
    weir_str value, until, domain, path, samesite;

    (void)reply;
    if (r == NULL) {
        return;
    }
    follow_peers(c, u);
    value = value_for(c, u, i);
    if (weir_str_eq(weir_cookie(r, c->name), value)) {
        return;
    }
    until = expiry(r, c);
    domain = attribute(r, "domain", c->domain);
    path = attribute(r, "path", c->path);
    samesite = attribute(r, "samesite", c->samesite);
    (void)weir_out_add(r->main, WEIR_STR("Set-Cookie"),
                       weir_print(r->main->pool, "%.*s=%.*s%.*s%.*s%.*s%s%s%.*s", WEIR_FMT(c->name),
                                  WEIR_FMT(value), WEIR_FMT(until), WEIR_FMT(domain),
                                  WEIR_FMT(path), c->httponly ? "; httponly" : "",
                                  c->secure ? "; secure" : "", WEIR_FMT(samesite)));
}

static const weir_balancer balancer = { .size = sizeof(balancer), .pick = pick,
                                        .answered = answered };

/* ---- The directive. ---- */

/* A key of any text. */
static void
derive_key(struct sticky_cookie *c, weir_str from)
{
    static const char purpose[] = "weir sticky cookie";
    unsigned len = sizeof(c->key);

    HMAC(EVP_sha256(), from.data, (int)from.len, (const uint8_t *)purpose, sizeof(purpose) - 1,
         c->key, &len);
}

/* The machine's id is secret to whoever is not on the machine. */
static void
key_of_machine(weir_conf *cf, struct sticky_cookie *c)
{
    char id[64];
    FILE *f = fopen("/etc/machine-id", "re");
    size_t n = f != NULL ? fread(id, 1, sizeof(id), f) : 0;

    if (f != NULL) {
        (void)fclose(f);
    }
    if (n >= 32) {
        derive_key(c, (weir_str){ id, n });
        return;
    }
    weir_random(c->key, sizeof(c->key));
    weir_conf_warn(cf, "without /etc/machine-id or secret= clients lose their server on reload");
}

static bool
set_value(weir_conf *cf, weir_str text, weir_value **to)
{
    *to = weir_value_compile(cf, text);
    return *to != NULL;
}

static bool
set_samesite(weir_conf *cf, weir_str text, weir_value **to)
{
    return (weir_str_eq(text, WEIR_STR("strict")) || weir_str_eq(text, WEIR_STR("lax")) ||
            weir_str_eq(text, WEIR_STR("none")) || (text.len != 0 && text.data[0] == '$')) &&
           set_value(cf, text, to);
}

static bool
set_expires(weir_str text, uint32_t *to)
{
    uint64_t ms;

    if (weir_str_eq(text, WEIR_STR("max"))) {
        *to = EXPIRES_MAX;
        return true;
    }
    if (weir_parse_msec(text, &ms) != WEIR_OK || ms < 1000 || ms / 1000 >= EXPIRES_MAX) {
        return false;
    }
    *to = (uint32_t)(ms / 1000);
    return true;
}

static bool
set_parameter(weir_conf *cf, struct sticky_cookie *c, weir_str word)
{
    weir_str value;

    if (weir_str_after(word, WEIR_STR("expires="), &value)) {
        return set_expires(value, &c->expires_s);
    }
    if (weir_str_after(word, WEIR_STR("domain="), &value)) {
        return set_value(cf, value, &c->domain);
    }
    if (weir_str_after(word, WEIR_STR("path="), &value)) {
        return set_value(cf, value, &c->path);
    }
    if (weir_str_after(word, WEIR_STR("samesite="), &value)) {
        return set_samesite(cf, value, &c->samesite);
    }
    if (weir_str_after(word, WEIR_STR("secret="), &value)) {
        derive_key(c, value);
        return value.len != 0;
    }
    c->httponly = c->httponly || weir_str_eq(word, WEIR_STR("httponly"));
    c->secure = c->secure || weir_str_eq(word, WEIR_STR("secure"));
    return weir_str_eq(word, WEIR_STR("httponly")) || weir_str_eq(word, WEIR_STR("secure"));
}

int
sticky_set_cookie(weir_conf *cf)
{
    static const uint8_t none[32];
    struct sticky_cookie *c = weir_zalloc(weir_conf_pool(cf), sizeof(*c));

    c->name = weir_conf_arg(cf, 2);
    for (uint32_t i = 3; i < weir_conf_argc(cf); i++) {
        if (!set_parameter(cf, c, weir_conf_arg(cf, i))) {
            return wrong_parameter(cf, i);
        }
    }
    if (memcmp(c->key, none, sizeof(none)) == 0) {
        key_of_machine(cf, c);
    }
    return weir_upstream_balance(cf, &balancer, c, true);
}
