/* http/core_ssl_check.c - may this request be served over this connection? Asked once a request's server is chosen.
 *
 * A client shows its certificate to the site that it asked for in the handshake. What it may do at another server of the address
 * then depends on whether that one asks for the same; where it does not, the request is misdirected [RFC 9110 15.5.20].
 */
#include <openssl/x509_vfy.h>
#include <string.h>

#include "http/core_ssl.h"
#include "http/request.h"
#include "tls/stream.h"

/* Results that optional_no_ca lets pass: the chain leads to no authority that we know. */
static bool
is_about_authority(long result)
{
    return result == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
           result == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
           result == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
           result == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

/* The server that r is for asks for what the client was asked for, or is the very one. */
static bool
is_directed_rightly(const struct wr_request *r, const struct wr_ssl_site *shown)
{
    const struct wr_ssl_site *wanted = r->server->ssl;

    if (wanted == NULL || wanted == shown) {
        return true;
    }
    return !wanted->tls.reject && memcmp(wanted->policy, shown->policy, sizeof(shown->policy)) == 0;
}

#define WHEN " while reading client request headers" /* so do nginx's lines end */

static uint32_t
judge(const struct wr_request *r, const struct wr_ssl_site *site, const SSL *ssl, const char *distrust)
{
    uint32_t verify = site->conf->verify;
    long result = SSL_get_verify_result(ssl);

    if (result != X509_V_OK &&
        (verify != WR_TLS_VERIFY_OPTIONAL_NO_CA || !is_about_authority(result))) {
        wr_say(&r->log, INFO, "client SSL certificate verify error: (%ld:%s)" WHEN, result,
               X509_verify_cert_error_string(result));
        return 495;
    }
    if (distrust != NULL) {
        wr_say(&r->log, INFO, "client SSL certificate verify error: %s" WHEN, distrust);
        return 495;
    }
    if (verify == WR_TLS_VERIFY_ON && SSL_get0_peer_certificate(ssl) == NULL) {
        wr_say(&r->log, INFO, "client sent no required SSL certificate" WHEN);
        return 496;
    }
    return 0;
}

uint32_t
wr_ssl_refusal(struct wr_request *r)
{
    const struct wr_tls_stream *s = wr_tls_stream_of(r->conn);
    const struct wr_ssl_site *site = s != NULL ? (const struct wr_ssl_site *)s->site : NULL;

    if (site == NULL) {
        return 0;
    }
    if (!is_directed_rightly(r, site)) {
        wr_say(&r->log, INFO,
               "client attempted to request the server name different from the one that was "
               "negotiated" WHEN);
        return 421;
    }
    return site->conf->verify != WR_TLS_VERIFY_OFF ? judge(r, site, s->ssl, s->distrust) : 0;
}
