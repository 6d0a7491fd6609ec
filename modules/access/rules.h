/* access/rules.h - a list of rules about client addresses, in the order they were written.
 *
 * The first rule that an address fits decides. Addresses are bytes in network order: 4 for IPv4, 16
 * for IPv6, none for a unix socket's peer.
 */
#ifndef ACCESS_RULES_H
#define ACCESS_RULES_H

#include <weir/weir.h>

enum { RULE_ADDRESS_MAX = 16 };

struct rule {
    struct rule *next;
    bool denies;
    bool all;     /* whatever the address */
    uint8_t len;  /* of the addresses it is about: 4, 16, 0 */
    uint8_t bits; /* of address that count */
    unsigned char address[RULE_ADDRESS_MAX];
};

/* One block's. Zeroed: none. */
struct rules {
    struct rule *first;
    struct rule *last;
    bool has_v4; /* one of them fits IPv4 addresses */
};

/*
 * Read what a rule is about.
 *
 * text   "192.0.2.7", "192.0.2.0/24", "2001:db8::/32", "unix:", "all"
 * rule   out: all but next and denies; host bits are cleared
 * loose  out: there were host bits
 *
 * False, with rule and loose untouched, for anything else.
 */
bool rule_parse(weir_str text, struct rule *rule, bool *loose);

/* Put rule, which stays the caller's memory, behind the others. */
void rules_add(struct rules *rules, struct rule *rule);

/*
 * The first rule for address; NULL: none. An IPv6 address that stands for an IPv4 one
 * (::ffff:192.0.2.7) is looked up as that when a rule fits IPv4 addresses.
 */
const struct rule *rules_find(const struct rules *rules, weir_str address);

#endif
