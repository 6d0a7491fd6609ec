/* weir/net.h - addresses and networks as values.
 *
 * An address is its bytes in network order, as weir_client_addr_bytes() gives them: 4 for IPv4, 16 for IPv6, none for the peer
 * of a unix socket.
 */
#ifndef WEIR_NET_H
#define WEIR_NET_H

#include "base.h"

WEIR_BEGIN

typedef struct weir_net { /* frozen */
    uint8_t addr[16]; /* what its addresses begin with; the bits behind are zero */
    uint8_t len;      /* of its addresses: 4, 16; 0: peers of unix sockets */
    uint8_t bits;     /* how many bits of addr count */
    uint8_t reserved_[2];
} weir_net;

/* "192.0.2.7", "192.0.2.0/24", "2001:db8::/32", "unix:". loose (may be NULL): there were bits behind those that count; they are
 * cleared. WEIR_INVALID, and nothing changed, for anything else. [any thread] */
WEIR_API int weir_net_parse(weir_str text, weir_net *net, bool *loose);

/* Is the address in the network? Lengths must agree: see weir_addr_plain. [any thread] */
WEIR_API bool weir_net_has(const weir_net *net, weir_str addr);

/* The IPv4 address in an IPv6 address that stands for one (::ffff:192.0.2.7), else addr itself. [any thread] */
WEIR_API weir_str weir_addr_plain(weir_str addr);

/* "192.0.2.7", "192.0.2.7:80", "2001:db8::1", "[2001:db8::1]:80", "unix:" to the address's text (a part of `text`) and port,
 * 0 if there is none. WEIR_INVALID for anything else. [any thread] */
WEIR_API int weir_addr_parse(weir_str text, weir_str *addr, uint32_t *port);

#if UINTPTR_MAX == UINT64_MAX
WEIR_ASSERT(sizeof(weir_net) == 20, "layout");
#endif

WEIR_END
#endif
