/* tls/context.c - settings to an SSL_CTX. */
#include "tls/context.h"

#include <openssl/dh.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "tls/authorities.h"
#include "tls/client.h"
#include "tls/door.h"
#include "tls/fault.h"

/* What OpenSSL calls bits of 80: SHA-1 and RSA of 1024 bits; and of 112: RSA of 2048. */
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

enum { LEVEL_STRICT = 2, STRICT_BITS = 112 };

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
set_dhparam(SSL_CTX *c, weir_str path, struct wr_err *err)
{
    BIO *in = BIO_new_file(path.data, "r");
    EVP_PKEY *dh;

    if (in == NULL) {
        return wr_tls_fault(err, "BIO_new_file(\"%.*s\") failed", WEIR_FMT(path));
    }
    dh = PEM_read_bio_Parameters(in, NULL);
    BIO_free(in);
    if (dh == NULL) {
        return wr_tls_fault(err, "PEM_read_bio_Parameters(\"%.*s\") failed", WEIR_FMT(path));
    }
    if (SSL_CTX_set0_tmp_dh_pkey(c, dh) != 1) {
        EVP_PKEY_free(dh);
        return wr_tls_fault(err, "SSL_CTX_set0_tmp_dh_pkey(\"%.*s\") failed", WEIR_FMT(path));
    }
    return true;
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
                               (set->prefer_server
                                    ? SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA
                                    : 0));
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
    return set->dhparam.data == NULL || set_dhparam(c, set->dhparam, err);
}

/* ---- Whole. ---- */

static bool
fill(SSL_CTX *c, const struct wr_tls_settings *set, const struct wr_tls_authorities *authorities,
     struct wr_err *err)
{
    if (set->strict && SSL_CTX_get_security_level(c) < LEVEL_STRICT) {
        SSL_CTX_set_security_level(c, LEVEL_STRICT);
    }
    set_options(c, set);
    set_verify(c, set);
    if (!set_protocols(c, set->protocols)) {
        return wr_tls_fault(err, "these protocols cannot be had");
    }
    if (!set_texts(c, set, err)) {
        return false;
    }
    for (uint32_t i = 0; i < set->n_pairs; i++) {
        if (!use_pair(c, set->pairs[i], err)) {
            return false;
        }
    }
    if (authorities != NULL) {
        wr_tls_authorities_use(authorities, c);
    }
    if (set->client) {
        wr_tls_client_equip(c);
    } else {
        wr_tls_door_equip(c);
    }
    return set_commands(c, set, err);
}

SSL_CTX *
wr_tls_context_make(const struct wr_tls_settings *set, const struct wr_tls_authorities *authorities,
                    struct wr_err *err)
{
    SSL_CTX *c = SSL_CTX_new(set->client ? TLS_client_method() : TLS_server_method());

    ERR_clear_error();
    if (c == NULL) {
        (void)wr_tls_fault(err, "SSL_CTX_new() failed");
        return NULL;
    }
    if (!fill(c, set, authorities, err)) {
        SSL_CTX_free(c);
        return NULL;
    }
    return c;
}

static uint32_t
versions(const struct wr_tls_settings *set)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < set->n_pairs; i++) {
        n += set->pairs[i]->version;
    }
    return n;
}

SSL_CTX *
wr_tls_context_ssl(struct wr_tls_context *c, struct wr_err *err)
{
    SSL_CTX *fresh;

    if (c->ssl != NULL && (c->version == c->bank->version || c->made_of == versions(&c->settings))) {
        c->version = c->bank->version;
        return c->ssl;
    }
    fresh = wr_tls_context_make(&c->settings, c->authorities, err);
    if (fresh == NULL && c->ssl != NULL) { /* with what has changed it cannot be: go on with what was */
        wr_say(wr_log_process(), ERROR, "%s; the certificate in use stays", err->text);
        c->version = c->bank->version;
        c->made_of = versions(&c->settings);
        return c->ssl;
    }
    if (fresh == NULL) {
        return NULL;
    }
    SSL_CTX_free(c->ssl); /* connections that speak with it have it counted */
    c->ssl = fresh;
    c->version = c->bank->version;
    c->made_of = versions(&c->settings);
    return c->ssl;
}

