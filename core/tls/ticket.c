/* tls/ticket.c - ticket keys, and OpenSSL's questions for them.
 *
 * A worker has a copy of the keys and looks at one number in shared memory to know whether it is still right.
 */
#include "tls/ticket.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/shm.h"
#include "tls/stream.h"

enum {
    SHORT_FILE = 48,
    LONG_FILE = 80,
    DERIVED = 64 /* keys of sites that a process keeps */
};

/* A key that was made for a site. */
struct derived {
    uint8_t identity[WR_TLS_IDENTITY];
    struct wr_tls_ticket_key key; /* its name tells from which; bytes 0: a free place */
};

struct shared {
    struct wr_shm_mutex lock;
    _Atomic uint64_t number; /* of the key that makes tickets: counts up; 0: there is none yet */
    int64_t made_s;          /* wall clock, when that was */
    uint32_t n;
    struct wr_tls_ticket_key keys[WR_TLS_TICKET_KEYS]; /* newest first */
};

struct wr_tls_tickets {
    struct shared *shared; /* NULL: from files */
    uint64_t number;       /* of our copy */
    int64_t made_s;
    uint32_t n;
    struct wr_tls_ticket_key keys[WR_TLS_TICKET_FILES]; /* the first makes tickets */
    struct derived *derived; /* DERIVED of them, found by identity; NULL: none was needed yet */
};

/* ---- Keys of our own. ---- */

size_t
wr_tls_tickets_shared_size(void)
{
    return sizeof(struct shared);
}

bool
wr_tls_tickets_shared_init(void *shared)
{
    return wr_shm_mutex_init(&((struct shared *)shared)->lock) == 0;
}

static bool
make_key(struct wr_tls_ticket_key *k)
{
    k->bytes = 32;
    return RAND_bytes(k->name, sizeof(k->name)) == 1 &&
           RAND_priv_bytes(k->secret, sizeof(k->secret)) == 1 &&
           RAND_priv_bytes(k->mac, sizeof(k->mac)) == 1;
}

/* A new key in front; with the lock held. */
static void
rotate(struct shared *s)
{
    struct wr_tls_ticket_key fresh;

    if (!make_key(&fresh)) {
        ERR_clear_error();
        return;
    }
    memmove(&s->keys[1], &s->keys[0], (WR_TLS_TICKET_KEYS - 1) * sizeof(s->keys[0]));
    s->keys[0] = fresh;
    s->n = WR_MIN(s->n + 1, (uint32_t)WR_TLS_TICKET_KEYS);
    s->made_s = wr_clock.wall_s;
    atomic_fetch_add(&s->number, 1);
    OPENSSL_cleanse(&fresh, sizeof(fresh));
}

static bool
too_old(int64_t made_s)
{
    return wr_clock.wall_s - made_s >= WR_TLS_TICKET_ROTATE_S || wr_clock.wall_s < made_s;
}

/* Have the keys as they are now, and change them if it is time. */
static void
follow(struct wr_tls_tickets *t)
{
    struct shared *s = t->shared;

    if (s == NULL || (t->number != 0 && atomic_load(&s->number) == t->number &&
                      !too_old(t->made_s))) {
        return;
    }
    if (!wr_shm_mutex_lock(&s->lock)) { /* its holder died while changing them */
        s->n = 0;
    }
    if (s->n == 0 || too_old(s->made_s)) {
        rotate(s);
    }
    memcpy(t->keys, s->keys, sizeof(s->keys));
    t->n = s->n;
    t->made_s = s->made_s;
    t->number = atomic_load(&s->number);
    wr_shm_mutex_unlock(&s->lock);
}

static void
wipe(void *data)
{
    struct wr_tls_tickets *t = data;

    OPENSSL_cleanse(t->keys, sizeof(t->keys));
    OPENSSL_clear_free(t->derived, DERIVED * sizeof(*t->derived));
    t->derived = NULL;
}

struct wr_tls_tickets *
wr_tls_tickets_create(weir_pool *pool, void *shared)
{
    struct wr_tls_tickets *t = wr_pool_zalloc(pool, sizeof(*t));

    t->shared = shared;
    weir_on_end(pool, wipe, t);
    return t;
}

