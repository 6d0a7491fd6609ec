/* upstream/link.c - links and the lists of idle ones, which are the worker's heap memory until
 * their group ends. */
#include "upstream/link.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/pool.h"
#include "net/connect.h"
#include "tls/client.h"

/* The idle links of one group and protocol. */
struct wr_idle {
    struct wr_idle *next;
    struct wr_list links; /* newest first */
    uint32_t count;
    char protocol[]; /* zero-terminated */
};

/* ---- What the connection tells. ---- */

static struct wr_link *
link_of(struct wr_conn *c)
{
    WR_CHECK(c, WR_CONN_TAG);
    return (struct wr_link *)c;
}

static void
conn_ready(struct wr_conn *c)
{
    struct wr_link *l = link_of(c);

    if (l->user != NULL) {
        l->ops->ready(l->user);
    } else if (!wr_connect_quiet(c)) { /* an end, or bytes that must reach nobody */
        wr_link_close(l);
    }
}

static void
conn_expired(struct wr_conn *c)
{
    struct wr_link *l = link_of(c);

    if (l->user != NULL) {
        l->ops->expired(l->user);
    } else {
        wr_link_close(l);
    }
}

static void
conn_drop(struct wr_conn *c)
{
    struct wr_link *l = link_of(c);

    if (l->user != NULL) {
        l->ops->drop(l->user);
    } else {
        wr_link_close(l);
    }
}

/* The worker is leaving: a link in use ends with what uses it. */
static void
conn_quit(struct wr_conn *c)
{
    struct wr_link *l = link_of(c);

    if (l->user == NULL) {
        wr_link_close(l);
    }
}

static const struct wr_conn_ops conn_ops = { conn_ready, conn_expired, conn_drop, conn_quit };

/* ---- Idle ones. ---- */

static struct wr_idle *
idle_find(const weir_upstream *u, const char *protocol)
{
    struct wr_idle *i = u->idle;

    while (i != NULL && strcmp(i->protocol, protocol) != 0) {
        i = i->next;
    }
    return i;
}

static void
group_ends(void *data)
{
    weir_upstream *u = data;
    struct wr_idle *next;

    wr_link_close_idle(u);
    for (struct wr_idle *i = u->idle; i != NULL; i = next) {
        next = i->next;
        free(i);
    }
    u->idle = NULL;
}

static struct wr_idle *
idle_make(weir_upstream *u, const char *protocol)
{
    size_t len = strlen(protocol);
    struct wr_idle *i = calloc(1, sizeof(*i) + len + 1);

    WR_ASSERT(i != NULL);
    memcpy(i->protocol, protocol, len);
    wr_list_init(&i->links);
    if (u->idle == NULL) {
        weir_on_end(u->pool, group_ends, u);
    }
    i->next = u->idle;
    u->idle = i;
    return i;
}

/* l is no longer put aside. */
static void
idle_leave(struct wr_link *l)
{
    if (l->idle != NULL) {
        l->idle->count--;
        l->idle = NULL;
        wr_list_remove(&l->place);
        wr_conn_idle(&l->conn, false);
    }
}

/* Does l come from where it is wanted to? */
static bool
comes_from(const struct wr_link *l, const struct wr_addr *from)
{
    return from == NULL ? l->from.len == 0 : l->from.len != 0 && wr_addr_eq(&l->from, from);
}

static struct wr_link *
idle_take(weir_upstream *u, const struct wr_group_peer *p, const struct wr_link_want *want)
{
    struct wr_idle *i = idle_find(u, want->protocol);

    if (i == NULL) {
        return NULL;
    }
    WR_LIST_EACH (at, &i->links) {
        struct wr_link *l = WR_CONTAINER(at, struct wr_link, place);
        if (l->peer != p || !comes_from(l, want->from.addr) ||
            !wr_tls_client_is(&l->conn, want->tls, want->tls_name, want->tls_identity)) {
            continue;
        }
        idle_leave(l);
        if (!l->conn.can_read && (!want->sure || wr_connect_quiet(&l->conn))) {
            return l;
        }
        wr_link_close(l); /* it ended in this very turn */
    }
    return NULL;
}

