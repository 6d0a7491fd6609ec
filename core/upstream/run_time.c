/* upstream/run_time.c - a table of groups, each in a pool of its own. */
#include "upstream/run_time.h"

#include <weir/module.h>

#include "base/assert.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/str.h"
#include "event/loop.h"
#include "upstream/resolver_conf.h"
#include "upstream/link.h"
#include "upstream/lookup.h"

enum { BUCKETS = 256 };

struct made {
    struct wr_list use;
    struct made *next; /* in its bucket */
    struct wr_run_time *all;
    weir_pool *pool; /* its own */
    weir_upstream *group;
    const struct wr_resolver *resolver;
    uint16_t default_port;
    uint32_t pins; /* requests that have it */
    weir_str name;
    struct wr_task end;
};

struct wr_run_time {
    struct made *buckets[BUCKETS];
    struct wr_list by_use; /* the least recently used first */
    uint32_t count;
};

struct wr_run_time *
wr_run_time_create(weir_pool *pool)
{
    struct wr_run_time *all = wr_pool_zalloc(pool, sizeof(*all));

    wr_list_init(&all->by_use);
    return all;
}

static struct made **
bucket_of(struct wr_run_time *all, weir_str name)
{
    return &all->buckets[wr_str_hash(name) % BUCKETS];
}

/* ---- The end of one. ---- */

static void
end(struct wr_task *t)
{
    weir_pool *pool = WR_CONTAINER(t, struct made, end)->pool;

    weir_pool_end(pool);
}

/* Its memory stays to the end of the turn, in which a closing link may still name it. */
static void
drop(struct made *m)
{
    struct made **at = bucket_of(m->all, m->name);

    while (*at != m) {
        at = &(*at)->next;
    }
    *at = m->next;
    wr_list_remove(&m->use);
    m->all->count--;
    wr_resolver_count_group(-1);
    wr_lookup_stop(m->group);
    wr_link_close_idle(m->group);
    wr_loop_bury(wr_loop_self(), &m->end, end);
}

void
wr_run_time_stop(struct wr_run_time *all)
{
    while (!wr_list_empty(&all->by_use)) {
        struct made *m = WR_CONTAINER(all->by_use.next, struct made, use);
        wr_list_remove(&m->use);
        wr_lookup_stop(m->group);
        wr_link_close_idle(m->group);
    }
}

static bool
make_place(struct wr_run_time *all, uint32_t most)
{
    if (all->count < most) {
        return true;
    }
    WR_LIST_EACH (at, &all->by_use) {
        struct made *m = WR_CONTAINER(at, struct made, use);
        if (m->pins == 0) {
            drop(m);
            return true;
        }
    }
    return false;
}

/* ---- One for a request. ---- */

static void
unpin(void *data)
{
    struct made *m = data;

    m->pins--;
}

static struct made *
find(struct wr_run_time *all, const struct wr_resolver *resolver, weir_str name, uint16_t port)
{
    struct made *m = *bucket_of(all, name);

    while (m != NULL && (m->resolver != resolver || m->default_port != port ||
                         !weir_str_eq(m->name, name))) {
        m = m->next;
    }
    return m;
}

static struct made *
make(struct wr_run_time *all, const weir_request *r, weir_str name, uint16_t port)
{
    const struct wr_group_server like = { .weight = 1 };
    const struct wr_resolver_conf *c = wr_resolver_conf(r);
    weir_pool *pool = weir_pool_new(NULL);
    struct made *m = weir_zalloc(pool, sizeof(*m)), **bucket;
    struct wr_group_server *server;
    struct wr_err err;

    *m = (struct made){ .all = all, .pool = pool, .resolver = c->resolver, .default_port = port };
    wr_task_init(&m->end, end);
    m->name = weir_dup(pool, name);
    m->group = wr_group_create(pool, m->name);
    server = wr_group_add(m->group, m->name, port, &like, &err);
    if (server == NULL) {
        weir_say(r->log, ERROR, "%s", err.text);
        weir_pool_end(pool);
        return NULL;
    }
    if (server->host.data != NULL) {
        wr_lookup_add(m->group, server, WR_LOOKUP_WANTED, c->resolver, c->timeout_ms);
        wr_lookup_start(m->group, pool);
    }
    bucket = bucket_of(all, m->name);
    m->next = *bucket;
    *bucket = m;
    wr_list_add(&all->by_use, &m->use);
    all->count++;
    wr_resolver_count_group(1);
    return m;
}

weir_upstream *
wr_run_time_at(struct wr_run_time *all, weir_request *r, weir_str name, uint16_t default_port)
{
    const struct wr_resolver_conf *c = wr_resolver_conf(r);
    struct made *m = find(all, c->resolver, name, default_port);

    if (m == NULL) {
        if (!make_place(all, c->resolver->names_max)) {
            wr_resolver_count_denied_group();
            weir_say(r->log, ERROR, "no place for upstream \"%.*s\": names=%u is reached",
                     WEIR_FMT(name), c->resolver->names_max);
            return NULL;
        }
        m = make(all, r, name, default_port);
        if (m == NULL) {
            return NULL;
        }
    }
    wr_list_remove(&m->use);
    wr_list_add(&all->by_use, &m->use);
    m->pins++;
    weir_on_end(r->pool, unpin, m);
    wr_lookup_want(m->group);
    return m->group;
}
