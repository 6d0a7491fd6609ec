/* process/responder.h - an OCSP responder, asked over HTTP: by whoever staples its answers, and by whoever has to know about a
 * client's certificate.  [RFC 6960 A.1]
 */
#ifndef WR_PROCESS_RESPONDER_H
#define WR_PROCESS_RESPONDER_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <weir/upstream.h>

enum { WR_RESPONDER_BYTES_MAX = 64 * 1024 }; /* of an answer */

struct wr_responder {
    weir_upstream *to;
    weir_str host, target;
};

/* Ask about leaf; done as weir_fetch has it, after a minute at the latest. Ends with pool. False, and nothing happens: there
 * is no memory for the question. */
bool wr_responder_ask(const struct wr_responder *whom, weir_pool *pool, X509 *leaf, X509 *issuer,
                      void (*done)(void *data, int result, const weir_reply *reply), void *data);

#endif
