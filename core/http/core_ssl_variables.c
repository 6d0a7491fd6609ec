/* http/core_ssl_variables.c - variables of what was agreed in the handshake, and of what the client offered. */
#include "http/core_ssl_variables.h"

#include "base/assert.h"
#include "base/num.h"
#include "base/pool.h"
#include "base/strbuf.h"
#include "http/request.h"
#include "http/variable.h"
#include "module/registry.h"
#include "tls/stream.h"

enum { NAME_ROOM = 48 /* of a cipher, group or way to sign, and a colon */ };

static const weir_str absent = { NULL, 0 };

SSL *
wr_ssl_of(const weir_request *r)
{
    const struct wr_tls_stream *s = wr_tls_stream_of(wr_request_of(r)->conn);

    return s != NULL ? s->ssl : NULL;
}

weir_str
wr_ssl_hex(weir_pool *pool, const unsigned char *bytes, size_t len)
{
    char *to = wr_pool_alloc(pool, 2 * len + 1);

    wr_num_format_bytes(to, bytes, len);
    return (weir_str){ to, 2 * len };
}

/* ---- Lists. ---- */

/* Room for n names. */
static struct wr_strbuf
list_of(weir_pool *pool, size_t n)
{
    size_t room = n * NAME_ROOM + 1;

    return wr_strbuf_over(wr_pool_alloc(pool, room), room);
}

/* One more; a number where there is no name. */
static void
add_name(struct wr_strbuf *b, const char *name, unsigned number)
{
    if (b->len != 0) {
        wr_strbuf_byte(b, ':');
    }
    if (name != NULL) {
        wr_strbuf_str(b, weir_str_c(name));
    } else {
        wr_strbuf_print(b, "0x%04x", number);
    }
}

static weir_str
list_end(const struct wr_strbuf *b)
{
    return b->len != 0 ? wr_strbuf_view(b) : absent;
}

/* ---- Ciphers and groups. ---- */

static WR_VAR_GET(ssl_cipher)
{
    SSL *ssl = wr_ssl_of(r);

    (void)conf, (void)name;
    return ssl != NULL ? weir_str_c(SSL_get_cipher_name(ssl)) : absent;
}

static WR_VAR_GET(ssl_ciphers)
{
    SSL *ssl = wr_ssl_of(r);
    unsigned char *raw = NULL;
    size_t n = ssl != NULL ? (size_t)SSL_get0_raw_cipherlist(ssl, &raw) / 2 : 0;
    struct wr_strbuf b = list_of(r->pool, n);

    (void)conf, (void)name;
    for (size_t i = 0; raw != NULL && i < n; i++) {
        const SSL_CIPHER *c = SSL_CIPHER_find(ssl, raw + 2 * i);
        add_name(&b, c != NULL ? SSL_CIPHER_get_name(c) : NULL,
                 (unsigned)raw[2 * i] << 8 | raw[2 * i + 1]);
    }
    return list_end(&b);
}

static void
add_group(struct wr_strbuf *b, int nid)
{
    const char *known = (nid & TLSEXT_nid_unknown) == 0 ? OBJ_nid2sn(nid) : NULL;

    add_name(b, known, (unsigned)nid & 0xffff);
}

static WR_VAR_GET(ssl_curve)
{
    SSL *ssl = wr_ssl_of(r);
    int nid = ssl != NULL ? (int)SSL_get_negotiated_group(ssl) : NID_undef;
    struct wr_strbuf b = list_of(r->pool, 1);

    (void)conf, (void)name;
    if (nid != NID_undef) {
        add_group(&b, nid);
    }
    return list_end(&b);
}

static WR_VAR_GET(ssl_curves)
{
    SSL *ssl = wr_ssl_of(r);
    int n = ssl != NULL ? (int)SSL_get1_groups(ssl, NULL) : 0;
    size_t count = n > 0 ? (size_t)n : 0;
    int *groups = wr_pool_array(r->pool, int, count);
    struct wr_strbuf b = list_of(r->pool, count);

    (void)conf, (void)name;
    if (count != 0) {
        (void)SSL_get1_groups(ssl, groups);
    }
    for (size_t i = 0; i < count; i++) {
        add_group(&b, groups[i]);
    }
    return list_end(&b);
}

/* ---- Ways to sign. ---- */

