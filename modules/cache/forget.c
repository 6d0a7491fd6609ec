/* cache/forget.c - what the answer to an unsafe request makes invalid. [RFC 9111 4.4; RFC 9875 3]
 */
#include "flow.h"
#include "invalidate.h"
#include "list.h"
#include "tags.h"

weir_str
origin_of(weir_request *r)
{
    const weir_header *host = r->in[WEIR_H_HOST];
    weir_str scheme = r->flags & WEIR_R_TLS ? WEIR_STR("https://") : WEIR_STR("http://");
    weir_text t = weir_text_begin(r->pool, 64, UINT32_MAX);

    weir_text_add(&t, scheme);
    weir_text_add(&t, host != NULL ? host->value : r->host);
    return weir_text_view(&t);
}

/* Path and query as the client sent them. */
static weir_str
flow_target(weir_request *r)
{
    weir_str rest = r->target;
    size_t slash;

    if (rest.len != 0 && rest.data[0] == '/') {
        return rest;
    }
    slash = weir_str_find(rest, ':');
    rest = weir_str_cut(rest, slash + 3 < rest.len ? slash + 3 : rest.len, SIZE_MAX);
    rest = weir_str_cut(rest, weir_str_find(rest, '/'), SIZE_MAX);
    return rest.len != 0 ? rest : WEIR_STR("/");
}

/* Path and query of the URI that a field of a reply names, if it is one of this origin; absent: it
 * is not. */
static weir_str
named(weir_request *r, const weir_header *h)
{
    const weir_header *host = r->in[WEIR_H_HOST];

    return invalidate_target(r->pool, h->value, (r->flags & WEIR_R_TLS) != 0,
                             host != NULL ? host->value : r->host, flow_target(r));
}

bool
names_target(weir_request *r, const weir_header *h)
{
    weir_str target = h != NULL && h->same == NULL ? named(r, h) : (weir_str){ NULL, 0 };

    return target.data != NULL && weir_str_eq(target, flow_target(r));
}

static void
forget_named(struct caching *c, const weir_header *h, bool spare)
{
    weir_request *r = c->r;
    weir_str target, text;
    struct store_key key;

    if (h == NULL) {
        return;
    }
    target = named(r, h);
    if (target.data == NULL) {
        return;
    }
    text = invalidate_key(r->pool, c->primary.text, flow_target(r), target);
    if (text.data != NULL && !(spare && weir_str_eq(text, c->primary.text))) {
        store_key_make(c->store, text, &key);
        (void)store_remove(c->store, &key);
    }
}

/* A purge goes on when its request has gone: it has memory of its own. */
static void
end_pool(void *pool)
{
    weir_pool_end(pool);
}

static void
purged(void *pool, const struct store_purged *what)
{
    (void)what;
    (void)weir_post(end_pool, pool);
}

static void
forget_group(struct store *store, uint64_t group)
{
    weir_pool *pool = weir_pool_new(NULL);
    struct store_match m = { .tag = group };

    store_purge(store, pool, &m, purged, pool);
}

void
forget(struct caching *c, const weir_reply *reply, bool spare)
{
    uint64_t groups[STORE_TAGS_MAX];
    uint32_t n;

    if (reply->status < 200 || reply->status >= 400 || c->conf->rules == RULES_NGINX) {
        return;
    }
    if (!spare) {
        (void)store_remove(c->store, &c->primary);
    }
    forget_named(c, reply->at[WEIR_H_LOCATION], spare);
    forget_named(c, reply->at[WEIR_H_CONTENT_LOCATION], spare);
    n = tags_read_invalidation(reply->first, origin_of(c->r), groups, STORE_TAGS_MAX);
    for (uint32_t i = 0; i < n; i++) {
        forget_group(c->store, groups[i]);
    }
}
