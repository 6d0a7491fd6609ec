/* cache/lookup.c - from a request to what is stored for it: use it, wait for another's fetch, or
 * fetch.
 *
 * begin.c calls it in the hook of the module that fetches, and everything that has to wait goes on
 * in that hook's place (weir_resume_with). A request looks a few times at most: what it finds may
 * move or go while it waits.
 */
#include "flow.h"
#include "pass.h"

static int use_object(struct caching *c);
static int absent(struct caching *c);

/* ---- Waiting. ---- */

int
flow_wait(struct caching *c)
{
    c->ticket = weir_suspend(c->r, WEIR_NEVER, NULL, NULL); /* what is waited for has deadlines */
    if (c->ticket == NULL) {
        weir_say(c->r->log, ERROR, "a cached request waits twice");
        return 500;
    }
    return WEIR_AGAIN;
}

void
flow_go(struct caching *c, int (*fn)(weir_request *r, void *data))
{
    weir_ticket *ticket = c->ticket;

    c->ticket = NULL;
    if (ticket != NULL) {
        (void)weir_resume_with(ticket, fn, c);
    }
}

/* ---- What a stored head knows. ---- */

struct kept
kept_of(const struct store_meta *m)
{
    return (struct kept){ .flags = m->flags,
                          .answered = (int64_t)m->times[TIME_ANSWERED],
                          .age = m->times[TIME_AGE],
                          .lifetime = m->times[TIME_LIFETIME],
                          .revalidate = m->times[TIME_REVALIDATE],
                          .error = m->times[TIME_ERROR],
                          .modified = (int64_t)m->times[TIME_MODIFIED] };
}

void
flow_identify(struct caching *c, const struct store_meta *m)
{
    const uint64_t identity[] = { c->key.hash[0], c->key.hash[1], m->times[TIME_BODY] };

    if (m->status == 200 && m->times[TIME_BODY] != 0) {
        (void)weir_out_identity(c->r, (weir_str){ (const char *)identity, sizeof(identity) });
    }
}

void
kept_put(struct store_meta *m, const struct kept *k)
{
    m->flags = k->flags;
    m->times[TIME_ANSWERED] = (uint64_t)k->answered;
    m->times[TIME_AGE] = k->age;
    m->times[TIME_LIFETIME] = k->lifetime;
    m->times[TIME_REVALIDATE] = k->revalidate;
    m->times[TIME_ERROR] = k->error;
    m->times[TIME_MODIFIED] = (uint64_t)k->modified;
}

/* A status in a response's place counts while it is fresh, and where it leads to an error_page: not
 * in the page itself, which may be fetched under the same key. */
static bool
is_usable_status(const struct caching *c, const struct store_meta *m, bool soft)
{
    struct kept k = kept_of(m);

    return weir_has_error_page(c->r, m->status) && policy_fits_method(k.flags, c->r->method) &&
           policy_use(&k, &c->wanted, soft, false, flow_now()) == USE_FRESH;
}

/* ---- Fetching. ---- */

void
flow_outlive(struct caching *c)
{
    c->outlived = weir_outlive_client(c->r, WEIR_OUTLIVES);
    if (c->outlived == WEIR_IGNORES) { /* which is more */
        (void)weir_outlive_client(c->r, WEIR_IGNORES);
    }
}

/* Go on to the fetch: in open() the caller does, later it has to be called. */
static int
go_fetch(struct caching *c)
{
    c->started = weir_now();
    return c->inside ? WEIR_NEXT : c->by->fetch(c->r, c->data);
}

static int
fetch_alone(struct caching *c)
{
    c->alone = true;
    return go_fetch(c);
}

/* As the one that fills: what others have of it does not depend on r's client. */
static int
fetch_for_all(struct caching *c)
{
    flow_outlive(c);
    return go_fetch(c);
}

/* It moved, or failed: from the beginning. */
static int
on_wait_over(weir_request *r, void *data)
{
    struct caching *c = data;

    (void)r;
    c->key = c->primary;
    c->names = (weir_str){ NULL, 0 };
    return flow_look(c);
}

static int
on_wait_alone(weir_request *r, void *data)
{
    (void)r;
    return fetch_alone(data);
}

