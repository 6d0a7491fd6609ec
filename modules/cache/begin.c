/* cache/begin.c - a request comes to the cache: does it concern it, and under which key?
 *
 * In the hook of the module that fetches. A request with a body waits for it first, for the key may
 * be about it. Nothing is stored, or used, under a key that cannot tell a body from others.
 */
#include "flow.h"
#include "freshen.h"
#include "invalidate.h"
#include "list.h"
#include "vary.h"

/* ---- Whether. ---- */

/* Has the request been here before? [RFC 8586 2] */
static bool
is_loop(const struct caching *c)
{
    const weir_header *h =
        c->conf->loop.data == NULL ? NULL : weir_in_find(c->r, WEIR_STR("CDN-Loop"));

    for (; h != NULL; h = h->same) {
        weir_str rest = h->value, member;
        while (weir_list_next(&rest, &member)) {
            member = weir_str_trim(weir_str_cut(member, 0, weir_str_find(member, ';')));
            if (weir_str_ieq(member, c->conf->loop)) {
                return true;
            }
        }
    }
    return false;
}

/* Does the request ask for a part that begins behind max_range_offset? Such a part is not worth
 * fetching the whole for. */
static bool
begins_too_far(const struct caching *c)
{
    const weir_header *h = c->r->in[WEIR_H_RANGE];
    uint64_t from;
    weir_str text;

    if (h == NULL || !c->family->max_range.written ||
        !weir_str_starts(h->value, WEIR_STR("bytes="))) {
        return false;
    }
    text = weir_str_trim(weir_str_cut(h->value, 6, SIZE_MAX));
    text = weir_str_cut(text, 0, weir_str_find(text, '-'));
    return !number_read(text, INT64_MAX, &from) || from > c->family->max_range.bytes;
}

/* Does a client keep fields of its own from the origin, by naming them in Connection? They may be
 * in the key, or choose a variant: it would get, and leave for others, what was made without them.
 * [RFC 9110 7.6.1] */
static bool
hides_fields(weir_request *r)
{
    static const char *const usual[] = { "keep-alive", "close",          "upgrade", "te",
                                         "trailer",    "http2-settings", NULL };

    for (const weir_header *h = r->in[WEIR_H_CONNECTION]; h != NULL; h = h->same) {
        weir_str rest = h->value, member;
        while (weir_list_next(&rest, &member)) {
            if (!weir_str_is_among(member, usual) && weir_in_find(r, member) != NULL) {
                return true;
            }
        }
    }
    return false;
}

static void
read_wishes(struct caching *c)
{
    const weir_request *r = c->r;

    if (!c->conf->obey_request || c->update) {
        return;
    }
    control_read(&c->wanted, r->in[WEIR_H_CACHE_CONTROL]);
    if (r->in[WEIR_H_CACHE_CONTROL] == NULL && r->in[WEIR_H_PRAGMA] != NULL) {
        struct control pragma;
        control_read(&pragma, r->in[WEIR_H_PRAGMA]); /* [RFC 9111 5.4] */
        c->wanted.flags |= pragma.flags & CC_NO_CACHE;
    }
}

bool
flow_wanted(const weir_request *r, enum weir_cache_family which)
{
    const cache_conf *c = weir_loc_conf(r);

    return c->family[which].zone.name != NULL;
}

/* The key of r's URI. False: there is none, and so nothing is cached. */
static bool
make_key(struct caching *c)
{
    weir_str text = weir_value_get(c->r, c->family->key);

    if (text.len == 0 || text.len > INVALIDATE_KEY_MAX) {
        return false;
    }
    store_key_make(c->store, text, &c->primary);
    c->key = c->primary;
    return true;
}

/* The origin answers r, and r alone. */
static int
pass_by(struct caching *c)
{
    c->unsafe = c->primary.text.len != 0 && !invalidate_is_safe(c->r->method);
    c->outcome = OUTCOME_BYPASS;
    c->forward = FWD_BYPASS;
    c->alone = true;
    return WEIR_NEXT;
}

static int
open_cached(struct caching *c)
{
    int rc;

    read_wishes(c);
    if ((c->r->method & (WEIR_GET | WEIR_HEAD) && begins_too_far(c)) || hides_fields(c->r)) {
        return pass_by(c);
    }
    if (!c->update && c->family->bypass.count != 0 && conf_any(c->r, &c->family->bypass)) {
        c->outcome = OUTCOME_BYPASS;
        c->forward = FWD_BYPASS;
    }
    c->inside = true;
    rc = flow_look(c);
    c->inside = false;
    return rc;
}