/* ---- Banks. ---- */

static void
end_bank(void *data)
{
    struct wr_tls_bank *b = data;

    for (size_t i = 0; i < wr_map_count(&b->contexts); i++) {
        SSL_CTX_free(((struct wr_tls_context *)wr_map_entry(&b->contexts, i)->value)->ssl);
    }
    for (size_t i = 0; i < wr_map_count(&b->pairs); i++) {
        wr_tls_pair_clear(wr_map_entry(&b->pairs, i)->value);
    }
    for (size_t i = 0; i < wr_map_count(&b->authorities); i++) {
        wr_tls_authorities_free(wr_map_entry(&b->authorities, i)->value);
    }
}

struct wr_tls_bank *
wr_tls_bank_create(weir_pool *pool)
{
    struct wr_tls_bank *b = wr_pool_zalloc(pool, sizeof(*b));

    b->pool = pool;
    wr_map_init(&b->pairs, pool, false);
    wr_map_init(&b->authorities, pool, false);
    wr_map_init(&b->contexts, pool, false);
    wr_map_init(&b->tried, pool, false);
    weir_on_end(pool, end_bank, b);
    return b;
}

void
wr_tls_bank_exchange(struct wr_tls_bank *b, uint32_t index, struct wr_tls_pair *fresh)
{
    if (index >= wr_map_count(&b->pairs)) {
        wr_tls_pair_clear(fresh);
        return;
    }
    wr_tls_pair_exchange(wr_map_entry(&b->pairs, index)->value, fresh);
    b->version++;
}

void
wr_tls_bank_look(struct wr_tls_bank *b,
                 void (*changed)(void *data, uint32_t index, const struct wr_tls_pair *p), void *data)
{
    for (uint32_t i = 0; i < wr_map_count(&b->pairs); i++) {
        struct wr_tls_pair *p = wr_map_entry(&b->pairs, i)->value;
        struct wr_tls_pair fresh = { .certificate = p->certificate,
                                     .key = p->key,
                                     .passwords = p->passwords };
        struct wr_err err;
        if (!wr_tls_pair_stale(p)) {
            continue;
        }
        if (wr_tls_pair_load(&fresh, &err)) {
            wr_tls_bank_exchange(b, i, &fresh);
            changed(data, i, p);
        } else { /* half of a new pair, perhaps: the other half changes it again */
            wr_say(wr_log_process(), WARN, "%s; the one in use stays", err.text);
            p->certificate_id = fresh.certificate_id;
            p->key_id = fresh.key_id;
        }
    }
}

/* Both places as one key. */
static weir_str
pair_name(weir_pool *pool, weir_str certificate, weir_str key)
{
    return weir_print(pool, "%.*s\n%.*s", WEIR_FMT(certificate), WEIR_FMT(key));
}

struct wr_tls_pair *
wr_tls_bank_pair(struct wr_tls_bank *b, weir_str certificate, weir_str key, weir_strs passwords,
                 struct wr_err *err)
{
    struct weir_pool scratch;
    struct wr_tls_pair *p;

    wr_pool_init(&scratch, "tls names", NULL);
    p = wr_map_find(&b->pairs, pair_name(&scratch, certificate, key));
    wr_pool_fini(&scratch);
    if (p != NULL) {
        return p;
    }
    p = wr_pool_zalloc(b->pool, sizeof(*p));
    p->certificate = certificate;
    p->key = key;
    p->passwords = passwords;
    if (!wr_tls_pair_load(p, err)) {
        return NULL;
    }
    (void)wr_map_add(&b->pairs, pair_name(b->pool, certificate, key), p);
    return p;
}

