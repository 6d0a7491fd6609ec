/* cache/purging.c - taking stored responses out: by the method PURGE where they are asked for, or
 * at an endpoint, under access rules. Answered with counts, once all is gone. */
#include "flow.h"
#include "list.h"
#include "tags.h"

enum { TARGETS_MAX = 16 };

/* A purge on its way: several matches, one after the other. */
struct purge {
    weir_request *r;
    struct store *store;
    struct store_match at[TARGETS_MAX];
    uint32_t count, next;
    uint64_t entries, bytes;
    bool soft;
    bool fleeting; /* a crash would undo it: the disk fails */
    weir_ticket *ticket;
};

static int
answer(weir_request *r, void *data)
{
    const struct purge *p = data;

    return weir_respond(r, p->fleeting ? 500 : 200, WEIR_STR("application/json"),
                        weir_print(r->pool, "{\"purged\":%llu,\"bytes\":%llu,\"soft\":%s}\n",
                                   (unsigned long long)p->entries, (unsigned long long)p->bytes,
                                   p->soft ? "true" : "false"));
}

static void purge_next(struct purge *p);

static void
purged(void *data, const struct store_purged *what)
{
    struct purge *p = data;

    p->entries += what->entries;
    p->bytes += what->bytes;
    p->fleeting |= !what->lasting;
    purge_next(p);
}

static void
purge_next(struct purge *p)
{
    if (p->next < p->count) {
        p->at[p->next].soft = p->soft;
        store_purge(p->store, p->r->pool, &p->at[p->next++], purged, p);
    } else {
        (void)weir_resume_with(p->ticket, answer, p);
    }
}

static int
run(struct purge *p)
{
    if (p->count == 0) {
        return answer(p->r, p);
    }
    p->ticket = weir_suspend(p->r, WEIR_NEVER, NULL, NULL);
    if (p->ticket == NULL) {
        return 500;
    }
    purge_next(p);
    return WEIR_AGAIN;
}

static bool
asks_soft(const weir_request *r)
{
    const weir_header *h = weir_in_find(r, WEIR_STR("Soft-Purge"));

    return h != NULL && !weir_str_eq(h->value, WEIR_STR("0"));
}

/* Are there variants of it, that a soft purge has to reach? A hard one need not: without the head
 * that names their fields nobody finds them. What is not in memory may have some. */
static bool
has_variants(struct purge *p, const struct store_key *key)
{
    struct store_object *o = NULL;

    switch (store_find(p->store, p->r->pool, key, &o)) {
    case STORE_HELD:
        return (store_object_meta(o)->flags & KEPT_VARY) != 0;
    case STORE_ON_DISK:
        return true;
    default:
        return false;
    }
}

static void
take_key(struct purge *p, const struct store_key *key)
{
    p->at[p->count++].key = key;
    if (p->soft && has_variants(p, key)) {
        p->at[p->count++].prefix = weir_print(p->r->pool, "%.*s\n", WEIR_FMT(key->text));
    }
}

/* ---- PURGE. ---- */

/* The fields that name tags, in the request. */
static void
take_tags(struct purge *p, const cache_conf *c)
{
    uint64_t tags[TARGETS_MAX];
    uint32_t n = tags_read(p->r->in_first, &c->tags, origin_of(p->r), tags, TARGETS_MAX);

    for (uint32_t i = 0; i < n; i++) {
        p->at[p->count++] = (struct store_match){ .tag = tags[i] };
    }
}

int
purge_request(struct caching *c)
{
    weir_request *r = c->r;
    struct purge *p = weir_zalloc(r->pool, sizeof(*p));
    weir_str key = c->primary.text;

    p->r = r;
    p->store = c->store;
    p->soft = c->conf->purge == PURGE_SOFT || asks_soft(r);
    take_tags(p, c->conf);
    if (p->count == 0 && key.data[key.len - 1] == '*') {
        p->at[p->count++].prefix = weir_dup(r->pool, weir_str_cut(key, 0, key.len - 1));
    } else if (p->count == 0) {
        take_key(p, &c->primary);
    }
    return run(p);
}

/* ---- The endpoint. ---- */

static int
hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* An argument, decoded; absent: it is not there. */
static weir_str
argument(weir_request *r, weir_str name)
{
    weir_str raw = weir_arg(r, name);
    char *to;
    size_t n = 0;

    if (raw.data == NULL) {
        return raw;
    }
    to = weir_alloc(r->pool, raw.len + 1);
    for (size_t i = 0; i < raw.len; i++) {
        int high = i + 2 < raw.len ? hex_value(raw.data[i + 1]) : -1;
        int low = i + 2 < raw.len ? hex_value(raw.data[i + 2]) : -1;
        if (raw.data[i] == '%' && high >= 0 && low >= 0) {
            to[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            to[n++] = raw.data[i];
        }
    }
    return (weir_str){ to, n };
}

static bool
take_arguments(struct purge *p)
{
    weir_request *r = p->r;
    weir_str key = argument(r, WEIR_STR("key")), prefix = argument(r, WEIR_STR("prefix"));
    weir_str tag = argument(r, WEIR_STR("tag")), group = argument(r, WEIR_STR("group"));
    weir_str origin = argument(r, WEIR_STR("origin")), all = argument(r, WEIR_STR("all"));
    struct store_key *k;

    if (key.len != 0) {
        k = weir_zalloc(r->pool, sizeof(*k));
        store_key_make(p->store, key, k);
        take_key(p, k);
    }
    if (prefix.len != 0) {
        p->at[p->count++].prefix = prefix;
    }
    if (tag.len != 0) {
        p->at[p->count++].tag = tag_hash((weir_str){ NULL, 0 }, tag);
    }
    if (group.len != 0) {
        p->at[p->count++].tag = tag_hash(origin.len != 0 ? origin : origin_of(r), group);
    }
    if (weir_str_eq(all, WEIR_STR("1"))) {
        p->at[p->count++].all = true;
    }
    return p->count != 0;
}

int
purge_endpoint(weir_request *r, const void *conf)
{
    const cache_conf *c = conf;
    const struct path *path = c->endpoint_path;
    struct purge *p;

    if (r->method != WEIR_POST && r->method != WEIR_DELETE &&
        !weir_str_eq(r->method_name, WEIR_STR("PURGE"))) {
        return weir_respond_method_not_allowed(r, WEIR_POST | WEIR_DELETE);
    }
    if (path == NULL) {
        path = conf_path(c, WEIR_CACHE_PROXY, weir_value_get(r, c->endpoint.name));
    }
    if (path == NULL || path->store == NULL) {
        return 404;
    }
    p = weir_zalloc(r->pool, sizeof(*p));
    p->r = r;
    p->store = path->store;
    p->soft = asks_soft(r) || weir_str_eq(weir_arg(r, WEIR_STR("soft")), WEIR_STR("1"));
    return take_arguments(p) ? run(p) : 400;
}
