/* tls/context.c - settings to an SSL_CTX. */
#include "tls/context.h"

#include <openssl/err.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/str.h"
#include "tls/authorities.h"
#include "tls/bank.h"
#include "tls/client.h"
#include "tls/dhparam.h"
#include "tls/door.h"
#include "tls/fault.h"

const weir_name wr_tls_protocols[] = {
    { "SSLv2", WR_TLS_SSL2 },  { "SSLv3", WR_TLS_SSL3 },  { "TLSv1", WR_TLS_1_0 },
    { "TLSv1.1", WR_TLS_1_1 }, { "TLSv1.2", WR_TLS_1_2 }, { "TLSv1.3", WR_TLS_1_3 },
    { NULL, 0 },
};

uint32_t
wr_tls_protocol(weir_str name)
{
    const weir_name *n = wr_tls_protocols;

    while (n->name != NULL && !weir_str_eq(name, weir_str_c(n->name))) {
        n++;
    }
    return n->value;
}

/* Keys and signatures of 112 bits at least: no SHA-1, no RSA of 1024 bits. */
enum { LEVEL_STRICT = 2 };

/* Those of TLS 1.3, the one that costs least first: all are good for as long as any key lives. */
#define SUITES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

/* ---- Parts. ---- */

static bool
set_protocols(SSL_CTX *c, uint32_t protocols)
{
    static const struct {
        uint32_t bit;
        int version;
        uint64_t off;
    } all[] = {
        { WR_TLS_SSL3, SSL3_VERSION, SSL_OP_NO_SSLv3 },
        { WR_TLS_1_0, TLS1_VERSION, SSL_OP_NO_TLSv1 },
        { WR_TLS_1_1, TLS1_1_VERSION, SSL_OP_NO_TLSv1_1 },
        { WR_TLS_1_2, TLS1_2_VERSION, SSL_OP_NO_TLSv1_2 },
        { WR_TLS_1_3, TLS1_3_VERSION, SSL_OP_NO_TLSv1_3 },
    };
    int low = 0, high = 0;

    for (size_t i = 0; i < WR_COUNT(all); i++) {
        if (protocols & all[i].bit) {
            low = low == 0 ? all[i].version : low;
            high = all[i].version;
        } else {
            SSL_CTX_set_options(c, all[i].off);
        }
    }
    return SSL_CTX_set_min_proto_version(c, low) == 1 && SSL_CTX_set_max_proto_version(c, high) == 1;
}

static bool
set_commands(SSL_CTX *c, const struct wr_tls_settings *set, struct wr_err *err)
{
    SSL_CONF_CTX *commands = SSL_CONF_CTX_new();
    bool good = commands != NULL;

    WR_ASSERT(good);
    (void)SSL_CONF_CTX_set_flags(commands, SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_CERTIFICATE |
                                               SSL_CONF_FLAG_SHOW_ERRORS |
                                               (set->client ? SSL_CONF_FLAG_CLIENT
                                                            : SSL_CONF_FLAG_SERVER));
    SSL_CONF_CTX_set_ssl_ctx(commands, c);
    for (size_t i = 0; good && i + 1 < set->commands.count; i += 2) {
        weir_str name = set->commands.at[i], value = set->commands.at[i + 1];
        good = SSL_CONF_cmd(commands, name.data, value.data) > 0 ||
               wr_tls_fault(err, "SSL_CONF_cmd(\"%.*s\", \"%.*s\") failed", WEIR_FMT(name),
                            WEIR_FMT(value));
    }
    good = good && (SSL_CONF_CTX_finish(commands) == 1 ||
                    wr_tls_fault(err, "SSL_CONF_finish() failed"));
    SSL_CONF_CTX_free(commands);
    return good;
}

static bool
use_pair(SSL_CTX *c, const struct wr_tls_pair *p, struct wr_err *err)
{
    if (SSL_CTX_use_certificate(c, p->leaf) != 1) {
        return wr_tls_fault(err, "SSL_CTX_use_certificate(\"%.*s\") failed",
                            WEIR_FMT(p->certificate));
    }
    if (SSL_CTX_set1_chain(c, p->chain) != 1) {
        return wr_tls_fault(err, "SSL_CTX_set0_chain(\"%.*s\") failed", WEIR_FMT(p->certificate));
    }
    return SSL_CTX_use_PrivateKey(c, p->private_key) == 1 ||
           wr_tls_fault(err, "SSL_CTX_use_PrivateKey(\"%.*s\") failed", WEIR_FMT(p->key));
}

/* The user of a server looks at the result itself. */
static int
let_pass(int good, X509_STORE_CTX *store)
{
    (void)good, (void)store;
    return 1;
}

