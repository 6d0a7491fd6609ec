/* http/core_ssl_site.c - from settings to what connections are shown: contexts, keys, sessions; and which of it a name means.
 *
 * Blocks that share their settings share all that is made of them. What differs from server to server is its identity, which
 * its sessions carry.
 */
#include <openssl/evp.h>

#include "base/assert.h"
#include "base/str.h"
#include "http/build.h"
#include "http/core_ssl.h"
#include "http/core_ssl_certificate.h"
#include "module/registry.h"
#include "module/zone.h"
#include "tls/authorities.h"
#include "tls/bank.h"
#include "tls/session.h"
#include "tls/staple.h"
#include "tls/ticket.h"

/* Shared memory for ticket keys: a name that nobody's zone has. */
#define TICKET_ZONE "TLS ticket keys:32k"

struct wr_ssl_shared {
    bool good;
    struct wr_tls_context *context; /* NULL: a site that rejects everybody */
    struct wr_ssl_certificates *certificates; /* those with variables; NULL: none */
    struct wr_tls_tickets *tickets;
    const struct wr_tls_sessions *sessions;
    struct wr_tls_staple *staple;
    uint8_t policy[WR_TLS_IDENTITY];
};

/* ---- Reports. ---- */

const struct wr_conf_node *
wr_ssl_origin(const struct wr_server *server, const char *name)
{
    const weir_items *rows = &wr_core_ssl.directives;
    const weir_directive *row = rows->at;

    for (uint32_t i = 0; i < rows->count; i++) {
        if (strcmp(row[i].name, name) == 0) {
            const struct wr_scope_origin *o =
                wr_scope_origin(server->base.scope, wr_core_ssl.self->slot, &row[i]);
            return o != NULL ? o->node : server->base.node;
        }
    }
    return server->base.node;
}

static bool
complain(struct weir_conf *cf, const struct wr_server *server, const char *directive,
         const struct wr_err *err)
{
    cf->node = wr_ssl_origin(server, directive);
    (void)weir_conf_error(cf, "%s", err->text);
    return false;
}

/* ---- Settings. ---- */

static weir_str
unless_auto(weir_str text)
{
    return weir_str_eq(text, WEIR_STR("auto")) ? (weir_str){ NULL, 0 } : text;
}

static void
fill_settings(const struct weir_conf *cf, const struct wr_ssl_conf *c, struct wr_tls_settings *set)
{
    *set = (struct wr_tls_settings){
        .strict = !cf->compat_nginx,
        .prefer_server = c->prefer_server_ciphers,
        .tickets = c->tickets,
        .session_ids = c->cache.kind != WR_SSL_CACHE_OFF,
        .protocols = c->protocols,
        .verify = c->verify,
        .verify_depth = (uint32_t)c->verify_depth,
        .ciphers = c->ciphers,
        .groups = unless_auto(c->curve),
        .dhparam = c->dhparam,
        .commands = c->commands,
    };
    if (c->verify != WR_TLS_VERIFY_OFF) {
        set->client_authorities = c->client_certificate;
    }
    set->crl = c->crl;
    set->authorities = c->trusted_certificate;
}

/* As many keys as certificates, and authorities where clients are to be verified. */
static bool
is_complete(const struct wr_ssl_conf *c, struct wr_err *err)
{
    if (c->keys.count < c->certificates.count) {
        return wr_err_set(err, "no \"ssl_certificate_key\" is defined for certificate \"%.*s\"",
                          WEIR_FMT(c->certificates.at[c->certificates.count - 1]));
    }
    if (c->verify != WR_TLS_VERIFY_OFF && c->verify != WR_TLS_VERIFY_OPTIONAL_NO_CA &&
        c->client_certificate.data == NULL && c->trusted_certificate.data == NULL) {
        return wr_err_set(err, "no ssl_client_certificate or ssl_trusted_certificate for "
                               "ssl_verify_client");
    }
    if (c->verify == WR_TLS_VERIFY_OPTIONAL_NO_CA && c->ocsp != WR_SSL_OCSP_OFF) {
        return wr_err_set(err, "\"ssl_ocsp\" is incompatible with "
                               "\"ssl_verify_client optional_no_ca\"");
    }
    return true;
}

static bool
load_pairs(struct weir_conf *cf, struct wr_ssl_build *b, const struct wr_ssl_conf *c,
           struct wr_tls_passwords passwords, struct wr_tls_settings *set, struct wr_err *err)
{
    size_t n = c->certificates.count;
    struct wr_tls_pair **pairs = wr_pool_array(cf->pool, struct wr_tls_pair *, n);

