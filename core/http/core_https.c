/* http/core_https.c - core.https: from http to https in one line, and the word to browsers that they come that way at once.
 *
 * https_redirect in a block that listens plainly and with TLS, in two blocks, or once for all of http: plain requests are
 * redirected, answers over TLS have Strict-Transport-Security [RFC 6797].
 */
#include "base/assert.h"
#include "base/num.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "http/core.h"
#include "http/core_variables.h"
#include "http/http.h"
#include "http/request.h"

enum {
    WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER,
    HTTPS = 443,
    HALF_A_YEAR_S = 15552000
};

/* What authorities ask for by plain HTTP before they give a certificate [RFC 8555 8.3]. */
#define CHALLENGES WEIR_STR("/.well-known/acme-challenge/")

struct https_conf {
    struct https_redirect {
        bool on;
        uint32_t status; /* 0: 301, or 308 where the method must stay [RFC 9110 15.4.9] */
        uint32_t port;   /* 0: the one that listens */
        weir_str hsts;   /* the field's value; absent: none */
    } redirect;
};

/* ---- The directive. ---- */

struct words {
    struct https_redirect *to;
    uint64_t hsts_s;
    bool subdomains, preload;
};

static bool
parse_status(weir_str text, uint32_t *status)
{
    static const uint32_t kinds[] = { 301, 302, 303, 307, 308 };
    uint64_t n;

    if (!weir_parse_number(text, 999, &n)) {
        return false;
    }
    for (size_t i = 0; i < WR_COUNT(kinds); i++) {
        if (kinds[i] == n) {
            *status = (uint32_t)n;
            return true;
        }
    }
    return false;
}

static bool
parse_seconds(weir_str text, uint64_t *seconds)
{
    uint64_t ms;

    if (weir_str_eq(text, WEIR_STR("off"))) {
        *seconds = 0;
        return true;
    }
    if (weir_parse_msec(text, &ms) != WEIR_OK || ms < 1000) {
        return false;
    }
    *seconds = ms / 1000;
    return true;
}

static bool
take_word(weir_str word, struct words *w)
{
    uint64_t n;

    if (weir_str_starts(word, WEIR_STR("status="))) {
        return parse_status(weir_str_cut(word, 7, SIZE_MAX), &w->to->status);
    }
    if (weir_str_starts(word, WEIR_STR("hsts="))) {
        return parse_seconds(weir_str_cut(word, 5, SIZE_MAX), &w->hsts_s);
    }
    if (weir_str_starts(word, WEIR_STR("port="))) {
        bool good = weir_parse_number(weir_str_cut(word, 5, SIZE_MAX), UINT16_MAX, &n) && n != 0;
        w->to->port = good ? (uint32_t)n : 0;
        return good;
    }
    w->subdomains = w->subdomains || weir_str_eq(word, WEIR_STR("subdomains"));
    w->preload = w->preload || weir_str_eq(word, WEIR_STR("preload"));
    return weir_str_eq(word, WEIR_STR("subdomains")) || weir_str_eq(word, WEIR_STR("preload"));
}

static int
set_redirect(weir_conf *cf, const weir_directive *d, void *field)
{
    struct https_redirect to = { .on = weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("on")) };
    struct words w = { .to = &to, .hsts_s = HALF_A_YEAR_S };

    if (!to.on && (!weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("off")) || weir_conf_argc(cf) > 2)) {
        return weir_conf_error_at(cf, 1, "invalid value \"%.*s\" in \"%s\" directive, it must be "
                                         "\"on\" or \"off\"", WEIR_FMT(weir_conf_arg(cf, 1)), d->name);
    }
    for (uint32_t i = 2; i < weir_conf_argc(cf); i++) {
        if (!take_word(weir_conf_arg(cf, i), &w)) {
            return weir_conf_invalid(cf, i, "parameter");
        }
    }
    if (to.on && w.hsts_s != 0) {
        to.hsts = weir_print(cf->pool, "max-age=%llu%s%s", (unsigned long long)w.hsts_s,
                             w.subdomains ? "; includeSubDomains" : "", w.preload ? "; preload" : "");
    }
    *(struct https_redirect *)field = to;
    return WEIR_OK;
}

