/* access/rules.c - finding the first rule that an address fits. */
#include "rules.h"

void
rules_add(struct rules *rules, struct rule *rule)
{
    rule->next = NULL;
    if (rules->last != NULL) {
        rules->last->next = rule;
    } else {
        rules->first = rule;
    }
    rules->last = rule;
    rules->has_v4 = rules->has_v4 || rule->all || rule->net.len == 4;
}

const struct rule *
rules_find(const struct rules *rules, weir_str address)
{
    const struct rule *rule = rules->first;

    if (rules->has_v4) {
        address = weir_addr_plain(address);
    }
    while (rule != NULL && !rule->all && !weir_net_has(&rule->net, address)) {
        rule = rule->next;
    }
    return rule;
}
