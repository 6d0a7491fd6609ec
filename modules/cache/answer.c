/* cache/answer.c - answers from the store: whole, a part (the range filter's affair), or "you have
 * it".
 *
 * Stored fields are passed on as they lie; Age is what is added. A body that lies in memory in one
 * piece is answered with where it lies; any other by a reader.
 */
#include "flow.h"
#include "list.h"
#include "trailers.h"

#define AGE "Age: "

enum { AGE_LINE = 32 }; /* more than AGE, 20 digits and a line's end */

/* ---- The head. ---- */

/* Age, as a line that can be sent as it is. Written from its end. */
static weir_header
age_field(weir_pool *pool, uint64_t seconds)
{
    char *end = (char *)weir_alloc(pool, AGE_LINE) + AGE_LINE - 2, *at = end;
    weir_str value;

    memcpy(end, "\r\n", 2);
    do {
        *--at = (char)('0' + seconds % 10);
        seconds /= 10;
    } while (seconds != 0);
    value = (weir_str){ at, (size_t)(end - at) };
    at -= strlen(AGE);
    memcpy(at, AGE, strlen(AGE));
    return (weir_header){ .name = { at, strlen("Age") },
                          .value = value,
                          .id = WEIR_H_AGE,
                          .flags = WEIR_HEADER_LINE };
}

static bool
is_conditional(const weir_request *r)
{
    return r->in[WEIR_H_IF_NONE_MATCH] != NULL || r->in[WEIR_H_IF_MODIFIED_SINCE] != NULL ||
           r->in[WEIR_H_IF_MATCH] != NULL || r->in[WEIR_H_IF_UNMODIFIED_SINCE] != NULL;
}

/* Is the client's copy as good, or out of step? WEIR_NEXT, 304 or 412. Last-Modified failing, the
 * time it came stands for it. [RFC 9111 4.3.2] */
static int
check_conditions(struct caching *c, const struct kept *k, uint32_t status)
{
    weir_request *r = c->r;
    const weir_header *etag = r->out[WEIR_H_ETAG], *date = r->out[WEIR_H_DATE];
    int64_t modified = k->modified;

    if (status != 200 || !is_conditional(r) || (r->method & (WEIR_GET | WEIR_HEAD)) == 0) {
        return WEIR_NEXT;
    }
    if (modified < 0 && date != NULL) {
        (void)weir_parse_date(date->value, &modified);
    }
    return weir_precondition(r, etag != NULL ? etag->value : (weir_str){ NULL, 0 }, modified);
}

/* Parts are cut out of what is stored, whether or not the origin would have. [RFC 9111 4; RFC 9110
 * 14] */
static void
offer_ranges(weir_request *r, uint32_t status)
{
    if (r->in[WEIR_H_RANGE] != NULL && status == 200) {
        (void)weir_out_set(r, WEIR_STR("Accept-Ranges"), WEIR_STR("bytes"));
    }
}

/* Which bytes it is, where it is stored as a part. The whole, put together, is a 200. */
static void
put_place(struct caching *c)
{
    const struct parts *ps = &c->parts;
    bool whole = span_bytes(ps->want) == ps->stored.complete;

    (void)weir_out_status(c->r, whole ? 200 : 206);
    if (!whole) {
        (void)weir_out_set(c->r, WEIR_STR("Content-Range"),
                           part_print(c->r->pool, ps->want, ps->stored.complete));
    }
    (void)weir_out_length(c->r, (int64_t)span_bytes(ps->want));
}

/* Status, fields, Age and length of a stored head onto r. WEIR_NEXT, 304 or 412. */
static int
put_head(struct caching *c, const struct store_meta *m, bool part)
{
    weir_request *r = c->r;
    struct kept k = kept_of(m);
    const weir_header *fields = m->fields;
    weir_header age;

    weir_upstream_stored(r, m->fields);
    (void)weir_out_status(r, m->status);
    if (m->reason.len != 0) {
        (void)weir_out_reason(r, m->reason);
    }
    if ((k.flags & KEPT_NGINX) == 0) { /* none is stored */
        age = age_field(r->pool, policy_age(&k, flow_now()));
        age.next = fields;
        fields = &age;
    }
    (void)weir_out_pass(r, fields, 0, 0, NULL, NULL);
    if (part) {
        put_place(c);
    } else {
        (void)weir_out_length(r, m->length);
    }
    offer_ranges(r, r->status);
    return check_conditions(c, &k, m->status);
}

/* Trailers of a whole body go to a client that says that it takes them. [RFC 9110 6.5.1, 10.1.4] */
static void
put_trailers(weir_request *r, const struct store_meta *m)
{
    weir_str rest = weir_str_cut(m->note, PART_NOTE, SIZE_MAX), name, value;

    if (rest.len == 0 || r->in[WEIR_H_RANGE] != NULL || r->method == WEIR_HEAD) {
        return;
    }
    for (const weir_header *h = r->in[WEIR_H_TE]; h != NULL; h = h->same) {
        weir_str list = h->value, member;
        while (weir_list_next(&list, &member)) {
            if (weir_str_ieq(weir_str_trim(weir_str_cut(member, 0, weir_str_find(member, ';'))),
                             WEIR_STR("trailers"))) {
                while (trailers_next(&rest, &name, &value)) {
                    (void)weir_out_trailer(r, name, value);
                }
            }
        }
    }
}

/* ---- The body. ---- */

