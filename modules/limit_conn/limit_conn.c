/* limit_conn - bounds how many requests of a key are under way at a time: limit_conn_zone,
 * limit_conn and what goes with them.
 *
 * A hook before access control. A request counts from there to its end, in every zone that limits
 * it.
 */
#include "counts.h"

enum { LIMIT_MAX = 65535 };

struct zone {
    struct zone *next;
    weir_str name;
    weir_value *key;
    weir_map *counts;
};

/* One limit_conn of a block. */
struct limit {
    struct limit *next;
    weir_str name;
    const struct zone *zone; /* check() finds it */
    uint32_t most;
};

typedef struct {
    struct zone *zones; /* those of the http block */
    weir_zone *seats;
    struct limit *limits;
    bool dry_run;
    uint32_t level;
    int64_t status;
} limit_conn_conf;

enum outcome { PASSED, REJECTED, REJECTED_DRY_RUN };

static const char *const outcomes[] = { "passed", "rejected", "rejected_dry_run" };
static weir_metric *requests;

typedef struct {
    uint32_t outcome_plus_1;
} limit_conn_state;

/* One count that ends with the request. */
struct counted {
    weir_map *counts;
    weir_str key;
};

/* ---- A request. ---- */

static void
uncount(void *data)
{
    const struct counted *c = data;

    counts_remove(c->counts, c->key);
}

static void
decide(weir_request *r, enum outcome outcome)
{
    limit_conn_state *st = weir_ctx_make(r, sizeof(*st));

    st->outcome_plus_1 = outcome + 1;
    weir_count_at(requests, outcome, 1);
}

static int
refuse(weir_request *r, const limit_conn_conf *c, const struct limit *l)
{
    if (c->level <= r->log->level) {
        weir_log_line(r->log, c->level, "limiting connections%s by zone \"%.*s\"",
                      c->dry_run ? ", dry run," : "", WEIR_FMT(l->name));
    }
    decide(r, c->dry_run ? REJECTED_DRY_RUN : REJECTED);
    return c->dry_run ? WEIR_NEXT : (int)c->status;
}

static int
limit_request(weir_request *r, const void *conf)
{
    const limit_conn_conf *c = conf;
    bool any = false;

    if (weir_ctx(r) != NULL) { /* counted already, before an internal redirect */
        return WEIR_NEXT;
    }
    for (const struct limit *l = c->limits; l != NULL; l = l->next) {
        weir_str key = weir_value_get(r, l->zone->key);
        struct counted *counted;
        if (key.len == 0) {
            continue;
        }
        if (key.len > UINT16_MAX - 1) {
            weir_say(r->log, ERROR, "the value of the \"%.*s\" zone's key is more than 65534 bytes",
                     WEIR_FMT(l->name));
            continue;
        }
        if (counts_add(l->zone->counts, key, l->most) != WEIR_OK) {
            return refuse(r, c, l);
        }
        any = true;
        counted = weir_alloc(r->pool, sizeof(*counted));
        *counted = (struct counted){ l->zone->counts, weir_dup(r->pool, key) };
        weir_on_end(r->pool, uncount, counted);
    }
    if (any) {
        decide(r, PASSED);
    }
    return WEIR_NEXT;
}

/* The key as people can read it. */
static weir_str
readable(weir_request *r, weir_str key)
{
    return weir_str_eq(key, weir_client_addr_bytes(r)) ? weir_client_addr(r, NULL) : key;
}

/* For weir -M: what is counted; how much is under way only a worker knows. */
static void
explain(weir_request *r, const void *conf, uint32_t phase, weir_explain *to)
{
    const limit_conn_conf *c = conf;

    (void)phase;
    for (const struct limit *l = c->limits; l != NULL; l = l->next) {
        weir_str key = weir_value_get(r, l->zone->key), unknown = weir_explain_unknown(to);
        if (unknown.data == NULL && key.len == 0) {
            weir_explain_say(to, "zone \"%.*s\": the key is empty, there is no limit",
                             WEIR_FMT(l->name));
            continue;
        }
        weir_explain_say(to, "zone \"%.*s\": %u at a time of the key %s%.*s%s, then %s%u",
                         WEIR_FMT(l->name), (unsigned)l->most,
                         unknown.data != NULL ? "that depends on $" : "\"",
                         WEIR_FMT(unknown.data != NULL ? unknown : readable(r, key)),
                         unknown.data != NULL ? "" : "\"",
                         c->dry_run ? "only a line in the log instead of " : "",
                         (unsigned)c->status);
    }
}

static weir_str
get_status(weir_request *r, const void *conf, weir_str name)
{
    static const char *const names[] = { "PASSED", "REJECTED", "REJECTED_DRY_RUN" };
    const limit_conn_state *st = weir_ctx(r->main);
    weir_str none = { NULL, 0 };

    (void)conf;
    (void)name;
    return st != NULL ? weir_str_c(names[st->outcome_plus_1 - 1]) : none;
}

/* ---- Configuration. ---- */

static const struct zone *
find_zone(const struct zone *z, weir_str name)
{
    while (z != NULL && !weir_str_eq(z->name, name)) {
        z = z->next;
    }
    return z;
}

