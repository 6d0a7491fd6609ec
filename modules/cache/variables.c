/* cache/variables.c - $upstream_cache_*, $cache_*: what became of a request here. */
#include "flow.h"

const char *const outcome_names[OUTCOMES] = { "NONE",  "MISS",     "BYPASS",      "EXPIRED",
                                              "STALE", "UPDATING", "REVALIDATED", "HIT" };

static const weir_str none = { NULL, 0 };

weir_str
var_status(weir_request *r, const void *conf, weir_str name)
{
    const struct caching *c = weir_ctx(r);

    (void)conf;
    (void)name;
    if (c == NULL) { /* before a redirect, or in the requests of parts */
        return weir_upstream_cache_status(r);
    }
    return c->outcome == OUTCOME_NONE ? none : weir_str_c(outcome_names[c->outcome]);
}

/* The head of what is stored: NULL where nothing was found. */
static const struct store_meta *
stored(const struct caching *c)
{
    return c == NULL ? NULL
           : c->object != NULL && (store_object_meta(c->object)->flags & KEPT_VARY) == 0
               ? store_object_meta(c->object)
               : NULL;
}

static weir_str
field_of(const weir_request *r, uint32_t id)
{
    const struct store_meta *m = stored(weir_ctx(r));

    for (const weir_header *h = m != NULL ? m->fields : NULL; h != NULL; h = h->next) {
        if (h->id == id) {
            return h->value;
        }
    }
    return none;
}

weir_str
var_last_modified(weir_request *r, const void *conf, weir_str name)
{
    (void)conf;
    (void)name;
    return field_of(r, WEIR_H_LAST_MODIFIED);
}

weir_str
var_etag(weir_request *r, const void *conf, weir_str name)
{
    (void)conf;
    (void)name;
    return field_of(r, WEIR_H_ETAG);
}

weir_str
var_key(weir_request *r, const void *conf, weir_str name)
{
    const struct caching *c = weir_ctx(r);

    (void)conf;
    (void)name;
    return c != NULL ? c->primary.text : none;
}

weir_str
var_age(weir_request *r, const void *conf, weir_str name)
{
    const struct store_meta *m = stored(weir_ctx(r));
    struct kept k;

    (void)conf;
    (void)name;
    if (m == NULL) {
        return none;
    }
    k = kept_of(m);
    return weir_print(r->pool, "%llu", (unsigned long long)policy_age(&k, flow_now()));
}

weir_str
var_ttl(weir_request *r, const void *conf, weir_str name)
{
    const struct store_meta *m = stored(weir_ctx(r));
    struct kept k;

    (void)conf;
    (void)name;
    if (m == NULL) {
        return none;
    }
    k = kept_of(m);
    return weir_print(r->pool, "%lld", (long long)policy_ttl(&k, flow_now()));
}
