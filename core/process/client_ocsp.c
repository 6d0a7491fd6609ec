/* process/client_ocsp.c - after a handshake in which a client showed a certificate, authorities are asked about it and those that
 * lead to it, one after the other, and the connection waits.
 *
 * Whoever is not vouched for is not let in: every way of not getting a good answer counts against the client. A connection
 * that ends meanwhile takes its inquiry with it; the deadline of its handshake is the end of the wait.
 */
#include "process/client_ocsp.h"

#include <stdlib.h>
#include <weir/body.h>
#include <weir/shm.h>
#include <weir/upstream.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/vec.h"
#include "http/core_ssl.h"
#include "http/http.h"
#include "http/request.h"
#include "process/responder.h"
#include "tls/authorities.h"
#include "tls/ocsp.h"
#include "tls/stream.h"

#define INQUIRY_TAG WR_TAG('i', 'n', 'q', 'y')

enum { CHAIN_MAX = 8 }; /* certificates of one client that are asked about */

static const char not_vouched_for[] = "certificate status request failed";
static const char is_revoked[] = "certificate revoked";

/* What a server asks by. */
struct inquirer {
    struct wr_ssl_inquirer pub; /* first */
    bool leaf_only;
    struct wr_responder at;     /* without `to`: the certificate says whom */
    weir_map *cache;            /* NULL: answers are not kept */
};

/* An answer that is kept. */
struct kept {
    uint64_t revoked;
};

/* What is asked for one connection. */
struct inquiry {
    uint32_t tag;
    int at;                     /* in chain: which certificate is asked about */
    const struct inquirer *by;
    const struct wr_ssl_site *site;
    struct wr_tls_stream *stream;
    weir_pool *pool;
    struct wr_request *r;       /* whose server says how names are resolved; NULL: not needed yet */
    STACK_OF(X509) *chain;      /* the client's, up to an authority that is believed */
    weir_str host;              /* that is asked now */
    struct wr_task task;
};

/* ---- Life. ---- */

static void
free_inquiry(struct wr_task *t)
{
    struct inquiry *q = WR_CONTAINER(t, struct inquiry, task);

    q->tag = 0;
    free(q);
}

static void
end(struct inquiry *q)
{
    q->stream->inquiry = NULL;
    wr_task_remove(&q->task);
    if (q->r != NULL) {
        wr_request_free(q->r);
    }
    wr_pool_destroy(&q->pool); /* what is asked with it */
    sk_X509_pop_free(q->chain, X509_free);
    wr_loop_bury(wr_loop_self(), &q->task, free_inquiry);
}

static void
drop(struct wr_tls_stream *s)
{
    struct inquiry *q = s->inquiry;

    WR_CHECK(q, INQUIRY_TAG);
    end(q);
}

/* ---- Going through the chain. ---- */

static X509 *
leaf_of(const struct inquiry *q)
{
    return sk_X509_value(q->chain, q->at);
}

static X509 *
issuer_of(const struct inquiry *q)
{
    return sk_X509_value(q->chain, q->at + 1);
}

/* Nobody stands above the last one, which is believed as it is. */
static bool
is_over(const struct inquiry *q)
{
    return q->stream->distrust != NULL || q->at >= sk_X509_num(q->chain) - 1 ||
           (q->by->leaf_only && q->at > 0);
}

static void
take(struct inquiry *q, bool revoked)
{
    if (revoked) {
        q->stream->distrust = is_revoked;
    }
    q->at++;
}

/* What is kept of answers about certificates that come next. True: nobody has to be asked any more. */
static bool
recall(struct inquiry *q)
{
    struct kept kept;
    uint8_t key[32];

    while (!is_over(q)) {
        if (q->by->cache == NULL || !wr_ocsp_key(leaf_of(q), issuer_of(q), key) ||
            weir_map_get(q->by->cache, (weir_str){ (const char *)key, sizeof(key) }, &kept) != WEIR_OK) {
            return false;
        }
        take(q, kept.revoked != 0);
    }
    return true;
}

