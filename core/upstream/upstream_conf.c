/* upstream/upstream_conf.c - the directives of upstream{}, and which names are groups and which
 * addresses. */
#include "upstream/upstream_conf.h"

#include "base/assert.h"
#include "base/map.h"
#include "base/num.h"
#include "base/pool.h"
#include "base/str.h"
#include "conf/suggest.h"
#include "module/registry.h"
#include "upstream/group.h"
#include "upstream/exchange_metrics.h"
#include "upstream/link.h"
#include "upstream/upstream_variables.h"
#include "upstream/server_conf.h"

enum { KEEPALIVE_MAX = 65535 };

/* One struct for two places: what an upstream{} says, and what the main context holds. */
struct upstream_conf {
    int64_t keepalive;
    int64_t keepalive_requests;
    uint64_t keepalive_time_ms;
    uint64_t keepalive_timeout_ms;
    weir_upstream *group; /* of this upstream{}; NULL elsewhere */
    struct wr_map *names; /* main: weir_upstream by name, made when there is one */
};

/* ---- Names. ---- */

/* What the main context holds; NULL where there is none yet. */
static struct upstream_conf *
main_conf(const struct weir_conf *cf)
{
    const struct wr_scope *scope = cf->scope;

    if (scope == NULL) {
        return NULL;
    }
    while (scope->parent != NULL) {
        scope = scope->parent;
    }
    return (struct upstream_conf *)(uintptr_t)scope->conf[wr_upstream_module.self->slot];
}

static weir_upstream *
find_or_create(struct weir_conf *cf, struct upstream_conf *top, weir_str name)
{
    weir_upstream *u;

    if (top->names == NULL) {
        top->names = wr_pool_alloc(cf->pool, sizeof(*top->names));
        wr_map_init(top->names, cf->pool, false);
    }
    u = wr_map_find(top->names, name);
    if (u == NULL) {
        u = wr_group_create(cf->pool, weir_dup(cf->pool, name));
        wr_map_add(top->names, u->name, u);
    }
    return u;
}

static size_t
name_count(const struct upstream_conf *top)
{
    return top->names != NULL ? wr_map_count(top->names) : 0;
}

/* The group or address of this name. A name without a port that users give different default ports
 * is two addresses, unless it turns out to be a group. */
static weir_upstream *
find_for(struct weir_conf *cf, struct upstream_conf *top, weir_str name, uint16_t default_port)
{
    weir_upstream *u = find_or_create(cf, top, name);

    if (u->defined != NULL || default_port == 0 || u->default_port == default_port) {
        return u;
    }
    if (u->default_port == 0) {
        u->default_port = default_port;
        return u;
    }
    return find_or_create(cf, top, weir_print(wr_conf_scratch(cf), "%.*s:%u", WEIR_FMT(name),
                                              default_port));
}

weir_upstream *
weir_upstream_find(weir_conf *cf, weir_str name, uint32_t default_port)
{
    struct upstream_conf *top = main_conf(cf);
    weir_upstream *u;

    WR_ASSERT(default_port <= UINT16_MAX);
    if (top == NULL || name.len == 0) {
        (void)weir_conf_error(cf, "no host in upstream \"%.*s\"", WEIR_FMT(name));
        return NULL;
    }
    u = find_for(cf, top, name, (uint16_t)default_port);
    u->used = u->used != NULL ? u->used : cf->node;
    return u;
}

int
wr_upstream_make(struct weir_conf *cf, weir_str text, weir_upstream **field)
{
    weir_upstream *u = weir_upstream_find(cf, text, 0);

    if (u == NULL) {
        return WEIR_ERROR;
    }
    *field = u;
    return WEIR_OK;
}

/* ---- upstream{}. ---- */

