/* upstream/lookup.c - one clock a name: ask, set the addresses, wait as long as the answer holds (or,
 * after a failure, a back-off), ask again. */
#include "upstream/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/pool.h"
#include "base/str.h"
#include "event/loop.h"
#include "net/resolve_now.h"

#define NAME_TAG WR_TAG('n', 'a', 'm', 'e')

struct name {
    uint32_t tag;
    enum wr_lookup_manner manner;
    weir_upstream *group;
    struct wr_group_server *server;
    struct wr_resolver *resolver;
    uint64_t timeout_ms;
    weir_str host; /* what is asked for */
    enum wr_resolve_kind kind;
    /* The worker's */
    struct wr_timer timer;
    struct wr_resolve_wait *wait; /* NULL: nothing is asked for now */
    uint64_t until_ms;            /* the answer's */
    uint32_t failures;            /* in a row */
    enum wr_resolve_code said;    /* what was logged last */
    bool answered, found;
};

struct wr_lookups {
    weir_upstream *group;
    struct wr_vec all;      /* struct name * */
    weir_pool *worker;      /* owns the questions; NULL: not started */
    struct wr_list waiters; /* struct wr_lookup_wait */
    struct wr_list ready;   /* those of them that are to be told */
    struct wr_task tell;
};

/* ---- What is asked for. ---- */

/* "http" of app.example: "_http._tcp.app.example"; what has a dot or begins with '_' is taken as it
 * is. */
static weir_str
service_name(weir_pool *pool, weir_str service, weir_str host)
{
    if (weir_str_find(service, '.') == service.len) {
        const char *sign = service.len != 0 && service.data[0] == '_' ? "" : "_";
        return weir_print(pool, "%s%.*s._tcp.%.*s", sign, WEIR_FMT(service), WEIR_FMT(host));
    }
    return weir_print(pool, "%.*s.%.*s", WEIR_FMT(service), WEIR_FMT(host));
}

static void tell(struct wr_task *t);

static struct wr_lookups *
lookups_of(weir_upstream *u)
{
    struct wr_lookups *all = u->lookups;

    if (all == NULL) {
        all = u->lookups = wr_pool_zalloc(u->pool, sizeof(*all));
        all->group = u;
        wr_vec_init_of(&all->all, u->pool, struct name *);
        wr_list_init(&all->waiters);
        wr_list_init(&all->ready);
        wr_task_init(&all->tell, tell);
    }
    return all;
}

void
wr_lookup_add(weir_upstream *u, struct wr_group_server *server, enum wr_lookup_manner manner,
             struct wr_resolver *r, uint64_t timeout_ms)
{
    struct wr_lookups *all = lookups_of(u);
    struct name *n = wr_pool_zalloc(u->pool, sizeof(*n));

    *n = (struct name){ .tag = NAME_TAG,
                        .manner = manner,
                        .group = u,
                        .server = server,
                        .resolver = r,
                        .timeout_ms = timeout_ms,
                        .host = server->host,
                        .kind = WR_RESOLVE_ADDRS };
    if (server->service.data != NULL) {
        n->host = service_name(u->pool, server->service, server->host);
        n->kind = WR_RESOLVE_SRV;
    }
    *(struct name **)wr_vec_add(&all->all) = n;
}

static struct name *
name_at(const struct wr_lookups *all, size_t i)
{
    return *wr_vec_at(&all->all, struct name *, i);
}

static size_t
name_count(const struct wr_lookups *all)
{
    return all != NULL ? all->all.count : 0;
}

/* ---- Answers become peers. ---- */

/* The records of the lowest priority number are the server's, the others stand in for them; of a
 * server that is a backup itself only the first are used. */
static bool
convert(const struct name *n, const struct wr_resolved *a, uint32_t i, struct wr_group_address *to)
{
    const struct wr_resolved_addr *from = &a->at[i];

    wr_resolved_place(from, n->server->port, &to->addr);
    if (n->kind == WR_RESOLVE_SRV) {
        to->weight = WR_MAX(from->weight, 1);
        to->backup = from->priority != a->at[0].priority;
    }
    return !to->backup || !n->server->backup;
}

