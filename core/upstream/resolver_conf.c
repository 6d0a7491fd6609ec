/* upstream/resolver_conf.c - core.resolver: a resolver from its statement, the metrics of all of them,
 * and their end in a worker. */
#include "upstream/resolver_conf.h"

#include <string.h>
#include <weir/log.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/pool.h"
#include "base/str.h"
#include "module/registry.h"
#include "net/resolve_now.h"

enum {
    WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION | WEIR_IN_UPSTREAM,
    NAME_SERVER_PORT = 53,
    COUNT_MAX = 1 << 20,
    NAME_SERVER_MS = 3 * 1000 /* to find a name server that is given by name */
};

struct conf {
    struct wr_resolver_conf pub;
    struct wr_vec *all; /* struct wr_resolver *: of the whole configuration, the system's first */
};

static struct conf *
main_conf(const struct weir_conf *cf)
{
    const struct wr_scope *scope = cf->scope;

    while (scope->parent != NULL) {
        scope = scope->parent;
    }
    return (struct conf *)(uintptr_t)scope->conf[wr_resolver_module.self->slot];
}

const struct wr_resolver_conf *
wr_resolver_conf_of(const struct wr_scope *scope)
{
    const struct conf *c = scope->conf[wr_resolver_module.self->slot];

    return &c->pub;
}

const struct wr_resolver_conf *
wr_resolver_conf(const weir_request *r)
{
    const struct conf *c = r->conf[wr_resolver_module.self->slot];

    return &c->pub;
}

/* ---- Metrics. ---- */

static weir_metric *questions, *answers, *groups, *denied_groups;

static const char *const question_kinds[] = { "asked", "cached", "joined", "hosts", "denied" };
static const char *const answer_kinds[] = { "found", "none", "failure", "timeout" };

static void
count(enum wr_resolve_event what)
{
    static const struct {
        weir_metric **metric;
        uint32_t cell;
    } places[WR_RESOLVE_EVENTS] = {
        [WR_RESOLVE_ASKED] = { &questions, 0 },       [WR_RESOLVE_FROM_CACHE] = { &questions, 1 },
        [WR_RESOLVE_JOINED] = { &questions, 2 },      [WR_RESOLVE_FROM_HOSTS] = { &questions, 3 },
        [WR_RESOLVE_DENIED] = { &questions, 4 },      [WR_RESOLVE_GOT_FOUND] = { &answers, 0 },
        [WR_RESOLVE_GOT_NONE] = { &answers, 1 },      [WR_RESOLVE_GOT_FAILURE] = { &answers, 2 },
        [WR_RESOLVE_GOT_TIMEOUT] = { &answers, 3 },
    };

    weir_count_at(*places[what].metric, places[what].cell, 1);
}

void
wr_resolver_count_group(int64_t change)
{
    weir_gauge_add(groups, change);
}

void
wr_resolver_count_denied_group(void)
{
    weir_count(denied_groups, 1);
}

static const weir_metric_def metrics[] = {
    { .name = "resolver_questions_total",
      .help = "names that were wanted: asked of name servers, in the cache, asked already by "
              "another, in the file of hosts, refused by a limit or for their form",
      .handle = &questions,
      .type = WEIR_COUNTER,
      .n = 5,
      .label = "by",
      .values = question_kinds },
    { .name = "resolver_answers_total",
      .help = "how questions to name servers ended",
      .handle = &answers,
      .type = WEIR_COUNTER,
      .n = 4,
      .label = "result",
      .values = answer_kinds },
    { .name = "resolver_run_time_upstreams",
      .help = "addresses that only requests named, of which connections and failures are remembered",
      .handle = &groups,
      .type = WEIR_GAUGE },
    { .name = "resolver_run_time_upstreams_denied_total",
      .help = "requests that found no place for such an address",
      .handle = &denied_groups,
      .type = WEIR_COUNTER },
};

/* ---- The words of `resolver`. ---- */

static bool
has_name(weir_str word, weir_str name, weir_str *value)
{
    if (!weir_str_starts(word, name)) {
        return false;
    }
    *value = weir_str_cut(word, name.len, word.len);
    return true;
}

static bool
set_flag(weir_str value, bool *flag)
{
    bool on = weir_str_eq(value, WEIR_STR("on"));

    if (!on && !weir_str_eq(value, WEIR_STR("off"))) {
        return false;
    }
    *flag = on;
    return true;
}

static bool
set_count(weir_str value, uint32_t *n)
{
    uint64_t number;

    if (!weir_parse_number(value, COUNT_MAX, &number) || number == 0) {
        return false;
    }
    *n = (uint32_t)number;
    return true;
}

static void
add_server(struct wr_resolver *r, const struct wr_addr *addr)
{
    if (r->servers.count < WR_RESOLVE_SERVERS_MAX) {
        *(struct wr_addr *)wr_vec_add(&r->servers) = *addr;
    }
}

