/* tls/client.c - connections that we begin. The certificate is verified within the handshake, which fails if it is not right.
 *
 * Sessions are kept by name and address, one each, in as many places as there are; a server that is visited often finds its own.
 */
#include "tls/client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/pool.h"
#include "base/str.h"
#include "tls/fault.h"
#include "tls/stream.h"

enum { PLACES = 64 };

/* A server visited before. */
struct wr_tls_visit {
    char *key; /* "name\naddress"; NULL: a free place */
    SSL_SESSION *session;
};

/* ---- Sessions. ---- */

static struct wr_tls_visit *
place_of(const struct wr_tls_client *client, const char *key)
{
    return &client->visits[wr_str_hash(weir_str_c(key)) % PLACES];
}

static void
forget(struct wr_tls_visit *v)
{
    free(v->key);
    SSL_SESSION_free(v->session);
    *v = (struct wr_tls_visit){ NULL, NULL };
}

/* Keep session, which is taken, for the next visit; false: it is not worth that, and not taken. */
static bool
keep(const struct wr_tls_stream *s, SSL_SESSION *session)
{
    struct wr_tls_client *client = s->to;
    struct wr_tls_visit *v;

    if (!client->reuse || s->identity.len != 0 || !SSL_SESSION_is_resumable(session)) {
        return false;
    }
    if (client->visits == NULL) {
        client->visits = calloc(PLACES, sizeof(*client->visits));
        WR_ASSERT(client->visits != NULL);
    }
    v = place_of(client, s->peer);
    forget(v);
    v->key = strdup(s->peer);
    v->session = session;
    WR_ASSERT(v->key != NULL);
    return true;
}

/* The server has given us a session. 1: it is ours now. */
static int
given(SSL *ssl, SSL_SESSION *session)
{
    return keep(wr_tls_stream_of_ssl(ssl), session);
}

/* Of a session that was come back to, TLS 1.2 does not say that the server gave it another ticket. */
void
wr_tls_client_shaken(struct wr_tls_stream *s)
{
    SSL_SESSION *session;

    if (SSL_session_reused(s->ssl) && SSL_version(s->ssl) < TLS1_3_VERSION) {
        session = SSL_get1_session(s->ssl);
        if (session != NULL && !keep(s, session)) {
            SSL_SESSION_free(session);
        }
    }
}

static void
come_back(const struct wr_tls_client *client, SSL *ssl, const char *key)
{
    const struct wr_tls_visit *v = client->visits != NULL ? place_of(client, key) : NULL;

    if (v != NULL && v->key != NULL && strcmp(v->key, key) == 0) {
        (void)SSL_set_session(ssl, v->session);
    }
}

static void
forget_all(struct wr_tls_client *client)
{
    for (size_t i = 0; client->visits != NULL && i < PLACES; i++) {
        forget(&client->visits[i]);
    }
    free(client->visits);
    client->visits = NULL;
}

static void
end(void *data)
{
    forget_all(data);
}

void
wr_tls_client_equip(SSL_CTX *c)
{
    SSL_CTX_sess_set_new_cb(c, given);
    SSL_CTX_set_info_callback(c, wr_tls_stream_info);
}

struct wr_tls_client *
wr_tls_client_create(weir_pool *pool, struct wr_tls_context *context, bool send_name, bool reuse)
{
    struct wr_tls_client *client = wr_pool_zalloc(pool, sizeof(*client));

    client->context = context;
    client->send_name = send_name;
    client->reuse = reuse;
    weir_on_end(pool, end, client);
    return client;
}

/* ---- Connections. ---- */