    for (size_t i = 0; i < n; i++) {
        if (wr_ssl_certificate_varies(c, i)) {
            continue;
        }
        pairs[set->n_pairs] =
            wr_tls_bank_pair(b->bank, c->certificates.at[i], c->keys.at[i], passwords, err);
        if (pairs[set->n_pairs++] == NULL) {
            return false;
        }
    }
    set->pairs = pairs;
    return true;
}

/* ---- What settings come to. ---- */

static void *
fresh_tickets(void *data, weir_zone *z)
{
    void *shared = weir_zone_alloc(z, wr_tls_tickets_shared_size());

    (void)data;
    return shared != NULL && wr_tls_tickets_shared_init(shared) ? shared : NULL;
}

/* Keys of our own, made when the first block needs them. */
static struct wr_tls_tickets *
own_tickets(struct weir_conf *cf, struct wr_ssl_build *b)
{
    weir_zone *zone;

    if (b->tickets == NULL &&
        wr_zone_make(cf, WEIR_STR(TICKET_ZONE), &zone) == WEIR_OK &&
        weir_zone_claim(cf, zone, "tls.tickets/1", fresh_tickets, NULL) == WEIR_OK) {
        b->tickets = wr_tls_tickets_create(cf->pool, weir_zone_root(zone));
    }
    return b->tickets;
}

static bool
make_tickets(struct weir_conf *cf, struct wr_ssl_build *b, const struct wr_server *server,
             const struct wr_ssl_conf *c, struct wr_ssl_shared *s)
{
    struct wr_err err = { "shared memory for ticket keys cannot be had" };

    if (c->tickets) {
        s->tickets = c->ticket_keys.count != 0 ? wr_tls_tickets_load(cf->pool, c->ticket_keys, &err)
                                               : own_tickets(cf, b);
        return s->tickets != NULL || complain(cf, server, "ssl_session_ticket_key", &err);
    }
    return true;
}

static bool
make_sessions(struct weir_conf *cf, const struct wr_server *server, const struct wr_ssl_conf *c,
              struct wr_ssl_shared *s)
{
    if (c->cache.kind == WR_SSL_CACHE_BUILTIN) {
        s->sessions = wr_tls_sessions_create(cf->pool, c->cache.builtin);
    } else if (c->cache.kind == WR_SSL_CACHE_SHARED) {
        cf->node = wr_ssl_origin(server, "ssl_session_cache");
        s->sessions = wr_ssl_sessions_claim(cf, c->cache.zone);
        return s->sessions != NULL;
    }
    return true;
}

static bool
make_staple(struct weir_conf *cf, struct wr_ssl_build *b, const struct wr_server *server, const struct wr_ssl_conf *c,
            struct wr_ssl_shared *s)
{
    struct wr_err err;

    if (!c->stapling) {
        return true;
    }
    if (c->stapling_file.data == NULL) { /* process/stapling.c asks */
        s->staple = wr_tls_staple_create(cf->pool, s->context->settings.pairs,
                                         s->context->settings.n_pairs);
        return true;
    }
    s->staple = wr_tls_staple_load(cf->pool, b->bank, c->stapling_file, &err);
    return s->staple != NULL || complain(cf, server, "ssl_stapling_file", &err);
}

static void
digest(uint8_t to[WR_TLS_IDENTITY], const void *bytes, size_t len)
{
    WR_ASSERT(EVP_Q_digest(NULL, "SHA256", NULL, bytes, len, to, NULL) == 1);
}

/* What is asked of clients' certificates, as a digest. */
static void
make_policy(struct wr_ssl_shared *s, const struct wr_ssl_conf *c)
{
    struct {
        uint32_t verify, depth, ocsp, unused;
        uint8_t authorities[WR_TLS_IDENTITY], responder[WR_TLS_IDENTITY];
    } all;

    memset(&all, 0, sizeof(all));
    all.verify = c->verify;
    if (c->verify != WR_TLS_VERIFY_OFF) {
        all.depth = (uint32_t)c->verify_depth;
        wr_tls_authorities_digest(s->context->authorities, all.authorities);
        all.ocsp = c->ocsp;
        if (c->ocsp != WR_SSL_OCSP_OFF) {
            digest(all.responder, c->ocsp_responder.data, c->ocsp_responder.len);
        }
    }
    digest(s->policy, &all, sizeof(all));
}

