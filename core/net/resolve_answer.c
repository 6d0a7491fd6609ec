/* net/resolve_answer.c - what the library parsed is held against our limits; and a walk over the
 * records of a message, in which names are skipped, never followed. */
#include "net/resolve_answer.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/assert.h"
#include "base/clock.h"
#include "net/resolve_live.h"

enum wr_resolve_code
wr_resolve_code_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return WR_RESOLVE_FOUND;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
        return WR_RESOLVE_NONE;
    case ARES_EFORMERR:
    case ARES_EBADRESP:
    case ARES_EBADNAME:
        return WR_RESOLVE_FORMAT;
    case ARES_EREFUSED:
        return WR_RESOLVE_REFUSED;
    case ARES_ETIMEOUT:
        return WR_RESOLVE_TIMEOUT;
    default:
        return WR_RESOLVE_SERVER;
    }
}

/* ---- Addresses. ---- */

/* Can it be connected to, and is it one host's? The unspecified address would be this machine. */
static bool
is_place(const union wr_peer_addr *addr)
{
    uint32_t v4 = ntohl(addr->v4.sin_addr.s_addr);

    if (addr->family == AF_INET6) {
        return !IN6_IS_ADDR_UNSPECIFIED(&addr->v6.sin6_addr) &&
               !IN6_IS_ADDR_MULTICAST(&addr->v6.sin6_addr);
    }
    return v4 >> 24 != 0 && v4 >> 28 < 14; /* 0.0.0.0/8 [RFC 1122 3.2.1.3], 224.0.0.0/3 */
}

static bool
same_place(const union wr_peer_addr *a, const union wr_peer_addr *b)
{
    if (a->family != b->family) {
        return false;
    }
    return a->family == AF_INET
               ? a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr
               : memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
}

static void
add_addr(struct wr_resolved *a, const struct ares_addrinfo_node *n)
{
    struct wr_resolved_addr *to = &a->at[a->count];

    *to = (struct wr_resolved_addr){ .weight = 0 };
    if (n->ai_family == AF_INET && n->ai_addrlen >= sizeof(to->addr.v4)) {
        memcpy(&to->addr.v4, n->ai_addr, sizeof(to->addr.v4));
        to->addr.v4.sin_port = 0;
    } else if (n->ai_family == AF_INET6 && n->ai_addrlen >= sizeof(to->addr.v6)) {
        memcpy(&to->addr.v6, n->ai_addr, sizeof(to->addr.v6));
        to->addr.v6.sin6_port = 0;
    } else {
        return;
    }
    to->addr.family = (sa_family_t)n->ai_family;
    if (!is_place(&to->addr)) {
        return;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        if (same_place(&a->at[i].addr, &to->addr)) {
            return;
        }
    }
    a->count++;
}

/* Addresses of one family behind those that are there. */
static void
add_family(struct wr_resolved *a, const struct ares_addrinfo *found, int family)
{
    for (const struct ares_addrinfo_node *n = found->nodes; n != NULL; n = n->ai_next) {
        if (n->ai_family == family && a->count < WR_RESOLVE_ADDRS_MAX) {
            add_addr(a, n);
        }
    }
}

static bool
is_repeated(const struct ares_addrinfo_cname *first, const struct ares_addrinfo_cname *c)
{
    while (first != c && strcasecmp(first->name, c->name) != 0) {
        first = first->next;
    }
    return first != c;
}

/* Every name on the way is a host's, and there are not too many. */
static bool
check_aliases(const struct ares_addrinfo *found)
{
    char room[WR_RESOLVE_NAME];
    const struct ares_addrinfo_cname *c = found->cnames;
    int listed = 0, count = 0;

    for (; c != NULL && listed <= 2 * WR_RESOLVE_CNAMES_MAX; c = c->next) {
        if (c->name == NULL || wr_resolve_name(weir_str_c(c->name), room) == 0) {
            return false;
        }
        count += is_repeated(found->cnames, c) ? 0 : 1; /* the answers for A and AAAA have them both */
        listed++;
    }
    return c == NULL && count <= WR_RESOLVE_CNAMES_MAX;
}

