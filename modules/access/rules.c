/* access/rules.c - reading addresses with prefixes, and finding the first rule that one fits. */
#include "rules.h"

#include <arpa/inet.h>

/* How many of the address's bits count: digits, at most 3. -1: not a number up to max. */
static int
prefix_bits(weir_str text, int max)
{
    int bits = 0;

    if (text.len == 0 || text.len > 3) {
        return -1;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return -1;
        }
        bits = bits * 10 + (text.data[i] - '0');
    }
    return bits <= max ? bits : -1;
}

/* The length of the address in text, written to `to`; 0: it is none. */
static uint8_t
parse_address(weir_str text, unsigned char to[RULE_ADDRESS_MAX])
{
    char room[INET6_ADDRSTRLEN];

    if (text.len == 0 || text.len >= sizeof(room) || memchr(text.data, '\0', text.len) != NULL) {
        return 0;
    }
    memcpy(room, text.data, text.len);
    room[text.len] = '\0';
    if (inet_pton(AF_INET, room, to) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, room, to) == 1 ? 16 : 0;
}

/* Clear the bits behind the first `bits`; were there any? */
static bool
clear_host_bits(unsigned char *address, size_t len, unsigned bits)
{
    bool found = false;

    for (size_t i = 0; i < len; i++) {
        unsigned kept = bits > 8 * i ? bits - 8 * (unsigned)i : 0;
        unsigned char mask = (unsigned char)(kept >= 8 ? 0xff : 0xff00u >> kept);
        found = found || (address[i] & ~mask & 0xff) != 0;
        address[i] &= mask;
    }
    return found;
}

bool
rule_parse(weir_str text, struct rule *rule, bool *loose)
{
    const char *slash = text.len != 0 ? memchr(text.data, '/', text.len) : NULL;
    struct rule made = { .all = weir_str_eq(text, WEIR_STR("all")) };
    weir_str name = text;
    bool found = false;

    if (!made.all && !weir_str_eq(text, WEIR_STR("unix:"))) {
        if (slash != NULL) {
            name.len = (size_t)(slash - text.data);
        }
        made.len = parse_address(name, made.address);
        if (made.len == 0) {
            return false;
        }
        int bits = made.len * 8;
        if (slash != NULL) {
            bits = prefix_bits((weir_str){ slash + 1, text.len - name.len - 1 }, bits);
        }
        if (bits < 0) {
            return false;
        }
        made.bits = (uint8_t)bits;
        found = clear_host_bits(made.address, made.len, (unsigned)bits);
    }
    made.next = rule->next;
    made.denies = rule->denies;
    *rule = made;
    *loose = found;
    return true;
}

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
    rules->has_v4 = rules->has_v4 || rule->all || rule->len == 4;
}

static bool
fits(const struct rule *rule, weir_str address)
{
    const unsigned char *bytes = (const unsigned char *)address.data;
    size_t whole = rule->bits / 8u;
    unsigned rest = rule->bits % 8u;

    if (rule->all) {
        return true;
    }
    if (rule->len != address.len) {
        return false;
    }
    return (whole == 0 || memcmp(rule->address, bytes, whole) == 0) &&
           (rest == 0 || (rule->address[whole] ^ bytes[whole]) >> (8 - rest) == 0);
}

const struct rule *
rules_find(const struct rules *rules, weir_str address)
{
    static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    const struct rule *rule = rules->first;

    if (rules->has_v4 && address.len == 16 && memcmp(address.data, mapped, sizeof(mapped)) == 0) {
        address = (weir_str){ address.data + sizeof(mapped), 4 };
    }
    while (rule != NULL && !fits(rule, address)) {
        rule = rule->next;
    }
    return rule;
}