void
wr_tls_tickets_rotate(struct wr_tls_tickets *t)
{
    (void)wr_shm_mutex_lock(&t->shared->lock);
    rotate(t->shared);
    wr_shm_mutex_unlock(&t->shared->lock);
}

/* ---- Keys from files. ---- */

/* 48 bytes: name, AES-128, mac; 80: name, mac, AES-256; the order is nginx's. */
static bool
load_key(weir_pool *pool, weir_str path, struct wr_tls_ticket_key *k, struct wr_err *err)
{
    weir_str text;
    size_t half;
    int rc = wr_file_read(AT_FDCWD, path.data, pool, LONG_FILE, &text);

    if (rc != 0 && rc != -EFBIG) {
        return wr_err_set(err, "open() \"%.*s\" failed (%d: %s)", WEIR_FMT(path), -rc,
                          strerror(-rc));
    }
    if (rc == -EFBIG || (text.len != SHORT_FILE && text.len != LONG_FILE)) {
        return wr_err_set(err, "\"%.*s\" must be 48 or 80 bytes", WEIR_FMT(path));
    }
    half = (text.len - 16) / 2;
    k->bytes = (uint8_t)half;
    memcpy(k->name, text.data, 16);
    if (half == 16) {
        memcpy(k->secret, text.data + 16, half);
        memcpy(k->mac, text.data + 32, half);
    } else {
        memcpy(k->mac, text.data + 16, half);
        memcpy(k->secret, text.data + 48, half);
    }
    OPENSSL_cleanse((void *)(uintptr_t)text.data, text.len);
    return true;
}

struct wr_tls_tickets *
wr_tls_tickets_load(weir_pool *pool, weir_strs paths, struct wr_err *err)
{
    struct wr_tls_tickets *t = wr_tls_tickets_create(pool, NULL);

    if (paths.count > WR_TLS_TICKET_FILES) {
        (void)wr_err_set(err, "at most %d ticket keys are used", WR_TLS_TICKET_FILES);
        return NULL;
    }
    for (size_t i = 0; i < paths.count; i++) {
        if (!load_key(pool, paths.at[i], &t->keys[i], err)) {
            return NULL;
        }
        t->n++;
    }
    return t;
}

/* ---- Keys of sites. ---- */

bool
wr_tls_ticket_key_derive(const struct wr_tls_ticket_key *all, const uint8_t identity[WR_TLS_IDENTITY],
                         struct wr_tls_ticket_key *one)
{
    static EVP_KDF *hkdf;
    static char digest[] = "SHA256";
    uint8_t from[sizeof(all->secret) + sizeof(all->mac)], info[WR_TLS_IDENTITY], to[sizeof(from)];
    EVP_KDF_CTX *c;
    OSSL_PARAM params[4];
    bool good;

    hkdf = hkdf != NULL ? hkdf : EVP_KDF_fetch(NULL, "HKDF", NULL);
    c = EVP_KDF_CTX_new(hkdf);
    memcpy(from, all->secret, all->bytes);
    memcpy(from + all->bytes, all->mac, all->bytes);
    memcpy(info, identity, sizeof(info));
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, from, 2 * (size_t)all->bytes);
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof(info));
    params[3] = OSSL_PARAM_construct_end();
    good = c != NULL && EVP_KDF_derive(c, to, 2 * (size_t)all->bytes, params) == 1;
    if (good) {
        *one = *all;
        memcpy(one->secret, to, all->bytes);
        memcpy(one->mac, to + all->bytes, all->bytes);
    }
    EVP_KDF_CTX_free(c);
    OPENSSL_cleanse(from, sizeof(from));
    OPENSSL_cleanse(to, sizeof(to));
    return good;
}

