/* limit_req - holds the requests of a key to a rate: limit_req_zone, limit_req and what goes with
 * them.
 *
 * A hook before access control. A request passes when no limit of its location minds, waits when it
 * comes too early, or is refused; one that is refused by any limit is counted by none.
 */
#include "store.h"

enum { RATE_MAX = 1000000, BURST_MAX = 1000000 };

/* A zone with what it counts. */
struct zone {
    struct zone *next;
    weir_str name;
    weir_value *key;
    uint64_t rate; /* thousandths of requests a second */
    weir_map *buckets;
};

/* One limit_req of a block. */
struct limit {
    struct limit *next;
    weir_str name;
    const struct zone *zone; /* check() finds it */
    uint64_t burst, free;    /* thousandths: the excess that is taken, and that is not delayed */
};

typedef struct {
    struct zone *zones; /* those of the http block */
    struct limit *limits;
    bool dry_run;
    uint32_t level;
    int64_t status;
} limit_req_conf;

enum outcome { PASSED, DELAYED, REJECTED, DELAYED_DRY_RUN, REJECTED_DRY_RUN };

static const char *const outcomes[] = { "passed", "delayed", "rejected", "delayed_dry_run",
                                        "rejected_dry_run" };
static weir_metric *requests;

/* What was decided for a request: from 1, so that none is told from PASSED. */
typedef struct {
    uint32_t outcome_plus_1;
    weir_ticket *ticket;
} limit_req_state;

/* ---- A request. ---- */

/* In nginx's words, which are not quite the same for both. */
static void
say(const weir_request *r, uint32_t level, bool delayed, uint64_t excess, const struct limit *l,
    bool dry_run)
{
    if (level <= r->log->level) {
        weir_log_line(r->log, level, "%s%s, excess: %llu.%03llu%s by zone \"%.*s\"",
                      delayed ? "delaying request" : "limiting requests",
                      dry_run ? ", dry run" : "", (unsigned long long)(excess / BUCKET_REQUEST),
                      (unsigned long long)(excess % BUCKET_REQUEST), delayed ? "," : "",
                      WEIR_FMT(l->name));
    }
}

/* Does l have a say in this request? An empty key is not limited; a long one is a mistake of the
 * configuration. */
static bool
key_of(weir_request *r, const struct limit *l, weir_str *key)
{
    *key = weir_value_get(r, l->zone->key);
    if (key->len > UINT16_MAX - 1) {
        weir_say(r->log, ERROR, "the value of the \"%.*s\" zone's key is more than 65534 bytes",
                 WEIR_FMT(l->name));
        return false;
    }
    return key->len != 0;
}

/* The first limit that refuses r; NULL: none. */
static const struct limit *
refusing(weir_request *r, const limit_req_conf *c, uint64_t now, uint64_t *excess)
{
    weir_str key;

    for (const struct limit *l = c->limits; l != NULL; l = l->next) {
        if (key_of(r, l, &key)) {
            *excess = store_zone.look(l->zone->buckets, key, l->zone->rate, now);
            if (*excess > l->burst) {
                return l;
            }
        }
    }
    return NULL;
}

/* Count r everywhere; how long it has to wait, and for which limit. Another worker may have been
 * quicker: what is too much by now waits as the most that is taken does. */
static uint64_t
count(weir_request *r, const limit_req_conf *c, uint64_t now, const struct limit **slowest,
      uint64_t *excess, bool *counted)
{
    uint64_t longest = 0;
    weir_str key;

    *counted = false;

    for (const struct limit *l = c->limits; l != NULL; l = l->next) {
        if (!key_of(r, l, &key)) {
            continue;
        }
        *counted = true;
        uint64_t e = store_zone.count(l->zone->buckets, key, l->zone->rate, now, l->burst);
        uint64_t wait = bucket_wait_ms(e < l->burst ? e : l->burst, l->free, l->zone->rate);
        if (wait > longest) {
            longest = wait;
            *slowest = l;
            *excess = e;
        }
    }
    return longest;
}

static void
decide(weir_request *r, enum outcome outcome)
{
    limit_req_state *st = weir_ctx_make(r, sizeof(*st));

    st->outcome_plus_1 = outcome + 1;
    weir_count_at(requests, outcome, 1);
}

static void
waited(void *data)
{
    (void)weir_resume(((limit_req_state *)data)->ticket, WEIR_NEXT);
}

static int
wait_for(weir_request *r, uint64_t ms)
{
    limit_req_state *st = weir_ctx(r);

    st->ticket = weir_suspend(r, ms + 60 * 1000, NULL, NULL);
    (void)weir_timer_start(r->pool, ms, waited, st);
    return WEIR_AGAIN;
}

