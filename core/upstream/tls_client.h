/* upstream/tls_client.h - what weir_tls_client of the ABI is inside. */
#ifndef WR_UPSTREAM_TLS_CLIENT_H
#define WR_UPSTREAM_TLS_CLIENT_H

#include <weir/upstream.h>

struct wr_tls_client;

/* NULL for NULL: plain. */
struct wr_tls_client *wr_upstream_tls(const weir_tls_client *t);

#endif
