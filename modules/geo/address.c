/* geo/address.c - reading addresses and networks. */
#include "address.h"

#include <arpa/inet.h>

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
    static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    const uint8_t *p = (const uint8_t *)bytes.data;

    if (bytes.len == 16 && memcmp(p, mapped, sizeof(mapped)) == 0) {
        bytes.len = 4;
        p += sizeof(mapped);
    }
    if (bytes.len == 4) {
        *a = (struct address){ .lo = number(p, 4) };
    } else if (bytes.len == 16) {
        *a = (struct address){ number(p, 8), number(p + 8, 8), true };
    } else {
        return false;
    }
    return true;
}

bool
address_parse(weir_str text, struct address *a)
{
    char room[INET6_ADDRSTRLEN];
    uint8_t bytes[16];

    if (text.len == 0 || text.len >= sizeof(room) || memchr(text.data, '\0', text.len) != NULL) {
        return false;
    }
    memcpy(room, text.data, text.len);
    room[text.len] = '\0';
    size_t len = inet_pton(AF_INET, room, bytes) == 1    ? 4
                 : inet_pton(AF_INET6, room, bytes) == 1 ? 16
                                                         : 0;
    return address_from_bytes((weir_str){ (const char *)bytes, len }, a);
}

static bool
is_port(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return false;
        }
    }
    return s.len > 0 && s.len <= 5;
}

bool
address_parse_port(weir_str text, struct address *a)
{
    const char *colon = text.len != 0 ? memchr(text.data, ':', text.len) : NULL;
    bool brackets = text.len != 0 && text.data[0] == '[';
    const char *end = brackets ? memchr(text.data, ']', text.len) : colon;

    if (brackets) {
        if (end == NULL) {
            return false;
        }
        colon = end + 1;
    }
    if (end == NULL || (!brackets && memchr(end + 1, ':', (size_t)(text.data + text.len - end - 1)))) {
        return address_parse(text, a); /* no port, or IPv6 */
    }
    weir_str port = { colon, (size_t)(text.data + text.len - colon) };
    if (port.len != 0 && (port.data[0] != ':' || !is_port((weir_str){ port.data + 1, port.len - 1 }))) {
        return false;
    }
    return address_parse((weir_str){ text.data + brackets, (size_t)(end - text.data) - brackets }, a);
}

/* Digits, up to 128. */
static bool
parse_bits(weir_str s, unsigned max, unsigned *bits)
{
    unsigned value = 0;

    if (s.len > 3 || !is_port(s)) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        value = value * 10 + (unsigned)(s.data[i] - '0');
    }
    *bits = value;
    return value <= max;
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
    const char *slash = text.len != 0 ? memchr(text.data, '/', text.len) : NULL;
    weir_str name = text;
    struct address a;

    name.len = slash != NULL ? (size_t)(slash - text.data) : text.len;
    if (!address_parse(name, &a)) {
        return false;
    }
    unsigned all = a.v6 ? 128 : 32;
    unsigned bits = all;
    if (slash != NULL &&
        !parse_bits((weir_str){ slash + 1, text.len - name.len - 1 }, all, &bits)) {
        return false;
    }
    unsigned rest = all - bits;
    uint64_t low = low_bits(rest > 64 ? 64 : rest);
    uint64_t high = low_bits(rest > 64 ? rest - 64 : 0);
    *loose = (a.lo & low) != 0 || (a.hi & high) != 0;
    s->from = (struct address){ a.hi & ~high, a.lo & ~low, a.v6 };
    s->until = (struct address){ a.hi | high, a.lo | low, a.v6 };
    return true;
}

bool
span_parse_range(weir_str text, struct span *s)
{
    const char *dash = text.len != 0 ? memchr(text.data, '-', text.len) : NULL;
    struct span made;

    if (dash == NULL) {
        if (!address_parse(text, &made.from)) {
            return false;
        }
        made.until = made.from;
    } else if (!address_parse((weir_str){ text.data, (size_t)(dash - text.data) }, &made.from) ||
               !address_parse((weir_str){ dash + 1, text.len - (size_t)(dash - text.data) - 1 },
                              &made.until) ||
               made.from.v6 != made.until.v6 || address_compare(&made.from, &made.until) > 0) {
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