static void
keep(const struct inquiry *q, bool revoked, int64_t until_s)
{
    const struct kept kept = { revoked };
    uint8_t key[32];

    if (q->by->cache != NULL && until_s != INT64_MAX && until_s > wr_clock.wall_s &&
        wr_ocsp_key(leaf_of(q), issuer_of(q), key)) {
        (void)weir_map_put(q->by->cache, (weir_str){ (const char *)key, sizeof(key) }, &kept,
                           (uint64_t)(until_s - wr_clock.wall_s) * 1000);
    }
}

/* All is known, or enough. */
static void
tell(struct inquiry *q)
{
    struct wr_tls_stream *s = q->stream;

    end(q);
    wr_tls_stream_admit(s);
}

static void
fail(struct inquiry *q, const char *why)
{
    wr_say(wr_log_process(), ERROR, "*%llu %s while requesting certificate status, responder: %.*s",
           (unsigned long long)q->stream->conn->number, why, WEIR_FMT(q->host));
    q->stream->distrust = not_vouched_for;
    tell(q);
}

/* ---- Asking. ---- */

static void
answered(void *data, int result, const weir_reply *reply)
{
    struct inquiry *q = data;
    struct wr_err err;
    bool revoked = false;
    int64_t until_s = 0;
    weir_str der;

    WR_CHECK(q, INQUIRY_TAG);
    if (result != WEIR_OK || reply->status != 200) {
        fail(q, result == WEIR_OK ? "OCSP responder sent another status than 200"
                                  : "OCSP responder gave no answer");
        return;
    }
    der = weir_chain_str(q->pool, reply->body, WR_RESPONDER_BYTES_MAX);
    if (!wr_ocsp_judge(der, leaf_of(q), issuer_of(q), q->chain, NULL, &revoked, &until_s, &err)) {
        fail(q, err.text);
        return;
    }
    keep(q, revoked, until_s);
    take(q, revoked);
    if (recall(q)) {
        tell(q);
    } else {
        wr_task_add(wr_loop_self(), &q->task);
    }
}

/* Whom the certificate names: an address that is known by now only. False: nobody who can be asked.
 */
static bool
find_named(struct inquiry *q, struct wr_responder *at)
{
    weir_str url = wr_ocsp_url(q->pool, leaf_of(q));

    if (url.data == NULL || !wr_ocsp_place(q->pool, url, &at->host, &at->target)) {
        return false;
    }
    if (q->r == NULL) {
        q->r = wr_request_create(q->pool, q->stream->conn, NULL, NULL, q->site->server->http,
                                 q->site->server);
    }
    at->to = weir_upstream_at(&q->r->pub, at->host, 80);
    return at->to != NULL;
}

static void
ask_next(struct wr_task *t)
{
    struct inquiry *q = WR_CONTAINER(t, struct inquiry, task);
    struct wr_responder at = q->by->at;
    bool known;

    WR_CHECK(q, INQUIRY_TAG);
    known = at.to != NULL || find_named(q, &at);
    q->host = at.host;
    if (!known) {
        fail(q, "no OCSP responder is known");
    } else if (!wr_responder_ask(&at, q->pool, leaf_of(q), issuer_of(q), answered, q)) {
        fail(q, "the question cannot be made");
    }
}

/* The client's certificate and those that lead to it; NULL: there are none, or too many. */
static STACK_OF(X509) *
chain_of(const struct wr_ssl_site *site, SSL *ssl, X509 *leaf)
{
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);

    chain = chain != NULL ? X509_chain_up_ref(chain) /* of a session come back to it is not known */
                          : wr_tls_authorities_chain(site->tls.context->authorities, leaf,
                                                     SSL_get_peer_cert_chain(ssl));
    if (chain != NULL && sk_X509_num(chain) > CHAIN_MAX) {
        sk_X509_pop_free(chain, X509_free);
        return NULL;
    }
    return chain;
}

