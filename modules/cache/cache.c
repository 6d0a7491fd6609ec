/* cache - keeps responses of other servers and answers from them: proxy_cache and what belongs to
 * it.
 *
 * Here are the tables, and the door for the modules that fetch (<weir/cache.h>); flow.h says which
 * file does what, policy.h what the RFC says, store.h where responses lie.
 */
#include "flow.h"
#include "series.h"

weir_metric *cache_outcomes;

/* ---- Hooks. ---- */

static bool
wants_endpoint(const void *conf)
{
    return ((const cache_conf *)conf)->endpoint.name != NULL;
}

static bool
wants_status(const void *conf)
{
    return ((const cache_conf *)conf)->says_status;
}

/* Cache-Status: ours comes last, for it is nearest to the client. [RFC 9211 2] */
static int
add_status(weir_request *r, const void *conf)
{
    const cache_conf *cc = conf;
    struct caching *c = weir_ctx(r);
    struct status_member m = { .cache = cc->status };
    bool hit;

    if (c == NULL || (c->outcome == OUTCOME_NONE && c->forward == FWD_NONE)) {
        return WEIR_DONE;
    }
    hit =
        c->outcome == OUTCOME_HIT || c->outcome == OUTCOME_STALE || c->outcome == OUTCOME_UPDATING;
    m.forward = hit ? FWD_NONE : (enum forward)c->forward;
    m.forward_status = hit ? 0 : c->reply_status;
    m.key = c->primary.text;
    m.stored = c->stored;
    m.collapsed = c->collapsed;
    if (c->object != NULL && (hit || c->outcome == OUTCOME_REVALIDATED)) {
        struct kept k = kept_of(store_object_meta(c->object));
        m.ttl = policy_ttl(&k, flow_now());
        m.has_ttl = hit;
    }
    (void)weir_out_add(r, WEIR_STR("Cache-Status"), status_member_text(r->pool, &m));
    return WEIR_DONE;
}

static int
start(const void *conf)
{
    series_start(conf);
    return cache_start(conf);
}

/* ---- Tables. ---- */

static const weir_name rules[] = { { "rfc9111", RULES_RFC },
                                   { "nginx", RULES_NGINX },
                                   { NULL, 0 } };

static const weir_name cookies[] = { { "off", COOKIES_NEVER },
                                     { "explicit", COOKIES_EXPLICIT },
                                     { "on", COOKIES_ALWAYS },
                                     { NULL, 0 } };

static const weir_name purges[] = {
    { "off", PURGE_OFF }, { "on", PURGE_ON }, { "soft", PURGE_SOFT }, { NULL, 0 }
};

static const weir_name methods[] = {
    { "GET", WEIR_GET }, { "HEAD", WEIR_HEAD }, { "POST", WEIR_POST }, { NULL, 0 }
};

static const weir_name stale[] = { { "error", STALE_ERROR },
                                   { "timeout", STALE_TIMEOUT },
                                   { "invalid_header", STALE_INVALID_HEADER },
                                   { "updating", STALE_UPDATING },
                                   { "http_500", STALE_500 },
                                   { "http_502", STALE_502 },
                                   { "http_503", STALE_503 },
                                   { "http_504", STALE_504 },
                                   { "http_403", STALE_403 },
                                   { "http_404", STALE_404 },
                                   { "http_429", STALE_429 },
                                   { "off", 0 },
                                   { NULL, 0 } };

static const weir_name partial[] = {
    { "cut", PARTIAL_CUT }, { "range", PARTIAL_RANGE }, { "off", 0 }, { NULL, 0 }
};