static int
set_upstream(weir_conf *cf, const weir_directive *row, void *field)
{
    struct upstream_conf *top = main_conf(cf), *own;
    const struct wr_conf_node *node = cf->node;
    struct wr_scope *scope;
    weir_upstream *u;

    (void)row;
    (void)field;
    WR_ASSERT(top != NULL);
    u = find_or_create(cf, top, weir_conf_arg(cf, 1));
    if (u->defined != NULL) {
        return weir_conf_error_at(cf, 1, "duplicate upstream \"%.*s\", the first stands in %.*s:%u",
                                  WEIR_FMT(u->name), WEIR_FMT(u->defined->source->name),
                                  u->defined->words[0].line);
    }
    u->defined = node;
    scope = wr_scope_create(cf, cf->scope, WEIR_IN_UPSTREAM, node);
    own = wr_scope_own(cf, scope, wr_upstream_module.self->slot);
    own->group = u;
    return wr_scope_bind(cf, scope, node->first) ? WEIR_OK : WEIR_ERROR;
}

static int
set_server(weir_conf *cf, const weir_directive *row, void *field)
{
    (void)row;
    (void)field;
    return wr_server_conf_read(cf, weir_upstream_here(cf));
}

/* ---- What modules ask while they read their directives. ---- */

weir_upstream *
weir_upstream_here(weir_conf *cf)
{
    const struct upstream_conf *c = cf->scope->conf[wr_upstream_module.self->slot];

    WR_ASSERT(c->group != NULL);
    return c->group;
}

int
weir_upstream_balance(weir_conf *cf, const weir_balancer *b, void *group, bool beside)
{
    weir_upstream *u = weir_upstream_here(cf);
    struct wr_group_method *m = beside ? &u->beside : &u->method;

    WR_ASSERT(b->size >= sizeof(*b) && b->pick != NULL);
    if (m->balancer != NULL) {
        weir_conf_warn(cf, "load balancing method redefined");
    }
    *m = (struct wr_group_method){ b, group, cf->space->modules[cf->slot]->name };
    return WEIR_OK;
}

/* ---- keepalive and its limits. ---- */

static int
set_keepalive(weir_conf *cf, const weir_directive *row, void *field)
{
    int64_t n = *(int64_t *)field;

    (void)row;
    if (n < 0 || n > KEEPALIVE_MAX) {
        return weir_conf_error_at(cf, 1, "invalid value \"%.*s\" in \"keepalive\" directive",
                                  WEIR_FMT(weir_conf_arg(cf, 1)));
    }
    if (weir_conf_argc(cf) == 3 && !weir_str_eq(weir_conf_arg(cf, 2), WEIR_STR("local"))) {
        return weir_conf_error_at(cf, 2, "invalid parameter \"%.*s\"",
                                  WEIR_FMT(weir_conf_arg(cf, 2)));
    }
    return WEIR_OK;
}

static int
set_requests(weir_conf *cf, const weir_directive *row, void *field)
{
    return *(int64_t *)field >= 1
               ? WEIR_OK
               : weir_conf_error_at(cf, 1, "invalid value \"%.*s\" in \"%s\" directive",
                                    WEIR_FMT(weir_conf_arg(cf, 1)), row->name);
}

/* ---- Whole blocks, and the end of the load. ---- */

static bool
has_primary(const weir_upstream *u)
{
    WR_VEC_EACH (struct wr_group_server *, s, &u->servers) {
        if (!(*s)->backup) {
            return true;
        }
    }
    return false;
}

static int
check(weir_conf *cf, void *conf)
{
    const struct upstream_conf *c = conf;
    weir_upstream *u = c->group;

    if (u == NULL) {
        return WEIR_OK;
    }
    if (u->servers.count == 0) {
        return weir_conf_error(cf, "no servers are inside upstream");
    }
    if (!has_primary(u)) {
        return weir_conf_error(cf, "no servers but backups are inside upstream");
    }
    u->keepalive = (uint32_t)c->keepalive;
    u->keepalive_requests = (uint64_t)c->keepalive_requests;
    u->keepalive_time_ms = c->keepalive_time_ms;
    u->keepalive_ms = c->keepalive_timeout_ms;
    return WEIR_OK;
}

