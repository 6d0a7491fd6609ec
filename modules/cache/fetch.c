/* cache/fetch.c - what the request to the origin has to differ in, and what its reply is good for.
 *
 * A reply is passed on as without a cache, or kept (fill.c), or it says that what is stored still
 * holds, or it is a failure in whose place something stale may be used.
 */
#include "failure.h"
#include "flow.h"
#include "freshen.h"
#include "pass.h"
#include "vary.h"

#define CAPABILITY WEIR_STR("Surrogate-Capability")
#define BIT(id)    (UINT64_C(1) << (id))

/* What a client asks about its own copy, or of a part, is answered here: the origin sends the
 * whole. */
static const uint64_t conditions = BIT(WEIR_H_IF_MATCH) | BIT(WEIR_H_IF_NONE_MATCH) |
                                   BIT(WEIR_H_IF_MODIFIED_SINCE) | BIT(WEIR_H_IF_UNMODIFIED_SINCE) |
                                   BIT(WEIR_H_IF_RANGE) | BIT(WEIR_H_RANGE);

/* ---- The request. ---- */

void
flow_add(struct caching *c, weir_cache_request *change, weir_str name, weir_str value)
{
    weir_header *h = weir_zalloc(c->r->pool, sizeof(*h));

    *h = (weir_header){ .name = name, .value = value, .next = change->added };
    change->added = h;
}

/* Ask whether what is stored still holds. [RFC 9111 4.3.1] */
static void
ask(struct caching *c, weir_cache_request *change)
{
    struct policy_fields f;

    if (c->object == NULL || !c->family->revalidate || c->r->method == WEIR_POST ||
        c->outcome == OUTCOME_BYPASS || store_object_meta(c->object)->flags & KEPT_VARY) {
        return;
    }
    policy_collect(&f, store_object_meta(c->object)->fields, 0);
    if (f.etag != NULL) {
        flow_add(c, change, WEIR_STR("If-None-Match"), f.etag->value);
    }
    if (f.last_modified != NULL) {
        flow_add(c, change, WEIR_STR("If-Modified-Since"), f.last_modified->value);
    }
    c->asked = f.etag != NULL || f.last_modified != NULL;
}

/* Tell the origin what it may say to us by name. What the client claims to be is nobody's word: it
 * is not passed on. [Edge Architecture Specification 3.1] */
static void
claim(struct caching *c, weir_cache_request *change)
{
    if (weir_in_find(c->r, CAPABILITY) != NULL) {
        (void)weir_in_remove(c->r, CAPABILITY);
    }
    if (c->fill != NULL) {
        flow_add(c, change, CAPABILITY, c->conf->capability);
    }
}

bool
flow_request(weir_request *r, weir_cache_request *change)
{
    struct caching *c = weir_ctx(r);

    *change = (weir_cache_request){ 0 };
    if (c == NULL) {
        return false;
    }
    if (c->conf->loop.data != NULL) {
        flow_add(c, change, WEIR_STR("CDN-Loop"), c->conf->loop);
    }
    if (c->conf->capability.data != NULL) {
        claim(c, change);
    }
    if (c->fill != NULL) {
        change->dropped = join_request(c, change, conditions);
        change->as_get = r->method == WEIR_HEAD;
        change->shared = true;
        if (!c->parts.joins) {
            ask(c, change);
        }
    }
    return c->fill != NULL || c->unsafe || c->object != NULL || change->added != NULL ||
           r->method == WEIR_HEAD;
}

/* ---- The reply. ---- */

/* Those who wait fetch each for himself. */
static void
flow_give_way(struct caching *c)
{
    if (c->fill != NULL) {
        store_fill_pass(c->fill);
        c->fill = NULL;
        (void)weir_outlive_client(c->r, c->outlived);
        if (c->parts.anew) { /* nor does what the part is of: it has changed */
            (void)store_remove(c->store, &c->key);
        }
    }
}