static bool
ask(const struct wr_ssl_site *site, struct wr_tls_stream *s)
{
    X509 *leaf = SSL_get0_peer_certificate(s->ssl);
    STACK_OF(X509) *chain;
    struct inquiry *q;

    if (leaf == NULL || SSL_get_verify_result(s->ssl) != X509_V_OK) {
        return true; /* each request is judged by that */
    }
    chain = chain_of(site, s->ssl, leaf);
    if (chain == NULL) {
        s->distrust = not_vouched_for;
        return true;
    }
    q = calloc(1, sizeof(*q));
    WR_ASSERT(q != NULL);
    q->tag = INQUIRY_TAG;
    q->by = (const struct inquirer *)site->inquirer;
    q->site = site;
    q->stream = s;
    q->chain = chain;
    q->pool = wr_pool_create("inquiry", NULL);
    wr_task_init(&q->task, ask_next);
    s->inquiry = q;
    if (recall(q)) {
        end(q);
        return true;
    }
    wr_task_add(wr_loop_self(), &q->task);
    return false;
}

/* ---- Which servers. ---- */

/* One for all servers of these settings; NULL after a report. */
static struct inquirer *
create(weir_conf *cf, const struct wr_ssl_conf *c)
{
    struct inquirer *by = wr_pool_zalloc(weir_conf_pool(cf), sizeof(*by));

    by->pub = (struct wr_ssl_inquirer){ ask, drop };
    by->leaf_only = c->ocsp == WR_SSL_OCSP_LEAF;
    if (c->ocsp_cache != NULL) {
        by->cache = weir_map_claim(cf, c->ocsp_cache, "tls.ocsp/1", sizeof(struct kept));
        if (by->cache == NULL) {
            return NULL;
        }
    }
    if (c->ocsp_responder.len != 0) {
        if (!wr_ocsp_place(weir_conf_pool(cf), c->ocsp_responder, &by->at.host, &by->at.target)) {
            (void)weir_conf_error(cf, "invalid URL prefix in OCSP responder \"%.*s\"",
                                  WEIR_FMT(c->ocsp_responder));
            return NULL;
        }
        by->at.to = weir_upstream_find(cf, by->at.host, 80);
    }
    return by->at.to != NULL || c->ocsp_responder.len == 0 ? by : NULL;
}

/* What another server of the same settings asks by; NULL: none before i. */
static const struct wr_ssl_inquirer *
find(const struct wr_http *http, uint32_t i)
{
    const struct wr_ssl_site *site = http->servers[i]->ssl;

    for (uint32_t k = i; k-- > 0;) { /* neighbours, most likely */
        const struct wr_ssl_site *other = http->servers[k]->ssl;
        if (other != NULL && other->conf == site->conf) {
            return other->inquirer;
        }
    }
    return NULL;
}

static int
init(weir_conf *cf, void *conf)
{
    const struct wr_http *http = wr_http_of(cf);
    const struct wr_conf_node *node = cf->node;

    (void)conf;
    for (uint32_t i = 0; i < http->n_servers; i++) {
        struct wr_ssl_site *site = (struct wr_ssl_site *)(uintptr_t)http->servers[i]->ssl;
        if (site == NULL || !site->tls.whole_chains) {
            continue;
        }
        site->inquirer = find(http, i);
        if (site->inquirer == NULL) {
            cf->node = wr_ssl_origin(site->server, "ssl_ocsp");
            struct inquirer *by = create(cf, site->conf);
            if (by == NULL) {
                cf->node = node;
                return WEIR_ERROR;
            }
            site->inquirer = &by->pub;
        }
    }
    cf->node = node;
    return WEIR_OK;
}

static weir_self self = WR_SELF;

const weir_module wr_client_ocsp_module = {
    WR_BUILTIN(&self, "core.client_ocsp"),
    .summary = "what authorities say of clients' certificates",
    .init = init,
};
