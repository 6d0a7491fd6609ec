/* http/encode.c - which response is coded, and by which of the codings that are offered for it.
 *
 * Offers come one by one, from the header filters of rank ENCODE; each is held against the best so far. Vary is said whenever
 * the coding could depend on the client, also with 304, 206 and answers left as they are.
 */
#include "base/clock.h"
#include "base/str.h"
#include "http/coded.h"
#include "http/encode_rules.h"
#include "http/range.h"
#include "http/response.h"

/* Is the type text/html, or among those of the offer? */
static bool
type_fits(weir_str type, const weir_strs *types)
{
    static const weir_str html = { "text/html", 9 };
    static const weir_strs always = { &html, 1 };

    return weir_type_among(type, &always) || (types != NULL && weir_type_among(type, types));
}

/* Could the response be coded, for one client or another? What depends on the client comes after. A 304 or a multipart 206 may
 * not tell the type: taken for one that could. */
static bool
could_apply(const weir_request *r, const weir_coding_offer *o)
{
    const struct wr_coded *c = wr_request_of(r)->coded;
    const weir_header *type = r->out[WEIR_H_CONTENT_TYPE];
    bool whole = r->status == 200 || r->status == 403 || r->status == 404;
    bool taken = c != NULL && c->encode.coding != NULL; /* an earlier offer: the head is ours */
    int64_t length = taken ? c->plain_length : r->out_length;

    if (!whole && r->status != 206 && r->status != 304) {
        return false;
    }
    if ((!taken && r->out[WEIR_H_CONTENT_ENCODING] != NULL) ||
        wr_encode_list_has(r->out[WEIR_H_CACHE_CONTROL], WEIR_STR("no-transform"))) {
        return false;
    }
    if (r->status != 206 && length >= (whole ? 0 : 1) &&
        (uint64_t)length < o->min_length) {
        return false;
    }
    if (type == NULL) {
        return !whole || type_fits(WEIR_STR(""), o->types); /* "*" stands for none as well */
    }
    return type_fits(type->value, o->types) ||
           (r->status == 206 && weir_str_starts(type->value, WEIR_STR("multipart/")));
}

/* How gladly does this client take it, and may it? An absent Accept-Encoding allows any coding [RFC 9110 12.5.3], but who sends
 * none can rarely decode one. */
static uint32_t
welcome(weir_request *r, const weir_coding_offer *o)
{
    uint32_t q = r->in[WEIR_H_ACCEPT_ENCODING] == NULL
                     ? 0
                     : weir_accepts_coding(r, weir_str_c(o->coding->name));

    if (q == 0 || r->version < o->http_version ||
        !wr_encode_proxied_allows(r, o->proxied, wr_clock.wall_s) ||
        (o->suits != NULL && !o->suits(r, o->data))) {
        return 0;
    }
    return q;
}

/* A 304 carries the ETag its 200 would have [RFC 9110 15.4.5]. When the head does not show that it was weak, `known`, a weak tag in
 * the question does: nobody else made it weak. */
static void
weaken_304(weir_request *r, bool known)
{
    const weir_header *etag = r->out[WEIR_H_ETAG];

    if (etag != NULL && weir_str_starts(etag->value, WEIR_STR("\"")) &&
        (known || wr_encode_lists_weak(r->in[WEIR_H_IF_NONE_MATCH], etag->value))) {
        (void)weir_out_set(r, WEIR_STR("ETag"),
                           weir_print(r->pool, "W/%.*s", WEIR_FMT(etag->value)));
        wr_response_forget_digests(wr_request_of(r), false);
    }
}

void
wr_coded_weaken_304(weir_request *r)
{
    weaken_304(r, false);
}

/* Does the client ask for a part of what is sent uncoded? It gets that. With If-Range it has a part already, and the tag tells
 * of which. */
static bool
asks_for_part(const weir_request *r)
{
    return r->in[WEIR_H_RANGE] != NULL && r->in[WEIR_H_IF_RANGE] == NULL &&
           wr_range_offered(r) && r->method == WEIR_GET;
}

/* ---- Offers. ---- */

void
weir_encode(weir_request *pub, const weir_coding_offer *o)
{
    struct wr_request *r = wr_request_of(pub);
    struct wr_coded *c = r->coded;
    uint32_t q;

    if (r->answer != WR_ANSWER_HEADERS || o->coding->encoder_open == NULL || !could_apply(pub, o)) {
        return;
    }
    if (!(o->flags & WEIR_CODING_NO_VARY)) {
        weir_out_vary(pub, WEIR_STR("Accept-Encoding"));
    }
    q = pub->status == 206 || asks_for_part(pub) ? 0 : welcome(pub, o);
    if (q == 0) {
        return;
    }
    if (pub->status == 304) {
        weaken_304(pub, pub->out[WEIR_H_CONTENT_TYPE] != NULL);
        return;
    }
    if (c != NULL && c->encode.coding != NULL &&
        (q < c->q || (q == c->q && o->preference <= c->preference))) {
        return;
    }
    wr_coded_use(r, o->coding, &o->shape);
    r->coded->q = q;
    r->coded->preference = o->preference;
}

int
weir_encoded(const weir_request *r, const weir_coding *coding, uint64_t *in, uint64_t *out)
{
    const struct wr_coded *c = wr_request_of(r)->coded;

    if (c == NULL || c->encode.coding != coding) {
        return WEIR_ABSENT;
    }
    *in = c->encode.bytes_in;
    *out = c->encode.bytes_out;
    return WEIR_OK;
}
