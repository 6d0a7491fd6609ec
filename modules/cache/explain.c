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