/* Those who wait try anew, one of them first. */
static void
break_off(struct caching *c)
{
    if (c->fill != NULL) {
        store_fill_end(c->fill, false);
        c->fill = NULL;
    }
}

/* What may answer in place of the reply, an error's page say, knows nothing of c. */
static void
leave_word(const struct caching *c)
{
    if (c->outcome != OUTCOME_NONE) {
        weir_upstream_cached(c->r, weir_str_c(outcome_names[c->outcome]));
    }
}

static uint32_t
stale_bit(uint32_t status)
{
    switch (status) {
    case 500:
        return STALE_500;
    case 502:
        return STALE_502;
    case 503:
        return STALE_503;
    case 504:
        return STALE_504;
    case 403:
        return STALE_403;
    case 404:
        return STALE_404;
    case 429:
        return STALE_429;
    default:
        return 0;
    }
}

/* May what is stored be used in the place of this failure? */
static bool
may_use_stale(const struct caching *c, uint32_t bit, bool gateway)
{
    struct kept k;

    if (c->object == NULL || c->outcome == OUTCOME_BYPASS) {
        return false;
    }
    k = kept_of(store_object_meta(c->object));
    return (k.flags & KEPT_VARY) == 0 && join_allows(c, store_object_meta(c->object)) &&
           policy_use_on_error(&k, (c->family->use_stale & bit) != 0, gateway, flow_now());
}

/* It is used for c's fetch, which has failed so. */
static bool
falls_back(const struct caching *c, uint32_t bits, bool gateway)
{
    if (!may_use_stale(c, bits, gateway)) {
        return false;
    }
    if (c->fill != NULL) {
        failure_note(&c->key, bits, gateway);
    }
    return true;
}

bool
flow_shares_failure(const struct caching *c)
{
    const struct failure *f = c->waited != 0 ? failure_since(&c->key, c->waited) : NULL;

    return f != NULL && may_use_stale(c, f->bits, f->gateway);
}

int
flow_answer_stale(struct caching *c)
{
    break_off(c);
    if (c->update) {
        return weir_respond(c->r, 204, WEIR_STR(""), WEIR_STR(""));
    }
    c->outcome = OUTCOME_STALE;
    return answer_object(c);
}

/* A HEAD's answer brings what is stored up to date, or shows that it is stale. True: the first,
 * once its fields are known as they go to clients. [RFC 9111 4.3.5] */
static bool
compare_head(struct caching *c, const weir_reply *reply)
{
    const struct store_meta *m;
    struct part p;
    int64_t length;

    if (c->object == NULL || reply->status != 200) {
        return false;
    }
    m = store_object_meta(c->object);
    if ((m->flags & KEPT_VARY) != 0 || m->status != 200) {
        return false;
    }
    length = part_of(m, &p) == PART_IS ? (int64_t)p.complete : m->length;
    if (freshen_agrees(m->fields, length, reply->first)) {
        return true;
    }
    (void)store_soften(c->store, &c->key);
    return false;
}

/* The fields that count: of a reply that joins what is stored, those of both. [RFC 9111 3.4] */
static void
collect(struct caching *c, const weir_reply *reply, struct policy_fields *f)
{
    struct policy_fields raw;
    struct field_list merged;

    policy_collect(f, reply->first, c->ignored);
    if (c->parts.joins) {
        raw = *f;
        merged = freshen_merge(c->r->pool, store_object_meta(c->object)->fields, reply->first, 0);
        policy_collect(f, merged.first, c->ignored);
        f->accel_expires = raw.accel_expires;
        f->age = raw.age;
    }
}

