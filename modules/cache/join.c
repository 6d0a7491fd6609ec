/* cache/join.c - parts of a representation: used, asked for, and put together with what is stored.
 *
 * An entry has one run of bytes, with a strong entity-tag and the length of the whole. What is
 * wanted and not in it is asked for by Range, as one run at one of its ends, with If-Range; what
 * comes has to be exactly that, of the same tag and length. Then the fill is both, in their order,
 * and r gets what it wants of it. Whatever does not fit is not used: the whole is asked for in its
 * place. [RFC 9111 3.3, 3.4; RFC 9110 14, 15.3.7.3]
 */
#include "flow.h"
#include "freshen.h"
#include "tags.h"

#define BIT(id) (UINT64_C(1) << (id))

/* ---- What is wanted. ---- */

/* r's Range, where it counts for what is stored with this head; NULL: all is wanted. [RFC 9110
 * 13.1.5, 14.2] */
static const weir_header *
range_of(const weir_request *r, const struct store_meta *m)
{
    const weir_header *range = r->in[WEIR_H_RANGE], *if_range = r->in[WEIR_H_IF_RANGE];
    const weir_header *etag = field_by_id(m->fields, WEIR_H_ETAG);
    struct kept k = kept_of(m);

    if (range == NULL || range->same != NULL || r->method != WEIR_GET) {
        return NULL;
    }
    if (if_range != NULL &&
        (if_range->same != NULL ||
         !part_if_range(if_range->value, etag != NULL ? etag->value : (weir_str){ NULL, 0 },
                        k.modified, k.answered))) {
        return NULL;
    }
    return range;
}

void
join_choose(struct caching *c, const struct store_meta *m, const struct part *p)
{
    struct parts *ps = &c->parts;
    const weir_header *range = range_of(c->r, m);
    enum span_wish wish = WISH_WHOLE;

    ps->stored = *p;
    ps->want = (struct span){ 0, p->complete - 1 };
    if (range != NULL) {
        wish = span_resolve(range->value, p->complete, &ps->want);
    }
    ps->nowhere = wish == WISH_NONE;
    ps->within = !ps->nowhere && span_holds(p->here, ps->want);
}

bool
join_allows(const struct caching *c, const struct store_meta *m)
{
    struct part p;
    enum part_kind kind = part_of(m, &p);

    return kind == PART_NOT || (kind == PART_IS && c->parts.within);
}

/* Can what is missing be asked for, so that r can be answered by both together? Where Range is not
 * passed on, the whole is brought together, whatever r wants of it. */
static bool
can_join(struct caching *c, const struct store_meta *m)
{
    struct parts *ps = &c->parts;
    struct span goal = { 0, ps->stored.complete - 1 };

    if (c->family->partial & PARTIAL_RANGE) {
        goal = ps->want;
    }
    return !ps->nowhere && (c->r->flags & WEIR_R_HAS_BODY) == 0 &&
           part_is_strong(field_by_id(m->fields, WEIR_H_ETAG)) &&
           part_lacks(&ps->stored, goal, &ps->missing, &ps->behind);
}

int
join_use(struct caching *c, const struct part *p)
{
    const struct store_meta *m = store_object_meta(c->object);
    struct parts *ps = &c->parts;
    struct kept k = kept_of(m);
    bool fresh =
        policy_use(&k, &c->wanted, store_object_stale(c->object), false, flow_now()) == USE_FRESH;

    join_choose(c, m, p);
    if (fresh && ps->within) {
        c->outcome = OUTCOME_HIT;
        return answer_object(c);
    }
    if (c->wanted.flags & CC_ONLY_IF_CACHED) {
        return 504;
    }
    c->outcome = fresh ? OUTCOME_MISS : OUTCOME_EXPIRED;
    c->forward = fresh ? FWD_MISS : FWD_STALE;
    if (!ps->within) {
        ps->joins = can_join(c, m);
        c->forward = ps->joins ? FWD_PARTIAL : c->forward;
        ps->useless = !ps->joins;
        c->object = ps->joins ? c->object : NULL;
    }
    return flow_miss(c);
}

/* ---- The request. ---- */

/* Is r's own Range to be passed on, so that what comes is a part? */
static bool
passes_range(const struct caching *c)
{
    const weir_header *range = c->r->in[WEIR_H_RANGE];

    if (range == NULL || range->same != NULL || c->r->method != WEIR_GET || c->update ||
        c->parts.anew || conf_names_parts(c->family->valid) || !span_is_asked(range->value)) {
        return false;
    }
    return c->object != NULL ? c->parts.within : (c->family->partial & PARTIAL_RANGE) != 0;
}

uint64_t
join_request(struct caching *c, weir_cache_request *change, uint64_t dropped)
{
    struct parts *ps = &c->parts;
    unsigned long long first = ps->missing.first, last = ps->missing.last;

    ps->ranged = !ps->joins && passes_range(c);
    if (ps->ranged) { /* If-Range goes with it: what has changed comes whole */
        return dropped & ~(BIT(WEIR_H_RANGE) | BIT(WEIR_H_IF_RANGE));
    }
    if (ps->joins) {
        flow_add(c, change, WEIR_STR("If-Range"),
                 field_by_id(store_object_meta(c->object)->fields, WEIR_H_ETAG)->value);
        flow_add(c, change, WEIR_STR("Range"),
                 last == ps->stored.complete - 1
                     ? weir_print(c->r->pool, "bytes=%llu-", first)
                     : weir_print(c->r->pool, "bytes=%llu-%llu", first, last));
    }
    return dropped;
}