/* The settings as a text that is the same for equal ones; without the pairs. */
static weir_str
text_of(weir_pool *pool, const struct wr_tls_settings *set)
{
    const weir_str all[] = { set->ciphers,            set->groups,      set->dhparam,
                             set->client_authorities, set->authorities, set->crl };
    size_t room = 128;
    struct wr_strbuf b;

    for (size_t i = 0; i < WR_COUNT(all); i++) {
        room += all[i].len + 1;
    }
    for (size_t i = 0; i < set->commands.count; i++) {
        room += set->commands.at[i].len + 1;
    }
    b = wr_strbuf_over(wr_pool_alloc(pool, room), room);
    wr_strbuf_print(&b, "%d%d%d%d%d%d %u %u %u", set->client, set->strict, set->prefer_server,
                    set->tickets, set->session_ids, set->system_authorities, set->protocols,
                    set->verify, set->verify_depth);
    for (size_t i = 0; i < WR_COUNT(all); i++) {
        wr_strbuf_byte(&b, '\n');
        wr_strbuf_str(&b, all[i]);
    }
    for (size_t i = 0; i < set->commands.count; i++) {
        wr_strbuf_byte(&b, '\n');
        wr_strbuf_str(&b, set->commands.at[i]);
    }
    WR_ASSERT(!b.full);
    return wr_strbuf_view(&b);
}

/* kind, and which pairs. */
static weir_str
name_of(weir_pool *pool, weir_str kind, const struct wr_tls_settings *set)
{
    size_t room = kind.len + set->n_pairs * (sizeof(void *) + 1);
    struct wr_strbuf b = wr_strbuf_over(wr_pool_alloc(pool, room), room);

    wr_strbuf_str(&b, kind);
    for (uint32_t i = 0; i < set->n_pairs; i++) {
        wr_strbuf_byte(&b, '\n');
        wr_strbuf_bytes(&b, &set->pairs[i], sizeof(set->pairs[i]));
    }
    return wr_strbuf_view(&b);
}

/* A key that the strict level would refuse, found without making a context. */
static bool
strong_enough(const struct wr_tls_settings *set, struct wr_err *err)
{
    for (uint32_t i = 0; i < set->n_pairs; i++) {
        const struct wr_tls_pair *p = set->pairs[i];
        int bits = EVP_PKEY_get_security_bits(p->private_key);
        if (set->strict && bits < STRICT_BITS) {
            return wr_err_set(err, "the key of certificate \"%.*s\" is too weak: of %d bits of "
                                   "security, %d are wanted",
                              WEIR_FMT(p->certificate), bits, STRICT_BITS);
        }
    }
    return true;
}

static struct wr_tls_context *
add_context(struct wr_tls_bank *b, weir_str kind, weir_str name, const struct wr_tls_settings *set,
            struct wr_err *err)
{
    struct wr_tls_context *c = wr_pool_zalloc(b->pool, sizeof(*c));

    c->settings = *set;
    c->bank = b;
    if (!strong_enough(set, err) || !wr_tls_authorities_find(b, set, &c->authorities, err)) {
        return NULL;
    }
    if (wr_map_find(&b->tried, kind) == NULL) { /* mistakes in these settings are found here */
        if (wr_tls_context_ssl(c, err) == NULL) {
            return NULL;
        }
        (void)wr_map_add(&b->tried, weir_dup(b->pool, kind), c);
    }
    (void)wr_map_add(&b->contexts, weir_dup(b->pool, name), c);
    return c;
}

struct wr_tls_context *
wr_tls_bank_context(struct wr_tls_bank *b, const struct wr_tls_settings *set, struct wr_err *err)
{
    struct weir_pool scratch;
    struct wr_tls_context *c;
    weir_str kind, name;

    wr_pool_init(&scratch, "tls names", NULL);
    kind = text_of(&scratch, set);
    name = name_of(&scratch, kind, set);
    c = wr_map_find(&b->contexts, name);
    c = c != NULL ? c : add_context(b, kind, name, set, err);
    wr_pool_fini(&scratch);
    return c;
}
