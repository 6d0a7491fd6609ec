/* cache/explain.c - for weir -M: what holds for requests of a location, resolved. */
#include "flow.h"

static void
say_zone(const struct family *f, enum weir_cache_family which, weir_explain *to)
{
    weir_explain_say(to, "%s_cache: %s%.*s, %s", family_names[which],
                     f->path != NULL ? "zone " : "the zone is known with a request",
                     WEIR_FMT(f->path != NULL ? f->path->zone : WEIR_STR("")),
                     f->lock ? "one fetch for all who wait" : "each fetches for itself");
    if (f->key->constant.data != NULL) {
        weir_explain_say(to, "key: \"%.*s\"", WEIR_FMT(f->key->constant));
    }
    if (f->min_uses > 1) {
        weir_explain_say(to, "stored from the %lldth request on", (long long)f->min_uses);
    }
}

/* "100m", as a configuration would say it. */
static weir_str
size_text(weir_pool *pool, uint64_t bytes)
{
    static const char units[] = "kmg";
    uint32_t i = 0;

    if (bytes == 0 || bytes % 1024 != 0) {
        return weir_print(pool, "%llu", (unsigned long long)bytes);
    }
    for (bytes /= 1024; bytes % 1024 == 0 && i < 2; i++) {
        bytes /= 1024;
    }
    return weir_print(pool, "%llu%c", (unsigned long long)bytes, units[i]);
}

static void
say_path(weir_request *r, const struct path *p, weir_explain *to)
{
    const struct store_options *o = &p->options;
    weir_str most = o->max_size != 0 ? size_text(r->pool, o->max_size) : WEIR_STR("no limit");

    weir_explain_say(to, "kept in \"%.*s\": memory %.*s, files %.*s, at least %.*s left free",
                     WEIR_FMT(o->path), WEIR_FMT(size_text(r->pool, o->memory)), WEIR_FMT(most),
                     WEIR_FMT(size_text(r->pool, o->min_free)));
    weir_explain_say(to, "what nobody asks for leaves after %llu s",
                     (unsigned long long)(o->inactive_ms / 1000));
}

/* Which requests, and which responses, are looked at differently. */
static void
say_exceptions(const cache_conf *c, const struct family *f, weir_explain *to)
{
    static const char *const of_cookies[] = {
        [COOKIES_NEVER] = "never",
        [COOKIES_EXPLICIT] = "when they say public or s-maxage",
        [COOKIES_ALWAYS] = "as others",
    };

    weir_explain_say(to, "methods: GET, HEAD%s%s", f->methods & WEIR_POST ? ", POST" : "",
                     f->convert_head ? "; a HEAD fetches the whole" : "");
    if (f->bypass.count != 0 || f->no_cache.count != 0) {
        weir_explain_say(to, "conditions: %u to pass the cache by, %u not to store",
                         (unsigned)f->bypass.count, (unsigned)f->no_cache.count);
    }
    if (f->max_range.written) {
        weir_explain_say(to, "ranges from byte %llu on pass the cache by",
                         (unsigned long long)f->max_range.bytes);
    }
    weir_explain_say(to, "responses with Set-Cookie are stored %s", of_cookies[c->cookies]);
    if (c->obey_request) {
        weir_explain_say(to, "Cache-Control of requests is obeyed");
    }
    for (uint32_t i = 0; i < c->policy.targets.count; i++) {
        weir_explain_say(to, "before Cache-Control: %.*s", WEIR_FMT(c->policy.targets.at[i]));
    }
}

static void
say_lifetimes(const cache_conf *c, const struct family *f, weir_explain *to)
{
    weir_explain_say(to, "lifetime: what the response says, by the rules of %s",
                     c->rules == RULES_RFC ? "RFC 9111" : "nginx");
    for (const struct valid *v = f->valid; v != NULL; v = v->next) {
        if (v->status != 0) {
            weir_explain_say(to, "else, of status %u: %llu s", (unsigned)v->status,
                             (unsigned long long)v->seconds);
        } else {
            weir_explain_say(to, "else: %llu s", (unsigned long long)v->seconds);
        }
    }
    if (c->heuristic.percent != 0) {
        weir_explain_say(to, "else: %u%% of the time since Last-Modified, at most %llu s",
                         (unsigned)c->heuristic.percent, (unsigned long long)c->heuristic.max_s);
    }
}

static void
say_stale(const struct family *f, weir_explain *to)
{
    weir_explain_say(to, "stale: %s, %s%s",
                     f->revalidate ? "asked about by its validators" : "fetched anew",
                     f->use_stale != 0 ? "used when use_stale or the response allows it"
                                       : "used when the response allows it",
                     f->background_update ? ", updated in the background" : "");
}

void
flow_explain(weir_request *r, enum weir_cache_family which, weir_explain *to)
{
    const cache_conf *c = weir_loc_conf(r);
    const struct family *f = &c->family[which];

    say_zone(f, which, to);
    if (f->path != NULL) {
        say_path(r, f->path, to);
    }
    say_exceptions(c, f, to);
    say_lifetimes(c, f, to);
    say_stale(f, to);
    if (f->partial != 0) {
        weir_explain_say(to, "parts: %s%s%s are kept",
                         f->partial & PARTIAL_CUT ? "what came of a response that broke off" : "",
                         f->partial == (PARTIAL_CUT | PARTIAL_RANGE) ? ", and " : "",
                         f->partial & PARTIAL_RANGE ? "ranges that clients ask for" : "");
    }
    if (c->purge != PURGE_OFF) {
        weir_explain_say(to, "PURGE %s", c->purge == PURGE_SOFT ? "makes stale" : "takes out");
    }
}
