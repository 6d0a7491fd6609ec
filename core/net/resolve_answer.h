/* net/resolve_answer.h - a name server's answer, as far as it is believed. */
#ifndef WR_NET_RESOLVE_ANSWER_H
#define WR_NET_RESOLVE_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "net/resolve.h"

struct ares_addrinfo;

/* nginx's number for a status of c-ares. */
enum wr_resolve_code wr_resolve_code_of(int status);

/*
 * The answer that c-ares parsed: addresses once each, IPv4 first, WR_RESOLVE_ADDRS_MAX at most, those
 * left out that are no host's; as good for as its shortest time to live says.
 *
 * Found, WR_RESOLVE_NONE without addresses, WR_RESOLVE_FORMAT for bad names or too many aliases.
 */
struct wr_resolved *wr_resolve_answer_of(const struct ares_addrinfo *found);

/*
 * How long an answer may be believed: the shortest time to live in its answer section.
 *
 * bytes, len  a DNS message, of which nothing is certain
 *
 * Milliseconds; 0 for a message that is cut, or has no answers. [RFC 1035 4.1, RFC 2181 8]
 */
uint64_t wr_resolve_answer_ttl(const uint8_t *bytes, size_t len);

#endif