static bool
is_address(const char *name)
{
    uint8_t bytes[16];

    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* The certificate has to be for name; and name is told, unless it is an address [RFC 6066 3]. */
static bool
expect(const struct wr_tls_client *client, SSL *ssl, const char *name)
{
    bool address = is_address(name), good = true;

    if (client->context->settings.verify != WR_TLS_VERIFY_OFF) {
        if (*name == '\0' || *name == '.') { /* OpenSSL takes these for any name, and for any below one */
            return false;
        }
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        good = address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
                       : SSL_set1_host(ssl, name) == 1;
    }
    return good &&
           (!client->send_name || address || *name == '\0' || SSL_set_tlsext_host_name(ssl, name) == 1);
}

/* Without the brackets of an address, or the last dot of a name: neither is told, nor stands in a certificate [RFC 6066 3]. */
static weir_str
bare(weir_str name)
{
    if (name.len > 1 && name.data[0] == '[' && name.data[name.len - 1] == ']') {
        return weir_str_cut(name, 1, name.len - 2);
    }
    return name.len > 1 && name.data[name.len - 1] == '.' ? weir_str_cut(name, 0, name.len - 1) : name;
}

/* In memory of its own. */
static char *
bare_copy(weir_str name)
{
    char *copy;

    name = bare(name);
    copy = name.len != 0 ? strndup(name.data, name.len) : strdup("");
    WR_ASSERT(copy != NULL);
    return copy;
}

static char *
key_of(const char *name, weir_str peer)
{
    size_t len = strlen(name);
    char *key = malloc(len + peer.len + 2);

    WR_ASSERT(key != NULL);
    memcpy(key, name, len);
    key[len] = '\n';
    memcpy(key + len + 1, peer.data, peer.len);
    key[len + 1 + peer.len] = '\0';
    return key;
}

/* It may hold any bytes. */
static weir_str
heap_copy(weir_str s)
{
    char *copy;

    if (s.len == 0) {
        return (weir_str){ NULL, 0 };
    }
    copy = malloc(s.len);
    WR_ASSERT(copy != NULL);
    memcpy(copy, s.data, s.len);
    return (weir_str){ copy, s.len };
}

bool
wr_tls_client_begin(struct wr_tls_client *client, struct wr_conn *c, weir_str name, weir_str peer,
                    weir_str identity, struct wr_err *err)
{
    SSL_CTX *context = wr_tls_context_ssl(client->context, err);
    char *copy = bare_copy(name);
    struct wr_tls_stream *s;
    SSL *ssl;

    if (context == NULL) {
        free(copy);
        return false;
    }
    if (client->made_of != client->context->made_of) { /* other authorities may not believe who was believed */
        forget_all(client);
        client->made_of = client->context->made_of;
    }
    ssl = SSL_new(context);
    if (ssl == NULL || !expect(client, ssl, copy)) {
        SSL_free(ssl);
        free(copy);
        return wr_tls_fault(err, "TLS for \"%.*s\" cannot be begun", WEIR_FMT(name));
    }
    SSL_set_connect_state(ssl);
    s = wr_tls_stream_start(c, ssl, WEIR_STR(""));
    s->client = true;
    s->to = client;
    s->name = weir_str_c(copy);
    s->peer = key_of(copy, peer);
    s->identity = heap_copy(identity);
    if (client->reuse && identity.len == 0) {
        come_back(client, ssl, s->peer);
    }
    return true;
}

void
wr_tls_client_reason(const struct wr_conn *c, struct wr_err *err)
{
    const struct wr_tls_stream *s = wr_tls_stream_of(c);
    long result = SSL_get_verify_result(s->ssl);

    if (result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        (void)wr_err_set(err, "upstream SSL certificate does not match \"%.*s\"",
                         WEIR_FMT(s->name));
    } else if (result != X509_V_OK && s->to->context->settings.verify != WR_TLS_VERIFY_OFF) {
        (void)wr_err_set(err, "upstream SSL certificate verify error: (%ld:%s)", result,
                         X509_verify_cert_error_string(result));
    } else {
        (void)wr_err_set(err, "%s",
                         s->reason != NULL ? s->reason : "peer closed connection in SSL handshake");
    }
}

bool
wr_tls_client_is(const struct wr_conn *c, const struct wr_tls_client *client, weir_str name,
                 weir_str identity)
{
    const struct wr_tls_stream *s = wr_tls_stream_of(c);

    if (s == NULL || client == NULL) {
        return s == NULL && client == NULL;
    }
    return s->to == client && weir_str_eq(s->name, bare(name)) && weir_str_eq(s->identity, identity);
}