static bool
fill_shared(struct weir_conf *cf, struct wr_ssl_build *b, const struct wr_server *server,
            const struct wr_ssl_conf *c, struct wr_ssl_shared *s)
{
    struct wr_tls_settings set;
    struct wr_tls_passwords passwords = { 0 };
    struct wr_err err;

    fill_settings(cf, c, &set);
    if (!is_complete(c, &err)) {
        return complain(cf, server, c->verify != WR_TLS_VERIFY_OFF ? "ssl_verify_client"
                                                                   : "ssl_certificate", &err);
    }
    if (c->password_file.data != NULL &&
        !wr_tls_passwords_load(cf->pool, c->password_file, &passwords, &err)) {
        return complain(cf, server, "ssl_password_file", &err);
    }
    if (!load_pairs(cf, b, c, passwords, &set, &err)) {
        return complain(cf, server, "ssl_certificate", &err);
    }
    s->context = wr_tls_bank_context(b->bank, &set, &err);
    if (s->context == NULL) {
        return complain(cf, server, "ssl_certificate", &err);
    }
    cf->node = wr_ssl_origin(server, "ssl_certificate");
    if (!wr_ssl_certificates_create(cf, c, passwords, &s->certificates)) {
        return false;
    }
    make_policy(s, c);
    return make_tickets(cf, b, server, c, s) && make_sessions(cf, server, c, s) &&
           make_staple(cf, b, server, c, s);
}

static const struct wr_ssl_shared *
shared_of(struct weir_conf *cf, struct wr_ssl_build *b, const struct wr_server *server)
{
    struct wr_ssl_conf *c = (struct wr_ssl_conf *)(uintptr_t)wr_ssl_conf(server->base.conf);

    if (c->shared == NULL) {
        c->shared = wr_pool_zalloc(cf->pool, sizeof(*c->shared));
        c->shared->good = fill_shared(cf, b, server, c, c->shared);
    }
    return c->shared;
}

/* ---- Sites. ---- */

/* Digest of what makes the server the one that it is: its name and where it listens. */
static void
make_self(struct weir_conf *cf, const struct wr_server *server, struct wr_ssl_site *site)
{
    const struct wr_vec *listens = &wr_http_of(cf)->build->listens;
    struct weir_pool scratch;
    weir_str text;

    wr_pool_init(&scratch, "identity", NULL);
    text = weir_print(&scratch, "%.*s", WEIR_FMT(server->name));
    WR_VEC_EACH (struct wr_build_listen, l, listens) {
        if (l->server == server && l->address->ssl) {
            text = weir_print(&scratch, "%.*s\n%.*s", WEIR_FMT(text), WEIR_FMT(l->address->text));
        }
    }
    digest(site->self, text.data, text.len);
    wr_pool_fini(&scratch);
}

/* What it asks of clients, and what its sessions carry of that. */
static void
make_identity(struct wr_ssl_site *site, const struct wr_ssl_shared *shared)
{
    uint8_t both[2 * WR_TLS_IDENTITY];

    memcpy(site->policy, shared->policy, WR_TLS_IDENTITY);
    memcpy(both, site->policy, WR_TLS_IDENTITY);
    memcpy(both + WR_TLS_IDENTITY, site->self, WR_TLS_IDENTITY);
    digest(site->tls.identity, both, sizeof(both));
}

void
wr_ssl_renew(const struct wr_http *http)
{
    for (uint32_t i = 0; i < http->n_servers; i++) {
        struct wr_ssl_site *site = (struct wr_ssl_site *)(uintptr_t)http->servers[i]->ssl;
        if (site != NULL && site->conf->shared->context != NULL) {
            make_policy(site->conf->shared, site->conf);
            make_identity(site, site->conf->shared);
        }
    }
}

static bool
make_site(struct weir_conf *cf, struct wr_ssl_build *b, struct wr_server *server)
{
    const struct wr_ssl_conf *c = wr_ssl_conf(server->base.conf);
    const struct wr_ssl_shared *shared;
    struct wr_ssl_site *site;
    bool bare = c->certificates.count == 0 && !c->reject;

    if (bare && c->verify == WR_TLS_VERIFY_OFF) {
        return true; /* the site of the address's default server is shown */
    }
    shared = shared_of(cf, b, server);
    if (!shared->good) {
        return false;
    }
    site = wr_pool_zalloc(cf->pool, sizeof(*site));
    site->server = server;
    site->conf = c;
    site->bare = bare;
    site->tls.context = shared->context;
    site->tls.reject = c->reject;
    site->tls.whole_chains = c->verify != WR_TLS_VERIFY_OFF && c->ocsp != WR_SSL_OCSP_OFF;
    site->tls.record = (uint32_t)WR_MIN(c->buffer_size, (uint64_t)UINT32_MAX);
    site->tls.session_s = WR_MAX(c->session_timeout_ms / 1000, 1u);
    site->tls.tickets = shared->tickets;
    site->tls.sessions = shared->sessions;
    site->tls.staple = shared->staple;
    make_self(cf, server, site);
    make_identity(site, shared);
    server->ssl = site;
    return true;
}