enum { BLOCKS = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

/* A typed row with all that one may have. */
#define ROW(f_, X, name_, preset_, compat_, names_, help_)                                         \
    {                                                                                              \
        .name = name_, .help = help_, .preset = preset_, .where = BLOCKS, .type = WEIR_T_##X,      \
        WEIR_FIELD_(cache_conf, f_, X), .names = names_, .compat = compat_                         \
    }
#define OWN(f_, name_, where_, min_, max_, flags_, set_, help_)                                    \
    WEIR_OPT_CUSTOM(cache_conf, f_, name_, where_, min_, max_, flags_, set_, help_)

/* The rows of one family of directives: P is its prefix, F its place. */
#define FAMILY(P, F)                                                                               \
    OWN(family[F].paths, P "_cache_path", WEIR_IN_HTTP, 2, 0, WEIR_D_MANY, set_path,               \
        "folder, memory and limits of a cache"),                                                   \
        OWN(family[F].zone, P "_cache", BLOCKS, 1, 1, 0, set_zone,                                 \
            "cache responses in this zone, or off"),                                               \
        ROW(family[F].key, VALUE, P "_cache_key", NULL, NULL, NULL,                                \
            "what responses are kept under"),                                                      \
        OWN(family[F].valid, P "_cache_valid", BLOCKS, 1, 0, WEIR_D_MANY, set_valid,               \
            "lifetime, by status, of responses that say nothing of it"),                           \
        ROW(family[F].methods, BITS, P "_cache_methods", "GET HEAD", NULL, methods,                \
            "methods whose responses are cached"),                                                 \
        ROW(family[F].min_uses, INT, P "_cache_min_uses", "1", NULL, NULL,                         \
            "requests after which a response is stored"),                                          \
        OWN(family[F].bypass, P "_cache_bypass", BLOCKS, 1, 0, 0, weir_set_values,                 \
            "do not answer from the cache if one of these is neither empty nor 0"),                \
        OWN(family[F].no_cache, P "_no_cache", BLOCKS, 1, 0, 0, weir_set_values,                   \
            "do not store a response if one of these is neither empty nor 0"),                     \
        ROW(family[F].lock, FLAG, P "_cache_lock", "on", "off", NULL,                              \
            "requests for one response wait for one fetch"),                                       \
        ROW(family[F].lock_age_ms, MSEC, P "_cache_lock_age", "5s", NULL, NULL,                    \
            "after this time one that waits fetches, too"),                                        \
        ROW(family[F].lock_timeout_ms, MSEC, P "_cache_lock_timeout", "5s", NULL, NULL,            \
            "longest wait for another's fetch"),                                                   \
        ROW(family[F].use_stale, BITS, P "_cache_use_stale", "error timeout", "off", stale,        \
            "when a stale response is used, unless it says that it must not be"),                  \
        ROW(family[F].background_update, FLAG, P "_cache_background_update", "on", "off", NULL,    \
            "bring a stale response up to date after it was used"),                                \
        ROW(family[F].revalidate, FLAG, P "_cache_revalidate", "on", "off", NULL,                  \
            "ask the origin whether a stale response still holds"),                                \
        ROW(family[F].convert_head, FLAG, P "_cache_convert_head", "on", NULL, NULL,               \
            "fetch by GET what a HEAD asks for"),                                                  \
        OWN(family[F].max_range, P "_cache_max_range_offset", BLOCKS, 1, 1, 0, set_offset,         \
            "a range that begins behind it is passed on to the origin"),                           \
        ROW(family[F].partial, BITS, P "_cache_partial", "cut", "off", partial,                    \
            "parts of responses that are kept, and put together with what comes later")

static const weir_directive directives[] = {
    FAMILY("proxy", WEIR_CACHE_PROXY),
    FAMILY("fastcgi", WEIR_CACHE_FASTCGI),
    FAMILY("uwsgi", WEIR_CACHE_UWSGI),
    FAMILY("scgi", WEIR_CACHE_SCGI),
    ROW(rules, ENUM, "cache_rules", "rfc9111", "nginx", rules,
        "what decides whether a response is stored and used: RFC 9111, or nginx's looser rules"),
    ROW(cookies, ENUM, "cache_set_cookie", "explicit", "off", cookies,
        "store responses with Set-Cookie: never, when they say public or s-maxage, always"),
    OWN(heuristic, "cache_heuristic", BLOCKS, 1, 2, 0, set_heuristic,
        "lifetime of responses that say nothing of it: so much of the time since they changed"),
    ROW(obey_request, FLAG, "cache_obey_request", "off", NULL, NULL,
        "obey Cache-Control of requests"),
    ROW(targets, STRS, "cache_targets", "CDN-Cache-Control Surrogate-Control", "off", NULL,
        "fields of responses that take the place of Cache-Control"),
    ROW(surrogate, STR, "cache_surrogate", "weir", NULL, NULL,
        "our name as a surrogate: told to origins, that they can say what is for us alone"),
    ROW(tags, STRS, "cache_tags", "Cache-Tag Surrogate-Key", NULL, NULL,
        "fields of responses that name tags to purge them by"),
    ROW(status, STR, "cache_status", "off", NULL, NULL,
        "say in Cache-Status what became of a request: on, or the name of this cache"),
    ROW(loop, STR, "cache_cdn_loop", "off", NULL, NULL,
        "our name in CDN-Loop; a request that has it is refused"),
    ROW(purge, ENUM, "cache_purge", "off", NULL, purges,
        "let the method PURGE take out what is stored, or make it stale"),
    OWN(endpoint, "cache_purge_endpoint", WEIR_IN_LOCATION, 1, 1, WEIR_D_CONTENT, set_zone,
        "purge responses of this zone by key, prefix, tag or group"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT,
      .rank = WEIR_RANK_EARLY,
      .handler = purge_endpoint,
      .wanted = wants_endpoint },
    { .phase = WEIR_PHASE_HEADERS,
      .rank = WEIR_RANK_LATE,
      .handler = add_status,
      .wanted = wants_status },
};

static const weir_variable variables[] = {
    { .name = "upstream_cache_status", .flags = WEIR_VAR_FRESH, .get = var_status },
    { .name = "upstream_cache_last_modified", .flags = WEIR_VAR_FRESH, .get = var_last_modified },
    { .name = "upstream_cache_etag", .flags = WEIR_VAR_FRESH, .get = var_etag },
    { .name = "cache_key", .flags = WEIR_VAR_FRESH, .get = var_key },
    { .name = "cache_age", .flags = WEIR_VAR_FRESH, .get = var_age },
    { .name = "cache_ttl", .flags = WEIR_VAR_FRESH, .get = var_ttl },
};

static const weir_metric_def metrics[] = {
    { .name = "requests_total",
      .help = "requests answered through the cache, by what became of them",
      .handle = &cache_outcomes,
      .type = WEIR_COUNTER,
      .n = OUTCOMES,
      .label = "status",
      .values = outcome_names },
};

static const weir_cache door = { .size = sizeof(door),
                                 .wanted = flow_wanted,
                                 .open = flow_open,
                                 .request = flow_request,
                                 .reply = flow_reply,
                                 .leave = flow_leave,
                                 .refuse = flow_refuse,
                                 .keep = flow_keep,
                                 .readable = flow_readable,
                                 .failed = flow_failed,
                                 .answer = flow_answer,
                                 .explain = flow_explain };

static const weir_interface interfaces[] = { { WEIR_CACHE_ID, &door },
                                             { WEIR_SERIES, &series_source } };

WEIR_MODULE("cache", "1.0", .summary = "keeps responses of other servers and answers from them",
            .conf_size = sizeof(cache_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .variables = WEIR_ITEMS(variables),
            .metrics = WEIR_ITEMS(metrics), .interfaces = WEIR_ITEMS(interfaces),
            .check = cache_check, .worker_start = start, .worker_stop = cache_stop);
