/* process/responder.c - one question: the DER of tls/ocsp, as the body of a POST. */
#include "process/responder.h"

#include <openssl/crypto.h>
#include <weir/body.h>

#include "tls/ocsp.h"

enum { ANSWER_MS = 60 * 1000 }; /* for the whole question */

bool
wr_responder_ask(const struct wr_responder *whom, weir_pool *pool, X509 *leaf, X509 *issuer,
                 void (*done)(void *data, int result, const weir_reply *reply), void *data)
{
    static const weir_pair type = { { "Content-Type", 12 }, { "application/ocsp-request", 24 } };
    weir_chain body = { NULL, NULL };
    weir_fetch_options o = { .size = sizeof(o),
                             .method = WEIR_POST,
                             .to = whom->to,
                             .host = whom->host,
                             .target = whom->target,
                             .headers = &type,
                             .n_headers = 1,
                             .body = &body,
                             .timeout_ms = ANSWER_MS,
                             .keep = WR_RESPONDER_BYTES_MAX };
    unsigned char *der = NULL;
    size_t len;

    if (!wr_ocsp_ask(leaf, issuer, &der, &len)) {
        return false;
    }
    weir_chain_push(&body, weir_buf_copy(pool, (weir_str){ (const char *)der, len }));
    OPENSSL_free(der);
    weir_fetch(pool, &o, done, data);
    return true;
}
