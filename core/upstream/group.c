/* upstream/group.c - servers and peers from text, and peers that come and go with the addresses of
 * a name. */
#include "upstream/group.h"

#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/pool.h"
#include "base/str.h"
#include "net/resolve.h"
#include "upstream/link.h"
#include "upstream/share.h"

/* ---- Life. ---- */

/* Links and attempts have ended with the worker's loop; what they still held is freed with them. */
static void
group_ends(void *data)
{
    weir_upstream *u = data;

    for (uint32_t i = 0; i < wr_group_count(u); i++) {
        wr_peer_retire(wr_group_peer(u, i));
    }
    wr_vec_cut(&u->peers, 0);
}

weir_upstream *
wr_group_create(weir_pool *pool, weir_str name)
{
    weir_upstream *u = wr_pool_zalloc(pool, sizeof(*u));

    u->tag = WR_GROUP_TAG;
    u->name = name;
    u->pool = pool;
    u->state = u->own = wr_pool_zalloc(pool, sizeof(*u->own));
    u->loaded_ms = wr_clock.now_ms;
    u->keepalive = 32;
    u->keepalive_ms = 60 * 1000;
    u->keepalive_time_ms = 3600 * 1000;
    u->keepalive_requests = 1000;
    wr_vec_init_of(&u->servers, pool, struct wr_group_server *);
    wr_vec_init_of(&u->peers, pool, struct wr_group_peer *);
    weir_on_end(pool, group_ends, u);
    return u;
}

/* ---- The set of peers. ---- */

struct wr_group_peer *
wr_group_find(const weir_upstream *u, uint64_t id)
{
    for (uint32_t i = 0; i < wr_group_count(u); i++) {
        struct wr_group_peer *p = wr_group_peer(u, i);
        if (p->state->pub.id == id) {
            return p;
        }
    }
    return NULL;
}

/* How many peers of this name and address there are. */
static uint32_t
count_same(const weir_upstream *u, weir_str name, const struct wr_addr *addr)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < wr_group_count(u); i++) {
        const struct wr_group_peer *p = wr_group_peer(u, i);
        n += weir_str_eq(p->name, name) && wr_addr_eq(&p->addr, addr);
    }
    return n;
}

/* Put p behind the peers of its server and of those before it, whenever its address became known:
 * methods that count peers off mean the order of the configuration. */
static void
insert(weir_upstream *u, struct wr_group_peer *p)
{
    uint32_t at = wr_group_count(u);
    struct wr_group_peer **all;

    (void)wr_vec_add(&u->peers);
    all = u->peers.data;
    while (at != 0 && all[at - 1]->server->place > p->server->place) {
        all[at] = all[at - 1];
        all[at]->index = at;
        at--;
    }
    all[at] = p;
    p->index = at;
}

static void
add_peer(weir_upstream *u, const struct wr_group_server *server, const struct wr_group_address *at)
{
    bool backup = server->backup || at->backup;
    uint32_t weight = at->weight != 0 ? at->weight : server->weight;
    struct wr_group_peer *p = wr_peer_create(server, &at->addr, weight, backup,
                                             count_same(u, server->name, &at->addr));

    wr_peer_flag(p, WEIR_PEER_UNKNOWN, u->checks_first);
    if (u->share != NULL) {
        wr_share_join_peer(u, p);
    }
    insert(u, p);
    u->backups += backup ? 1 : 0;
    u->generation++;
}

static void
remove_peer(weir_upstream *u, struct wr_group_peer *p)
{
    struct wr_group_peer **all = u->peers.data;
    size_t behind = u->peers.count - p->index - 1;

    memmove(all + p->index, all + p->index + 1, behind * sizeof(*all));
    wr_vec_cut(&u->peers, u->peers.count - 1);
    for (uint32_t i = p->index; i < wr_group_count(u); i++) {
        all[i]->index = i;
    }
    u->backups -= p->backup ? 1 : 0;
    u->generation++;
    wr_peer_hold(p);
    wr_link_close_peer(u, p);
    wr_peer_retire(p);
    wr_peer_release(p);
}

