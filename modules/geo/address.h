/* geo/address.h - client addresses as numbers that can be compared: IPv4 in lo, IPv6 in both. */
#ifndef GEO_ADDRESS_H
#define GEO_ADDRESS_H

#include <weir/weir.h>

struct address {
    uint64_t hi, lo;
    bool v6;
};

/* From the first address to the last, both of one family. */
struct span {
    struct address from, until;
};

/* 4 or 16 bytes in network order; an IPv6 address that stands for an IPv4 one becomes that. False:
 * neither. */
bool address_from_bytes(weir_str bytes, struct address *a);

/* "192.0.2.7", "2001:db8::1". */
bool address_parse(weir_str text, struct address *a);

/* The same, with a port ("192.0.2.7:80", "[2001:db8::1]:80") or brackets, which do not count. */
bool address_parse_port(weir_str text, struct address *a);

/* "192.0.2.0/24" or an address. loose: bits behind the prefix were set; they are cleared. */
bool span_parse_network(weir_str text, struct span *s, bool *loose);

/* "192.0.2.1-192.0.2.9" or an address. */
bool span_parse_range(weir_str text, struct span *s);

/* Order, addresses of one family: < 0, 0, > 0. */
int address_compare(const struct address *a, const struct address *b);

/* The one behind a; false: a is the last. */
bool address_next(struct address *a);

bool span_has(const struct span *s, const struct address *a);

#endif
