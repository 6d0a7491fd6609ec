/* http/core_ssl_variables_client.c - variables of the certificate that the client showed; absent when it showed none. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/pool.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "http/core_ssl_variables.h"
#include "tls/stream.h"

static const weir_str absent = { NULL, 0 };

static X509 *
certificate_of(const weir_request *r)
{
    SSL *ssl = wr_ssl_of(r);

    return ssl != NULL ? SSL_get0_peer_certificate(ssl) : NULL;
}

/* What was written to b, which ends, in r's memory; absent when that failed. */
static weir_str
text_of(weir_request *r, BIO *b, bool good)
{
    weir_str text = absent;
    char *data;
    long n;

    if (good && b != NULL && (n = BIO_get_mem_data(b, &data)) > 0) {
        text = weir_dup(r->pool, (weir_str){ data, (size_t)n });
    }
    BIO_free(b);
    ERR_clear_error();
    return text;
}

/* ---- The certificate itself. ---- */

/* In PEM, without the last line's end. */
static weir_str
pem_of(weir_request *r)
{
    X509 *c = certificate_of(r);
    BIO *b = c != NULL ? BIO_new(BIO_s_mem()) : NULL;
    weir_str text = text_of(r, b, b != NULL && PEM_write_bio_X509(b, c) == 1);

    if (text.len != 0 && text.data[text.len - 1] == '\n') {
        text.len--;
    }
    return text;
}

WR_VAR_GET(ssl_client_raw_cert)
{
    X509 *c = certificate_of(r);
    BIO *b = c != NULL ? BIO_new(BIO_s_mem()) : NULL;

    (void)conf, (void)name;
    return text_of(r, b, b != NULL && PEM_write_bio_X509(b, c) == 1);
}

/* For a header field: every line but the first begins with a tab (nginx). */
WR_VAR_GET(ssl_client_cert)
{
    weir_str pem = pem_of(r);
    struct wr_strbuf b;

    (void)conf, (void)name;
    if (pem.data == NULL) {
        return absent;
    }
    b = wr_strbuf_over(wr_pool_alloc(r->pool, 2 * pem.len), 2 * pem.len);
    for (size_t i = 0; i < pem.len; i++) {
        wr_strbuf_byte(&b, pem.data[i]);
        if (pem.data[i] == '\n') {
            wr_strbuf_byte(&b, '\t');
        }
    }
    return wr_strbuf_view(&b);
}

WR_VAR_GET(ssl_client_escaped_cert)
{
    weir_str pem = wr_var_ssl_client_raw_cert(r, conf, name);
    struct wr_strbuf b;

    if (pem.data == NULL) {
        return absent;
    }
    b = wr_strbuf_over(wr_pool_alloc(r->pool, 3 * pem.len), 3 * pem.len);
    for (size_t i = 0; i < pem.len; i++) {
        uint8_t c = (uint8_t)pem.data[i];
        if (weir_is_letter(c) || weir_is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~') {
            wr_strbuf_byte(&b, (char)c);
        } else {
            wr_strbuf_percent(&b, c);
        }
    }
    return wr_strbuf_view(&b);
}

WR_VAR_GET(ssl_client_fingerprint)
{
    X509 *c = certificate_of(r);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len;

    (void)conf, (void)name;
    if (c == NULL || X509_digest(c, EVP_sha1(), digest, &len) != 1) {
        return absent;
    }
    return wr_ssl_hex(r->pool, digest, len);
}

WR_VAR_GET(ssl_client_serial)
{
    X509 *c = certificate_of(r);
    BIO *b = c != NULL ? BIO_new(BIO_s_mem()) : NULL;

    (void)conf, (void)name;
    return text_of(r, b, b != NULL && i2a_ASN1_INTEGER(b, X509_get0_serialNumber(c)) >= 0);
}

/* ---- Names. ---- */

static weir_str
print_name(weir_request *r, const X509_NAME *n)
{
    BIO *b = BIO_new(BIO_s_mem());

    return text_of(r, b, b != NULL && X509_NAME_print_ex(b, n, 0, XN_FLAG_RFC2253) >= 0);
}

static weir_str
print_old(weir_request *r, const X509_NAME *n)
{
    char *line = X509_NAME_oneline(n, NULL, 0);
    weir_str text = line != NULL ? weir_dup(r->pool, weir_str_c(line)) : absent;

    OPENSSL_free(line);
    return text;
}

WR_VAR_GET(ssl_client_s_dn)
{
    X509 *c = certificate_of(r);

    (void)conf, (void)name;
    return c != NULL ? print_name(r, X509_get_subject_name(c)) : absent;
}

WR_VAR_GET(ssl_client_i_dn)
{
    X509 *c = certificate_of(r);

    (void)conf, (void)name;
    return c != NULL ? print_name(r, X509_get_issuer_name(c)) : absent;
}

WR_VAR_GET(ssl_client_s_dn_legacy)
{
    X509 *c = certificate_of(r);

    (void)conf, (void)name;
    return c != NULL ? print_old(r, X509_get_subject_name(c)) : absent;
}

WR_VAR_GET(ssl_client_i_dn_legacy)
{
    X509 *c = certificate_of(r);

    (void)conf, (void)name;
    return c != NULL ? print_old(r, X509_get_issuer_name(c)) : absent;
}

/* ---- Times. ---- */

static weir_str
print_time(weir_request *r, const ASN1_TIME *t)
{
    BIO *b = BIO_new(BIO_s_mem());

    return text_of(r, b, b != NULL && ASN1_TIME_print(b, t) == 1);
}

WR_VAR_GET(ssl_client_v_start)
{
    X509 *c = certificate_of(r);

    (void)conf, (void)name;
    return c != NULL ? print_time(r, X509_get0_notBefore(c)) : absent;
}

WR_VAR_GET(ssl_client_v_end)
{
    X509 *c = certificate_of(r);

    (void)conf, (void)name;
    return c != NULL ? print_time(r, X509_get0_notAfter(c)) : absent;
}

/* Whole days until it ends. */
WR_VAR_GET(ssl_client_v_remain)
{
    X509 *c = certificate_of(r);
    int days = 0, seconds = 0;

    (void)conf, (void)name;
    if (c == NULL || ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(c)) != 1) {
        return absent;
    }
    return days > 0 ? wr_var_number(r->pool, (uint64_t)days) : WEIR_STR("0");
}

/* ---- The judgement. ---- */

WR_VAR_GET(ssl_client_verify)
{
    SSL *ssl = wr_ssl_of(r);
    const char *distrust;
    long result;

    (void)conf, (void)name;
    if (ssl == NULL) {
        return absent;
    }
    if (SSL_get0_peer_certificate(ssl) == NULL) {
        return WEIR_STR("NONE");
    }
    result = SSL_get_verify_result(ssl);
    if (result != X509_V_OK) {
        return weir_print(r->pool, "FAILED:%s", X509_verify_cert_error_string(result));
    }
    distrust = wr_tls_stream_of_ssl(ssl)->distrust;
    return distrust == NULL ? WEIR_STR("SUCCESS") : weir_print(r->pool, "FAILED:%s", distrust);
}
