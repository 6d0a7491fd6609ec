/* tls/context.h - what TLS is spoken with: settings made into an SSL_CTX, shared by all that have equal settings.
 *
 * The SSL_CTX, of which OpenSSL makes much, is made when it is first used, and again when a file has another content. Thousands
 * of sites share one, or have made what their visitors ask for and no more.
 */
#ifndef WR_TLS_CONTEXT_H
#define WR_TLS_CONTEXT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <weir/conf.h>

#include "base/err.h"
#include "tls/pair.h"

/* Versions of the protocol, bits. */
enum wr_tls_protocol {
    WR_TLS_SSL2 = 1u << 0, /* in no library any more: a word that configurations have */
    WR_TLS_SSL3 = 1u << 1,
    WR_TLS_1_0 = 1u << 2,
    WR_TLS_1_1 = 1u << 3,
    WR_TLS_1_2 = 1u << 4,
    WR_TLS_1_3 = 1u << 5
};

/* Their names in configurations; and the one called name, 0: there is none. */
extern const weir_name wr_tls_protocols[];
uint32_t wr_tls_protocol(weir_str name);

/* What is asked of the other side's certificate. A server lets the handshake pass, and its user looks at the result. */
enum wr_tls_verify { WR_TLS_VERIFY_OFF, WR_TLS_VERIFY_ON, WR_TLS_VERIFY_OPTIONAL, WR_TLS_VERIFY_OPTIONAL_NO_CA };

/* Paths and texts are zero-terminated; absent: none, or OpenSSL's own. */
struct wr_tls_settings {
    bool client;        /* for connections that we begin */
    bool strict;        /* keys and signatures of less than 112 bits are refused */
    bool prefer_server; /* our order of ciphers, not the client's */
    bool tickets;       /* sessions are kept by the client, encrypted */
    bool session_ids;   /* sessions may be looked up by their id */
    bool system_authorities; /* those that the system trusts */
    uint32_t protocols, verify, verify_depth;
    weir_str ciphers;   /* of TLS 1.2 and older */
    weir_str groups;
    weir_str dhparam;
    weir_str client_authorities; /* whose certificates are taken; their names are told to clients */
    weir_str authorities;        /* further ones, not told */
    weir_str crl;
    weir_strs commands; /* of SSL_CONF_cmd: name, value, name, value ... */
    struct wr_tls_pair *const *pairs; /* a certificate for each type of key */
    uint32_t n_pairs;
};

struct wr_tls_authorities; /* authorities.h */
struct wr_tls_bank;        /* bank.h */
struct wr_tls_dhparam;     /* dhparam.h */

struct wr_tls_context {
    struct wr_tls_settings settings;
    struct wr_tls_authorities *authorities; /* NULL: none are needed */
    struct wr_tls_dhparam *dhparam; /* NULL: no DHE */
    struct wr_tls_bank *bank;
    SSL_CTX *ssl;     /* NULL: not made yet; use wr_tls_context_ssl */
    uint32_t version; /* of the bank, when ssl was made or found to be right */
    uint32_t made_of; /* the versions of pairs, authorities and parameters added up, when ssl was made */
};

/* The SSL_CTX, made if it has to be. NULL with err. It stays until the next call at least; who needs it longer counts it. */
SSL_CTX *wr_tls_context_ssl(struct wr_tls_context *c, struct wr_err *err);

/* A fresh SSL_CTX of what is set in c, which need not be in a bank: the caller's. NULL with err. */
SSL_CTX *wr_tls_context_make(const struct wr_tls_context *c, struct wr_err *err);

#endif
