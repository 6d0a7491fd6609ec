/* tls/authorities.h - whom to believe: certificates of authorities and revocation lists, read once for equal files, and again
 * when these change. */
#ifndef WR_TLS_AUTHORITIES_H
#define WR_TLS_AUTHORITIES_H

#include "tls/bank.h"

/* Those that the settings name: read now, or found in the bank. NULL in *found when they name none. False with err. */
bool wr_tls_authorities_find(struct wr_tls_bank *b, const struct wr_tls_settings *set,
                             struct wr_tls_authorities **found, struct wr_err *err);

/* Verify by them in c, and let a server name them to clients. */
void wr_tls_authorities_use(const struct wr_tls_authorities *a, SSL_CTX *c);

/* Give back what was made of the files. */
void wr_tls_authorities_free(struct wr_tls_authorities *a);

/* How often they were read; 0 for NULL. */
uint32_t wr_tls_authorities_version(const struct wr_tls_authorities *a);

/* The store, until they are read again; NULL for NULL. */
X509_STORE *wr_tls_authorities_store(const struct wr_tls_authorities *a);

/* A digest of which they are, and which certificates they revoked; all zero for none (a NULL). */
void wr_tls_authorities_digest(const struct wr_tls_authorities *a, uint8_t digest[32]);

/* The chain from leaf, of which others than they may be in `more` (NULL: none), up to one of them; verified. NULL: there is none.
 * The caller's, its certificates counted. */
STACK_OF(X509) *wr_tls_authorities_chain(const struct wr_tls_authorities *a, X509 *leaf, STACK_OF(X509) *more);

/* The certificate among them that issued leaf; NULL: none did. Counted for the caller. */
X509 *wr_tls_authorities_issuer(const struct wr_tls_authorities *a, X509 *leaf);

#endif
