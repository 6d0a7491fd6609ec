/* upstream/upstream_conf.c - the module core.upstream: the directives of upstream{} and the life of
 * its groups. */
#include "upstream/upstream_conf.h"

#include "base/assert.h"
#include "module/registry.h"
#include "upstream/budget.h"
#include "upstream/exchange_metrics.h"
#include "upstream/link.h"
#include "upstream/lookup.h"
#include "upstream/policy_conf.h"
#include "upstream/run_time.h"
#include "upstream/probe.h"
#include "upstream/probe_conf.h"
#include "upstream/server_conf.h"
#include "upstream/tally.h"
#include "upstream/upstream_explain.h"
#include "upstream/upstream_names.h"
#include "upstream/upstream_series.h"
#include "upstream/upstream_variables.h"
#include "upstream/upstream_zones.h"

enum { KEEPALIVE_MAX = 65535 };

/* ---- upstream{}. ---- */

static int
set_upstream(weir_conf *cf, const weir_directive *row, void *field)
{
    struct wr_upstream_conf *top = wr_upstream_main(cf), *own;
    const struct wr_conf_node *node = cf->node;
    struct wr_scope *scope;
    weir_upstream *u;

    (void)row;
    (void)field;
    WR_ASSERT(top != NULL);
    u = wr_upstream_named(cf, top, weir_conf_arg(cf, 1));
    if (u->defined != NULL) {
        return weir_conf_error_at(cf, 1, "duplicate upstream \"%.*s\", the first stands in %.*s:%u",
                                  WEIR_FMT(u->name), WEIR_FMT(u->defined->source->name),
                                  u->defined->words[0].line);
    }
    u->defined = node;
    if (!weir_str_eq(u->name, weir_conf_arg(cf, 1))) { /* it was met in other letters before */
        u->name = weir_dup(cf->pool, weir_conf_arg(cf, 1));
    }
    scope = wr_scope_create(cf, cf->scope, WEIR_IN_UPSTREAM, node);
    own = wr_scope_own(cf, scope, wr_upstream_module.self->slot);
    own->group = u;
    u->budget_percent = cf->compat_nginx ? 0 : WR_BUDGET_PERCENT;
    u->budget_min = WR_BUDGET_MIN;
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
    const struct wr_upstream_conf *c = cf->scope->conf[wr_upstream_module.self->slot];

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
        return weir_conf_invalid(cf, 2, "parameter");
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
    struct wr_upstream_conf *c = conf;
    weir_upstream *u = c->group;

    if (weir_conf_where(cf) == WEIR_IN_MAIN) {
        c->run_time = wr_run_time_create(cf->pool);
    }
    if (u == NULL) {
        return WEIR_OK;
    }
    if (u->servers.count == 0) {
        return weir_conf_error(cf, "no servers are inside upstream");
    }
    if (!has_primary(u)) {
        return weir_conf_error(cf, "no servers but backups are inside upstream");
    }
    WR_VEC_EACH (struct wr_group_server *, s, &u->servers) {
        wr_upstream_look_up(cf->scope, u, *s);
    }
    u->keepalive = (uint32_t)c->keepalive;
    u->keepalive_requests = (uint64_t)c->keepalive_requests;
    u->keepalive_time_ms = c->keepalive_time_ms;
    u->keepalive_ms = c->keepalive_timeout_ms;
    return WEIR_OK;
}

static int
init(weir_conf *cf, void *conf)
{
    struct wr_upstream_conf *top = conf;
    bool loaded = top->names == NULL || wr_upstream_load(cf, top->names);
    bool checked = wr_probe_settle(cf, top) == WEIR_OK;
    struct wr_err err;

    top->uses = top->checks = (struct wr_vec){ .pool = NULL }; /* memory of the load */
    top->defined = NULL;
    if (wr_upstream_zones_claim(cf, top) != WEIR_OK || !loaded || !checked) {
        return WEIR_ERROR;
    }
    return wr_tallies_create(cf, top, &err) ? WEIR_OK : weir_conf_error(cf, "%s", err.text);
}

/* ---- In a worker. ---- */

weir_upstream *
weir_upstream_at(weir_request *r, weir_str name, uint32_t default_port)
{
    const struct wr_upstream_conf *top = r->conf[wr_upstream_module.self->slot];
    weir_upstream *u =
        top->names != NULL ? wr_map_find(top->names, wr_upstream_key(r->pool, name)) : NULL;

    WR_ASSERT(default_port <= UINT16_MAX);
    if (u != NULL && (u->defined != NULL || u->default_port == default_port)) {
        return u;
    }
    return wr_run_time_at(top->run_time, r, name, (uint16_t)default_port);
}

