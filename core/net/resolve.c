/* net/resolve.c - the cache of names, and who waits for what.
 *
 * A question finds or makes the entry of its name; it is put to the name servers when the entry has
 * no good answer and nobody asked before. Handles hang on the entry, and are told from a task, so
 * that whatever a callback does (asks again, ends owners) meets nothing half done. Entries that
 * nobody waits for go when names_max is reached, the least recently used first.
 */
#include "net/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/str.h"
#include "net/resolve_live.h"

struct wr_resolver *
wr_resolver_create(weir_pool *pool)
{
    struct wr_resolver *r = wr_pool_zalloc(pool, sizeof(*r));

    r->tag = WR_RESOLVER_TAG;
    r->ipv4 = r->ipv6 = true;
    r->names_max = WR_RESOLVE_NAMES;
    r->waiting_max = WR_RESOLVE_WAITING;
    r->hosts = "/etc/hosts";
    wr_vec_init_of(&r->servers, pool, struct wr_addr);
    return r;
}

void
wr_resolve_count(const struct wr_resolver *r, enum wr_resolve_event what)
{
    if (r->count != NULL) {
        r->count(what);
    }
}

const char *
wr_resolve_words(enum wr_resolve_code code)
{
    switch (code) {
    case WR_RESOLVE_FOUND:
        return "0: Found";
    case WR_RESOLVE_FORMAT:
        return "1: Format error";
    case WR_RESOLVE_SERVER:
        return "2: Server failure";
    case WR_RESOLVE_NONE:
        return "3: Host not found";
    case WR_RESOLVE_REFUSED:
        return "5: Operation refused";
    case WR_RESOLVE_TIMEOUT:
        return "110: Operation timed out";
    case WR_RESOLVE_BAD_NAME:
        return "no host's name";
    case WR_RESOLVE_LIMIT:
        return "too many questions";
    }
    return "?";
}

/* ---- Answers. ---- */

struct wr_resolved *
wr_resolved_create(enum wr_resolve_code code, uint32_t count)
{
    struct wr_resolved *a = calloc(1, sizeof(*a) + count * sizeof(a->at[0]));

    WR_ASSERT(a != NULL);
    a->code = code;
    a->refs = 1;
    return a;
}

void
wr_resolved_unref(struct wr_resolved **a)
{
    struct wr_resolved *old = *a;

    *a = NULL;
    if (old != NULL && --old->refs == 0) {
        free(old);
    }
}

void
wr_resolved_place(const struct wr_resolved_addr *from, uint16_t port, struct wr_addr *to)
{
    memset(to, 0, sizeof(*to));
    if (from->addr.family == AF_INET) {
        to->at.v4 = from->addr.v4;
        to->at.v4.sin_port = from->addr.v4.sin_port != 0 ? from->addr.v4.sin_port : htons(port);
        to->len = sizeof(to->at.v4);
    } else {
        to->at.v6 = from->addr.v6;
        to->at.v6.sin6_port = from->addr.v6.sin6_port != 0 ? from->addr.v6.sin6_port : htons(port);
        to->len = sizeof(to->at.v6);
    }
}

static enum wr_resolve_event
event_of(enum wr_resolve_code code)
{
    switch (code) {
    case WR_RESOLVE_FOUND:
        return WR_RESOLVE_GOT_FOUND;
    case WR_RESOLVE_NONE:
        return WR_RESOLVE_GOT_NONE;
    case WR_RESOLVE_TIMEOUT:
        return WR_RESOLVE_GOT_TIMEOUT;
    default:
        return WR_RESOLVE_GOT_FAILURE;
    }
}

/* ---- Entries. ---- */

static struct wr_resolve_entry **
bucket_of(struct wr_resolve_live *live, weir_str name)
{
    return &live->buckets[wr_str_hash(name) % WR_RESOLVE_BUCKETS];
}

static struct wr_resolve_entry *
entry_find(struct wr_resolve_live *live, enum wr_resolve_kind kind, weir_str name)
{
    struct wr_resolve_entry *e = *bucket_of(live, name);

    while (e != NULL &&
           (e->kind != kind || !weir_str_eq((weir_str){ e->name, e->name_len }, name))) {
        e = e->next;
    }
    return e;
}

