/* http/answer.c - the ABI's ways to change fields and to answer: thin, checked, and all ending in http/response. */
#include <string.h>
#include <weir/request.h>

#include "base/assert.h"
#include "http/body_in.h"
#include "http/http.h"
#include "http/response.h"
#include "http/types.h"
#include "wire/names.h"
#include "wire/status.h"

enum {
    REASON_MAX = 256, /* bytes of a reason phrase */
    PHRASE_AT = 13    /* where it stands in a status line */
};

/* ---- Fields. ---- */

const weir_header *
weir_in_find(const weir_request *r, weir_str name)
{
    uint32_t id = wr_name_id(name);

    return id != 0 ? r->in[id] : wr_fields_find(&wr_request_of(r)->in, name);
}

const weir_header *
weir_out_find(const weir_request *r, weir_str name)
{
    uint32_t id = wr_name_id(name);

    return id != 0 ? r->out[id] : wr_fields_find(wr_request_of(r)->out, name);
}

uint32_t
weir_header_id(weir_str name)
{
    return wr_name_id(name);
}

static int
in_change(weir_request *pub, weir_str name, weir_str value, bool replace)
{
    struct wr_request *r = wr_request_of(pub);
    uint32_t id = wr_name_id(name);

    if (!wr_field_valid(name, value)) {
        return WEIR_INVALID;
    }
    if (replace) {
        (void)wr_fields_remove(&r->in, name, id);
    }
    (void)wr_fields_add(&r->in, pub->pool, name, value, id);
    pub->in_first = r->in.first;
    return WEIR_OK;
}

int
weir_in_set(weir_request *r, weir_str name, weir_str value)
{
    return in_change(r, name, value, true);
}

int
weir_in_add(weir_request *r, weir_str name, weir_str value)
{
    return in_change(r, name, value, false);
}

int
weir_in_remove(weir_request *pub, weir_str name)
{
    struct wr_request *r = wr_request_of(pub);

    if (wr_fields_remove(&r->in, name, wr_name_id(name)) == 0) {
        return WEIR_ABSENT;
    }
    pub->in_first = r->in.first;
    return WEIR_OK;
}

/* The fields that framing decides, not modules. */
static bool
is_servers(uint32_t id)
{
    return id == WEIR_H_CONTENT_LENGTH || id == WEIR_H_TRANSFER_ENCODING ||
           id == WEIR_H_CONNECTION || id == WEIR_H_KEEP_ALIVE;
}

static int
out_change(weir_request *pub, weir_str name, weir_str value, bool replace)
{
    struct wr_request *r = wr_request_of(pub);
    uint32_t id = wr_name_id(name);
    struct wr_fields *f;

    if (pub->flags & WEIR_R_HEAD_SENT) {
        return WEIR_CLOSED;
    }
    if (is_servers(id) || !(id != 0 ? wr_value_valid(value) : wr_field_valid(name, value))) {
        return WEIR_INVALID;
    }
    f = wr_response_fields(r);
    if (replace) {
        (void)wr_fields_remove(f, name, id);
    }
    (void)wr_fields_add(f, pub->pool, name, value, id);
    pub->out_first = f->first;
    return WEIR_OK;
}

int
weir_out_pass(weir_request *pub, const weir_header *first, uint64_t skip, uint64_t ask,
              bool (*asked)(void *data, const weir_header *h), void *data)
{
    const uint64_t servers = UINT64_C(1) << WEIR_H_CONTENT_LENGTH |
                             UINT64_C(1) << WEIR_H_TRANSFER_ENCODING |
                             UINT64_C(1) << WEIR_H_CONNECTION | UINT64_C(1) << WEIR_H_KEEP_ALIVE;
    const struct wr_fields_filter which = { skip | servers, ask, asked, data };
    struct wr_fields *f;

    if (pub->flags & WEIR_R_HEAD_SENT) {
        return WEIR_CLOSED;
    }
    f = wr_response_fields(wr_request_of(pub));
    wr_fields_pass(f, pub->pool, first, &which);
    pub->out_first = f->first;
    return WEIR_OK;
}

int
weir_out_set(weir_request *r, weir_str name, weir_str value)
{
    return out_change(r, name, value, true);
}

int
weir_out_add(weir_request *r, weir_str name, weir_str value)
{
    return out_change(r, name, value, false);
}

int
weir_out_remove(weir_request *pub, weir_str name)
{
    struct wr_request *r = wr_request_of(pub);
    uint32_t id = wr_name_id(name);
    struct wr_fields *f;

    if (pub->flags & WEIR_R_HEAD_SENT) {
        return WEIR_CLOSED;
    }
    if (id == WEIR_H_SERVER) {
        r->nameless = true;
    }
    if (weir_out_find(pub, name) == NULL) {
        return WEIR_ABSENT;
    }
    f = wr_response_fields(r);
    (void)wr_fields_remove(f, name, id);
    pub->out_first = f->first;
    return WEIR_OK;
}

