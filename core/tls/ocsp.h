/* tls/ocsp.h - asking an authority about a certificate, and judging what it answers.  [RFC 6960]
 *
 * Questions and answers are bytes; who carries them is not this file's business.
 */
#ifndef WR_TLS_OCSP_H
#define WR_TLS_OCSP_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "base/err.h"
#include "tls/authorities.h"
#include "tls/pair.h"

/* Where the certificate says that it is asked about, zero-terminated in pool; absent: it does not say. */
weir_str wr_ocsp_url(weir_pool *pool, X509 *leaf);

/* The certificate that p's leaf was issued with: of its chain, else of the authorities (NULL: none). Counted for the caller; NULL:
 * it is not known. */
X509 *wr_ocsp_issuer(const struct wr_tls_pair *p, const struct wr_tls_authorities *authorities);

/* "http://host[:port]/path" to where and what, copied to pool; false: it is none. */
bool wr_ocsp_place(weir_pool *pool, weir_str url, weir_str *host, weir_str *target);

/* A name for what leaf's issuer says of it, the same for all certificates of this serial number: a digest. False without memory. */
bool wr_ocsp_key(X509 *leaf, X509 *issuer, uint8_t key[32]);

/* The question about leaf, in DER, as memory of OpenSSL's that is the caller's. False without memory. */
bool wr_ocsp_ask(X509 *leaf, X509 *issuer, unsigned char **der, size_t *len);

/*
 * Is `der` a good answer about leaf, and until when?
 *
 * chain    further certificates that may have signed it; NULL: none
 * believe  whom to trust for its signer; NULL: the issuer
 * revoked  out: the answer is good, the certificate revoked; NULL: that is no good answer either
 * until_s  out: when it ends, seconds since 1970; INT64_MAX: it does not say
 *
 * False with err: it is none, it is about another one, its time is not now, or the authority does not know the certificate.
 */
bool wr_ocsp_judge(weir_str der, X509 *leaf, X509 *issuer, STACK_OF(X509) *chain,
                   const struct wr_tls_authorities *believe, bool *revoked, int64_t *until_s,
                   struct wr_err *err);

#endif
