/* upstream/share.c - states in a zone, and the rows of the workers that have them. */
#include "upstream/share.h"

#include <string.h>

#include "base/assert.h"
#include "base/list.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/shm.h"
#include "upstream/probe.h"

#define ROOT_TAG WR_TAG('s', 'h', 'r', 'e')

/* What one worker has, by the peers' places: exchanges under way, and whether it has the peer. */
struct row {
    struct row *next;
    struct wr_shm_mutex alive; /* locked by its worker */
    uint32_t n;                /* places */
    uint32_t reserved;
    uint32_t active[];         /* n of them, then n bytes `has` */
};

struct root {
    uint32_t tag;
    uint32_t peers_max;
    uint32_t n_peers; /* places that were ever given */
    uint32_t reserved;
    struct row *rows;
    struct wr_group_state *groups;
};

struct wr_share {
    weir_zone *zone;
    struct root *root;
    struct row *row;
    struct wr_list peers; /* that have joined */
    bool said_full;
};

static uint8_t *
has_of(struct row *row)
{
    return (uint8_t *)(row->active + row->n);
}

/* ---- The zone. ---- */

void *
wr_share_fresh(void *data, weir_zone *zone)
{
    struct root *root = weir_zone_alloc(zone, sizeof(*root));

    (void)data;
    if (root != NULL) {
        root->tag = ROOT_TAG;
        root->peers_max = (uint32_t)WR_MIN(weir_zone_size(zone) / WR_SHARE_BYTES_A_PEER,
                                           (uint64_t)UINT16_MAX);
    }
    return root;
}

/* The last holder may have died between two stores: each leaves the lists whole. */
static void
lock(const struct wr_share *s)
{
    (void)weir_zone_lock(s->zone);
}

static void
unlock(const struct wr_share *s)
{
    weir_zone_unlock(s->zone);
}

static struct wr_peer_state *
state_at(const struct root *root, uint32_t index)
{
    for (struct wr_group_state *g = root->groups; g != NULL; g = g->next) {
        for (struct wr_peer_state *p = g->peers; p != NULL; p = p->next) {
            if (p->index == index) {
                return p;
            }
        }
    }
    return NULL;
}

/* ---- Rows. ---- */

