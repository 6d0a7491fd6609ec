/* tls/staple.h - what an authority says of our certificates' validity, shown to clients with them.  [RFC 6066 8]
 *
 * Of a file, for all certificates of a site; or of the authority itself, for each, put here by who asks it, until its time is over
 * or the certificate is another one.
 */
#ifndef WR_TLS_STAPLE_H
#define WR_TLS_STAPLE_H

#include "tls/bank.h"
#include "tls/door.h"

enum { WR_TLS_STAPLE_BYTES_MAX = 64 * 1024 };

/* Nothing yet, for the n pairs, which stay. In pool. */
struct wr_tls_staple *wr_tls_staple_create(weir_pool *pool, struct wr_tls_pair *const *pairs, uint32_t n);

/* The response of a file, in DER. NULL with err. In pool, which ends no later than the bank. */
struct wr_tls_staple *wr_tls_staple_load(weir_pool *pool, struct wr_tls_bank *bank, weir_str path,
                                         struct wr_err *err);

/* Is it of a file? Then nobody has to be asked. */
bool wr_tls_staple_is_of_file(const struct wr_tls_staple *staple);

/* Show a copy of der with pair i as it is now, until then (seconds since 1970). */
void wr_tls_staple_put(struct wr_tls_staple *staple, uint32_t i, weir_str der, int64_t until_s);

/* context.c: the functions of this file for a server's SSL_CTX. */
void wr_tls_staple_equip(SSL_CTX *c);

#endif
