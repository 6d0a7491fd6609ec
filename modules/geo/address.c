/* geo/address.c - from texts and bytes to numbers. */
#include "address.h"

static uint64_t
number(const uint8_t *p, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++) {
        value = value << 8 | p[i];
    }
    return value;
}

bool
address_from_bytes(weir_str bytes, struct address *a)
{
    weir_str plain = weir_addr_plain(bytes);
    const uint8_t *p = (const uint8_t *)plain.data;

    if (plain.len == 4) {
        *a = (struct address){ .lo = number(p, 4) };
    } else if (plain.len == 16) {
        *a = (struct address){ number(p, 8), number(p + 8, 8), true };
    } else {
        return false;
    }
    return true;
}

/* An address or network; bits: how many of the address count. */
static bool
parse(weir_str text, struct address *a, unsigned *bits, bool *loose)
{
    weir_net net;

    if (weir_net_parse(text, &net, loose) != WEIR_OK ||
        !address_from_bytes((weir_str){ (const char *)net.addr, net.len }, a)) {
        return false;
    }
    if (net.len == 16 && !a->v6) { /* it stands for an IPv4 address, or for a network of them */
        *bits = net.bits >= 96 ? net.bits - 96u : 0;
        return net.bits >= 96;
    }
    *bits = net.bits;
    return true;
}

bool
address_parse(weir_str text, struct address *a)
{
    unsigned bits;

    return text.len != 0 && weir_str_find(text, '/') == text.len && parse(text, a, &bits, NULL);
}

bool
address_parse_port(weir_str text, struct address *a)
{
    uint32_t port;
    weir_str addr;

    return weir_addr_parse(text, &addr, &port) == WEIR_OK && address_parse(addr, a);
}

/* The low n bits of 64, for n up to 64. */
static uint64_t
low_bits(unsigned n)
{
    return n == 0 ? 0 : UINT64_MAX >> (64 - n);
}

bool
span_parse_network(weir_str text, struct span *s, bool *loose)
{
    struct address a;
    unsigned bits;

    if (!parse(text, &a, &bits, loose)) {
        return false;
    }
    unsigned rest = (a.v6 ? 128u : 32u) - bits;
    uint64_t low = low_bits(rest > 64 ? 64 : rest);
    uint64_t high = low_bits(rest > 64 ? rest - 64 : 0);
    s->from = a;
    s->until = (struct address){ a.hi | high, a.lo | low, a.v6 };
    return true;
}

bool
span_parse_range(weir_str text, struct span *s)
{
    weir_str until = text, from = weir_str_split(&until, '-');
    struct span made;

    if (!address_parse(from, &made.from)) {
        return false;
    }
    made.until = made.from;
    if (until.data != NULL &&
        (!address_parse(until, &made.until) || made.from.v6 != made.until.v6 ||
         address_compare(&made.from, &made.until) > 0)) {
        return false;
    }
    *s = made;
    return true;
}

int
address_compare(const struct address *a, const struct address *b)
{
    if (a->hi != b->hi) {
        return a->hi < b->hi ? -1 : 1;
    }
    return a->lo < b->lo ? -1 : a->lo > b->lo;
}

bool
address_next(struct address *a)
{
    a->lo++;
    if (a->v6) {
        a->hi += a->lo == 0;
        return a->lo != 0 || a->hi != 0;
    }
    return a->lo <= UINT32_MAX;
}

bool
span_has(const struct span *s, const struct address *a)
{
    return s->from.v6 == a->v6 && address_compare(&s->from, a) <= 0 &&
           address_compare(a, &s->until) <= 0;
}