static int
limit_request(weir_request *r, const void *conf)
{
    const limit_req_conf *c = conf;
    const limit_req_state *st = weir_ctx(r);
    uint64_t now = weir_now(), excess = 0, wait;
    const struct limit *l;
    bool counted;

    if (st != NULL) { /* decided already, before an internal redirect */
        return WEIR_NEXT;
    }
    l = refusing(r, c, now, &excess);
    if (l != NULL) {
        say(r, c->level, false, excess, l, c->dry_run);
        decide(r, c->dry_run ? REJECTED_DRY_RUN : REJECTED);
        return c->dry_run ? WEIR_NEXT : (int)c->status;
    }
    wait = count(r, c, now, &l, &excess, &counted);
    if (wait == 0) {
        if (counted) {
            decide(r, PASSED);
        }
        return WEIR_NEXT;
    }
    say(r, c->level + 1, true, excess, l, c->dry_run);
    decide(r, c->dry_run ? DELAYED_DRY_RUN : DELAYED);
    return c->dry_run ? WEIR_NEXT : wait_for(r, wait);
}

/* The key as people can read it. */
static weir_str
readable(weir_request *r, weir_str key)
{
    return weir_str_eq(key, weir_client_addr_bytes(r)) ? weir_client_addr(r, NULL) : key;
}

/* For weir -M: what is counted, and how; how much was counted so far only a worker knows. */
static void
explain_limit(weir_request *r, const limit_req_conf *c, const struct limit *l, weir_explain *to)
{
    weir_str key = weir_value_get(r, l->zone->key), unknown = weir_explain_unknown(to);
    const char *delay = l->free >= l->burst ? ", none delayed" : ", delayed";

    if (unknown.data != NULL) {
        weir_explain_say(to, "zone \"%.*s\": the key is unknown: depends on $%.*s",
                         WEIR_FMT(l->name), WEIR_FMT(unknown));
    } else if (key.len == 0) {
        weir_explain_say(to, "zone \"%.*s\": the key is empty, there is no limit",
                         WEIR_FMT(l->name));
        return;
    } else {
        weir_explain_say(to, "zone \"%.*s\": the key is \"%.*s\"", WEIR_FMT(l->name),
                         WEIR_FMT(readable(r, key)));
    }
    weir_explain_say(to, "  %llu.%03llu requests a second, %llu more at once%s; then %s%u",
                     (unsigned long long)(l->zone->rate / BUCKET_REQUEST),
                     (unsigned long long)(l->zone->rate % BUCKET_REQUEST),
                     (unsigned long long)(l->burst / BUCKET_REQUEST), l->burst != 0 ? delay : "",
                     c->dry_run ? "only a line in the log instead of " : "", (unsigned)c->status);
}

static void
explain(weir_request *r, const void *conf, uint32_t phase, weir_explain *to)
{
    const limit_req_conf *c = conf;

    (void)phase;
    for (const struct limit *l = c->limits; l != NULL; l = l->next) {
        explain_limit(r, c, l, to);
    }
}

static weir_str
get_status(weir_request *r, const void *conf, weir_str name)
{
    static const char *const names[] = { "PASSED", "DELAYED", "REJECTED", "DELAYED_DRY_RUN",
                                         "REJECTED_DRY_RUN" };
    const limit_req_state *st = weir_ctx(r->main);
    weir_str none = { NULL, 0 };

    (void)conf;
    (void)name;
    return st != NULL ? weir_str_c(names[st->outcome_plus_1 - 1]) : none;
}

/* ---- Configuration. ---- */

/* Digits, from 1 to max. */
static bool
parse_number(weir_str text, uint64_t max, uint64_t *n)
{
    return weir_parse_number(text, max, n) && *n != 0;
}

/* "10r/s", "30r/m"; a bare number is of requests a second. */
static bool
parse_rate(weir_str text, uint64_t *rate)
{
    bool minute = weir_str_ends(text, WEIR_STR("r/m"));
    bool second = weir_str_ends(text, WEIR_STR("r/s"));
    uint64_t n;

    if (minute || second) {
        text.len -= 3;
    }
    if (!parse_number(text, RATE_MAX, &n)) {
        return false;
    }
    *rate = minute ? n * BUCKET_REQUEST / 60 : n * BUCKET_REQUEST;
    return true;
}

static const struct zone *
find_zone(const struct zone *z, weir_str name)
{
    while (z != NULL && !weir_str_eq(z->name, name)) {
        z = z->next;
    }
    return z;
}

static int
make_zone(weir_conf *cf, struct zone **zones, struct zone *z, weir_str text)
{
    weir_zone *memory;

    if (text.data == NULL || z->rate == 0) {
        return weir_conf_error(cf, "\"limit_req_zone\" must have \"%s\" parameter",
                               text.data == NULL ? "zone" : "rate");
    }
    z->name = weir_str_cut(text, 0, weir_str_find(text, ':'));
    if (find_zone(*zones, z->name) != NULL) {
        return weir_conf_error(cf, "limit_req_zone \"%.*s\" is already bound to key",
                               WEIR_FMT(z->name));
    }
    z->key = weir_value_compile(cf, weir_conf_arg(cf, 1));
    memory = z->key != NULL ? weir_zone_find(cf, text) : NULL;
    z->buckets = memory != NULL ? store_zone_claim(cf, memory) : NULL;
    z->next = *zones;
    *zones = z;
    return z->buckets != NULL ? WEIR_OK : WEIR_ERROR;
}