/* Is the reply to be kept? Fills in what is kept of it. */
static bool
judge(struct caching *c, const weir_reply *reply)
{
    const weir_request *r = c->r;
    uint32_t status = c->parts.comes ? 200 : reply->status; /* a part of one */
    struct policy_case q = { .conf = &c->conf->policy,
                             .status = status,
                             .authorized = r->in[WEIR_H_AUTHORIZATION] != NULL,
                             .valid = conf_valid(c->family->valid, status),
                             .parts = conf_names_parts(c->family->valid),
                             .now = flow_now(),
                             .delay = c->delay };
    const char *why;

    collect(c, reply, &q.fields);
    if (c->wanted.flags & CC_NO_STORE ||
        (c->family->no_cache.count != 0 && conf_any(c->r, &c->family->no_cache))) {
        return false;
    }
    why = policy_store(&q, &c->kept);
    if (why != NULL) {
        weir_say(r->log, DEBUG, "the reply is not stored: %s", why);
        if (!q.authorized && reply->status < 500) { /* others will find the same */
            pass_note(&c->key);
        }
        return false;
    }
    if (r->method == WEIR_POST) {
        c->kept.flags |= KEPT_POST;
        if (policy_is_explicit(&q) && names_target(c->r, reply->at[WEIR_H_CONTENT_LOCATION])) {
            c->kept.flags |= KEPT_POST_GET;
        }
    }
    c->reply_vary = vary_names(r->pool, q.fields.vary);
    return c->reply_vary.data != NULL;
}

/* A reply that nothing of is kept: it may still end what is kept, or say something of it. */
static int
learn(struct caching *c, const weir_reply *reply)
{
    if (c->r->method == WEIR_POST) { /* one that is cached in general */
        forget(c, reply, false);
    }
    c->learns = c->r->method == WEIR_HEAD && compare_head(c, reply);
    return c->learns ? WEIR_KEEP : WEIR_NEXT;
}

/* A reply that was to be kept and must not be. */
static int
pass_on(struct caching *c, const weir_reply *reply)
{
    if (c->parts.joins) {
        return join_anew(c);
    }
    c->parts.comes = false;
    flow_give_way(c);
    if (c->r->method == WEIR_POST) {
        forget(c, reply, false);
    }
    return c->r->flags & WEIR_R_BACKGROUND && c->outlived == WEIR_ENDS ? 499 : WEIR_NEXT;
}

int
flow_reply(weir_request *r, const weir_reply *reply, uint64_t ignored)
{
    struct caching *c = weir_ctx(r);

    if (c == NULL) {
        return WEIR_NEXT;
    }
    c->reply_status = reply->status;
    c->reply_fields = reply->first;
    c->ignored = ignored;
    c->delay = reply->us / 1000000;
    leave_word(c);
    if (c->unsafe) {
        forget(c, reply, false);
        return WEIR_NEXT;
    }
    if (falls_back(c, stale_bit(reply->status), reply->status >= 500)) {
        return flow_answer_stale(c);
    }
    if (c->fill == NULL) {
        return learn(c, reply);
    }
    if (reply->status == 304 && c->asked) {
        c->confirmed = true;
        return WEIR_KEEP;
    }
    if (join_reply(c, reply) == WEIR_ANEW) {
        return WEIR_ANEW;
    }
    if (!judge(c, reply)) {
        return pass_on(c, reply);
    }
    if (r->method == WEIR_POST) {
        forget(c, reply, true);
    }
    return WEIR_KEEP;
}

void
flow_leave(weir_request *r)
{
    struct caching *c = weir_ctx(r);

    if (c != NULL) {
        flow_give_way(c);
        c->confirmed = c->learns = false;
    }
}

bool
flow_failed(weir_request *r, uint32_t status, int result)
{
    struct caching *c = weir_ctx(r);
    uint32_t bit = result == WEIR_TIMEOUT   ? STALE_TIMEOUT
                   : result == WEIR_INVALID ? STALE_INVALID_HEADER
                                            : STALE_ERROR;

    if (c == NULL) {
        return false;
    }
    c->reply_status = 0;
    if (falls_back(c, bit | stale_bit(status), true)) {
        return true;
    }
    break_off(c);
    leave_word(c);
    return false;
}

int
flow_answer(weir_request *r, void *unused)
{
    (void)unused;
    return flow_answer_stale(weir_ctx(r));
}
