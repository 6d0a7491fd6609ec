/* upstream/group.c - peers from text, and the smooth weighted round robin that nginx's users know.
 */
#include "upstream/group.h"

#include <netdb.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/pool.h"
#include "base/str.h"

weir_upstream *
wr_group_create(weir_pool *pool, weir_str name)
{
    weir_upstream *u = wr_pool_zalloc(pool, sizeof(*u));

    u->tag = WR_GROUP_TAG;
    u->name = name;
    u->pool = pool;
    u->keepalive = 32;
    u->keepalive_ms = 60 * 1000;
    u->keepalive_time_ms = 3600 * 1000;
    u->keepalive_requests = 1000;
    wr_vec_init_of(&u->peers, pool, struct wr_group_peer);
    return u;
}

/* ---- Peers from text. ---- */

static void
add_peer(weir_upstream *u, const struct wr_addr *addr, weir_str name,
         const struct wr_group_peer *like)
{
    struct wr_group_peer *p = wr_vec_add(&u->peers);
    char room[WR_ADDR_TEXT];
    struct wr_strbuf text = wr_strbuf_over(room, sizeof(room));

    wr_addr_format(addr, false, &text);
    *p = *like;
    p->addr = *addr;
    p->name = name;
    p->text = weir_dup(u->pool, wr_strbuf_view(&text));
    p->effective = p->weight;
    u->primaries += p->backup ? 0 : 1;
}

static void
add_found(weir_upstream *u, const struct addrinfo *found, uint16_t port, weir_str name,
          const struct wr_group_peer *like)
{
    for (; found != NULL; found = found->ai_next) {
        struct wr_addr addr = { .len = found->ai_addrlen };
        if (found->ai_family != AF_INET && found->ai_family != AF_INET6) {
            continue;
        }
        memcpy(&addr.at, found->ai_addr, found->ai_addrlen);
        if (found->ai_family == AF_INET) {
            addr.at.v4.sin_port = htons(port);
        } else {
            addr.at.v6.sin6_port = htons(port);
        }
        add_peer(u, &addr, name, like);
    }
}

/* "host", "host:port" with a host name. */
static bool
look_up(weir_upstream *u, weir_str address, uint16_t default_port,
        const struct wr_group_peer *like, struct wr_err *err)
{
    size_t colon = wr_str_find(address, ':');
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    struct addrinfo *found = NULL;
    uint64_t port = default_port;
    size_t before = u->peers.count;
    char host[NI_MAXHOST];

    if (colon == 0 || colon >= sizeof(host)) {
        return wr_err_set(err, "no host in upstream \"%.*s\"", WEIR_FMT(address));
    }
    if (colon != address.len &&
        (!wr_num_parse(wr_str_cut(address, colon + 1, SIZE_MAX), UINT16_MAX, &port) || port == 0)) {
        return wr_err_set(err, "invalid port in upstream \"%.*s\"", WEIR_FMT(address));
    }
    if (port == 0) {
        return wr_err_set(err, "no port in upstream \"%.*s\"", WEIR_FMT(address));
    }
    memcpy(host, address.data, colon);
    host[colon] = '\0';
    if (getaddrinfo(host, NULL, &hints, &found) != 0) {
        return wr_err_set(err, "host not found in upstream \"%.*s\"", WEIR_FMT(address));
    }
    add_found(u, found, (uint16_t)port, address, like);
    freeaddrinfo(found);
    return u->peers.count != before ||
           wr_err_set(err, "host not found in upstream \"%.*s\"", WEIR_FMT(address));
}

/* "*:80" and "80" say where to listen, not whom to ask. */
static bool
names_a_host(weir_str address)
{
    uint64_t port;

    return address.len != 0 && address.data[0] != '*' && address.data[0] != ':' &&
           !wr_num_parse(address, UINT64_MAX, &port);
}

bool
wr_group_add(weir_upstream *u, weir_str address, uint16_t default_port,
             const struct wr_group_peer *like, struct wr_err *err)
{
    struct wr_addr addr;
    struct wr_err why;

    WR_CHECK(u, WR_GROUP_TAG);
    if (!names_a_host(address)) {
        return wr_err_set(err, "no host in upstream \"%.*s\"", WEIR_FMT(address));
    }
    if (wr_addr_parse(address, default_port, false, &addr, &why)) {
        add_peer(u, &addr, address, like);
        return true;
    }
    if (address.data[0] == '[' || wr_str_starts(address, WEIR_STR("unix:"))) {
        return wr_err_set(err, "%s", why.text);
    }
    return look_up(u, address, default_port, like, err);
}

/* ---- Whose turn it is. ---- */

/* Failing, and not yet long enough ago to try it again. A peer that has no other beside it is
 * always tried. */
static bool
left_out(const weir_upstream *u, const struct wr_group_peer *p)
{
    return u->peers.count > 1 && p->max_fails != 0 && p->fails >= p->max_fails &&
           wr_clock.now_ms - p->checked_ms <= p->fail_timeout_ms;
}

static bool
is_tried(const uint64_t *tried, size_t i)
{
    return (tried[i / 64] >> (i % 64) & 1) != 0;
}

/*
 * Everyone gains its weight, who has most is picked and pays for all: with weights 5, 1, 1 the
 * turns are a a b a c a a. The effective weight falls with failures and comes back by one a turn.
 */
static struct wr_group_peer *
pick_among(weir_upstream *u, bool backup, uint64_t *tried)
{
    struct wr_group_peer *best = NULL;
    size_t best_at = 0;
    int64_t total = 0;

    for (size_t i = 0; i < u->peers.count; i++) {
        struct wr_group_peer *p = wr_vec_at(&u->peers, struct wr_group_peer, i);
        if (p->backup != backup || p->down || is_tried(tried, i) || left_out(u, p)) {
            continue;
        }
        p->current += p->effective;
        total += p->effective;
        p->effective += p->effective < (int64_t)p->weight ? 1 : 0;
        if (best == NULL || p->current > best->current) {
            best = p;
            best_at = i;
        }
    }
    if (best == NULL) {
        return NULL;
    }
    best->current -= total;
    tried[best_at / 64] |= (uint64_t)1 << (best_at % 64);
    if (wr_clock.now_ms - best->checked_ms > best->fail_timeout_ms) {
        best->checked_ms = wr_clock.now_ms; /* one attempt a fail_timeout tells if it is back */
    }
    return best;
}

struct wr_group_peer *
wr_group_pick(weir_upstream *u, uint64_t *tried)
{
    struct wr_group_peer *p;

    WR_CHECK(u, WR_GROUP_TAG);
    p = pick_among(u, false, tried);
    return p != NULL ? p : pick_among(u, true, tried);
}

void
wr_group_failed(struct wr_group_peer *p)
{
    p->failed_ms = p->checked_ms = wr_clock.now_ms;
    p->fails++;
    if (p->max_fails != 0) {
        p->effective = WR_MAX(p->effective - (int64_t)(p->weight / p->max_fails), 0);
    }
}

void
wr_group_worked(struct wr_group_peer *p)
{
    if (p->failed_ms < p->checked_ms) { /* failures within fail_timeout add up */
        p->fails = 0;
    }
}