static bool
is_of(const struct wr_group_peer *p, const struct wr_group_server *server,
      const struct wr_group_address *at)
{
    return p->server == server && wr_addr_eq(&p->addr, &at->addr) &&
           p->backup == (server->backup || at->backup) &&
           p->weight == (at->weight != 0 ? at->weight : server->weight);
}

static bool
is_named(const struct wr_group_peer *p, const struct wr_group_address *addresses, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (is_of(p, p->server, &addresses[i])) {
            return true;
        }
    }
    return false;
}

static bool
has_peer(const weir_upstream *u, const struct wr_group_server *server,
         const struct wr_group_address *at)
{
    for (uint32_t i = 0; i < wr_group_count(u); i++) {
        if (is_of(wr_group_peer(u, i), server, at)) {
            return true;
        }
    }
    return false;
}

bool
wr_group_set_addresses(weir_upstream *u, const struct wr_group_server *server,
                       const struct wr_group_address *addresses, size_t n)
{
    uint64_t before = u->generation;

    WR_CHECK(u, WR_GROUP_TAG);
    for (uint32_t i = wr_group_count(u); i-- != 0;) {
        struct wr_group_peer *p = wr_group_peer(u, i);
        if (p->server == server && !is_named(p, addresses, n)) {
            remove_peer(u, p);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (!has_peer(u, server, &addresses[i])) {
            add_peer(u, server, &addresses[i]);
        }
    }
    return u->generation != before;
}

/* ---- Servers from text. ---- */

static struct wr_group_server *
add_server(weir_upstream *u, weir_str name, uint16_t port, const struct wr_group_server *like)
{
    struct wr_group_server *s = wr_pool_alloc(u->pool, sizeof(*s));

    *s = *like;
    s->name = name;
    s->port = port;
    s->place = (uint32_t)u->servers.count;
    *(struct wr_group_server **)wr_vec_add(&u->servers) = s;
    return s;
}

static struct wr_group_server *
refuse(struct wr_err *err, const char *why, weir_str address)
{
    (void)wr_err_set(err, "%s in upstream \"%.*s\"", why, WEIR_FMT(address));
    return NULL;
}

/* "host", "host:port" with a host name. */
static struct wr_group_server *
add_named(weir_upstream *u, weir_str address, uint16_t default_port,
          const struct wr_group_server *like, struct wr_err *err)
{
    size_t colon = weir_str_find(address, ':');
    struct wr_group_server *server;
    uint64_t port = default_port;
    char room[WR_RESOLVE_NAME];

    if (colon == 0) {
        return refuse(err, "no host", address);
    }
    if (colon != address.len &&
        (!weir_parse_number(weir_str_cut(address, colon + 1, SIZE_MAX), UINT16_MAX, &port) ||
         port == 0)) {
        return refuse(err, "invalid port", address);
    }
    if (port == 0 && like->service.data == NULL) {
        return refuse(err, "no port", address);
    }
    if (wr_resolve_name(weir_str_cut(address, 0, colon), room) == 0) {
        return refuse(err, "invalid host", address);
    }
    server = add_server(u, address, (uint16_t)port, like);
    server->host = weir_str_cut(server->name, 0, colon);
    return server;
}

/* "*:80" and "80" say where to listen, not whom to ask. */
static bool
names_a_host(weir_str address)
{
    uint64_t port;

    return address.len != 0 && address.data[0] != '*' && address.data[0] != ':' &&
           !weir_parse_number(address, UINT64_MAX, &port);
}

struct wr_group_server *
wr_group_add(weir_upstream *u, weir_str address, uint16_t default_port,
             const struct wr_group_server *like, struct wr_err *err)
{
    struct wr_group_address at = { .weight = 0 };
    struct wr_group_server *server;
    struct wr_err why;

    WR_CHECK(u, WR_GROUP_TAG);
    if (!names_a_host(address)) {
        return refuse(err, "no host", address);
    }
    if (wr_addr_parse(address, default_port, false, &at.addr, &why)) {
        server = add_server(u, address, wr_addr_port(&at.addr), like);
        add_peer(u, server, &at);
        return server;
    }
    if (address.data[0] == '[' || weir_str_starts(address, WEIR_STR("unix:"))) {
        (void)wr_err_set(err, "%s", why.text);
        return NULL;
    }
    return add_named(u, address, default_port, like, err);
}
