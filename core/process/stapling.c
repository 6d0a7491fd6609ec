/* process/stapling.c - each worker asks the authority of every certificate with ssl_stapling, soon after it starts and again when
 * half of the answer's time is over.
 *
 * What could not be had, or is no good answer, is logged and asked for again; clients are shown nothing then, which is what
 * they would see without stapling.
 */
#include "process/stapling.h"

#include <weir/body.h>
#include <weir/event.h>
#include <weir/upstream.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/vec.h"
#include "http/core_ssl.h"
#include "http/http.h"
#include "process/responder.h"
#include "tls/ocsp.h"
#include "tls/staple.h"

enum {
    AGAIN_S = 300, /* after one that failed */
    SOONEST_S = 60,
    LATEST_S = 3600 /* until the next, after one that was answered */
};

/* One certificate of one staple. */
struct ask {
    struct wr_tls_staple *staple;
    uint32_t i; /* of the staple's pairs */
    const struct wr_tls_pair *pair;
    const struct wr_tls_authorities *authorities;
    bool verify;
    struct wr_responder at;
    struct weir_timer *timer; /* the worker's */
};

struct stapling_conf {
    struct wr_vec *asks; /* struct ask; NULL: nothing is stapled */
};

/* ---- Which. ---- */

static void
warn(struct weir_conf *cf, const struct ask *a, const struct wr_server *server, const char *why)
{
    wr_diag_add(cf->diag, WR_DIAG_WARN, wr_conf_place(server->base.node, 0), NULL,
                "\"ssl_stapling\" ignored, %s \"%.*s\"", why, WEIR_FMT(a->pair->certificate));
}

/* Is everything known that asking takes? A warning says what is not. */
static bool
complete(struct weir_conf *cf, struct ask *a, const struct wr_ssl_site *site)
{
    weir_str url = site->conf->stapling_responder;
    X509 *issuer = wr_ocsp_issuer(a->pair, a->authorities);

    if (issuer == NULL) {
        warn(cf, a, site->server, "issuer certificate not found for certificate");
        return false;
    }
    X509_free(issuer);
    if (a->verify && a->authorities == NULL) {
        warn(cf, a, site->server, "no \"ssl_trusted_certificate\" to verify answers by, for certificate");
        return false;
    }
    url = url.len != 0 ? url : wr_ocsp_url(cf->pool, a->pair->leaf);
    if (url.data == NULL) {
        warn(cf, a, site->server, "no OCSP responder URL in the certificate");
        return false;
    }
    if (!wr_ocsp_place(cf->pool, url, &a->at.host, &a->at.target)) {
        warn(cf, a, site->server, "invalid URL prefix in OCSP responder for certificate");
        return false;
    }
    a->at.to = weir_upstream_find(cf, a->at.host, 80);
    return a->at.to != NULL;
}

static bool
is_known(const struct wr_vec *asks, const struct wr_tls_staple *staple)
{
    WR_VEC_EACH (struct ask, a, asks) {
        if (a->staple == staple) {
            return true;
        }
    }
    return false;
}

static void
add_site(struct weir_conf *cf, struct stapling_conf *c, const struct wr_ssl_site *site)
{
    const struct wr_tls_settings *set = &site->tls.context->settings;

    if (c->asks == NULL) {
        c->asks = wr_pool_alloc(cf->pool, sizeof(*c->asks));
        wr_vec_init_of(c->asks, cf->pool, struct ask);
    }
    if (is_known(c->asks, site->tls.staple)) {
        return;
    }
    for (uint32_t i = 0; i < set->n_pairs; i++) {
        struct ask a = { .staple = site->tls.staple,
                         .i = i,
                         .pair = set->pairs[i],
                         .authorities = site->tls.context->authorities,
                         .verify = site->conf->stapling_verify };
        if (complete(cf, &a, site)) {
            *(struct ask *)wr_vec_add(c->asks) = a;
        }
    }
}

static int
init(weir_conf *cf, void *conf)
{
    const struct wr_http *http = wr_http_of(cf);
    uint32_t errors = cf->diag->errors;

    for (uint32_t i = 0; i < http->n_servers; i++) {
        const struct wr_ssl_site *site = http->servers[i]->ssl;
        if (site != NULL && site->tls.staple != NULL && !wr_tls_staple_is_of_file(site->tls.staple)) {
            add_site(cf, conf, site);
        }
    }
    return cf->diag->errors == errors ? WEIR_OK : WEIR_ERROR;
}

/* ---- Asking. ---- */

/* Judge and show it. Seconds until the next question. */
static int64_t
take_answer(struct ask *a, weir_str der)
{
    X509 *issuer = wr_ocsp_issuer(a->pair, a->authorities);
    struct wr_err err = { "issuer certificate not found" };
    int64_t until_s = 0;
    bool good = issuer != NULL && wr_ocsp_judge(der, a->pair->leaf, issuer, a->pair->chain,
                                                a->verify ? a->authorities : NULL, NULL, &until_s,
                                                &err);

    X509_free(issuer);
    if (!good) {
        wr_say(wr_log_process(), ERROR,
               "%s while requesting certificate status, responder: %.*s, "
               "certificate: \"%.*s\"",
               err.text, WEIR_FMT(a->at.host), WEIR_FMT(a->pair->certificate));
        return AGAIN_S;
    }
    wr_tls_staple_put(a->staple, a->i, der, until_s);
    until_s = until_s == INT64_MAX ? LATEST_S : (until_s - wr_clock.wall_s) / 2;
    return WR_MAX(WR_MIN(until_s, LATEST_S), SOONEST_S);
}

static void
answered(void *data, int result, const weir_reply *reply)
{
    struct ask *a = data;
    struct weir_pool scratch;
    int64_t next_s = AGAIN_S;

    wr_pool_init(&scratch, "stapling", NULL);
    if (result == WEIR_OK && reply->status == 200) {
        next_s = take_answer(a, weir_chain_str(&scratch, reply->body, WR_TLS_STAPLE_BYTES_MAX));
    } else if (result == WEIR_OK) {
        wr_say(wr_log_process(), ERROR, "OCSP responder %.*s sent status %u", WEIR_FMT(a->at.host),
               reply->status);
    }
    wr_pool_fini(&scratch);
    weir_timer_set(a->timer, (uint64_t)next_s * 1000);
}

static void
ask(void *data)
{
    struct ask *a = data;
    X509 *issuer = wr_ocsp_issuer(a->pair, a->authorities);

    if (issuer == NULL ||
        !wr_responder_ask(&a->at, weir_worker_pool(), a->pair->leaf, issuer, answered, a)) {
        weir_timer_set(a->timer, (uint64_t)AGAIN_S * 1000);
    }
    X509_free(issuer);
}

static int
worker_start(const void *conf)
{
    const struct stapling_conf *c = conf;

    for (size_t i = 0; c->asks != NULL && i < c->asks->count; i++) {
        struct ask *a = wr_vec_at(c->asks, struct ask, i);
        a->timer = weir_timer_start(weir_worker_pool(), 0, ask, a);
    }
    return WEIR_OK;
}

static weir_self self = WR_SELF;

const weir_module wr_stapling_module = {
    WR_BUILTIN(&self, "core.stapling"),
    .summary = "what authorities say of our certificates",
    .conf_size = sizeof(struct stapling_conf),
    .init = init,
    .worker_start = worker_start,
};