/* "dns.example", "dns.example:5353": all its addresses, looked up now. */
static bool
add_named(struct wr_resolver *r, weir_str word)
{
    size_t colon = weir_str_find(word, ':');
    struct wr_resolve_now now = { .name = weir_str_cut(word, 0, colon) };
    uint64_t port = NAME_SERVER_PORT;

    if (colon != word.len &&
        (!weir_parse_number(weir_str_cut(word, colon + 1, word.len), UINT16_MAX, &port) ||
         port == 0)) {
        return false;
    }
    wr_resolve_now(&now, 1, NAME_SERVER_MS);
    for (uint32_t i = 0; now.answer != NULL && i < now.answer->count; i++) {
        struct wr_addr addr;
        wr_resolved_place(&now.answer->at[i], (uint16_t)port, &addr);
        add_server(r, &addr);
    }
    wr_resolve_now_end(&now, 1);
    return r->servers.count != 0;
}

static int
set_server(weir_conf *cf, uint32_t i, struct wr_resolver *r)
{
    weir_str word = weir_conf_arg(cf, i);
    struct wr_addr addr;
    struct wr_err err;

    if (r->servers.count == WR_RESOLVE_SERVERS_MAX) {
        return weir_conf_error_at(cf, i, "more than %d name servers", WR_RESOLVE_SERVERS_MAX);
    }
    if (wr_addr_parse(word, NAME_SERVER_PORT, false, &addr, &err)) {
        if (addr.at.family == AF_UNIX || wr_addr_wildcard(&addr)) {
            return weir_conf_error_at(cf, i, "no host in resolver \"%.*s\"", WEIR_FMT(word));
        }
        add_server(r, &addr);
        return WEIR_OK;
    }
    return add_named(r, word)
               ? WEIR_OK
               : weir_conf_error_at(cf, i, "%s of the \"resolver\" directive", err.text);
}

static int
set_word(weir_conf *cf, uint32_t i, struct wr_resolver *r)
{
    weir_str word = weir_conf_arg(cf, i), value;
    bool good;

    if (has_name(word, WEIR_STR("valid="), &value)) {
        good = weir_parse_msec(value, &r->valid_ms) == WEIR_OK;
    } else if (has_name(word, WEIR_STR("ipv4="), &value)) {
        good = set_flag(value, &r->ipv4);
    } else if (has_name(word, WEIR_STR("ipv6="), &value)) {
        good = set_flag(value, &r->ipv6);
    } else if (has_name(word, WEIR_STR("names="), &value)) {
        good = set_count(value, &r->names_max);
    } else if (has_name(word, WEIR_STR("waiting="), &value)) {
        good = set_count(value, &r->waiting_max);
    } else if (has_name(word, WEIR_STR("status_zone="), &value)) {
        good = value.len != 0; /* weir_resolver_* counts for all of them */
    } else if (weir_str_find(word, '=') < word.len) {
        good = false; /* no host's name */
    } else {
        return set_server(cf, i, r);
    }
    return good ? WEIR_OK : weir_conf_invalid(cf, i, "parameter");
}

static struct wr_resolver *
create(weir_conf *cf)
{
    struct wr_resolver *r = wr_resolver_create(cf->pool);

    r->count = count;
    *(struct wr_resolver **)wr_vec_add(main_conf(cf)->all) = r;
    return r;
}

static int
set_resolver(weir_conf *cf, const weir_directive *row, void *field)
{
    struct wr_resolver *r = create(cf);
    int rc = WEIR_OK;

    (void)row;
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        if (set_word(cf, i, r) != WEIR_OK) {
            rc = WEIR_ERROR;
        }
    }
    *(struct wr_resolver **)field = r;
    if (rc != WEIR_OK) {
        return rc;
    }
    if (r->servers.count == 0) {
        return weir_conf_error(cf, "no name servers defined");
    }
    return r->ipv4 || r->ipv6
               ? WEIR_OK
               : weir_conf_error(cf, "\"ipv4\" and \"ipv6\" cannot both be \"off\"");
}

/* ---- The module. ---- */

static int
check(weir_conf *cf, void *data)
{
    struct conf *c = data;

    if (weir_conf_where(cf) != WEIR_IN_MAIN) {
        c->all = main_conf(cf)->all;
        return WEIR_OK;
    }
    c->all = wr_pool_alloc(cf->pool, sizeof(*c->all));
    wr_vec_init_of(c->all, cf->pool, struct wr_resolver *);
    c->pub.resolver = create(cf);
    return WEIR_OK;
}

static void
worker_stop(const void *data)
{
    const struct conf *c = data;

    WR_VEC_EACH (struct wr_resolver *, r, c->all) {
        wr_resolver_close(*r);
    }
}

static const weir_directive rows[] = {
    { .name = "resolver",
      .help = "name servers for names that are looked up while the server runs",
      .where = WHERE,
      .type = WEIR_T_CUSTOM,
      .offset = offsetof(struct conf, pub.resolver),
      .size = sizeof(struct wr_resolver *),
      .min = 1,
      .set = set_resolver },
    WEIR_OPT(struct conf, pub.timeout_ms, MSEC, "resolver_timeout", WHERE, "30s",
             "longest time to look up a name"),
};

static weir_self self = WR_SELF;

const weir_module wr_resolver_module = {
    WR_BUILTIN(&self, "core.resolver"),
    .summary = "who is asked for the addresses of names",
    .conf_size = sizeof(struct conf),
    .directives = WEIR_ITEMS(rows),
    .metrics = WEIR_ITEMS(metrics),
    .check = check,
    .worker_stop = worker_stop,
};
