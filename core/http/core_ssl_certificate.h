/* http/core_ssl_certificate.h - certificates whose names hold variables: found when a client has said which name it wants. */
#ifndef WR_HTTP_CORE_SSL_CERTIFICATE_H
#define WR_HTTP_CORE_SSL_CERTIFICATE_H

#include "http/core_ssl.h"
#include "tls/stream.h"

struct wr_ssl_certificates;

/* Does the name of certificate i, or of its key, hold variables? */
bool wr_ssl_certificate_varies(const struct wr_ssl_conf *c, size_t i);

/* The certificates of c; NULL in *made when none of them varies. False after a report. */
bool wr_ssl_certificates_create(weir_conf *cf, const struct wr_ssl_conf *c, struct wr_tls_passwords passwords,
                                struct wr_ssl_certificates **made);

/* Give the connection of s those it is to be shown. False after a log line. */
bool wr_ssl_certificates_show(struct wr_ssl_certificates *all, const struct wr_ssl_site *site,
                              struct wr_tls_stream *s);

#endif