static void
entry_free(struct wr_resolve_live *live, struct wr_resolve_entry *e)
{
    struct wr_resolve_entry **at = bucket_of(live, (weir_str){ e->name, e->name_len });

    while (*at != e) {
        at = &(*at)->next;
    }
    *at = e->next;
    wr_list_remove(&e->use);
    wr_task_remove(&e->tell);
    wr_resolve_srv_drop(e);
    wr_resolved_unref(&e->answer);
    live->count--;
    free(e);
}

static void
entry_used(struct wr_resolve_live *live, struct wr_resolve_entry *e)
{
    wr_list_remove(&e->use);
    wr_list_add(&live->by_use, &e->use);
}

/* Drop the entry that was not used for longest. False: each is asked for, or has somebody waiting. */
static bool
drop_oldest(struct wr_resolve_live *live)
{
    WR_LIST_EACH (at, &live->by_use) {
        struct wr_resolve_entry *e = WR_CONTAINER(at, struct wr_resolve_entry, use);
        if (!e->asking && !e->telling && wr_list_empty(&e->waiters)) {
            entry_free(live, e);
            return true;
        }
    }
    return false;
}

/* How many are asked for although nobody waits any more. */
static uint32_t
count_deserted(const struct wr_resolve_live *live)
{
    uint32_t n = 0;

    for (const struct wr_list *at = live->by_use.next; at != &live->by_use; at = at->next) {
        const struct wr_resolve_entry *e = WR_CONTAINER(at, struct wr_resolve_entry, use);
        n += e->asking && !e->telling && e->srv == NULL && wr_list_empty(&e->waiters) ? 1 : 0;
    }
    return n;
}

/* The library takes back all questions or none: those that somebody waits for are put again. So it is
 * worth doing only when half of the places are in question, which that many askers had to leave. */
static void
take_back(struct wr_resolver *r)
{
    struct wr_resolve_live *live = r->live;

    if (live->channel == NULL || 2 * count_deserted(live) < r->names_max) {
        return;
    }
    wr_resolve_channel_recall(live);
    WR_LIST_EACH (at, &live->by_use) {
        struct wr_resolve_entry *e = WR_CONTAINER(at, struct wr_resolve_entry, use);
        if (!e->recalled) {
            continue;
        }
        e->recalled = false;
        if (wr_list_empty(&e->waiters)) {
            e->asking = false;
            live->asking--;
        } else {
            wr_resolve_channel_ask(e);
        }
    }
}

/* Have a place for one more entry. inside: the question is the resolver's own, and the library is
 * being heard. */
static bool
make_place(struct wr_resolver *r, bool inside)
{
    if (r->live->count < r->names_max || drop_oldest(r->live)) {
        return true;
    }
    if (!inside) {
        take_back(r);
    }
    return drop_oldest(r->live);
}

/* ---- The answer comes. ---- */

/* Call all who wait now; who begins to wait meanwhile is for the next round. */
static void
entry_tell(struct wr_task *t)
{
    struct wr_resolve_entry *e = WR_CONTAINER(t, struct wr_resolve_entry, tell);
    struct wr_resolved *a = e->answer;
    struct wr_list now;

    if (wr_list_empty(&e->waiters)) {
        return;
    }
    now = e->waiters;
    now.next->prev = now.prev->next = &now;
    wr_list_init(&e->waiters);
    e->telling = true;
    a->refs++;
    while (!wr_list_empty(&now)) {
        wr_resolve_wait_tell(WR_CONTAINER(now.next, struct wr_resolve_wait, link), a);
    }
    wr_resolved_unref(&a);
    e->telling = false;
}