static const weir_directive rows[] = {
    { .name = "https_redirect",
      .help = "send clients of plain HTTP to https, and tell those of https to come that way at once",
      .preset = "off",
      .where = WHERE,
      .type = WEIR_T_CUSTOM,
      .offset = offsetof(struct https_conf, redirect),
      .size = sizeof(struct https_redirect),
      .min = 1,
      .max = 6,
      .set = set_redirect },
};

/* ---- Where to. ---- */

/* The port where TLS is spoken for r's host: 443 if that is among them, or where nobody listens. */
static uint32_t
find_port(const struct wr_request *r)
{
    const struct wr_http *http = r->http;
    uint32_t found = 0;

    for (uint32_t i = 0; i < http->n_endpoints; i++) {
        const struct wr_endpoint *e = &http->endpoints[i];
        const struct wr_server *s = e->ssl ? wr_vhost_find(e, r->pub.host, NULL) : NULL;
        bool same = s != NULL && (s == r->server || weir_str_eq(s->name, r->server->name));
        uint32_t port = wr_addr_port(&e->addr);
        if (same && port != 0 && (found == 0 || port == HTTPS)) {
            found = port;
        }
    }
    return found != 0 ? found : HTTPS;
}

static weir_str
target_of(struct wr_request *r, const struct https_redirect *to)
{
    weir_str uri = wr_var_request_uri(&r->pub, NULL, WEIR_STR(""));
    weir_str host = r->pub.host.len != 0 ? r->pub.host : r->server->name;
    uint32_t port = to->port != 0 ? to->port : find_port(r);
    size_t room = host.len + uri.len + 32;
    struct wr_strbuf b = wr_strbuf_over(wr_pool_alloc(r->pub.pool, room), room);

    wr_strbuf_lit(&b, "https://");
    wr_strbuf_str(&b, host);
    if (port != HTTPS) {
        wr_strbuf_byte(&b, ':');
        wr_strbuf_num(&b, port);
    }
    if (uri.len == 0 || uri.data[0] != '/') { /* "*" */
        wr_strbuf_byte(&b, '/');
    } else {
        wr_strbuf_str(&b, uri);
    }
    return wr_strbuf_view(&b);
}

/* ---- Hooks. ---- */

static int
redirect(weir_request *pub, const void *conf)
{
    const struct https_redirect *to = &((const struct https_conf *)conf)->redirect;
    struct wr_request *r = wr_request_of(pub);
    uint32_t status = to->status;

    if (pub->flags & (WEIR_R_TLS | WEIR_R_INTERNAL) || weir_str_starts(pub->path, CHALLENGES)) {
        return WEIR_NEXT;
    }
    if (pub->host.len == 0 && r->server->name.len == 0) {
        return 400; /* nobody knows where to */
    }
    if (status == 0) {
        status = pub->method & (WEIR_GET | WEIR_HEAD) ? 301 : 308;
    }
    return weir_redirect(pub, status, target_of(r, to));
}

static int
promise(weir_request *r, const void *conf)
{
    const struct https_redirect *to = &((const struct https_conf *)conf)->redirect;

    if (to->hsts.data != NULL && r->flags & WEIR_R_TLS &&
        r->out[WEIR_H_STRICT_TRANSPORT_SECURITY] == NULL) {
        (void)weir_out_set(r, WEIR_STR("Strict-Transport-Security"), to->hsts);
    }
    return WEIR_NEXT;
}

static bool
wanted(const void *conf)
{
    return ((const struct https_conf *)conf)->redirect.on;
}

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_SERVER_REWRITE, .rank = WEIR_RANK_EARLY, .handler = redirect, .wanted = wanted },
    { .phase = WEIR_PHASE_HEADERS, .rank = WEIR_RANK_LATE, .handler = promise, .wanted = wanted },
};

static weir_self self = WR_SELF;

const weir_module wr_core_https = {
    WR_BUILTIN(&self, "core.https"),
    .summary = "from http to https",
    .conf_size = sizeof(struct https_conf),
    .directives = WEIR_ITEMS(rows),
    .hooks = WEIR_ITEMS(hooks),
};