/* Does the address, or failing that every server at it, have something to show? */
static bool
check_address(struct weir_conf *cf, const struct wr_build_address *a)
{
    const struct wr_server *server = a->fallback;

    if ((server->ssl != NULL && !server->ssl->bare) || cf->diag->errors != 0) {
        return true;
    }
    cf->node = a->default_node != NULL ? a->default_node : a->first;
    (void)weir_conf_error(cf, "no \"ssl_certificate\" is defined for the \"listen ... ssl\" "
                              "directive of the default server of %.*s", WEIR_FMT(a->text));
    return false;
}

static bool
make_sites(struct weir_conf *cf, struct wr_ssl_build *b)
{
    const struct wr_vec *listens = &wr_http_of(cf)->build->listens;
    bool good = true;

    WR_VEC_EACH (struct wr_build_listen, l, listens) {
        if (l->address->ssl && l->server->ssl == NULL) {
            good = make_site(cf, b, l->server) && good;
        }
    }
    WR_VEC_EACH (struct wr_build_listen, l, listens) {
        if (l->address->ssl && l->address->fallback == l->server) {
            good = check_address(cf, l->address) && good;
        }
    }
    return good;
}

/* ---- Doors. ---- */

static const struct wr_tls_site *
choose(const void *owner, struct wr_conn *c, weir_str name, bool *http2)
{
    const struct wr_endpoint *e = owner;
    const struct wr_server *server = name.len != 0 ? wr_vhost_find(e, name, NULL) : e->fallback;
    const struct wr_ssl_site *site =
        server->ssl != NULL && !server->ssl->bare ? server->ssl : e->fallback->ssl;

    (void)c;
    *http2 = wr_endpoint_has_http2(e, server);
    return &site->tls;
}

static bool
show(const void *owner, struct wr_tls_stream *s)
{
    const struct wr_ssl_site *site = (const struct wr_ssl_site *)s->site;
    struct wr_ssl_certificates *certificates = site->conf->shared->certificates;

    (void)owner;
    return certificates == NULL || wr_ssl_certificates_show(certificates, site, s);
}

static void
shaken(const void *owner, const struct wr_tls_stream *s, bool good)
{
    (void)owner;
    wr_ssl_count(!good ? WR_SSL_FAILED : SSL_session_reused(s->ssl) ? WR_SSL_RESUMED : WR_SSL_FULL);
}

static bool
admit(const void *owner, struct wr_tls_stream *s)
{
    const struct wr_ssl_site *site = (const struct wr_ssl_site *)s->site;

    (void)owner;
    return site == NULL || site->inquirer == NULL || site->inquirer->ask(site, s);
}

static void
left(const void *owner, struct wr_tls_stream *s)
{
    (void)owner;
    ((const struct wr_ssl_site *)s->site)->inquirer->drop(s);
}

static const struct wr_tls_door_ops door_ops = { .choose = choose,
                                                 .show = show,
                                                 .shaken = shaken,
                                                 .admit = admit,
                                                 .left = left };

bool
wr_ssl_finish(struct weir_conf *cf, struct wr_http *http)
{
    const struct wr_conf_node *node = cf->node;
    struct wr_ssl_build b = { NULL, NULL, NULL };
    bool good = true;

    for (uint32_t i = 0; i < http->n_endpoints; i++) {
        struct wr_endpoint *e = &http->endpoints[i];
        struct wr_tls_door *door;
        if (!e->ssl) {
            continue;
        }
        if (b.bank == NULL) {
            b.bank = cf->tls;
            b.front = wr_tls_front_create(cf->pool);
            good = make_sites(cf, &b);
        }
        door = wr_pool_alloc(cf->pool, sizeof(*door));
        *door = (struct wr_tls_door){ &door_ops, e, b.front };
        e->door = door;
    }
    cf->node = node;
    return good;
}

bool
wr_endpoint_enter(const struct wr_endpoint *e, struct wr_conn *c, weir_str bytes)
{
    return wr_tls_door_enter(e->door, c, bytes);
}