/* By IANA's number [RFC 8446 4.2.3, RFC 8734], with OpenSSL's numbers of key and digest. */
static const struct {
    uint16_t number;
    const char *name;
    int key, digest;
} ways[] = {
    { 0x0403, "ecdsa_secp256r1_sha256", NID_X9_62_id_ecPublicKey, NID_sha256 },
    { 0x0503, "ecdsa_secp384r1_sha384", NID_X9_62_id_ecPublicKey, NID_sha384 },
    { 0x0603, "ecdsa_secp521r1_sha512", NID_X9_62_id_ecPublicKey, NID_sha512 },
    { 0x0804, "rsa_pss_rsae_sha256", NID_rsassaPss, NID_sha256 },
    { 0x0805, "rsa_pss_rsae_sha384", NID_rsassaPss, NID_sha384 },
    { 0x0806, "rsa_pss_rsae_sha512", NID_rsassaPss, NID_sha512 },
    { 0x0809, "rsa_pss_pss_sha256", NID_rsassaPss, NID_sha256 },
    { 0x080a, "rsa_pss_pss_sha384", NID_rsassaPss, NID_sha384 },
    { 0x080b, "rsa_pss_pss_sha512", NID_rsassaPss, NID_sha512 },
    { 0x0401, "rsa_pkcs1_sha256", NID_rsaEncryption, NID_sha256 },
    { 0x0501, "rsa_pkcs1_sha384", NID_rsaEncryption, NID_sha384 },
    { 0x0601, "rsa_pkcs1_sha512", NID_rsaEncryption, NID_sha512 },
    { 0x0807, "ed25519", NID_ED25519, NID_undef },
    { 0x0808, "ed448", NID_ED448, NID_undef },
    { 0x0303, "ecdsa_sha224", NID_X9_62_id_ecPublicKey, NID_sha224 },
    { 0x0203, "ecdsa_sha1", NID_X9_62_id_ecPublicKey, NID_sha1 },
    { 0x0301, "rsa_pkcs1_sha224", NID_rsaEncryption, NID_sha224 },
    { 0x0201, "rsa_pkcs1_sha1", NID_rsaEncryption, NID_sha1 },
    { 0x0302, "dsa_sha224", NID_dsa, NID_sha224 },
    { 0x0402, "dsa_sha256", NID_dsa, NID_sha256 },
    { 0x0202, "dsa_sha1", NID_dsa, NID_sha1 },
};

/* What OpenSSL describes by two numbers. */
static weir_str
way_of(int key, int digest)
{
    for (size_t i = 0; i < WR_COUNT(ways); i++) {
        if (ways[i].key == key && (ways[i].digest == digest || ways[i].digest == NID_undef)) {
            return weir_str_c(ways[i].name);
        }
    }
    return absent;
}

static WR_VAR_GET(ssl_sigalg)
{
    SSL *ssl = wr_ssl_of(r);
    int key, digest = NID_undef;

    (void)conf, (void)name;
    if (ssl == NULL || SSL_get_signature_type_nid(ssl, &key) != 1) {
        return absent;
    }
    (void)SSL_get_signature_nid(ssl, &digest);
    return way_of(key, digest);
}

static WR_VAR_GET(ssl_client_sigalg)
{
    SSL *ssl = wr_ssl_of(r);
    int key, digest = NID_undef;

    (void)conf, (void)name;
    if (ssl == NULL || SSL_get_peer_signature_type_nid(ssl, &key) != 1) {
        return absent;
    }
    (void)SSL_get_peer_signature_nid(ssl, &digest);
    return way_of(key, digest);
}

static WR_VAR_GET(ssl_sigalgs)
{
    SSL *ssl = wr_ssl_of(r);
    int n = ssl != NULL ? SSL_get_sigalgs(ssl, -1, NULL, NULL, NULL, NULL, NULL) : 0;
    struct wr_strbuf b = list_of(r->pool, n > 0 ? (size_t)n : 0);

    (void)conf, (void)name;
    for (int i = 0; i < n; i++) {
        unsigned char low = 0, high = 0;
        const char *known = NULL;
        (void)SSL_get_sigalgs(ssl, i, NULL, NULL, NULL, &low, &high);
        for (size_t k = 0; k < WR_COUNT(ways) && known == NULL; k++) {
            known = ways[k].number == ((unsigned)high << 8 | low) ? ways[k].name : NULL;
        }
        add_name(&b, known, (unsigned)high << 8 | low);
    }
    return list_end(&b);
}

/* ---- The rest of what was agreed. ---- */

static WR_VAR_GET(ssl_protocol)
{
    SSL *ssl = wr_ssl_of(r);

    (void)conf, (void)name;
    return ssl != NULL ? weir_str_c(SSL_get_version(ssl)) : absent;
}

