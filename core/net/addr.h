/* net/addr.h - socket addresses as values, to and from text. */
#ifndef WR_NET_ADDR_H
#define WR_NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <weir/base.h>

#include "base/err.h"
#include "base/strbuf.h"

/* A peer's address: what a connection keeps. Unix peers have no address worth keeping. */
union wr_peer_addr {
    sa_family_t family; /* AF_INET, AF_INET6, AF_UNIX */
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* An address to listen at or to connect to. */
struct wr_addr {
    union {
        sa_family_t family;
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un un;
    } at;
    socklen_t len;
};

enum { WR_ADDR_TEXT = 128 }; /* room that every address's text fits in */

/*
 * "127.0.0.1:80", "127.0.0.1", "[::1]:80", "*:80", "80", "localhost:80" (numeric only unless resolve), "unix:/path".
 * No port: default_port; 0 there: a port must be given.
 */
bool wr_addr_parse(weir_str text, uint16_t default_port, bool resolve, struct wr_addr *addr,
                   struct wr_err *err);

/* "127.0.0.1:80", "[::1]:80", "unix:/path"; without_port: "127.0.0.1", "::1", "unix:". */
void wr_addr_format(const struct wr_addr *addr, bool without_port, struct wr_strbuf *to);
void wr_peer_format(const union wr_peer_addr *addr, bool without_port, struct wr_strbuf *to);

uint16_t wr_addr_port(const struct wr_addr *addr); /* 0 for unix */
bool wr_addr_eq(const struct wr_addr *a, const struct wr_addr *b);

/* Is it *:port or [::]:port? */
bool wr_addr_wildcard(const struct wr_addr *addr);

#endif