int
weir_out_clear(weir_request *pub)
{
    if (pub->flags & WEIR_R_HEAD_SENT) {
        return WEIR_CLOSED;
    }
    wr_response_clear_head(wr_request_of(pub));
    return WEIR_OK;
}

int
weir_out_trailer(weir_request *pub, weir_str name, weir_str value)
{
    struct wr_request *r = wr_request_of(pub);
    uint32_t id = wr_name_id(name);

    if (r->answer == WR_ANSWER_LAST) {
        return WEIR_CLOSED;
    }
    if (!wr_field_valid(name, value) || is_servers(id)) {
        return WEIR_INVALID;
    }
    if (r->trailers == NULL) {
        if (pub->flags & WEIR_R_HEAD_SENT && pub->out_length >= 0) {
            return WEIR_CLOSED; /* the framing has been chosen without trailers */
        }
        r->trailers = wr_pool_zalloc(pub->pool, sizeof(*r->trailers));
    }
    (void)wr_fields_remove(r->trailers, name, id);
    (void)wr_fields_add(r->trailers, pub->pool, name, value, id);
    return WEIR_OK;
}

weir_str
weir_connect_protocol(const weir_request *pub)
{
    const struct wr_request *r = wr_request_of(pub);

    return r->error_status == 0 ? r->protocol : (weir_str){ NULL, 0 }; /* a page of a given status begins no tunnel */
}

const weir_header *
weir_in_trailers(const weir_request *r)
{
    const struct wr_fields *f = wr_request_of(r)->trailers_in;

    return f != NULL ? f->first : NULL;
}

int
weir_out_interim(weir_request *pub, uint32_t status, const weir_header *first)
{
    struct wr_request *r = wr_request_of(pub);

    if (pub->flags & WEIR_R_HEAD_SENT) {
        return WEIR_CLOSED;
    }
    if (pub->version < 11 || (status != 102 && status != 103)) {
        return WEIR_INVALID;
    }
    for (const weir_header *h = first; h != NULL; h = h->next) {
        if (is_servers(h->id) || !wr_field_valid(h->name, h->value)) {
            return WEIR_INVALID;
        }
    }
    r->driver->interim(r, status, first);
    return WEIR_OK;
}

/* Is the phrase the status' own? Then nothing has to be said: the line is ready. */
static bool
is_usual(uint32_t status, weir_str reason)
{
    weir_str line = status >= 100 && status <= 599 ? wr_status_line(status) : WEIR_STR("");

    return line.len == PHRASE_AT + reason.len + 2 &&
           memcmp(line.data + PHRASE_AT, reason.data, reason.len) == 0;
}

int
weir_out_reason(weir_request *r, weir_str reason)
{
    if (r->flags & WEIR_R_HEAD_SENT) {
        return WEIR_CLOSED;
    }
    if (reason.len > REASON_MAX || !wr_value_valid(reason)) {
        return WEIR_INVALID;
    }
    wr_request_of(r)->status_text = is_usual(r->status, reason) ? (weir_str){ NULL, 0 } : reason;
    return WEIR_OK;
}

enum weir_outlive
weir_outlive_client(weir_request *r, enum weir_outlive how)
{
    enum weir_outlive before = (enum weir_outlive)wr_request_of(r)->outlives_client;

    wr_request_of(r)->outlives_client = (uint8_t)how;
    return before;
}

int
weir_out_status(weir_request *r, uint32_t status)
{
    if (r->flags & WEIR_R_HEAD_SENT) {
        return WEIR_CLOSED;
    }
    if (status < 100 || status > 599) {
        return WEIR_INVALID;
    }
    r->status = status;
    return WEIR_OK;
}

/* W/ in front of a strong ETag: the bytes are no longer the ones it was made for [RFC 9110 8.8.1]. */
static void
weaken_etag(weir_request *r)
{
    const weir_header *etag = r->out[WEIR_H_ETAG];

    if (etag != NULL && etag->value.len > 1 && etag->value.data[0] == '"') {
        weir_str weak = weir_print(r->pool, "W/%.*s", WEIR_FMT(etag->value));
        (void)weir_out_set(r, WEIR_STR("ETag"), weak);
    }
}