static void
close_oldest(struct wr_idle *i)
{
    wr_link_close(WR_CONTAINER(i->links.prev, struct wr_link, place));
}

static uint32_t
idle_count(const weir_upstream *u)
{
    uint32_t n = 0;

    for (const struct wr_idle *i = u->idle; i != NULL; i = i->next) {
        n += i->count;
    }
    return n;
}

/* ---- Links. ---- */

int
wr_link_open(weir_upstream *u, struct wr_group_peer *p, const struct wr_link_want *want,
             const struct wr_link_ops *ops, void *user, struct wr_link **out)
{
    struct wr_link *l = want->fresh ? NULL : idle_take(u, p, want);
    struct wr_conn *c;
    int rc;

    if (l == NULL) {
        rc = wr_connect_begin(&p->addr, &want->from, sizeof(*l), &conn_ops, &c);
        if (rc != 0) {
            return rc;
        }
        l = link_of(c);
        wr_list_init(&l->place);
        l->group = u;
        l->peer = p;
        wr_peer_hold(p);
        if (want->from.addr != NULL) {
            l->from = *want->from.addr;
        }
    } else {
        l->uses++; /* the deadline of its rest stands until its user sets one: later is a store */
    }
    l->protocol = want->protocol;
    l->ops = ops;
    l->user = user;
    *out = l;
    return 0;
}

void
wr_link_close(struct wr_link *l)
{
    struct wr_group_peer *p = l->peer;

    idle_leave(l);
    l->user = NULL;
    l->peer = NULL;
    wr_conn_close(&l->conn, false);
    if (p != NULL) {
        wr_peer_release(p);
    }
}

static bool
worth_keeping(struct wr_link *l)
{
    const weir_upstream *u = l->group;
    struct wr_conn *c = &l->conn;

    return l->peer->index != WR_PEER_OUT && !c->closed && !c->gone && !c->half_closed &&
           l->uses + 1 < u->keepalive_requests &&
           wr_clock.now_ms - c->since_ms < u->keepalive_time_ms && u->keepalive_ms != 0 &&
           (!c->can_read || wr_connect_quiet(c));
}

void
wr_link_keep(struct wr_link *l, uint32_t keep)
{
    weir_upstream *u = l->group;
    struct wr_idle *i;

    keep = WR_MIN(keep, u->keepalive);
    if (keep == 0 || !worth_keeping(l)) {
        wr_link_close(l);
        return;
    }
    i = idle_find(u, l->protocol);
    i = i != NULL ? i : idle_make(u, l->protocol);
    while (i->count >= keep) {
        close_oldest(i);
    }
    if (idle_count(u) >= u->keepalive) { /* all places are with other protocols */
        wr_link_close(l);
        return;
    }
    l->user = NULL;
    l->idle = i;
    l->conn.can_read = false; /* seen to be quiet: what comes makes an edge */
    i->count++;
    wr_list_add_first(&i->links, &l->place);
    wr_conn_idle(&l->conn, true);
    wr_conn_deadline(&l->conn, u->keepalive_ms);
}

void
wr_link_close_idle(weir_upstream *u)
{
    for (struct wr_idle *i = u->idle; i != NULL; i = i->next) {
        while (i->count != 0) {
            close_oldest(i);
        }
    }
}

void
wr_link_close_peer(weir_upstream *u, const struct wr_group_peer *p)
{
    for (struct wr_idle *i = u->idle; i != NULL; i = i->next) {
        struct wr_list *next;
        for (struct wr_list *at = i->links.next; at != &i->links; at = next) {
            struct wr_link *l = WR_CONTAINER(at, struct wr_link, place);
            next = at->next;
            if (l->peer == p) {
                wr_link_close(l);
            }
        }
    }
}
