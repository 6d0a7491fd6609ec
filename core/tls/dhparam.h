/* tls/dhparam.h - parameters for DHE ciphers, of a file. */
#ifndef WR_TLS_DHPARAM_H
#define WR_TLS_DHPARAM_H

#include "tls/bank.h"

/* Those of path: read now, or found in the bank. NULL with err. */
struct wr_tls_dhparam *wr_tls_dhparam_find(struct wr_tls_bank *b, weir_str path, struct wr_err *err);

/* Use them in c. False with err. */
bool wr_tls_dhparam_use(const struct wr_tls_dhparam *d, SSL_CTX *c, struct wr_err *err);

/* How often they were exchanged; 0 for NULL. */
uint32_t wr_tls_dhparam_version(const struct wr_tls_dhparam *d);

void wr_tls_dhparam_free(struct wr_tls_dhparam *d);

#endif