static int
on_wait_yours(weir_request *r, void *data)
{
    (void)r;
    return fetch_for_all(data);
}

/* Somebody else's reply has made way for an error_page. */
static int
wait_for_status(struct caching *c, const struct store_meta *m)
{
    c->reader = NULL;
    if (!is_usable_status(c, m, false)) {
        return fetch_alone(c);
    }
    c->outcome = OUTCOME_HIT;
    return answer_status(c, m);
}

/* Somebody else's response has begun to come: may it be used for this request, too? */
static int
on_wait_ready(weir_request *r, void *data)
{
    struct caching *c = data;
    const struct store_meta *m = store_reader_meta(c->reader);
    struct kept k = kept_of(m);
    struct part p;

    (void)r;
    if (m->flags & KEPT_VARY) { /* the marker that another is just writing */
        c->reader = NULL;
        return flow_look(c);
    }
    if (m->flags & KEPT_STATUS) {
        return wait_for_status(c, m);
    }
    if (part_of(m, &p) == PART_IS) {
        join_choose(c, m, &p);
    }
    if (!policy_fits_method(k.flags, c->r->method) || !join_allows(c, m) ||
        policy_use(&k, &c->wanted, false, false, flow_now()) != USE_FRESH) {
        c->reader = NULL;
        return fetch_alone(c);
    }
    c->outcome = OUTCOME_HIT;
    c->collapsed = true;
    return answer_reader(c);
}

static void
waited(void *data, enum store_waited how, struct store_reader *reader, struct store_fill *fill)
{
    struct caching *c = data;

    switch (how) {
    case STORE_READY:
        c->reader = reader;
        flow_go(c, on_wait_ready);
        break;
    case STORE_YOURS:
        c->fill = fill;
        flow_go(c, on_wait_yours);
        break;
    case STORE_AGAIN:
        flow_go(c, on_wait_over);
        break;
    default:
        flow_go(c, on_wait_alone);
    }
}

static int
wait_for_other(struct caching *c)
{
    uint64_t ms = c->family->lock_timeout_ms;
    int rc = flow_wait(c);

    if (rc == WEIR_AGAIN) {
        c->waited = weir_now();
        ms = ms < c->family->lock_age_ms ? ms : c->family->lock_age_ms;
        (void)store_wait(c->store, c->r->pool, &c->key, ms, waited, c);
    }
    return rc;
}

/* Nothing was there a moment ago, nobody fetches it now: has another worker just done so? */
static bool
came_meanwhile(struct caching *c)
{
    struct store_object *o = NULL;

    if (c->object != NULL || c->outcome == OUTCOME_BYPASS || c->parts.useless ||
        !store_fill_replaces(c->fill) ||
        store_find(c->store, c->r->pool, &c->key, &o) != STORE_HELD) {
        return false;
    }
    c->object = o;
    store_fill_drop(c->fill);
    c->fill = NULL;
    return true;
}

int
flow_miss(struct caching *c)
{
    bool others = false;

    if (c->r->method == WEIR_HEAD && !c->family->convert_head) {
        return fetch_alone(c);
    }
    if (c->family->min_uses > 1 && c->object == NULL &&
        store_uses(c->store, &c->key) < (uint32_t)c->family->min_uses) {
        return fetch_alone(c);
    }
    c->fill = store_fill_begin(c->store, c->r->pool, &c->key, &others);
    if (c->fill != NULL) {
        return came_meanwhile(c) ? use_object(c) : fetch_for_all(c);
    }
    if (!others) {
        return fetch_alone(c);
    }
    if (c->update) { /* what this subrequest is for is being done */
        return weir_respond(c->r, 204, WEIR_STR(""), WEIR_STR(""));
    }
    return c->family->lock && c->outcome != OUTCOME_BYPASS && !pass_is_noted(&c->key)
               ? wait_for_other(c)
               : fetch_alone(c);
}

/* ---- Finding. ---- */

/* The marker of a URI with variants: which one is it? */
static int
choose_variant(struct caching *c, const struct store_meta *m)
{
    weir_str text;

    c->generation = m->times[TIME_GENERATION];
    c->names = m->note;
    text = flow_vary_key(c);
    if (text.data == NULL) {
        return fetch_alone(c);
    }
    store_key_make(c->store, text, &c->key);
    c->forward = FWD_VARY_MISS;
    return flow_look(c);
}