static WR_VAR_GET(ssl_alpn_protocol)
{
    SSL *ssl = wr_ssl_of(r);
    const unsigned char *bytes = NULL;
    unsigned int len = 0;

    (void)conf, (void)name;
    if (ssl != NULL) {
        SSL_get0_alpn_selected(ssl, &bytes, &len);
    }
    return len != 0 ? (weir_str){ (const char *)bytes, len } : absent;
}

static WR_VAR_GET(ssl_server_name)
{
    const struct wr_tls_stream *s = wr_tls_stream_of(wr_request_of(r)->conn);

    (void)conf, (void)name;
    return s != NULL ? s->name : absent;
}

static WR_VAR_GET(ssl_session_id)
{
    SSL *ssl = wr_ssl_of(r);
    const unsigned char *id = NULL;
    unsigned int len = 0;

    (void)conf, (void)name;
    if (ssl != NULL && SSL_get0_session(ssl) != NULL) {
        id = SSL_SESSION_get_id(SSL_get0_session(ssl), &len);
    }
    return len != 0 ? wr_ssl_hex(r->pool, id, len) : absent;
}

static WR_VAR_GET(ssl_session_reused)
{
    SSL *ssl = wr_ssl_of(r);

    (void)conf, (void)name;
    return ssl == NULL ? absent : SSL_session_reused(ssl) ? WEIR_STR("r") : WEIR_STR(".");
}

/* Early data and encrypted hellos are not taken. */
static WR_VAR_GET(nothing)
{
    (void)r, (void)conf, (void)name;
    return absent;
}

enum { LEAF = WR_VAR_LEAF | WEIR_VAR_LATER, FRESH = LEAF | WEIR_VAR_FRESH };

static const weir_variable table[] = {
    { "ssl_alpn_protocol", FRESH, wr_var_ssl_alpn_protocol },
    { "ssl_cipher", FRESH, wr_var_ssl_cipher },
    { "ssl_ciphers", LEAF, wr_var_ssl_ciphers },
    { "ssl_client_cert", LEAF, wr_var_ssl_client_cert },
    { "ssl_client_escaped_cert", LEAF, wr_var_ssl_client_escaped_cert },
    { "ssl_client_fingerprint", LEAF, wr_var_ssl_client_fingerprint },
    { "ssl_client_i_dn", LEAF, wr_var_ssl_client_i_dn },
    { "ssl_client_i_dn_legacy", LEAF, wr_var_ssl_client_i_dn_legacy },
    { "ssl_client_raw_cert", LEAF, wr_var_ssl_client_raw_cert },
    { "ssl_client_s_dn", LEAF, wr_var_ssl_client_s_dn },
    { "ssl_client_s_dn_legacy", LEAF, wr_var_ssl_client_s_dn_legacy },
    { "ssl_client_serial", LEAF, wr_var_ssl_client_serial },
    { "ssl_client_sigalg", FRESH, wr_var_ssl_client_sigalg },
    { "ssl_client_v_end", LEAF, wr_var_ssl_client_v_end },
    { "ssl_client_v_remain", LEAF, wr_var_ssl_client_v_remain },
    { "ssl_client_v_start", LEAF, wr_var_ssl_client_v_start },
    { "ssl_client_verify", LEAF, wr_var_ssl_client_verify },
    { "ssl_curve", LEAF, wr_var_ssl_curve },
    { "ssl_curves", LEAF, wr_var_ssl_curves },
    { "ssl_early_data", FRESH, wr_var_nothing },
    { "ssl_ech_outer_server_name", FRESH, wr_var_nothing },
    { "ssl_ech_status", FRESH, wr_var_nothing },
    { "ssl_protocol", FRESH, wr_var_ssl_protocol },
    { "ssl_server_name", FRESH, wr_var_ssl_server_name },
    { "ssl_session_id", LEAF, wr_var_ssl_session_id },
    { "ssl_session_reused", FRESH, wr_var_ssl_session_reused },
    { "ssl_sigalg", FRESH, wr_var_ssl_sigalg },
    { "ssl_sigalgs", LEAF, wr_var_ssl_sigalgs },
};

static weir_self self = WR_SELF;

const weir_module wr_core_ssl_variables_module = {
    WR_BUILTIN(&self, "core.ssl_variables"),
    .summary = "variables of TLS connections",
    .variables = WEIR_ITEMS(table),
};
