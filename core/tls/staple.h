/* tls/staple.h - what an authority says of our certificate's validity, shown to clients with it (OCSP). */
#ifndef WR_TLS_STAPLE_H
#define WR_TLS_STAPLE_H

#include "tls/door.h"

/* The response of a file, in DER, for the site whose first pair is `pair`. NULL with err. */
struct wr_tls_staple *wr_tls_staple_load(weir_pool *pool, weir_str path, struct wr_err *err);

/* context.c: the functions of this file for a server's SSL_CTX. */
void wr_tls_staple_equip(SSL_CTX *c);

#endif
