/* http/client_addr.h - who the client is: the connection's peer, or whom a trusted proxy named (realip). */
#ifndef WR_HTTP_CLIENT_ADDR_H
#define WR_HTTP_CLIENT_ADDR_H

#include "http/request.h"
#include "net/addr.h"

/* An address in words: "192.0.2.7", "2001:db8::1", "unix:", without a port. False for anything else. */
bool wr_client_parse(weir_str text, union wr_peer_addr *addr);

/* The address's port in the order of this machine; 0 for a unix peer. */
uint16_t wr_client_port(const union wr_peer_addr *addr);

/* An address in words, without its port, in the pool. */
weir_str wr_client_text(weir_pool *pool, const union wr_peer_addr *addr);

#endif
