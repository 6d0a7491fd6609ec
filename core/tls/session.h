/* tls/session.h - sessions that the server keeps, and clients name by an id. */
#ifndef WR_TLS_SESSION_H
#define WR_TLS_SESSION_H

#include "tls/door.h"

enum { WR_TLS_SESSION_BYTES_MAX = 16 * 1024 /* of one: a client's certificates are in it */ };

/* A place for `most` sessions in this process's own memory; those that come last push others out. In pool. */
const struct wr_tls_sessions *wr_tls_sessions_create(weir_pool *pool, uint32_t most);

/* context.c: the functions of this file for a server's SSL_CTX. */
void wr_tls_session_equip(SSL_CTX *c);

#endif
