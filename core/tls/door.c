/* tls/door.c - the client's hello: name, site, protocol. */
#include "tls/door.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/pool.h"
#include "tls/authorities.h"
#include "tls/fault.h"
#include "tls/server_name.h"
#include "tls/session.h"
#include "tls/staple.h"
#include "tls/stream.h"
#include "tls/ticket.h"

/* The SSL_CTX that connections begin with, before their site is known. */
struct wr_tls_front {
    SSL_CTX *ssl;
};

/* What a front offers, so that a site with the same needs no more said. */
#define FRONT_GROUPS "X25519:P-256:P-384"

/* ---- The name. ---- */

/* Keep it, unless it is no host name: that counts as none. */
static void
keep_name(struct wr_tls_stream *s, weir_str name)
{
    char *to = malloc(name.len);

    WR_ASSERT(to != NULL);
    s->name.len = wr_server_name_clean(name, to);
    s->name.data = to;
    if (s->name.len == 0) {
        free(to);
        s->name.data = NULL;
    }
}

/* ---- The site. ---- */

/* Everything of the site's context that an SSL has taken over from the front when it was made. */
static bool
wear(SSL *ssl, SSL_CTX *c, const struct wr_tls_site *site)
{
    const struct wr_tls_settings *set = &site->context->settings;

    if (SSL_set_SSL_CTX(ssl, c) == NULL) {
        return false;
    }
    (void)SSL_clear_options(ssl, SSL_get_options(ssl));
    (void)SSL_set_options(ssl, SSL_CTX_get_options(c));
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(c), SSL_CTX_get_verify_callback(c));
    if (set->groups.data != NULL && !weir_str_eq(set->groups, WEIR_STR(FRONT_GROUPS)) &&
        SSL_set1_groups_list(ssl, set->groups.data) != 1) {
        return false;
    }
    return SSL_set_min_proto_version(ssl, (int)SSL_CTX_get_min_proto_version(c)) == 1 &&
           SSL_set_max_proto_version(ssl, (int)SSL_CTX_get_max_proto_version(c)) == 1 &&
           SSL_set1_param(ssl, SSL_CTX_get0_param(c)) == 1 &&
           SSL_set_num_tickets(ssl, SSL_CTX_get_num_tickets(c)) == 1 &&
           SSL_set_session_id_context(ssl, site->identity, WR_TLS_IDENTITY) == 1;
}

bool
wr_tls_stream_show(struct wr_tls_stream *s, const struct wr_tls_pair *pair)
{
    return SSL_use_cert_and_key(s->ssl, pair->leaf, pair->private_key, pair->chain, 1) == 1;
}

/* Go on as the chosen site. */
static bool
show_site(struct wr_tls_stream *s, struct wr_err *err)
{
    const struct wr_tls_door *door = s->door;
    SSL_CTX *c = wr_tls_context_ssl(s->site->context, err);

    if (c == NULL) {
        return false;
    }
    return (wear(s->ssl, c, s->site) &&
            (door->ops->show == NULL || door->ops->show(door->owner, s))) ||
           wr_tls_fault(err, "a certificate cannot be used");
}

static int
refuse(struct wr_tls_stream *s, int *alert, int which, const char *why)
{
    wr_conn_say(s->conn, INFO, "%s", why);
    *alert = which;
    return SSL_CLIENT_HELLO_ERROR;
}

