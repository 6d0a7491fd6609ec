/* http/core_ssl_variables.h - the functions behind $ssl_*, by what they speak of. All are absent where a connection is plain. */
#ifndef WR_HTTP_CORE_SSL_VARIABLES_H
#define WR_HTTP_CORE_SSL_VARIABLES_H

#include <openssl/ssl.h>

#include "http/core_variables.h"

/* core_ssl_variables_client.c: the client's certificate. */
WR_VAR_GET(ssl_client_cert);
WR_VAR_GET(ssl_client_escaped_cert);
WR_VAR_GET(ssl_client_fingerprint);
WR_VAR_GET(ssl_client_i_dn);
WR_VAR_GET(ssl_client_i_dn_legacy);
WR_VAR_GET(ssl_client_raw_cert);
WR_VAR_GET(ssl_client_s_dn);
WR_VAR_GET(ssl_client_s_dn_legacy);
WR_VAR_GET(ssl_client_serial);
WR_VAR_GET(ssl_client_v_end);
WR_VAR_GET(ssl_client_v_remain);
WR_VAR_GET(ssl_client_v_start);
WR_VAR_GET(ssl_client_verify);

/* ---- What they share. ---- */

/* The SSL of r's connection; NULL: it is plain. */
SSL *wr_ssl_of(const weir_request *r);

/* bytes in lower-case hexadecimal. */
weir_str wr_ssl_hex(weir_pool *pool, const unsigned char *bytes, size_t len);

extern const weir_module wr_core_ssl_variables_module;

#endif