/* Does the field say what a checksum of the content is, or of the representation? [RFC 9530 2, 3; RFC 1864] */
static bool
is_digest(weir_str name, bool of_content)
{
    switch (name.len) {
    case 6:
        return !of_content && weir_str_ieq(name, WEIR_STR("Digest"));
    case 11:
        return weir_str_ieq(name, WEIR_STR("Content-MD5")) ||
               (!of_content && weir_str_ieq(name, WEIR_STR("Repr-Digest")));
    case 14:
        return weir_str_ieq(name, WEIR_STR("Content-Digest"));
    default:
        return false;
    }
}

void
wr_response_forget_digests(struct wr_request *r, bool of_content)
{
    const weir_header *next;

    for (const weir_header *h = r->pub.out_first; h != NULL; h = next) {
        next = h->next;
        if (h->id == WEIR_H_OTHER && is_digest(h->name, of_content)) {
            (void)weir_out_remove(&r->pub, h->name);
            next = r->pub.out_first; /* they are the request's own fields now, and there may have been several */
        }
    }
}

int
weir_out_length(weir_request *pub, int64_t bytes)
{
    struct wr_request *r = wr_request_of(pub);

    if (pub->flags & WEIR_R_HEAD_SENT) {
        return WEIR_CLOSED;
    }
    if (bytes < -1) {
        return WEIR_INVALID;
    }
    if (r->answer == WR_ANSWER_HEADERS) { /* a filter's word: the body is not what it was */
        r->lengths_differ = true;
        (void)weir_out_remove(pub, WEIR_STR("Accept-Ranges"));
        weaken_etag(pub);
        wr_response_forget_digests(r, false);
        if (r->out->shared) {
            (void)wr_response_fields(r);
        }
    }
    pub->out_length = bytes;
    return WEIR_OK;
}

/* ---- Answers. ---- */

/* The type of what r's path names. When nothing else has been set, its ready fields become the answer's, and the name is absent:
 * there is nothing left to set. */
static weir_str
use_type(struct wr_request *r)
{
    const struct wr_type *type = wr_types_find(wr_files_conf(r), r->pub.path);

    if (r->out != &wr_fields_none) {
        return type->name;
    }
    r->out = type->head;
    r->pub.out = type->head->index;
    r->pub.out_first = type->head->first;
    return (weir_str){ NULL, 0 };
}

int
weir_respond(weir_request *pub, uint32_t status, weir_str type, weir_str body)
{
    struct wr_request *r = wr_request_of(pub);
    weir_chain chain = { NULL, NULL };
    weir_buf *b;

    if (wr_response_begun(r) || status < 100 || status > 599 ||
        status == 101) { /* which begins a tunnel, and needs a source */
        return WEIR_ERROR;
    }
    pub->status = status;
    if (type.data == NULL && pub->out[WEIR_H_CONTENT_TYPE] == NULL && body.len != 0 &&
        status != 204) {
        type = use_type(r);
    }
    if (type.len != 0 && weir_out_set(pub, WEIR_STR("Content-Type"), type) != WEIR_OK) {
        return WEIR_ERROR;
    }
    if (status != 304 || r->error_status != 0) { /* else that of the 200 it stands for: filters go by it */
        pub->out_length = (int64_t)body.len;
    }
    if (wr_response_whole(r, body)) {
        return WEIR_DONE;
    }
    b = weir_buf_ref(pub->pool, body);
    b->flags = WEIR_BUF_LAST;
    weir_chain_push(&chain, b);
    wr_response_begin(r, &chain);
    return WEIR_DONE;
}

void
weir_out_seek(weir_request *r, weir_source_seek seek)
{
    wr_request_of(r)->seek = seek;
}

int
weir_respond_from(weir_request *pub, uint32_t status, weir_source source, void *data)
{
    struct wr_request *r = wr_request_of(pub);

    if (wr_response_begun(r) || status < 100 || status > 599 ||
        (status == 101 && (pub->version < 11 || r->parent != NULL || r->error_status != 0 || wr_body_missing(r)))) {
        return WEIR_ERROR;
    }
    pub->status = status;
    r->source = source;
    r->source_data = data;
    wr_response_begin(r, NULL);
    return WEIR_DONE;
}

int
weir_respond_method_not_allowed(weir_request *r, uint32_t methods)
{
    char text[128];
    struct wr_strbuf b = wr_strbuf_over(text, sizeof(text));

    for (uint32_t bit = WEIR_GET; bit <= WEIR_TRACE; bit <<= 1) {
        if (methods & bit) {
            if (b.len != 0) {
                wr_strbuf_lit(&b, ", ");
            }
            wr_strbuf_str(&b, wr_method_text(bit));
        }
    }
    (void)weir_out_set(r, WEIR_STR("Allow"), weir_dup(r->pool, wr_strbuf_view(&b)));
    return 405;
}