static const char *
suggest_group(const struct upstream_conf *top, weir_str name)
{
    struct wr_suggest s;

    wr_suggest_init(&s, name);
    for (size_t i = 0; i < name_count(top); i++) {
        const weir_upstream *u = wr_map_entry(top->names, i)->value;
        if (u->defined != NULL) {
            wr_suggest_add(&s, u->name.data);
        }
    }
    return s.best;
}

/* Where the name stands that no upstream{} has. */
static struct wr_conf_place
place_of(const weir_upstream *u)
{
    return u->used != NULL ? wr_conf_place(u->used, u->used->n_words > 1 ? 1 : 0)
                           : (struct wr_conf_place){ NULL, 0, 0, 0 };
}

/* A name that no upstream{} has is an address. */
static int
init(weir_conf *cf, void *conf)
{
    const struct wr_group_server like = { .weight = 1 };
    const struct upstream_conf *top = conf;
    int rc = WEIR_OK;

    for (size_t i = 0; i < name_count(top); i++) {
        weir_upstream *u = wr_map_entry(top->names, i)->value;
        struct wr_err err;
        const char *near;
        if (u->defined != NULL || wr_group_add(u, u->name, u->default_port, &like, &err)) {
            continue;
        }
        near = suggest_group(top, u->name);
        wr_diag_error(cf->diag, place_of(u),
                      near != NULL
                          ? weir_print(cf->pool, "did you mean the upstream \"%s\"?", near).data
                          : "an upstream's name, host:port or unix:/path is wanted",
                      "%s", err.text);
        rc = WEIR_ERROR;
    }
    return rc;
}

static void
worker_stop(const void *conf)
{
    const struct upstream_conf *top = conf;

    for (size_t i = 0; i < name_count(top); i++) {
        wr_link_close_idle(wr_map_entry(top->names, i)->value);
    }
}

static const weir_directive directives[] = {
    { .name = "upstream",
      .help = "a group of servers that directives may name in place of an address",
      .where = WEIR_IN_HTTP,
      .type = WEIR_T_CUSTOM,
      .min = 1,
      .max = 1,
      .flags = WR_D_SCOPE | WEIR_D_MANY,
      .set = set_upstream },
    { .name = "server",
      .help = "one of the servers of the group",
      .where = WEIR_IN_UPSTREAM,
      .type = WEIR_T_CUSTOM,
      .min = 1,
      .max = UINT16_MAX,
      .flags = WEIR_D_MANY,
      .set = set_server },
    { .name = "keepalive",
      .help = "idle connections that a worker keeps to the group's servers; 0: none",
      .preset = "32",
      .where = WEIR_IN_UPSTREAM,
      .type = WEIR_T_INT,
      WEIR_FIELD_(struct upstream_conf, keepalive, INT),
      .min = 1,
      .max = 2,
      .set = set_keepalive },
    { .name = "keepalive_requests",
      .help = "how often a connection to a server is used",
      .preset = "1000",
      .where = WEIR_IN_UPSTREAM,
      .type = WEIR_T_INT,
      WEIR_FIELD_(struct upstream_conf, keepalive_requests, INT),
      .set = set_requests },
    WEIR_OPT(struct upstream_conf, keepalive_time_ms, MSEC, "keepalive_time", WEIR_IN_UPSTREAM,
             "1h", "how long after it was made a connection is still kept"),
    WEIR_OPT(struct upstream_conf, keepalive_timeout_ms, MSEC, "keepalive_timeout",
             WEIR_IN_UPSTREAM, "60s", "how long an idle connection to a server is kept"),
};

static weir_self self = WR_SELF;

const weir_module wr_upstream_module = {
    WR_BUILTIN(&self, "core.upstream"),
    .summary = "groups of servers",
    .conf_size = sizeof(struct upstream_conf),
    .directives = WEIR_ITEMS(directives),
    .variables = { wr_upstream_variables, WR_UPSTREAM_VARIABLES, sizeof(weir_variable) },
    .metrics = { wr_exchange_metrics, WR_EXCHANGE_METRICS, sizeof(weir_metric_def) },
    .check = check,
    .init = init,
    .worker_stop = worker_stop,
};