static int
set_zone(weir_conf *cf, const weir_directive *d, void *field)
{
    struct zone **zones = field, *z = weir_zalloc(weir_conf_pool(cf), sizeof(*z));
    weir_str text = weir_conf_arg(cf, 2);
    weir_zone *memory;

    (void)d;
    if (!weir_str_after(text, WEIR_STR("zone="), &text)) {
        return weir_conf_invalid(cf, 2, "parameter");
    }
    z->name = weir_str_cut(text, 0, weir_str_find(text, ':'));
    if (find_zone(*zones, z->name) != NULL) {
        return weir_conf_error_at(cf, 2, "limit_conn_zone \"%.*s\" is already bound to key",
                                  WEIR_FMT(z->name));
    }
    z->key = weir_value_compile(cf, weir_conf_arg(cf, 1));
    memory = z->key != NULL ? weir_zone_find(cf, text) : NULL;
    z->counts = memory != NULL ? counts_claim(cf, memory) : NULL;
    z->next = *zones;
    *zones = z;
    return z->counts != NULL ? WEIR_OK : WEIR_ERROR;
}

static int
set_limit(weir_conf *cf, const weir_directive *d, void *field)
{
    struct limit **at = field, *l = weir_zalloc(weir_conf_pool(cf), sizeof(*l));
    weir_str text = weir_conf_arg(cf, 2);
    uint64_t most;

    (void)d;
    l->name = weir_conf_arg(cf, 1);
    if (!weir_parse_number(text, UINT32_MAX, &most) || most == 0) {
        return weir_conf_error_at(cf, 2, "invalid number of connections \"%.*s\"", WEIR_FMT(text));
    }
    if (most > LIMIT_MAX) {
        return weir_conf_error_at(cf, 2, "connection limit must be less 65536");
    }
    l->most = (uint32_t)most;
    for (; *at != NULL; at = &(*at)->next) {
        if (weir_str_eq((*at)->name, l->name)) {
            return weir_conf_error(cf, "\"limit_conn\" directive is duplicate");
        }
    }
    *at = l;
    return WEIR_OK;
}

static int
check(weir_conf *cf, void *conf)
{
    limit_conn_conf *c = conf;

    if (c->status < 400 || c->status > 599) {
        return weir_conf_error(cf, "value must be between 400 and 599");
    }
    for (struct limit *l = c->limits; l != NULL; l = l->next) {
        l->zone = find_zone(c->zones, l->name);
        if (l->zone == NULL) {
            return weir_conf_error(cf, "unknown limit_conn_zone \"%.*s\"", WEIR_FMT(l->name));
        }
    }
    return WEIR_OK;
}

static int
init(weir_conf *cf, void *conf)
{
    limit_conn_conf *c = conf;

    if (c->zones != NULL) {
        c->seats = counts_seats_claim(cf);
    }
    return c->zones == NULL || c->seats != NULL ? WEIR_OK : WEIR_ERROR;
}

static int
worker_start(const void *conf)
{
    const limit_conn_conf *c = conf;

    if (c->seats != NULL) {
        counts_sit_down(c->seats);
    }
    return WEIR_OK;
}

static bool
wanted(const void *conf)
{
    return ((const limit_conn_conf *)conf)->limits != NULL;
}

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

static const weir_name levels[] = {
    { "info", WEIR_LOG_INFO },
    { "notice", WEIR_LOG_NOTICE },
    { "warn", WEIR_LOG_WARN },
    { "error", WEIR_LOG_ERROR },
    { NULL, 0 },
};

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(limit_conn_conf, zones, "limit_conn_zone", WEIR_IN_HTTP, 2, 2, WEIR_D_MANY,
                    set_zone, "key and zone=NAME:SIZE of requests to be counted"),
    WEIR_OPT_CUSTOM(limit_conn_conf, limits, "limit_conn", WHERE, 2, 2, WEIR_D_MANY, set_limit,
                    "zone, and how many requests of a key may be under way"),
    WEIR_OPT(limit_conn_conf, dry_run, FLAG, "limit_conn_dry_run", WHERE, "off",
             "only log and count what would be refused"),
    WEIR_OPT_NAMES(limit_conn_conf, level, ENUM, "limit_conn_log_level", WHERE, "error",
                   "level of lines about refused requests", levels),
    WEIR_OPT(limit_conn_conf, status, INT, "limit_conn_status", WHERE, "503",
             "answer to refused requests"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_PREACCESS,
      .handler = limit_request,
      .wanted = wanted,
      .after = "realip" },
};

static const weir_variable variables[] = {
    { .name = "limit_conn_status", .flags = WEIR_VAR_LATER, .get = get_status },
};

static const weir_metric_def metrics[] = {
    { .name = "requests_total",
      .help = "requests under a limit, by what was decided",
      .handle = &requests,
      .type = WEIR_COUNTER,
      .n = 3,
      .label = "result",
      .values = outcomes },
};

WEIR_MODULE("limit_conn", "1.0", .summary = "bounds how many requests of a key are under way",
            .flags = WEIR_MODULE_STATE_STAYS,
            .conf_size = sizeof(limit_conn_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .variables = WEIR_ITEMS(variables),
            .metrics = WEIR_ITEMS(metrics), .check = check, .init = init,
            .worker_start = worker_start, .explain = explain);