/* The shortest time of all records, in milliseconds. A negative one is none. [RFC 2181 8] */
static uint64_t
shortest_ttl(const struct ares_addrinfo *found)
{
    int ttl = INT32_MAX;

    for (const struct ares_addrinfo_node *n = found->nodes; n != NULL; n = n->ai_next) {
        ttl = WR_MIN(ttl, n->ai_ttl);
    }
    for (const struct ares_addrinfo_cname *c = found->cnames; c != NULL; c = c->next) {
        ttl = WR_MIN(ttl, c->ttl);
    }
    return ttl < 0 ? 0 : (uint64_t)ttl * 1000;
}

struct wr_resolved *
wr_resolve_answer_of(const struct ares_addrinfo *found)
{
    struct wr_resolved *a;
    uint32_t count = 0;

    if (!check_aliases(found)) {
        return wr_resolved_create(WR_RESOLVE_FORMAT, 0);
    }
    for (const struct ares_addrinfo_node *n = found->nodes; n != NULL; n = n->ai_next) {
        count += count < WR_RESOLVE_ADDRS_MAX ? 1 : 0;
    }
    a = wr_resolved_create(WR_RESOLVE_FOUND, count + 1);
    add_family(a, found, AF_INET);
    add_family(a, found, AF_INET6);
    a->until_ms = wr_clock.now_ms + shortest_ttl(found);
    a->code = a->count != 0 ? WR_RESOLVE_FOUND : WR_RESOLVE_NONE;
    return a;
}

/* ---- Times of records. ---- */

enum { POINTER = 0xc0, LABEL_MAX = 63 };

/* What is left to read. */
struct rest {
    const uint8_t *at;
    size_t len;
};

static bool
skip(struct rest *r, size_t n)
{
    if (n > r->len) {
        return false;
    }
    r->at += n;
    r->len -= n;
    return true;
}

static bool
take_number(struct rest *r, size_t size, uint32_t *value)
{
    uint32_t n = 0;

    if (size > r->len) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        n = n << 8 | r->at[i];
    }
    *value = n;
    return skip(r, size);
}

/* Labels up to an empty one or a pointer, which ends a name. [RFC 1035 4.1.4] */
static bool
skip_name(struct rest *r)
{
    uint32_t n;

    while (take_number(r, 1, &n)) {
        if ((n & POINTER) == POINTER) {
            return skip(r, 1);
        }
        if (n == 0) {
            return true;
        }
        if (n > LABEL_MAX || !skip(r, n)) {
            return false;
        }
    }
    return false;
}

/* A record's time to live. */
static bool
take_record(struct rest *r, uint32_t *ttl)
{
    uint32_t data;

    return skip_name(r) && skip(r, 4) && take_number(r, 4, ttl) && take_number(r, 2, &data) &&
           skip(r, data);
}

uint64_t
wr_resolve_answer_ttl(const uint8_t *bytes, size_t len)
{
    struct rest r = { bytes, len };
    uint32_t questions, answers, ttl, shortest = INT32_MAX;

    if (!skip(&r, 4) || !take_number(&r, 2, &questions) || !take_number(&r, 2, &answers) ||
        !skip(&r, 4) || answers == 0) {
        return 0;
    }
    for (uint32_t i = 0; i < questions; i++) {
        if (!skip_name(&r) || !skip(&r, 4)) {
            return 0;
        }
    }
    for (uint32_t i = 0; i < answers; i++) {
        if (!take_record(&r, &ttl)) {
            return 0;
        }
        shortest = WR_MIN(shortest, ttl > INT32_MAX ? 0 : ttl);
    }
    return (uint64_t)shortest * 1000;
}