/* Take back from a state what a worker had of it. */
static void
give_back(struct wr_peer_state *state, uint32_t active)
{
    uint32_t now = __atomic_load_n(&state->pub.active, __ATOMIC_RELAXED);

    while (!__atomic_compare_exchange_n(&state->pub.active, &now, now > active ? now - active : 0,
                                        false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    if (state->users != 0) {
        state->users--;
    }
}

/* The row's worker is gone: what it had is nobody's. */
static void
clear_row(const struct root *root, struct row *row)
{
    for (uint32_t i = 0; i < row->n; i++) {
        struct wr_peer_state *state = has_of(row)[i] != 0 ? state_at(root, i) : NULL;
        if (state != NULL) {
            give_back(state, row->active[i]);
        }
        has_of(row)[i] = 0;
        row->active[i] = 0;
    }
}

/* Clear the rows of the dead; one that is free, locked. NULL: all have living workers. */
static struct row *
take_free_row(const struct root *root)
{
    struct row *mine = NULL;

    for (struct row *row = root->rows; row != NULL; row = row->next) {
        bool died;
        if (!wr_shm_mutex_try(&row->alive, &died)) {
            continue;
        }
        if (died) {
            clear_row(root, row);
        }
        if (mine == NULL) {
            mine = row;
        } else {
            wr_shm_mutex_unlock(&row->alive);
        }
    }
    return mine;
}

static struct row *
add_row(weir_zone *zone, struct root *root)
{
    struct row *row = weir_zone_alloc(zone, sizeof(*row) + (size_t)root->peers_max * 5);
    bool died;

    if (row == NULL || wr_shm_mutex_init(&row->alive) != 0) {
        return NULL;
    }
    row->n = root->peers_max;
    WR_ASSERT(wr_shm_mutex_try(&row->alive, &died));
    row->next = root->rows;
    root->rows = row;
    return row;
}

struct wr_share *
wr_share_join(weir_zone *zone, weir_pool *pool)
{
    struct wr_share *s = wr_pool_zalloc(pool, sizeof(*s));

    wr_list_init(&s->peers);
    s->zone = zone;
    s->root = weir_zone_root(zone);
    WR_CHECK(s->root, ROOT_TAG);
    lock(s);
    s->row = take_free_row(s->root);
    if (s->row == NULL) {
        s->row = add_row(zone, s->root);
    }
    unlock(s);
    return s->row != NULL ? s : NULL;
}

/* ---- States. ---- */

/* The group of that name; a new one if there is none. NULL: no room. */
static struct wr_group_state *
find_group(struct wr_share *s, weir_str name)
{
    struct wr_group_state *g = s->root->groups;

    while (g != NULL && !weir_str_eq(name, (weir_str){ g->name, g->name_len })) {
        g = g->next;
    }
    if (g == NULL && (g = weir_zone_alloc(s->zone, sizeof(*g) + name.len)) != NULL) {
        memcpy(g->name, name.data, name.len);
        g->name_len = (uint32_t)name.len;
        g->next = s->root->groups;
        s->root->groups = g;
    }
    return g;
}

/* A copy of text at *at, which moves behind it. */
static weir_str
put(char **at, weir_str text)
{
    weir_str copy = { NULL, 0 };

    if (text.data != NULL) {
        memcpy(*at, text.data, text.len);
        copy = (weir_str){ *at, text.len };
        *at += text.len;
    }
    return copy;
}

/* Forget a peer that no worker has, and answer its place; UINT32_MAX: all are in use. */
static uint32_t
forget_one(struct wr_share *s)
{
    for (struct wr_group_state *g = s->root->groups; g != NULL; g = g->next) {
        for (struct wr_peer_state **at = &g->peers; *at != NULL; at = &(*at)->next) {
            struct wr_peer_state *old = *at;
            uint32_t index = old->index;
            if (old->users == 0) {
                *at = old->next;
                weir_zone_free(s->zone, old);
                return index;
            }
        }
    }
    return UINT32_MAX;
}

/* Room for a peer, with its place. NULL: none. */
static struct wr_peer_state *
make_room(struct wr_share *s, size_t size)
{
    struct root *root = s->root;
    struct wr_peer_state *state = NULL;
    uint32_t index;

    if (root->n_peers < root->peers_max && (state = weir_zone_alloc(s->zone, size)) != NULL) {
        state->index = root->n_peers++;
        return state;
    }
    index = forget_one(s);
    if (index != UINT32_MAX && (state = weir_zone_alloc(s->zone, size)) != NULL) {
        state->index = index;
    }
    return state;
}

static struct wr_peer_state *
add_state(struct wr_share *s, struct wr_group_state *g, const struct wr_group_peer *p)
{
    weir_str route = p->server->route;
    struct wr_peer_state *state = make_room(s, sizeof(*state) + p->name.len + p->text.len +
                                                   route.len);
    char *text = (char *)(state + 1);
    uint32_t index;

    if (state == NULL) {
        return NULL;
    }
    index = state->index;
    *state = p->own;
    state->index = index;
    state->pub.name = put(&text, p->name);
    state->pub.addr = put(&text, p->text);
    state->pub.route = put(&text, route);
    state->next = g->peers;
    g->peers = state;
    return state;
}

static struct wr_peer_state *
find_state(const struct wr_group_state *g, const struct wr_group_peer *p)
{
    struct wr_peer_state *state = g->peers;

    while (state != NULL && (state->pub.id != p->own.pub.id ||
                             !weir_str_eq(state->pub.route, p->server->route))) {
        state = state->next;
    }
    return state;
}

/* What the newest configuration says of p holds. Of what checks have learned nothing is kept that none
 * would take back, and only what is to be persistent where they come first. */
static void
apply(const weir_upstream *u, const struct wr_group_peer *p, struct wr_peer_state *state)
{
    bool known = state->passes != 0 || state->misses != 0;
    bool first = u->checks_first && !(known && u->probe->persistent);

    state->set_ms = u->loaded_ms;
    wr_peer_set(p, state);
    if (u->probe == NULL || first) {
        __atomic_and_fetch(&state->pub.flags, ~(uint32_t)WEIR_PEER_UNHEALTHY, __ATOMIC_RELAXED);
    }
    if (first) {
        state->passes = state->misses = 0;
        __atomic_or_fetch(&state->pub.flags, WEIR_PEER_UNKNOWN, __ATOMIC_RELAXED);
    } else if (!u->checks_first) {
        __atomic_and_fetch(&state->pub.flags, ~(uint32_t)WEIR_PEER_UNKNOWN, __ATOMIC_RELAXED);
    }
}

void
wr_share_join_peer(weir_upstream *u, struct wr_group_peer *p)
{
    struct wr_share *s = u->share;
    struct wr_peer_state *state;

    WR_ASSERT(p->share == NULL && p->own_active == 0);
    lock(s);
    state = find_state(u->state, p);
    state = state != NULL ? state : add_state(s, u->state, p);
    if (state != NULL) {
        state->users++;
        has_of(s->row)[state->index] = 1;
        if (state->set_ms < u->loaded_ms) {
            apply(u, p, state);
        }
        p->share = s;
        p->state = state;
        p->active_here = &s->row->active[state->index];
        wr_list_add(&s->peers, &p->joined);
    }
    unlock(s);
    if (state == NULL && !s->said_full) {
        s->said_full = true;
        wr_say(wr_log_process(), WARN,
               "the zone of upstream \"%.*s\" is full, this worker counts for itself",
               WEIR_FMT(u->name));
    }
}

void
wr_share_leave_peer(struct wr_group_peer *p)
{
    struct wr_share *s = p->share;
    uint32_t index = p->state->index, active = s->row->active[index];

    lock(s);
    give_back(p->state, active);
    s->row->active[index] = 0;
    has_of(s->row)[index] = 0;
    unlock(s);
    wr_list_remove(&p->joined);
    p->share = NULL;
    p->state = &p->own;
    p->active_here = &p->own_active;
    p->own_active = p->own.pub.active = active;
}

void
wr_share_leave(struct wr_share *s)
{
    while (s->peers.next != &s->peers) {
        wr_share_leave_peer(WR_CONTAINER(s->peers.next, struct wr_group_peer, joined));
    }
    wr_shm_mutex_unlock(&s->row->alive);
    s->row = NULL;
}

void
wr_share_join_group(struct wr_share *s, weir_upstream *u)
{
    struct wr_group_state *g;

    lock(s);
    g = find_group(s, u->name);
    unlock(s);
    if (g == NULL) {
        return;
    }
    u->share = s;
    u->state = g;
    for (uint32_t i = 0; i < wr_group_count(u); i++) {
        wr_share_join_peer(u, wr_group_peer(u, i));
    }
}

void
wr_share_leave_group(weir_upstream *u)
{
    u->share = NULL;
    u->state = u->own;
}