static void
set_verify(SSL_CTX *c, const struct wr_tls_settings *set)
{
    SSL_CTX_set_verify_depth(c, (int)set->verify_depth);
    if (set->verify != WR_TLS_VERIFY_OFF) {
        SSL_CTX_set_verify(c, SSL_VERIFY_PEER, set->client ? NULL : let_pass);
    }
}

static void
set_options(SSL_CTX *c, const struct wr_tls_settings *set)
{
    SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_IGNORE_UNEXPECTED_EOF |
                               (set->tickets ? 0 : SSL_OP_NO_TICKET) |
                               (set->prefer_server ? SSL_OP_CIPHER_SERVER_PREFERENCE : 0) |
                               (set->prefer_server && set->strict ? SSL_OP_PRIORITIZE_CHACHA : 0));
    SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    if (set->client) {
        SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        return;
    }
    SSL_CTX_set_session_cache_mode(c, set->session_ids
                                          ? SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL |
                                                SSL_SESS_CACHE_NO_AUTO_CLEAR
                                          : SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(c, set->tickets || set->session_ids ? 1 : 0);
}

static bool
set_texts(SSL_CTX *c, const struct wr_tls_settings *set, struct wr_err *err)
{
    if (set->ciphers.data != NULL && SSL_CTX_set_cipher_list(c, set->ciphers.data) != 1) {
        return wr_tls_fault(err, "SSL_CTX_set_cipher_list(\"%.*s\") failed",
                            WEIR_FMT(set->ciphers));
    }
    if (set->groups.data != NULL && SSL_CTX_set1_groups_list(c, set->groups.data) != 1) {
        return wr_tls_fault(err, "SSL_CTX_set1_curves_list(\"%.*s\") failed",
                            WEIR_FMT(set->groups));
    }
    if (set->strict && !set->client && SSL_CTX_set_ciphersuites(c, SUITES) != 1) {
        return wr_tls_fault(err, "SSL_CTX_set_ciphersuites() failed");
    }
    return true;
}

/* ---- Whole. ---- */

static bool
fill(SSL_CTX *c, const struct wr_tls_context *of, struct wr_err *err)
{
    const struct wr_tls_settings *set = &of->settings;

    if (set->strict && SSL_CTX_get_security_level(c) < LEVEL_STRICT) {
        SSL_CTX_set_security_level(c, LEVEL_STRICT);
    }
    set_options(c, set);
    set_verify(c, set);
    if (!set_protocols(c, set->protocols)) {
        return wr_tls_fault(err, "these protocols cannot be had");
    }
    if (!set_texts(c, set, err) || (of->dhparam != NULL && !wr_tls_dhparam_use(of->dhparam, c, err))) {
        return false;
    }
    for (uint32_t i = 0; i < set->n_pairs; i++) {
        if (!use_pair(c, set->pairs[i], err)) {
            return false;
        }
    }
    if (of->authorities != NULL) {
        wr_tls_authorities_use(of->authorities, c);
    }
    if (set->client) {
        wr_tls_client_equip(c);
    } else {
        wr_tls_door_equip(c);
    }
    return set_commands(c, set, err);
}

SSL_CTX *
wr_tls_context_make(const struct wr_tls_context *of, struct wr_err *err)
{
    SSL_CTX *c = SSL_CTX_new(of->settings.client ? TLS_client_method() : TLS_server_method());

    ERR_clear_error();
    if (c == NULL) {
        (void)wr_tls_fault(err, "SSL_CTX_new() failed");
        return NULL;
    }
    if (!fill(c, of, err)) {
        SSL_CTX_free(c);
        return NULL;
    }
    return c;
}

/* Of all that the files of a context were exchanged. */
static uint32_t
versions(const struct wr_tls_context *c)
{
    uint32_t n = wr_tls_authorities_version(c->authorities) + wr_tls_dhparam_version(c->dhparam);

    for (uint32_t i = 0; i < c->settings.n_pairs; i++) {
        n += c->settings.pairs[i]->version;
    }
    return n;
}

SSL_CTX *
wr_tls_context_ssl(struct wr_tls_context *c, struct wr_err *err)
{
    SSL_CTX *fresh;

    if (c->ssl != NULL && (c->version == c->bank->version || c->made_of == versions(c))) {
        c->version = c->bank->version;
        return c->ssl;
    }
    fresh = wr_tls_context_make(c, err);
    if (fresh == NULL && c->ssl != NULL) { /* with what has changed it cannot be: go on with what was */
        wr_say(wr_log_process(), ERROR, "%s; what is in use stays", err->text);
        c->version = c->bank->version;
        c->made_of = versions(c);
        return c->ssl;
    }
    if (fresh == NULL) {
        return NULL;
    }
    SSL_CTX_free(c->ssl); /* connections that speak with it have it counted */
    c->ssl = fresh;
    c->version = c->bank->version;
    c->made_of = versions(c);
    return c->ssl;
}