static void
set_time(const struct wr_resolver *r, struct wr_resolved *a)
{
    uint64_t now = wr_clock.now_ms;

    if (a->code == WR_RESOLVE_FOUND) {
        a->until_ms = r->valid_ms != 0 ? now + r->valid_ms
                                       : WR_MIN(a->until_ms, now + WR_RESOLVE_TTL_MAX_MS);
    } else if (a->code == WR_RESOLVE_NONE) {
        a->until_ms = now + (r->valid_ms != 0 ? r->valid_ms : WR_RESOLVE_NONE_MS);
    } else {
        a->until_ms = now + WR_RESOLVE_FAILED_MS;
    }
}

void
wr_resolve_complete(struct wr_resolve_entry *e, struct wr_resolved *answer)
{
    struct wr_resolve_live *live = e->resolver->live;

    if (live->closing) { /* nobody is told */
        wr_resolved_unref(&answer);
        return;
    }
    WR_ASSERT(e->asking);
    set_time(e->resolver, answer);
    e->asking = false;
    live->asking--;
    wr_resolved_unref(&e->answer);
    e->answer = answer;
    wr_resolve_count(e->resolver, event_of(answer->code));
    wr_task_add(wr_loop_self(), &e->tell);
}

void
wr_resolve_fail(struct wr_resolve_entry *e, enum wr_resolve_code code)
{
    wr_resolve_complete(e, wr_resolved_create(code, 0));
}

/* ---- Questions. ---- */

static bool
wants(const struct wr_resolver *r, sa_family_t family)
{
    return family == AF_INET ? r->ipv4 : r->ipv6;
}

/* Answer from the file of hosts. False: it has no address that is wanted. */
static bool
ask_hosts(struct wr_resolve_entry *e)
{
    struct wr_resolver *r = e->resolver;
    weir_items found = wr_hosts_find(&r->live->hosts, (weir_str){ e->name, e->name_len });
    const union wr_peer_addr *addrs = found.at;
    struct wr_resolved *a;

    if (e->kind != WR_RESOLVE_ADDRS || found.count == 0) {
        return false;
    }
    a = wr_resolved_create(WR_RESOLVE_FOUND, found.count);
    for (uint32_t i = 0; i < found.count; i++) {
        if (wants(r, addrs[i].family)) {
            a->at[a->count++].addr = addrs[i];
        }
    }
    if (a->count == 0) {
        wr_resolved_unref(&a);
        return false;
    }
    wr_resolve_count(r, WR_RESOLVE_FROM_HOSTS);
    wr_resolve_complete(e, a);
    e->answer->until_ms = wr_clock.now_ms + WR_HOSTS_CHECK_MS; /* valid= is about name servers */
    return true;
}

static void
entry_ask(struct wr_resolve_entry *e)
{
    e->asking = true;
    e->resolver->live->asking++;
    if (ask_hosts(e)) {
        return;
    }
    wr_resolve_count(e->resolver, WR_RESOLVE_ASKED);
    if (wr_resolve_channel_open(e->resolver)) {
        wr_resolve_channel_ask(e);
    } else {
        wr_resolve_fail(e, WR_RESOLVE_SERVER);
    }
}

static bool
is_good(const struct wr_resolve_entry *e)
{
    return e->answer != NULL && e->answer->until_ms > wr_clock.now_ms;
}

static struct wr_resolve_entry *
entry_make(struct wr_resolver *r, enum wr_resolve_kind kind, weir_str name, bool inside)
{
    struct wr_resolve_live *live = r->live;
    struct wr_resolve_entry *e, **bucket = bucket_of(live, name);

    if (!make_place(r, inside)) {
        return NULL;
    }
    e = calloc(1, sizeof(*e) + name.len + 1);
    WR_ASSERT(e != NULL);
    memcpy(e->name, name.data, name.len);
    e->name_len = (uint16_t)name.len;
    e->kind = kind;
    e->resolver = r;
    wr_list_init(&e->waiters);
    wr_task_init(&e->tell, entry_tell);
    wr_list_add(&live->by_use, &e->use);
    e->next = *bucket;
    *bucket = e;
    live->count++;
    return e;
}