/* ---- The reply. ---- */

/* Is it one run of bytes of a known whole, by a strong tag, and says one length? */
static bool
take_part(struct caching *c, const weir_reply *reply)
{
    const weir_header *range = reply->at[WEIR_H_CONTENT_RANGE];
    struct part *p = &c->parts.reply;

    return range != NULL && range->same == NULL && part_parse(range->value, p) &&
           (reply->length < 0 || (uint64_t)reply->length == span_bytes(p->here)) &&
           part_is_strong(reply->at[WEIR_H_ETAG]);
}

/* Is it what was asked for, of what is stored? */
static bool
fits(const struct caching *c, const weir_reply *reply)
{
    const struct parts *ps = &c->parts;
    const weir_header *etag = field_by_id(store_object_meta(c->object)->fields, WEIR_H_ETAG);

    return ps->reply.complete == ps->stored.complete && ps->reply.here.first == ps->missing.first &&
           ps->reply.here.last == ps->missing.last &&
           weir_str_eq(etag->value, reply->at[WEIR_H_ETAG]->value);
}

int
join_anew(struct caching *c)
{
    c->parts.joins = c->parts.comes = c->parts.ranged = false;
    c->parts.anew = true;
    c->object = NULL;
    c->started = weir_now();
    weir_say(c->r->log, INFO,
             "a reply does not fit the part that is stored: the whole is asked for");
    return WEIR_ANEW;
}

int
join_reply(struct caching *c, const weir_reply *reply)
{
    struct parts *ps = &c->parts;

    ps->comes = reply->status == 206 && (ps->joins || ps->ranged) && take_part(c, reply);
    if (!ps->joins) {
        ps->joined = ps->reply;
        return WEIR_NEXT;
    }
    if (ps->comes && fits(c, reply)) {
        ps->joined = ps->stored;
        if (ps->behind) {
            ps->joined.here.last = ps->missing.last;
        } else {
            ps->joined.here.first = ps->missing.first;
        }
        return WEIR_NEXT;
    }
    if (reply->status == 206 || reply->status == 304 || reply->status == 416) {
        return join_anew(c);
    }
    ps->joins = false; /* the whole, or a failure */
    return WEIR_NEXT;
}

/* ---- What is stored. ---- */

void
join_meta(struct caching *c, struct store_meta *m)
{
    struct parts *ps = &c->parts;
    const bool whole = !ps->comes && m->status == 200 && m->length > 0 &&
                       (uint64_t)m->length <= PART_COMPLETE_MAX &&
                       part_is_strong(field_by_id(m->fields, WEIR_H_ETAG));

    if (!ps->comes && !whole) {
        return;
    }
    if (whole) {
        ps->joined = (struct part){ { 0, (uint64_t)m->length - 1 }, (uint64_t)m->length };
    }
    ps->cuttable = (c->family->partial & PARTIAL_CUT) != 0 && (!ps->joins || ps->behind) &&
                   (c->object == NULL || ps->stored.complete != 0);
    if (whole && !ps->cuttable) {
        return;
    }
    m->status = 200; /* a part of one */
    m->length = (int64_t)span_bytes(ps->joined.here);
    part_write(ps->note, ps->joined.here.first, ps->joined.complete);
    m->note = (weir_str){ (const char *)ps->note, sizeof(ps->note) };
}

void
join_fields(struct caching *c, struct store_meta *m, uint64_t *tags)
{
    const struct store_meta *old = store_object_meta(c->object);
    struct field_list merged = freshen_merge(c->r->pool, old->fields, m->fields, 0);

    m->fields = merged.first;
    m->n_fields = merged.count;
    m->n_tags = tags_read(m->fields, &c->conf->tags, origin_of(c->r), tags, STORE_TAGS_MAX);
}

void
join_span(struct caching *c)
{
    struct parts *ps = &c->parts;

    if (!ps->joins) { /* all that came of what was asked for, whatever that was */
        ps->want = ps->joined.here;
    }
    ps->stored = ps->joined;
    store_reader_span(c->reader, ps->want.first - ps->joined.here.first, span_bytes(ps->want));
}

/* ---- The bytes. ---- */

static int
read_reply(struct caching *c, weir_chain *out, size_t want)
{
    struct parts *ps = &c->parts;
    int rc = weir_exchange_read(c->x, c->r->pool, out, want);
    uint64_t all = span_bytes(ps->missing);

    ps->came += weir_chain_len(out);
    if (ps->came > all || (rc == WEIR_DONE && ps->came != all)) {
        weir_chain_skip(out, weir_chain_len(out));
        return WEIR_INVALID;
    }
    return rc;
}

static int
read_stored(struct caching *c, weir_chain *out, size_t want, void (*readable)(void *data))
{
    struct parts *ps = &c->parts;
    int rc;

    if (ps->from == NULL) {
        ps->from = store_read_object(c->r->pool, c->object, 0, UINT64_MAX);
    }
    rc = store_read(ps->from, c->r->pool, out, want, readable, c);
    return rc == WEIR_CLOSED ? WEIR_ERROR : rc;
}

int
join_read(struct caching *c, weir_chain *out, size_t want, void (*readable)(void *data))
{
    struct parts *ps = &c->parts;
    bool stored = ps->behind == (ps->stage == 0);
    int rc = stored ? read_stored(c, out, want, readable) : read_reply(c, out, want);

    if (rc == WEIR_DONE && ps->stage == 0) {
        ps->stage = 1;
        return WEIR_OK;
    }
    return rc;
}