static int
open_keyed(struct caching *c)
{
    weir_request *r = c->r;

    if (!make_key(c)) {
        c->alone = true;
        return WEIR_NEXT;
    }
    if (c->conf->purge != PURGE_OFF && weir_str_eq(r->method_name, WEIR_STR("PURGE"))) {
        return purge_request(c);
    }
    if ((r->method & c->family->methods) == 0) {
        c->unsafe = !invalidate_is_safe(r->method);
        c->forward = FWD_METHOD;
        c->alone = true;
        return WEIR_NEXT;
    }
    return open_cached(c);
}

/* ---- The variant. ---- */

/* r's fields as the origin sees them, as far as these names go. */
static const weir_header *
fields_sent(struct caching *c, weir_str names)
{
    weir_request *r = c->r;
    struct field_list list = { 0 };
    bool differs = false;
    weir_str name, value;

    while (c->by->sets != NULL && weir_list_next(&names, &name)) {
        if (c->by->sets(r, c->data, name, &value)) {
            differs = true;
            if (value.len != 0) {
                field_add(r->pool, &list, &(weir_header){ .name = name, .value = value });
            }
            continue;
        }
        for (const weir_header *h = r->in_first; h != NULL; h = h->next) {
            if (weir_str_ieq(h->name, name)) {
                field_add(r->pool, &list, h);
            }
        }
    }
    return differs ? list.first : r->in_first;
}

weir_str
flow_vary_key(struct caching *c)
{
    return vary_key(c->r->pool, c->primary.text, c->generation, c->names, fields_sent(c, c->names));
}

/* ---- The request's body, which a key may be about. ---- */

/* Does the key tell this body from others? Not if it lies in a file, for then $request_body is
 * empty. A GET's body may say more than its URI to some origins, so what they answer is nobody
 * else's. A POST's key is the operator's choice. */
static bool
tells_apart(const struct caching *c, weir_str key_before, const weir_chain *body)
{
    size_t length = weir_chain_len(body);

    if (length == 0) {
        return true;
    }
    if (weir_value_get(c->r, c->conf->body).len != length) {
        return false;
    }
    return c->r->method == WEIR_POST || c->conf->rules == RULES_NGINX ||
           !weir_str_eq(key_before, weir_value_get(c->r, c->family->key));
}

/* The key is no use but to say what r makes invalid. */
static int
pass_by_unkeyed(struct caching *c)
{
    (void)make_key(c);
    return pass_by(c);
}

static int
body_came(weir_request *r, void *data, int result, weir_chain *body)
{
    struct caching *c = data;
    int rc;

    if (result != WEIR_OK) {
        return weir_body_status(result);
    }
    rc = tells_apart(c, c->key.text, body) ? open_keyed(c) : pass_by_unkeyed(c);
    return rc == WEIR_NEXT ? c->by->fetch(r, c->data) : rc;
}

static bool
waits_for_body(const struct caching *c)
{
    return (c->r->method & c->family->methods) != 0 && (c->r->flags & WEIR_R_HAS_BODY) != 0;
}

static int
read_body(struct caching *c)
{
    int rc;

    if (c->r->method != WEIR_POST) { /* for later: as the key is without the body */
        c->key.text = weir_value_get(c->r, c->family->key);
    }
    rc = weir_read_body(c->r, 0, body_came, c);
    return rc == WEIR_ERROR ? pass_by_unkeyed(c) : rc; /* somebody has had it: what is it about? */
}

int
flow_open(weir_request *r, enum weir_cache_family which, const weir_cache_source *by, void *data)
{
    const cache_conf *conf = weir_loc_conf(r);
    struct store *store = conf_store(r, conf, which);
    struct caching *c;

    if (store == NULL || weir_ctx(r) != NULL || r->method == WEIR_CONNECT) {
        return WEIR_NEXT;
    }
    c = weir_ctx_make(r, sizeof(*c));
    c->r = r;
    c->conf = conf;
    c->family = &conf->family[which];
    c->store = store;
    c->by = by;
    c->data = data;
    c->update = update_is(r);
    if (is_loop(c)) {
        weir_say(r->log, ERROR, "the request has been here before (CDN-Loop)");
        return 508;
    }
    return waits_for_body(c) ? read_body(c) : open_keyed(c);
}