static void
open_live(struct wr_resolver *r)
{
    WR_CHECK(r, WR_RESOLVER_TAG);
    if (r->live != NULL) {
        return;
    }
    r->live = calloc(1, sizeof(*r->live));
    WR_ASSERT(r->live != NULL);
    r->live->of = r;
    wr_list_init(&r->live->by_use);
    wr_list_init(&r->live->waits);
    wr_list_init(&r->live->sockets);
    wr_hosts_init(&r->live->hosts, r->hosts);
    r->live->pool = wr_pool_create("resolver", NULL);
}

/* again: an answer that tells of no address is no good one. */
static struct wr_resolve_wait *
ask(struct wr_resolver *r, weir_pool *owner, enum wr_resolve_kind kind, weir_str name,
    uint64_t timeout_ms, wr_resolve_fn fn, void *data, bool again)
{
    char room[WR_RESOLVE_NAME];
    struct wr_resolve_entry *e;
    struct wr_resolve_wait *w;
    weir_str key = { room, wr_resolve_name(name, room) };
    bool full, good;

    open_live(r);
    w = wr_resolve_wait_create(r, owner, fn, data);
    if (key.len == 0) {
        return wr_resolve_wait_deny(w, WR_RESOLVE_BAD_NAME);
    }
    full = r->live->waiting > r->waiting_max;
    e = entry_find(r->live, kind, key);
    e = e != NULL || full ? e : entry_make(r, kind, key, owner == r->live->pool);
    good = e != NULL && is_good(e) && (!again || e->answer->code == WR_RESOLVE_FOUND);
    if (e == NULL || (!good && full)) {
        return wr_resolve_wait_deny(w, WR_RESOLVE_LIMIT);
    }
    wr_list_add(&e->waiters, &w->link);
    entry_used(r->live, e);
    if (timeout_ms != 0) {
        wr_timer_set(wr_loop_self(), &w->timer, timeout_ms);
    }
    if (good) {
        wr_resolve_count(r, WR_RESOLVE_FROM_CACHE);
        wr_task_add(wr_loop_self(), &e->tell);
    } else if (e->asking) {
        wr_resolve_count(r, WR_RESOLVE_JOINED);
    } else {
        entry_ask(e);
    }
    return w;
}

struct wr_resolve_wait *
wr_resolve_ask(struct wr_resolver *r, weir_pool *owner, enum wr_resolve_kind kind, weir_str name,
               uint64_t timeout_ms, wr_resolve_fn fn, void *data)
{
    return ask(r, owner, kind, name, timeout_ms, fn, data, false);
}

struct wr_resolve_wait *
wr_resolve_again(struct wr_resolver *r, weir_pool *owner, enum wr_resolve_kind kind, weir_str name,
                 uint64_t timeout_ms, wr_resolve_fn fn, void *data)
{
    return ask(r, owner, kind, name, timeout_ms, fn, data, true);
}

const struct wr_resolved *
wr_resolve_known(struct wr_resolver *r, enum wr_resolve_kind kind, weir_str name)
{
    char room[WR_RESOLVE_NAME];
    size_t len = wr_resolve_name(name, room);
    struct wr_resolve_entry *e;

    if (len == 0 || r->live == NULL) {
        return NULL;
    }
    e = entry_find(r->live, kind, (weir_str){ room, len });
    if (e == NULL || !is_good(e)) {
        return NULL;
    }
    wr_resolve_count(r, WR_RESOLVE_FROM_CACHE);
    entry_used(r->live, e);
    return e->answer;
}

/* ---- The end. ---- */

void
wr_resolver_close(struct wr_resolver *r)
{
    struct wr_resolve_live *live = r->live;

    if (live == NULL) {
        return;
    }
    live->closing = true;
    wr_resolve_channel_close(live);
    wr_resolve_wait_leave(live);
    wr_pool_destroy(&live->pool); /* the resolver's own questions */
    while (!wr_list_empty(&live->by_use)) {
        entry_free(live, WR_CONTAINER(live->by_use.next, struct wr_resolve_entry, use));
    }
    wr_hosts_fini(&live->hosts);
    r->live = NULL;
    free(live);
}