static void
set_addresses(struct name *n, const struct wr_resolved *a)
{
    struct wr_group_address *list = calloc(a->count + 1, sizeof(*list));
    size_t count = 0;

    WR_ASSERT(list != NULL);
    for (uint32_t i = 0; i < a->count; i++) {
        struct wr_group_address at = { .weight = 0 };
        if (convert(n, a, i, &at)) {
            list[count++] = at;
        }
    }
    if (wr_group_set_addresses(n->group, n->server, list, count)) {
        wr_say(wr_log_process(), INFO, "upstream \"%.*s\": \"%.*s\" has %zu addresses",
               WEIR_FMT(n->group->name), WEIR_FMT(n->host), count);
    }
    free(list);
}

/* ---- The clock. ---- */

/* A little less or more, so that workers and names do not ask all at once. */
static uint64_t
spread(uint64_t ms)
{
    uint32_t chance;

    weir_random(&chance, sizeof(chance));
    return ms + ms / 16 * (chance % 16) / 16;
}

static uint64_t
back_off(uint32_t failures)
{
    uint32_t doublings = WR_MIN(failures - 1, 6);

    return WR_MIN((uint64_t)WR_LOOKUP_RETRY_MS << doublings, WR_LOOKUP_RETRY_MAX_MS);
}

static void
plan(struct name *n)
{
    uint64_t now = wr_clock.now_ms, left;

    if (n->manner == WR_LOOKUP_WANTED || (n->manner == WR_LOOKUP_FIXED && n->found)) {
        return;
    }
    left = n->failures != 0 ? back_off(n->failures) : n->until_ms > now ? n->until_ms - now : 0;
    wr_timer_set(wr_loop_self(), &n->timer, spread(WR_MAX(left, WR_LOOKUP_LEAST_MS)));
}

static void
say_failure(struct name *n, enum wr_resolve_code code)
{
    if (n->said != code || n->manner == WR_LOOKUP_WANTED) { /* not again at each attempt */
        wr_say(wr_log_process(), ERROR, "%.*s could not be resolved (%s), upstream: \"%.*s\"",
               WEIR_FMT(n->host), wr_resolve_words(code), WEIR_FMT(n->group->name));
    }
    n->said = code;
}

/* Who waits now has waited long enough, whatever is asked for before they are told. */
static void
release(struct wr_lookups *all)
{
    if (wr_lookup_pending(all->group)) {
        return;
    }
    while (!wr_list_empty(&all->waiters)) {
        struct wr_list *first = all->waiters.next;
        wr_list_remove(first);
        wr_list_add(&all->ready, first);
    }
    wr_task_add(wr_loop_self(), &all->tell);
}

static void
answered(void *data, const struct wr_resolved *a)
{
    struct name *n = data;

    WR_CHECK(n, NAME_TAG);
    n->wait = NULL;
    n->answered = true;
    n->until_ms = a->until_ms;
    if (a->code == WR_RESOLVE_FOUND) {
        n->failures = 0;
        n->found = true;
        n->said = WR_RESOLVE_FOUND;
        set_addresses(n, a);
    } else {
        n->failures++;
        say_failure(n, a->code);
        if (a->code == WR_RESOLVE_NONE || a->code == WR_RESOLVE_BAD_NAME) {
            set_addresses(n, a); /* none; after a failure the old ones are the best there is */
        }
    }
    plan(n);
    release(n->group->lookups);
}

static void
ask(struct name *n)
{
    weir_pool *owner = n->group->lookups->worker;

    if (n->wait == NULL) {
        n->wait = (n->manner == WR_LOOKUP_WANTED ? wr_resolve_ask : wr_resolve_again)(
            n->resolver, owner, n->kind, n->host, n->timeout_ms, answered, n);
    }
}

static void
time_over(struct wr_timer *t)
{
    ask(WR_CONTAINER(t, struct name, timer));
}

/* ---- Those who wait. ---- */

