/* tls/session.c - OpenSSL's questions about sessions, passed to the site's place for them; and such a place in our own memory.
 *
 * The site is known before OpenSSL asks (door.c), and a session that was made at another one is refused by its identity.
 */
#include "tls/session.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/str.h"
#include "tls/stream.h"

/* ---- OpenSSL's questions. ---- */

static weir_str
id_of(const SSL_SESSION *session)
{
    unsigned int len;
    const unsigned char *id = SSL_SESSION_get_id(session, &len);

    return (weir_str){ (const char *)id, len };
}

/* A session has come to be. */
static int
made(SSL *ssl, SSL_SESSION *session)
{
    static uint8_t bytes[WR_TLS_SESSION_BYTES_MAX];
    const struct wr_tls_site *site = wr_tls_stream_of_ssl(ssl)->site;
    unsigned char *to = bytes;
    int len;

    if (site == NULL || site->sessions == NULL || id_of(session).len == 0) {
        return 0;
    }
    (void)SSL_SESSION_set_timeout(session, (long)site->session_s);
    len = i2d_SSL_SESSION(session, NULL);
    if (len <= 0 || (size_t)len > sizeof(bytes) || i2d_SSL_SESSION(session, &to) != len) {
        return 0;
    }
    site->sessions->put(site->sessions->data, id_of(session),
                        (weir_str){ (const char *)bytes, (size_t)len }, site->session_s);
    OPENSSL_cleanse(bytes, (size_t)len);
    return 0; /* nothing of it is kept */
}

static SSL_SESSION *
asked(SSL *ssl, const unsigned char *id, int len, int *copy)
{
    static uint8_t bytes[WR_TLS_SESSION_BYTES_MAX];
    const struct wr_tls_site *site = wr_tls_stream_of_ssl(ssl)->site;
    const unsigned char *from = bytes;
    SSL_SESSION *session;
    size_t n;

    *copy = 0;
    if (site == NULL || site->sessions == NULL || len <= 0) {
        return NULL;
    }
    n = site->sessions->get(site->sessions->data, (weir_str){ (const char *)id, (size_t)len },
                            bytes, sizeof(bytes));
    if (n == 0) {
        return NULL;
    }
    session = d2i_SSL_SESSION(NULL, &from, (long)n);
    OPENSSL_cleanse(bytes, n);
    if (session == NULL) {
        ERR_clear_error();
    } else if (!wr_tls_door_knows(wr_tls_stream_of_ssl(ssl), session)) {
        SSL_SESSION_free(session);
        return NULL;
    }
    return session;
}

/* To be used no more; the context given is that of the front, which keeps none itself. */
static void
spent(SSL_CTX *c, SSL_SESSION *session)
{
    (void)c, (void)session;
}

void
wr_tls_session_equip(SSL_CTX *c)
{
    SSL_CTX_sess_set_new_cb(c, made);
    SSL_CTX_sess_set_get_cb(c, asked);
    SSL_CTX_sess_set_remove_cb(c, spent);
}

/* ---- In our own memory. ---- */

struct kept {
    uint8_t id_len;
    uint8_t id[SSL_MAX_SSL_SESSION_ID_LENGTH];
    uint32_t len;
    uint64_t until_ms;
    uint8_t *bytes;
};

/* A session has one place, by its id. */
struct own {
    struct wr_tls_sessions pub;
    uint32_t n; /* places */
    struct kept *places; /* made when the first one comes */
};

static struct kept *
place_of(const struct own *o, weir_str id)
{
    return &o->places[wr_str_hash_quick(id) % o->n];
}

static void
forget(struct kept *k)
{
    if (k->bytes != NULL) {
        OPENSSL_clear_free(k->bytes, k->len);
    }
    *k = (struct kept){ 0 };
}

static bool
is_of(const struct kept *k, weir_str id)
{
    return k->bytes != NULL && weir_str_eq(id, (weir_str){ (const char *)k->id, k->id_len });
}

static void
own_put(void *data, weir_str id, weir_str session, uint64_t seconds)
{
    struct own *o = data;
    struct kept *k;

    if (o->places == NULL) {
        o->places = calloc(o->n, sizeof(*o->places));
    }
    if (o->places == NULL || id.len > sizeof(k->id)) {
        return;
    }
    k = place_of(o, id);
    forget(k);
    k->bytes = OPENSSL_memdup(session.data, session.len);
    k->len = (uint32_t)session.len;
    k->id_len = (uint8_t)id.len;
    memcpy(k->id, id.data, id.len);
    k->until_ms = wr_clock.now_ms + seconds * 1000;
}

static size_t
own_get(void *data, weir_str id, void *to, size_t room)
{
    struct own *o = data;
    struct kept *k = o->places != NULL ? place_of(o, id) : NULL;

    if (k == NULL || !is_of(k, id) || k->len > room || k->until_ms < wr_clock.now_ms) {
        return 0;
    }
    memcpy(to, k->bytes, k->len);
    return k->len;
}

static void
own_remove(void *data, weir_str id)
{
    struct own *o = data;

    if (o->places != NULL && is_of(place_of(o, id), id)) {
        forget(place_of(o, id));
    }
}

static void
own_end(void *data)
{
    struct own *o = data;

    for (uint32_t i = 0; o->places != NULL && i < o->n; i++) {
        forget(&o->places[i]);
    }
    free(o->places);
    o->places = NULL;
}

const struct wr_tls_sessions *
wr_tls_sessions_create(weir_pool *pool, uint32_t most)
{
    struct own *o = wr_pool_zalloc(pool, sizeof(*o));

    o->n = WR_MAX(most, 1u);
    o->pub = (struct wr_tls_sessions){ o, own_put, own_get, own_remove };
    weir_on_end(pool, own_end, o);
    return &o->pub;
}
