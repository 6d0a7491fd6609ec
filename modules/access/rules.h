/* access/rules.h - a list of rules about client addresses, in the order they were written: the first
 * that an address fits decides. */
#ifndef ACCESS_RULES_H
#define ACCESS_RULES_H

#include <weir/weir.h>

struct rule {
    struct rule *next;
    bool denies;
    bool all; /* whatever the address */
    weir_net net;
    weir_place place;
};

/* One block's. Zeroed: none. */
struct rules {
    struct rule *first;
    struct rule *last;
    bool has_v4; /* one of them fits IPv4 addresses */
};

/* Put rule, which stays the caller's memory, behind the others. */
void rules_add(struct rules *rules, struct rule *rule);

/*
 * The first rule for address (bytes, as <weir/net.h> has them); NULL: none. An IPv6 address that
 * stands for an IPv4 one is looked up as that when a rule fits IPv4 addresses.
 */
const struct rule *rules_find(const struct rules *rules, weir_str address);

#endif