static void
on_readable(void *data)
{
    struct caching *c = data;
    weir_ticket *ticket = c->ticket;

    c->ticket = NULL;
    if (ticket != NULL) {
        (void)weir_resume(ticket, WEIR_NEXT);
    }
}

static int
source(weir_request *r, void *data, weir_chain *out, size_t want)
{
    struct caching *c = data;

    if (r->flags & WEIR_R_BACKGROUND) { /* for nobody */
        store_reader_end(c->reader);
        return WEIR_DONE;
    }
    switch (store_read(c->reader, r->pool, out, want, on_readable, c)) {
    case WEIR_OK:
        return WEIR_NEXT;
    case WEIR_AGAIN:
        return flow_wait(c) == WEIR_AGAIN ? WEIR_AGAIN : WEIR_ERROR;
    case WEIR_DONE:
        put_trailers(r, store_reader_meta(c->reader)); /* of a fill they have come now */
        return WEIR_DONE;
    default:
        return WEIR_ERROR;
    }
}

/* One range of it is enough. */
static bool
seek(weir_request *r, void *data, uint64_t from, uint64_t length)
{
    struct caching *c = data;

    (void)r;
    store_reader_span(c->reader, from, length);
    return true;
}

static int
answer_from_reader(struct caching *c, uint32_t status)
{
    weir_out_seek(c->r, seek);
    return weir_respond_from(c->r, status, source, c);
}

static int
answer_without_body(struct caching *c, int status)
{
    return status == 304 ? weir_respond(c->r, 304, WEIR_STR(""), WEIR_STR("")) : status;
}

int
answer_object(struct caching *c)
{
    return answer_with(c, store_object_meta(c->object));
}

/* What became of r is settled now. */
static void
note_outcome(const struct caching *c)
{
    weir_count_at(cache_outcomes, c->outcome, 1);
    if (c->outcome != OUTCOME_NONE) {
        weir_upstream_cached(c->r, weir_str_c(outcome_names[c->outcome]));
    }
}

int
answer_status(struct caching *c, const struct store_meta *m)
{
    for (const weir_header *h = m->fields; h != NULL; h = h->next) {
        (void)weir_out_add(c->r, h->name, h->value);
    }
    note_outcome(c);
    return (int)m->status;
}

/* With what r wants of a part. */
static int
answer_part(struct caching *c, const struct store_meta *m)
{
    const struct parts *ps = &c->parts;
    uint64_t from = ps->want.first - ps->stored.here.first;
    int rc = put_head(c, m, true);
    weir_str body = store_object_body(c->object);

    note_outcome(c);
    if (rc != WEIR_NEXT) {
        return answer_without_body(c, rc);
    }
    if (body.data != NULL) {
        body = weir_str_cut(body, (size_t)from, (size_t)span_bytes(ps->want));
        return weir_respond(c->r, c->r->status, WEIR_STR(""), body);
    }
    c->reader = store_read_object(c->r->pool, c->object, from, span_bytes(ps->want));
    return weir_respond_from(c->r, c->r->status, source, c);
}

int
answer_with(struct caching *c, const struct store_meta *m)
{
    struct part p;
    weir_str body;
    int rc;

    if (m->note.len != 0 && part_of(m, &p) != PART_NOT) {
        return c->parts.within ? answer_part(c, m) : 502; /* who comes here has looked */
    }
    rc = put_head(c, m, false);
    note_outcome(c);
    if (rc != WEIR_NEXT) {
        return answer_without_body(c, rc);
    }
    flow_identify(c, m);
    put_trailers(c->r, m);
    body = store_object_body(c->object);
    if (m->length == 0 || body.data != NULL) {
        return weir_respond(c->r, m->status, WEIR_STR(""), m->length == 0 ? WEIR_STR("") : body);
    }
    c->reader = store_read_object(c->r->pool, c->object, 0, UINT64_MAX);
    return answer_from_reader(c, m->status);
}

int
answer_reader(struct caching *c)
{
    const struct store_meta *m = store_reader_meta(c->reader);
    struct parts *ps = &c->parts;
    struct part p;
    bool part = part_of(m, &p) == PART_IS;
    int rc = put_head(c, m, part);

    note_outcome(c);
    if (rc != WEIR_NEXT) {
        return answer_without_body(c, rc);
    }
    if (part) {
        store_reader_span(c->reader, ps->want.first - p.here.first, span_bytes(ps->want));
    } else {
        flow_identify(c, m);
    }
    if (c->r->out_length >= 0) { /* it has come meanwhile: framing is chosen with the head */
        put_trailers(c->r, m);
    }
    return part ? weir_respond_from(c->r, c->r->status, source, c)
                : answer_from_reader(c, m->status);
}

int
answer_fill(struct caching *c, const struct store_meta *m)
{
    weir_request *r = c->r;
    int rc;

    note_outcome(c);
    if (c->parts.joins) {
        rc = put_head(c, m, true);
    } else {
        (void)weir_out_status(r, c->reply_status);
        if (c->parts.comes) {
            (void)weir_out_length(r, m->length);
        }
        offer_ranges(r, r->status);
        rc = check_conditions(c, &c->kept, m->status);
    }
    if (rc != WEIR_NEXT) {
        return answer_without_body(c, rc);
    }
    if (c->update) { /* nobody reads it here */
        store_reader_end(c->reader);
        return weir_respond(r, r->status, WEIR_STR(""), WEIR_STR(""));
    }
    if (c->parts.comes) {
        return weir_respond_from(r, r->status, source, c);
    }
    flow_identify(c, m);
    return answer_from_reader(c, r->status);
}
