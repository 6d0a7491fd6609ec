/* tls/client.h - the side that begins: settings towards servers of one kind, their sessions, and connections that begin to speak TLS.
 */
#ifndef WR_TLS_CLIENT_H
#define WR_TLS_CLIENT_H

#include <stdbool.h>
#include <weir/base.h>

#include "net/conn.h"
#include "tls/context.h"

struct wr_tls_stream;

struct wr_tls_client {
    struct wr_tls_context *context;
    bool send_name;      /* tell the server which name is wanted */
    bool reuse;          /* come back to sessions */
    uint32_t made_of;    /* the context's, when the visits were made */
    struct wr_tls_visit *visits; /* the worker's: sessions of servers visited before; NULL: none yet */
};

/* In pool: the context's settings are a client's. */
struct wr_tls_client *wr_tls_client_create(weir_pool *pool, struct wr_tls_context *context,
                                           bool send_name, bool reuse);

/*
 * Speak TLS on c, which is connected: go on with its transport's handshake.
 *
 * name      the server has to be; also an address. When the settings verify, its certificate has to be for it, and one
 *           that is empty or begins with a dot is refused
 * peer      whose sessions fit, text of its address
 * identity  names the certificates that are shown besides those of the settings: connections of different ones are
 *           different, and their sessions are not come back to. Absent: none are
 *
 * False with err.
 */
bool wr_tls_client_begin(struct wr_tls_client *client, struct wr_conn *c, weir_str name, weir_str peer,
                         weir_str identity, struct wr_err *err);

/* Was c begun with this client, name and identity? client NULL: is it plain? */
bool wr_tls_client_is(const struct wr_conn *c, const struct wr_tls_client *client, weir_str name,
                      weir_str identity);

/* stream.c: the handshake of a stream that we began is over. */
void wr_tls_client_shaken(struct wr_tls_stream *s);

/* Why the handshake failed, in nginx's words. */
void wr_tls_client_reason(const struct wr_conn *c, struct wr_err *err);

/* context.c: the functions of this file for a client's SSL_CTX. */
void wr_tls_client_equip(SSL_CTX *c);

#endif