/* Before anything else of the hello is looked at. */
static int
hello(SSL *ssl, int *alert, void *data)
{
    struct wr_tls_stream *s = wr_tls_stream_of_ssl(ssl);
    const struct wr_tls_door *door = s->door;
    const unsigned char *extension;
    weir_str name;
    struct wr_err err;
    size_t len;

    (void)data;
    if (s->site != NULL) { /* the second hello, after a HelloRetryRequest: nothing may have changed */
        return SSL_CLIENT_HELLO_SUCCESS;
    }
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &extension, &len) == 1) {
        if (!wr_server_name_parse((weir_str){ (const char *)extension, len }, &name)) {
            return refuse(s, alert, SSL_AD_DECODE_ERROR, "client sent a broken server name");
        }
        keep_name(s, name);
    }
    s->site = door->ops->choose(door->owner, s->conn,
                                s->name.data != NULL ? s->name : WEIR_STR(""), &s->http2);
    if (s->site->reject) {
        return refuse(s, alert, SSL_AD_UNRECOGNIZED_NAME,
                      "handshake rejected while SSL handshaking");
    }
    if (!show_site(s, &err)) {
        wr_conn_say(s->conn, ERROR, "%s", err.text);
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    s->record = s->site->record != 0 ? s->site->record : WR_TLS_RECORD;
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* That a name was used is told to the client [RFC 6066 3]. */
static int
name_used(SSL *ssl, int *alert, void *data)
{
    (void)alert, (void)data;
    return wr_tls_stream_of_ssl(ssl)->name.data != NULL ? SSL_TLSEXT_ERR_OK
                                                        : SSL_TLSEXT_ERR_NOACK;
}

/* ---- The protocol above. ---- */

static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                const unsigned char *in, unsigned int in_len, void *data)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1\x08http/1.0\x08http/0.9";
    const unsigned char *from = ours;
    unsigned int len = sizeof(ours) - 1;
    unsigned char *chosen;

    (void)data;
    if (!wr_tls_stream_of_ssl(ssl)->http2) {
        from += 3;
        len -= 3;
    }
    if (SSL_select_next_proto(&chosen, out_len, from, len, in, in_len) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* [RFC 7301 3.2] */
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

void
wr_tls_door_equip(SSL_CTX *c)
{
    SSL_CTX_set_client_hello_cb(c, hello, NULL);
    SSL_CTX_set_info_callback(c, wr_tls_stream_info);
    (void)SSL_CTX_set_tlsext_servername_callback(c, name_used);
    SSL_CTX_set_alpn_select_cb(c, choose_protocol, NULL);
    wr_tls_session_equip(c);
    wr_tls_ticket_equip(c);
    wr_tls_staple_equip(c);
}

/* ---- Coming in. ---- */

void
wr_tls_door_shaken(struct wr_tls_stream *s, bool good)
{
    const struct wr_tls_door *door = s->door;

    if (door->ops->shaken != NULL) {
        door->ops->shaken(door->owner, s, good);
    }
    s->waiting = good && door->ops->admit != NULL && !door->ops->admit(door->owner, s);
}

void
wr_tls_stream_admit(struct wr_tls_stream *s)
{
    WR_ASSERT(s->waiting);
    s->waiting = false;
    wr_conn_wake(s->conn);
}

void
wr_tls_door_left(struct wr_tls_stream *s)
{
    if (s->waiting) {
        s->waiting = false;
        s->door->ops->left(s->door->owner, s);
    }
}

bool
wr_tls_door_knows(const struct wr_tls_stream *s, const SSL_SESSION *session)
{
    X509 *leaf = SSL_SESSION_get0_peer((SSL_SESSION *)(uintptr_t)session);
    STACK_OF(X509) *chain;

    if (s->site == NULL || !s->site->whole_chains || leaf == NULL) {
        return true;
    }
    chain = wr_tls_authorities_chain(s->site->context->authorities, leaf, NULL);
    sk_X509_pop_free(chain, X509_free);
    return chain != NULL;
}

static void
end_front(void *data)
{
    struct wr_tls_front *f = data;

    SSL_CTX_free(f->ssl);
    f->ssl = NULL;
}

struct wr_tls_front *
wr_tls_front_create(weir_pool *pool)
{
    struct wr_tls_front *f = wr_pool_zalloc(pool, sizeof(*f));

    weir_on_end(pool, end_front, f);
    return f;
}

static bool
make_front(struct wr_tls_front *f, struct wr_err *err)
{
    const struct wr_tls_context front = {
        .settings = { .protocols = WR_TLS_SSL3 | WR_TLS_1_0 | WR_TLS_1_1 | WR_TLS_1_2 | WR_TLS_1_3,
                      .groups = WEIR_STR(FRONT_GROUPS),
                      .tickets = true,
                      .session_ids = true },
    };

    if (f->ssl == NULL) {
        f->ssl = wr_tls_context_make(&front, err);
    }
    return f->ssl != NULL;
}

bool
wr_tls_door_enter(const struct wr_tls_door *door, struct wr_conn *c, weir_str bytes)
{
    struct wr_err err;
    SSL *ssl = make_front(door->front, &err) ? SSL_new(door->front->ssl) : NULL;
    struct wr_tls_stream *s;

    if (ssl == NULL) {
        wr_conn_say(c, ERROR, "a connection cannot speak TLS: %s",
                    door->front->ssl != NULL ? "no memory" : err.text);
        return false;
    }
    SSL_set_accept_state(ssl);
    s = wr_tls_stream_start(c, ssl, bytes);
    s->door = door;
    return true;
}