static int
set_zone(weir_conf *cf, const weir_directive *d, void *field)
{
    struct zone *z = weir_zalloc(weir_conf_pool(cf), sizeof(*z));
    weir_str value, text = { NULL, 0 };

    (void)d;
    for (uint32_t i = 2; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);
        if (weir_str_after(word, WEIR_STR("zone="), &text)) {
            continue;
        }
        if (weir_str_after(word, WEIR_STR("rate="), &value)) {
            if (!parse_rate(value, &z->rate)) {
                return weir_conf_invalid(cf, i, "rate");
            }
            z->rate = z->rate != 0 ? z->rate : 1;
        } else if (!weir_str_eq(word, WEIR_STR("sync"))) {
            return weir_conf_invalid(cf, i, "parameter");
        }
    }
    return make_zone(cf, field, z, text);
}

/* One of burst=, delay=, nodelay. */
static bool
set_parameter(struct limit *l, weir_str word)
{
    weir_str value;
    uint64_t n;

    if (weir_str_after(word, WEIR_STR("burst="), &value)) {
        if (!parse_number(value, BURST_MAX, &n)) {
            return false;
        }
        l->burst = n * BUCKET_REQUEST;
        return true;
    }
    if (weir_str_after(word, WEIR_STR("delay="), &value)) {
        if (!parse_number(value, BURST_MAX, &n)) {
            return false;
        }
        l->free = n * BUCKET_REQUEST;
        return true;
    }
    l->free = UINT64_MAX;
    return weir_str_eq(word, WEIR_STR("nodelay"));
}

static int
set_limit(weir_conf *cf, const weir_directive *d, void *field)
{
    struct limit **at = field, *l = weir_zalloc(weir_conf_pool(cf), sizeof(*l));
    weir_str text;

    (void)d;
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);
        if (weir_str_after(word, WEIR_STR("zone="), &text)) {
            l->name = text;
        } else if (!set_parameter(l, word)) {
            return weir_conf_invalid(cf, i, "parameter");
        }
    }
    if (l->name.len == 0) {
        return weir_conf_error(cf, "\"limit_req\" must have \"zone\" parameter");
    }
    for (; *at != NULL; at = &(*at)->next) {
        if (weir_str_eq((*at)->name, l->name)) {
            return weir_conf_error(cf, "\"limit_req\" directive is duplicate");
        }
    }
    *at = l;
    return WEIR_OK;
}

static int
check(weir_conf *cf, void *conf)
{
    limit_req_conf *c = conf;

    if (c->status < 400 || c->status > 599) {
        return weir_conf_error(cf, "value must be between 400 and 599");
    }
    for (struct limit *l = c->limits; l != NULL; l = l->next) {
        l->zone = find_zone(c->zones, l->name);
        if (l->zone == NULL) {
            return weir_conf_error(cf, "unknown limit_req_zone \"%.*s\"", WEIR_FMT(l->name));
        }
    }
    return WEIR_OK;
}

static bool
wanted(const void *conf)
{
    return ((const limit_req_conf *)conf)->limits != NULL;
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
    WEIR_OPT_CUSTOM(limit_req_conf, zones, "limit_req_zone", WEIR_IN_HTTP, 3, 4, WEIR_D_MANY,
                    set_zone, "key, zone=NAME:SIZE and rate=N(r/s|r/m) of requests to be limited"),
    WEIR_OPT_CUSTOM(limit_req_conf, limits, "limit_req", WHERE, 1, 3, WEIR_D_MANY, set_limit,
                    "zone=NAME and how many requests may be early: burst=N, delay=N or nodelay"),
    WEIR_OPT(limit_req_conf, dry_run, FLAG, "limit_req_dry_run", WHERE, "off",
             "only log and count what would be limited"),
    WEIR_OPT_NAMES(limit_req_conf, level, ENUM, "limit_req_log_level", WHERE, "error",
                   "level of lines about refused requests; those about delayed ones are one lower",
                   levels),
    WEIR_OPT(limit_req_conf, status, INT, "limit_req_status", WHERE, "503",
             "answer to refused requests"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_PREACCESS,
      .handler = limit_request,
      .wanted = wanted,
      .after = "realip limit_conn" },
};

static const weir_variable variables[] = {
    { .name = "limit_req_status", .flags = WEIR_VAR_LATER, .get = get_status },
};

static const weir_metric_def metrics[] = {
    { .name = "requests_total",
      .help = "requests under a limit, by what was decided",
      .handle = &requests,
      .type = WEIR_COUNTER,
      .n = 5,
      .label = "result",
      .values = outcomes },
};

WEIR_MODULE("limit_req", "1.0", .summary = "holds the requests of a key to a rate",
            .flags = WEIR_MODULE_STATE_STAYS,
            .conf_size = sizeof(limit_req_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .variables = WEIR_ITEMS(variables),
            .metrics = WEIR_ITEMS(metrics), .check = check, .explain = explain);