static int
worker_start(const void *conf)
{
    struct wr_upstream_conf *top = (struct wr_upstream_conf *)(uintptr_t)conf;

    wr_upstream_zones_join(top);
    wr_tallies_join(top);
    wr_upstream_series_of(top);
    for (size_t i = 0; i < wr_upstream_count(top); i++) {
        wr_lookup_start(wr_upstream_group(top, i), weir_worker_pool());
        wr_probe_start(wr_upstream_group(top, i));
    }
    return WEIR_OK;
}

static void
worker_stop(const void *conf)
{
    const struct wr_upstream_conf *top = conf;

    wr_upstream_series_of(NULL);
    for (size_t i = 0; i < wr_upstream_count(top); i++) {
        wr_lookup_stop(wr_upstream_group(top, i));
        wr_probe_stop(wr_upstream_group(top, i));
        wr_link_close_idle(wr_upstream_group(top, i));
    }
    wr_upstream_zones_leave(top);
    wr_run_time_stop(top->run_time);
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
    { .name = "zone",
      .help = "memory in which workers share what they know of the servers",
      .where = WEIR_IN_UPSTREAM,
      .type = WEIR_T_CUSTOM,
      .min = 1,
      .max = 2,
      .set = wr_policy_set_zone },
    { .name = "queue",
      .help = "requests that wait while every server has max_conns; then the answer is 503",
      .where = WEIR_IN_UPSTREAM,
      .type = WEIR_T_CUSTOM,
      .min = 1,
      .max = 2,
      .set = wr_policy_set_queue },
    { .name = "outlier_ejection",
      .help = "leave a server out for a while after errors in a row",
      .where = WEIR_IN_UPSTREAM,
      .type = WEIR_T_CUSTOM,
      .preset = "off",
      .max = 4,
      .set = wr_policy_set_outlier },
    { .name = "retry_budget",
      .help = "how many of the requests may be tried again with another server",
      .where = WEIR_IN_UPSTREAM,
      .type = WEIR_T_CUSTOM,
      .preset = "20% min=3",
      .compat = "off",
      .min = 1,
      .max = 2,
      .set = wr_policy_set_budget },
    { .name = "health_check",
      .help = "ask each server now and then whether it is well",
      .where = WEIR_IN_UPSTREAM | WEIR_IN_LOCATION,
      .type = WEIR_T_CUSTOM,
      .max = UINT16_MAX,
      .set = wr_probe_set_check },
    { .name = "match",
      .help = "what a response must be like for its server to be well",
      .where = WEIR_IN_HTTP,
      .type = WEIR_T_CUSTOM,
      .min = 1,
      .max = 1,
      .flags = WEIR_D_BLOCK | WEIR_D_MANY,
      .set = wr_probe_set_match },
    { .name = "keepalive",
      .help = "idle connections that a worker keeps to the group's servers; 0: none",
      .preset = "32",
      .where = WEIR_IN_UPSTREAM,
      .type = WEIR_T_INT,
      WEIR_FIELD_(struct wr_upstream_conf, keepalive, INT),
      .min = 1,
      .max = 2,
      .set = set_keepalive },
    { .name = "keepalive_requests",
      .help = "how often a connection to a server is used",
      .preset = "1000",
      .where = WEIR_IN_UPSTREAM,
      .type = WEIR_T_INT,
      WEIR_FIELD_(struct wr_upstream_conf, keepalive_requests, INT),
      .set = set_requests },
    WEIR_OPT(struct wr_upstream_conf, keepalive_time_ms, MSEC, "keepalive_time", WEIR_IN_UPSTREAM,
             "1h", "how long after it was made a connection is still kept"),
    WEIR_OPT(struct wr_upstream_conf, keepalive_timeout_ms, MSEC, "keepalive_timeout",
             WEIR_IN_UPSTREAM, "60s", "how long an idle connection to a server is kept"),
};

static const weir_interface interfaces[] = {
    { WEIR_SERIES, &wr_upstream_series },
    { WR_EXPLAIN, &wr_upstream_explain },
};

static weir_self self = WR_SELF;

const weir_module wr_upstream_module = {
    WR_BUILTIN(&self, "core.upstream"),
    .flags = WEIR_MODULE_STATE_STAYS,
    .summary = "groups of servers",
    .conf_size = sizeof(struct wr_upstream_conf),
    .directives = WEIR_ITEMS(directives),
    .variables = { wr_upstream_variables, WR_UPSTREAM_VARIABLES, sizeof(weir_variable) },
    .metrics = { wr_exchange_metrics, WR_EXCHANGE_METRICS, sizeof(weir_metric_def) },
    .interfaces = WEIR_ITEMS(interfaces),
    .check = check,
    .init = init,
    .worker_start = worker_start,
    .worker_stop = worker_stop,
};