/* Key `all` for this site: one that is kept, or made now. NULL: it cannot be made. */
static const struct wr_tls_ticket_key *
of_site(struct wr_tls_tickets *t, const struct wr_tls_ticket_key *all, const struct wr_tls_site *site)
{
    struct derived *d;

    if (t->derived == NULL && (t->derived = OPENSSL_zalloc(DERIVED * sizeof(*d))) == NULL) {
        return NULL;
    }
    d = &t->derived[(site->identity[0] ^ all->name[0]) % DERIVED];
    if (d->key.bytes != all->bytes || memcmp(d->key.name, all->name, sizeof(all->name)) != 0 ||
        memcmp(d->identity, site->identity, sizeof(d->identity)) != 0) {
        if (!wr_tls_ticket_key_derive(all, site->identity, &d->key)) {
            d->key.bytes = 0;
            return NULL;
        }
        memcpy(d->identity, site->identity, sizeof(d->identity));
    }
    return &d->key;
}

/* ---- OpenSSL's questions. ---- */

static bool
set_up(const struct wr_tls_ticket_key *k, unsigned char *iv, EVP_CIPHER_CTX *cipher,
       EVP_MAC_CTX *mac, bool encrypt)
{
    static char digest[] = "SHA256";
    const EVP_CIPHER *aes;
    uint8_t secret[sizeof(k->mac)];
    OSSL_PARAM params[3];

    if (k == NULL) {
        return false;
    }
    aes = k->bytes == 16 ? EVP_aes_128_cbc() : EVP_aes_256_cbc();
    memcpy(secret, k->mac, sizeof(secret));
    params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret, k->bytes);
    params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
    params[2] = OSSL_PARAM_construct_end();
    return EVP_CipherInit_ex(cipher, aes, NULL, k->secret, iv, encrypt) == 1 &&
           EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* Encrypt with the newest key, or find the one that a ticket was made with: 1; 2: make the client a new one; 0: no such key,
 * the handshake is a full one; -1: fail. */
static int
key_for(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
        EVP_MAC_CTX *mac, int encrypt)
{
    const struct wr_tls_site *site = wr_tls_stream_of_ssl(ssl)->site;
    struct wr_tls_tickets *t = site != NULL ? site->tickets : NULL;

    if (t == NULL) {
        return encrypt ? -1 : 0;
    }
    follow(t);
    if (encrypt) {
        if (t->n == 0 || RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1) {
            return -1;
        }
        memcpy(name, t->keys[0].name, sizeof(t->keys[0].name));
        return set_up(of_site(t, &t->keys[0], site), iv, cipher, mac, true) ? 1 : -1;
    }
    for (uint32_t i = 0; i < t->n; i++) {
        if (memcmp(name, t->keys[i].name, sizeof(t->keys[i].name)) == 0) {
            bool renew = i != 0 || SSL_version(ssl) == TLS1_3_VERSION; /* there each is used once [RFC 8446 C.4] */
            return !set_up(of_site(t, &t->keys[i], site), iv, cipher, mac, false) ? -1
                   : renew                                                        ? 2
                                                                                  : 1;
        }
    }
    return 0;
}

/* A ticket is about to be made: it lives as long as its site says. */
static int
before_making(SSL *ssl, void *data)
{
    const struct wr_tls_site *site = wr_tls_stream_of_ssl(ssl)->site;

    (void)data;
    if (site != NULL) {
        (void)SSL_SESSION_set_timeout(SSL_get_session(ssl), (long)site->session_s);
    }
    return 1;
}

static SSL_TICKET_RETURN
after_reading(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t name_len,
              SSL_TICKET_STATUS status, void *data)
{
    bool known = session == NULL || wr_tls_door_knows(wr_tls_stream_of_ssl(ssl), session);

    (void)name, (void)name_len, (void)data;
    switch (status) {
    case SSL_TICKET_SUCCESS:
        return known ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_IGNORE_RENEW;
    case SSL_TICKET_SUCCESS_RENEW:
        return known ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_IGNORE_RENEW;
    case SSL_TICKET_EMPTY:
    case SSL_TICKET_NO_DECRYPT:
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    default:
        return SSL_TICKET_RETURN_IGNORE;
    }
}

void
wr_tls_ticket_equip(SSL_CTX *c)
{
    (void)SSL_CTX_set_tlsext_ticket_key_evp_cb(c, key_for);
    (void)SSL_CTX_set_session_ticket_cb(c, before_making, after_reading, NULL);
}
