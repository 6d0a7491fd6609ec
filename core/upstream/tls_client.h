/* upstream/tls_client.h - what weir_tls_client of the ABI is inside. */
#ifndef WR_UPSTREAM_TLS_CLIENT_H
#define WR_UPSTREAM_TLS_CLIENT_H

#include <stdbool.h>
#include <weir/upstream.h>

#include "base/err.h"

struct wr_conn;
struct wr_tls_client;

/* NULL for NULL: plain. */
struct wr_tls_client *wr_upstream_tls(const weir_tls_client *t);

/* Which certificates stand in r for those whose names hold variables, in pool; absent: none do. r NULL: nobody's request, for
 * which none are shown. */
weir_str wr_upstream_tls_identity(const weir_tls_client *t, weir_request *r, weir_pool *pool);

/* wr_tls_client_begin, and the certificates that identity names are read. False with err. */
bool wr_upstream_tls_begin(const weir_tls_client *t, struct wr_conn *c, weir_str name, weir_str peer,
                           weir_str identity, struct wr_err *err);

#endif