/* Not without asking: it is stale, or fresh and the request does not want it. [RFC 9211 2.2] */
static int
use_expired(struct caching *c)
{
    static const struct control no_wishes;
    const struct kept k = kept_of(store_object_meta(c->object));
    bool fresh =
        policy_use(&k, &no_wishes, store_object_stale(c->object), false, flow_now()) == USE_FRESH;

    c->outcome = OUTCOME_EXPIRED;
    c->forward = fresh ? FWD_REQUEST : FWD_STALE;
    return flow_shares_failure(c) ? flow_answer_stale(c) : flow_miss(c);
}

/* It is stale, and may be used while it is fetched anew: by somebody who is at it, or in the
 * background. */
static int
use_while(struct caching *c)
{
    if (store_object_updating(c->object)) {
        c->outcome = OUTCOME_UPDATING;
        return answer_object(c);
    }
    if (!c->family->background_update || c->r->method == WEIR_POST ||
        (c->r->flags & WEIR_R_HAS_BODY) != 0) { /* which the subrequest would not have */
        return use_expired(c);
    }
    c->outcome = OUTCOME_STALE;
    update_start(c);
    return answer_object(c);
}

static int
use_object(struct caching *c)
{
    const struct store_meta *m = store_object_meta(c->object);
    struct kept k;

    if (m->flags & KEPT_VARY) {
        return c->names.data == NULL ? choose_variant(c, m) : fetch_alone(c);
    }
    if (c->update) {
        return flow_miss(c);
    }
    if (c->outcome == OUTCOME_BYPASS) {
        c->object = NULL;
        return flow_miss(c);
    }
    if ((m->flags & KEPT_STATUS) != 0 && is_usable_status(c, m, store_object_stale(c->object))) {
        c->outcome = OUTCOME_HIT;
        return answer_status(c, m);
    }
    if ((m->flags & KEPT_STATUS) != 0 || !policy_fits_method(m->flags, c->r->method)) {
        c->parts.useless = true;
        return absent(c);
    }
    if (m->note.len != 0) {
        struct part p;
        enum part_kind kind = part_of(m, &p);
        if (kind != PART_NOT) {
            c->parts.useless = kind == PART_BROKEN;
            return kind == PART_IS ? join_use(c, &p) : absent(c);
        }
    }
    k = kept_of(m);
    switch (policy_use(&k, &c->wanted, store_object_stale(c->object),
                       (c->family->use_stale & STALE_UPDATING) != 0, flow_now())) {
    case USE_FRESH:
        c->outcome = OUTCOME_HIT;
        return answer_object(c);
    case USE_WHILE:
        return use_while(c);
    case USE_NOTHING:
        return 504;
    default:
        return use_expired(c);
    }
}

static int
absent(struct caching *c)
{
    c->object = NULL;
    if (c->wanted.flags & CC_ONLY_IF_CACHED) {
        return 504;
    }
    if (c->outcome == OUTCOME_NONE) {
        c->outcome = OUTCOME_MISS;
    }
    if (c->forward == FWD_NONE) {
        c->forward = FWD_MISS;
    }
    return flow_miss(c);
}

static int
on_opened(weir_request *r, void *data)
{
    struct caching *c = data;

    (void)r;
    return c->object != NULL ? use_object(c) : absent(c);
}

static void
opened(void *data, enum store_found found, struct store_object *o)
{
    struct caching *c = data;

    c->object = found == STORE_HELD ? o : NULL;
    flow_go(c, on_opened);
}

int
flow_look(struct caching *c)
{
    int rc;

    if (++c->turns > FLOW_TURNS) {
        return fetch_alone(c);
    }
    if (c->turns > 1) {
        c->parts = (struct parts){ .stage = 0 };
    }
    switch (store_find(c->store, c->r->pool, &c->key, &c->object)) {
    case STORE_HELD:
        return use_object(c);
    case STORE_ON_DISK:
        rc = flow_wait(c);
        if (rc == WEIR_AGAIN) {
            store_open(c->store, c->r->pool, &c->key, opened, c);
        }
        return rc;
    default:
        return absent(c);
    }
}
