/* tls/ocsp.c - OCSP over OpenSSL. */
#include "tls/ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/str.h"
#include "tls/fault.h"

enum { SKEW_S = 300 /* that clocks may differ by */ };

weir_str
wr_ocsp_url(weir_pool *pool, X509 *leaf)
{
    STACK_OF(OPENSSL_STRING) *all = X509_get1_ocsp(leaf);
    weir_str url = { NULL, 0 };

    if (sk_OPENSSL_STRING_num(all) > 0) {
        url = weir_dup(pool, weir_str_c(sk_OPENSSL_STRING_value(all, 0)));
    }
    X509_email_free(all);
    return url;
}

bool
wr_ocsp_place(weir_pool *pool, weir_str url, weir_str *host, weir_str *target)
{
    static const weir_str scheme = { "http://", 7 };
    size_t slash;

    if (!weir_str_ieq(weir_str_cut(url, 0, scheme.len), scheme)) {
        return false;
    }
    url = weir_str_cut(url, scheme.len, SIZE_MAX);
    slash = weir_str_find(url, '/');
    *host = weir_dup(pool, weir_str_cut(url, 0, slash));
    *target = slash < url.len ? weir_dup(pool, weir_str_cut(url, slash, SIZE_MAX)) : WEIR_STR("/");
    return host->len != 0;
}

X509 *
wr_ocsp_issuer(const struct wr_tls_pair *p, const struct wr_tls_authorities *authorities)
{
    for (int i = 0; i < sk_X509_num(p->chain); i++) {
        X509 *c = sk_X509_value(p->chain, i);
        if (X509_check_issued(c, p->leaf) == X509_V_OK) {
            X509_up_ref(c);
            return c;
        }
    }
    return wr_tls_authorities_issuer(authorities, p->leaf);
}

bool
wr_ocsp_ask(X509 *leaf, X509 *issuer, unsigned char **der, size_t *len)
{
    OCSP_REQUEST *q = OCSP_REQUEST_new();
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, leaf, issuer);
    int n = -1;

    *der = NULL;
    if (q != NULL && id != NULL && OCSP_request_add0_id(q, id) != NULL) {
        id = NULL; /* the question's now */
        n = i2d_OCSP_REQUEST(q, der);
    }
    OCSP_CERTID_free(id);
    OCSP_REQUEST_free(q);
    ERR_clear_error();
    *len = n > 0 ? (size_t)n : 0;
    return n > 0;
}

bool
wr_ocsp_key(X509 *leaf, X509 *issuer, uint8_t key[32])
{
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, leaf, issuer);
    unsigned char *der = NULL;
    int n = id != NULL ? i2d_OCSP_CERTID(id, &der) : -1;
    bool good = n > 0 && EVP_Q_digest(NULL, "SHA256", NULL, der, (size_t)n, key, NULL) == 1;

    OPENSSL_free(der);
    OCSP_CERTID_free(id);
    ERR_clear_error();
    return good;
}

/* ---- Judging. ---- */

/* A store that believes the issuer, whoever stands above it. */
static X509_STORE *
believe_issuer(X509 *issuer)
{
    X509_STORE *store = X509_STORE_new();

    WR_ASSERT(store != NULL && X509_STORE_add_cert(store, issuer) == 1 &&
              X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1);
    return store;
}

/* Signed by who may: the issuer, or whom it named for that [RFC 6960 4.2.2.2]. */
static bool
is_signed(OCSP_BASICRESP *basic, X509 *issuer, STACK_OF(X509) *chain,
          const struct wr_tls_authorities *believe, struct wr_err *err)
{
    STACK_OF(X509) *signers = chain != NULL ? X509_chain_up_ref(chain) : sk_X509_new_null();
    X509_STORE *own = believe == NULL ? believe_issuer(issuer) : NULL;
    bool good;

    WR_ASSERT(signers != NULL && X509_up_ref(issuer) == 1 && sk_X509_push(signers, issuer) != 0);
    good = OCSP_basic_verify(basic, signers, own != NULL ? own : wr_tls_authorities_store(believe),
                             0) == 1;
    sk_X509_pop_free(signers, X509_free);
    X509_STORE_free(own);
    return good || wr_tls_fault(err, "OCSP_basic_verify() failed");
}

static int64_t
seconds_of(const ASN1_GENERALIZEDTIME *t)
{
    int days = 0, seconds = 0;

    if (t == NULL || ASN1_TIME_diff(&days, &seconds, NULL, t) != 1) {
        return INT64_MAX;
    }
    return wr_clock.wall_s + (int64_t)days * 86400 + seconds;
}

static bool
judge_status(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer, bool *revoked, int64_t *until_s,
             struct wr_err *err)
{
    ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, leaf, issuer);
    int status = V_OCSP_CERTSTATUS_UNKNOWN;
    bool found = id != NULL && OCSP_resp_find_status(basic, id, &status, NULL, NULL, &this_update,
                                                     &next_update) == 1;

    OCSP_CERTID_free(id);
    if (!found) {
        return wr_err_set(err, "certificate status not found in the OCSP response");
    }
    if (status != V_OCSP_CERTSTATUS_GOOD &&
        (status != V_OCSP_CERTSTATUS_REVOKED || revoked == NULL)) {
        return wr_err_set(err, "certificate status \"%s\" in the OCSP response",
                          OCSP_cert_status_str(status));
    }
    if (OCSP_check_validity(this_update, next_update, SKEW_S, -1) != 1) {
        return wr_tls_fault(err, "OCSP_check_validity() failed");
    }
    *until_s = seconds_of(next_update);
    if (revoked != NULL) {
        *revoked = status == V_OCSP_CERTSTATUS_REVOKED;
    }
    return true;
}

bool
wr_ocsp_judge(weir_str der, X509 *leaf, X509 *issuer, STACK_OF(X509) *chain,
              const struct wr_tls_authorities *believe, bool *revoked, int64_t *until_s,
              struct wr_err *err)
{
    const unsigned char *at = (const unsigned char *)der.data;
    OCSP_RESPONSE *r;
    OCSP_BASICRESP *basic;
    bool good;

    ERR_clear_error();
    r = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
    if (r == NULL) {
        return wr_tls_fault(err, "d2i_OCSP_RESPONSE() failed");
    }
    if (OCSP_response_status(r) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        good = wr_err_set(err, "OCSP response not successful (%d: %s)", OCSP_response_status(r),
                          OCSP_response_status_str(OCSP_response_status(r)));
    } else if ((basic = OCSP_response_get1_basic(r)) == NULL) {
        good = wr_tls_fault(err, "OCSP_response_get1_basic() failed");
    } else {
        good = is_signed(basic, issuer, chain, believe, err) &&
               judge_status(basic, leaf, issuer, revoked, until_s, err);
        OCSP_BASICRESP_free(basic);
    }
    OCSP_RESPONSE_free(r);
    ERR_clear_error();
    return good;
}