bool
wr_lookup_pending(const weir_upstream *u)
{
    const struct wr_lookups *all = u->lookups;
    bool asking = false, stale = false;

    for (size_t i = 0; i < name_count(all); i++) {
        const struct name *n = name_at(all, i);
        asking |= n->wait != NULL && !n->answered;
        stale |= n->wait != NULL && n->manner == WR_LOOKUP_WANTED;
    }
    return stale || (asking && wr_group_count(u) == 0);
}

void
wr_lookup_wait(weir_upstream *u, struct wr_lookup_wait *w, void (*fn)(struct wr_lookup_wait *w))
{
    struct wr_lookups *all = lookups_of(u);

    w->fn = fn;
    wr_list_add(&all->waiters, &w->link);
    release(all);
}

void
wr_lookup_leave(struct wr_lookup_wait *w)
{
    if (w->link.next != NULL) {
        wr_list_remove(&w->link);
    }
}

static void
tell(struct wr_task *t)
{
    struct wr_lookups *all = WR_CONTAINER(t, struct wr_lookups, tell);

    while (!wr_list_empty(&all->ready)) {
        struct wr_lookup_wait *w = WR_CONTAINER(all->ready.next, struct wr_lookup_wait, link);
        wr_list_remove(&w->link);
        w->fn(w);
    }
}

/* ---- In a worker. ---- */

void
wr_lookup_start(weir_upstream *u, weir_pool *worker)
{
    struct wr_lookups *all = u->lookups;

    for (size_t i = 0; i < name_count(all); i++) {
        struct name *n = name_at(all, i);
        all->worker = worker;
        n->timer.fire = time_over;
        if (n->manner == WR_LOOKUP_RESOLVED || (n->manner == WR_LOOKUP_FIXED && !n->found)) {
            ask(n);
        }
    }
}

void
wr_lookup_stop(weir_upstream *u)
{
    struct wr_lookups *all = u->lookups;

    for (size_t i = 0; i < name_count(all); i++) {
        struct name *n = name_at(all, i);
        wr_timer_clear(wr_loop_self(), &n->timer);
        if (n->wait != NULL) {
            wr_resolve_cancel(n->wait);
            n->wait = NULL;
        }
    }
    if (all != NULL) {
        wr_task_remove(&all->tell);
    }
}

void
wr_lookup_want(weir_upstream *u)
{
    struct wr_lookups *all = u->lookups;

    for (size_t i = 0; i < name_count(all); i++) {
        struct name *n = name_at(all, i);
        if (n->manner == WR_LOOKUP_WANTED && (!n->answered || n->until_ms <= wr_clock.now_ms)) {
            ask(n);
        }
    }
}

/* ---- While the configuration is read. ---- */

static void
load_names(struct wr_resolve_now *now, struct name **names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        now[i] = (struct wr_resolve_now){ .name = names[i]->host };
    }
    wr_resolve_now(now, count, WR_LOOKUP_LOAD_MS);
    for (size_t i = 0; i < count; i++) {
        if (now[i].answer != NULL && now[i].answer->code == WR_RESOLVE_FOUND) {
            names[i]->found = names[i]->answered = true;
            set_addresses(names[i], now[i].answer);
        }
    }
    wr_resolve_now_end(now, count);
}

void
wr_lookup_load(weir_upstream *const *groups, size_t n)
{
    struct wr_resolve_now *now;
    struct name **names;
    size_t count = 0, most = 0;

    for (size_t i = 0; i < n; i++) {
        most += name_count(groups[i]->lookups);
    }
    if (most == 0) {
        return;
    }
    names = calloc(most, sizeof(struct name *));
    now = calloc(most, sizeof(*now));
    WR_ASSERT(names != NULL && now != NULL);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < name_count(groups[i]->lookups); k++) {
            struct name *at = name_at(groups[i]->lookups, k);
            if (at->manner == WR_LOOKUP_FIXED) {
                names[count++] = at;
            }
        }
    }
    load_names(now, names, count);
    free(names);
    free(now);
}

const struct wr_group_server *
wr_lookup_missing(const weir_upstream *u)
{
    for (size_t i = 0; i < name_count(u->lookups); i++) {
        const struct name *n = name_at(u->lookups, i);
        if (n->manner == WR_LOOKUP_FIXED && !n->found) {
            return n->server;
        }
    }
    return NULL;
}
