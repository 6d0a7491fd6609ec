/* http1/body.c - the request body on the connection: by length or chunked, to the request or to nowhere; trailers; and what comes
 * through a tunnel. */
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "http/body_in.h"
#include "http/http.h"
#include "http1/http1.h"

enum { TRAILER_FIELDS = 64, TRAILER_BYTES = 8192 };

void
wr_http1_body_start(struct wr_http1 *h, bool chunked, uint64_t length)
{
    h->x->body = chunked       ? WR_HTTP1_BODY_CHUNKED
                 : length != 0 ? WR_HTTP1_BODY_LENGTH
                               : WR_HTTP1_BODY_NONE;
    h->x->body_left = length;
}

static void
consume(size_t n)
{
    wr_http1_input.at += n;
    wr_http1_input.len -= n;
}

/* Hand bytes on. When the request does not want more of them, the rest is thrown away. */
static void
deliver(struct wr_http1 *h, const char *bytes, size_t len, bool last, bool discard)
{
    h->x->body_read += len;
    if (!discard && !wr_body_push(h->r, bytes, len, last)) {
        h->x->body_wanted = false;
    }
}

static void
take_length(struct wr_http1 *h, bool discard)
{
    size_t n = (size_t)WR_MIN((uint64_t)wr_http1_input.len, h->x->body_left);
    const char *bytes = wr_http1_input.at;

    if (n == 0) {
        return;
    }
    h->x->body_left -= n;
    if (h->x->body_left == 0) {
        h->x->body = WR_HTTP1_BODY_NONE;
    }
    if (h->r != NULL) {
        h->r->body_bytes += n;
    }
    consume(n);
    deliver(h, bytes, n, h->x->body_left == 0, discard);
}

static void
take_tunnel(struct wr_http1 *h, bool discard)
{
    weir_str bytes = { wr_http1_input.at, wr_http1_input.len };
    size_t gone;

    if (bytes.len == 0) {
        return;
    }
    gone = discard ? 0 : wr_body_direct(h->r, bytes);
    h->r->body_bytes += bytes.len;
    consume(bytes.len);
    if (gone != bytes.len) {
        deliver(h, bytes.data + gone, bytes.len - gone, false, discard);
    }
}

void
wr_http1_tunnel_end(struct wr_http1 *h)
{
    h->x->body = WR_HTTP1_BODY_NONE;
    deliver(h, NULL, 0, true, false);
}

bool
wr_http1_body_awaited(const struct wr_http1 *h)
{
    return h->x->body_wanted && h->x->body != WR_HTTP1_BODY_NONE && wr_body_wanted(h->r);
}

void
wr_http1_say_chunks(struct wr_request *r, const struct wr_fault *fault)
{
    wr_say(&r->log, ERROR, "client sent invalid chunked body: %s", fault->reason);
}

/* The body cannot be read on: what follows on the connection has no known beginning. */
static void
broken(struct wr_http1 *h, const struct wr_fault *fault, bool discard)
{
    h->x->body = WR_HTTP1_BODY_NONE;
    wr_http1_input.len = 0;
    if (discard) {
        h->x->error = true;
        return;
    }
    wr_http1_say_chunks(h->r, fault);
    h->r->keep_alive = false;
    wr_body_failed(h->r, fault->status);
}

static void
keep_trailers(struct wr_request *r, const struct wr_head_section *s, const char *base)
{
    if (s->n_fields != 0) {
        r->trailers_in = wr_pool_zalloc(r->pub.pool, sizeof(*r->trailers_in));
    }
    for (uint32_t i = 0; i < s->n_fields; i++) {
        const struct wr_head_field *f = &s->fields[i];
        weir_str name = weir_dup(r->pub.pool, (weir_str){ base + f->name_at, f->name_len });
        weir_str value = weir_dup(r->pub.pool, (weir_str){ base + f->value_at, f->value_len });
        (void)wr_fields_add(r->trailers_in, r->pub.pool, name, value, f->id);
    }
}

static const struct wr_head_limits trailer_limits = { .field_max = TRAILER_BYTES,
                                                      .head_max = TRAILER_BYTES,
                                                      .fields_max = TRAILER_FIELDS,
                                                      .underscores = true };

bool
wr_http1_body_right(const struct wr_http1 *h, struct wr_fault *fault)
{
    struct wr_chunked c = h->x->chunked;
    struct wr_head_scan scan = { 0 };
    struct wr_head_field fields[TRAILER_FIELDS];
    struct wr_head_section s = { .fields = fields };
    const char *at = wr_http1_input.at;
    size_t len = wr_http1_input.len, used;
    weir_str data;

    do {
        enum wr_wire w = wr_chunked_decode(&c, at, len, &used, &data, fault);
        if (w != WR_OK) {
            return w != WR_BAD;
        }
        at += used;
        len -= used;
    } while (data.len != 0);
    return wr_http1_section(at, len, &scan, &trailer_limits, &s, fault) != WR_BAD;
}

static bool
take_trailers(struct wr_http1 *h, bool discard)
{
    struct wr_head_field fields[TRAILER_FIELDS];
    struct wr_head_section s = { .fields = fields };
    struct wr_fault fault;

    switch (wr_http1_section(wr_http1_input.at, wr_http1_input.len, &h->x->trailer_scan,
                             &trailer_limits, &s, &fault)) {
    case WR_OK:
        if (h->r != NULL) {
            keep_trailers(h->r, &s, wr_http1_input.at);
            h->r->body_bytes += s.bytes;
        }
        consume(s.bytes);
        h->x->body = WR_HTTP1_BODY_NONE;
        deliver(h, NULL, 0, true, discard);
        return false;
    case WR_BAD:
        broken(h, &fault, discard);
        return false;
    default:
        return false;
    }
}

/* One step of a chunked body. False: no more can be done with what there is. */
static bool
take_chunked(struct wr_http1 *h, bool discard)
{
    struct wr_fault fault;
    weir_str data;
    size_t used;
    enum wr_wire w = wr_chunked_decode(&h->x->chunked, wr_http1_input.at, wr_http1_input.len,
                                       &used, &data, &fault);

    if (w == WR_BAD) {
        broken(h, &fault, discard);
        return false;
    }
    consume(used);
    if (h->r != NULL) {
        h->r->body_bytes += used;
    }
    if (w == WR_MORE) {
        return false;
    }
    if (data.len == 0) {
        h->x->body = WR_HTTP1_BODY_TRAILERS;
        return true;
    }
    deliver(h, data.data, data.len, false, discard);
    return discard || (h->x->body_wanted && wr_body_wanted(h->r));
}

void
wr_http1_take_body(struct wr_http1 *h, bool discard)
{
    bool more = true;

    while (more && h->x->body != WR_HTTP1_BODY_NONE) {
        switch (h->x->body) {
        case WR_HTTP1_BODY_LENGTH:
            take_length(h, discard);
            more = false;
            break;
        case WR_HTTP1_BODY_TUNNEL:
            take_tunnel(h, discard);
            more = false;
            break;
        case WR_HTTP1_BODY_CHUNKED:
            more = wr_http1_input.len != 0 && take_chunked(h, discard);
            break;
        default:
            more = take_trailers(h, discard);
        }
    }
}
