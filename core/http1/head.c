/* http1/head.c - from the bytes of a request head to a request: framing and host decided, server chosen, path normalised.
 *
 * The head's bytes are copied to the request's memory once; its fields are slices of that copy.
 */
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/str.h"
#include "http/entry.h"
#include "http/http.h"
#include "http/metrics.h"
#include "http1/http1.h"
#include "net/pressure.h"
#include "wire/framing.h"
#include "wire/target.h"

/* Where fields are taken apart: this worker's, used within one call. */
static struct wr_head_field fields[WR_HTTP1_FIELDS];

static struct wr_head_limits
limits_of(const struct wr_server_conf *c)
{
    uint64_t head = (uint64_t)c->large_buffers * c->large_buffer_size;
    uint64_t line = WR_MAX(c->large_buffer_size, c->header_buffer_size);

    return (struct wr_head_limits){
        .line_max = (uint32_t)WR_MIN(line, (uint64_t)WR_HTTP1_HEAD_READ),
        .field_max = (uint32_t)WR_MIN(line, (uint64_t)WR_HTTP1_HEAD_READ),
        .head_max = (uint32_t)WR_MIN(WR_MAX(head, line), (uint64_t)WR_HTTP1_AREA - WR_HTTP1_HEAD_READ),
        .fields_max = (uint32_t)WR_MIN(c->max_headers, (int64_t)WR_HTTP1_FIELDS),
        .empty_max = 4,
        .bare_lf = c->bare_lf,
        .underscores = c->underscores_in_headers || !c->ignore_invalid_headers,
        .ignore_invalid = c->bare_lf && c->ignore_invalid_headers, /* weir: no token, no request */
        .target_high = c->bare_lf,
    };
}

/* The same, worked out once for as long as the settings stay the same ones. */
static const struct wr_head_limits *
limits_for(const struct wr_server_conf *c)
{
    static const struct wr_server_conf *last;
    static struct wr_head_limits limits;

    if (c != last) {
        limits = limits_of(c);
        last = c;
    }
    return &limits;
}

/* A request of this connection in its pool, which is empty. */
static struct wr_request *
request_create(struct wr_http1 *h)
{
    struct wr_request *r;

    h->conn.requests++;
    r = wr_request_create(h->pool, &h->conn, &wr_http1_driver, h, h->endpoint->http,
                          h->endpoint->fallback);
    h->r = r;
    r->pipelined = h->pipelined;
    h->x = wr_pool_zalloc(h->pool, sizeof(*h->x));
    h->state = WR_HTTP1_REQUEST;
    wr_count_request();
    wr_count_show(&h->shown, WR_SHOWN_WRITING);
    return r;
}

/* The first line of what has come, as far as it goes: for $request and the log of what could not be read. */
static weir_str
first_line(weir_pool *pool)
{
    struct wr_http1_input *in = &wr_http1_input;
    weir_str line = { in->at, WR_MIN(in->len, (size_t)2048) };

    while (line.len != 0 && (line.data[0] == '\r' || line.data[0] == '\n')) {
        line.data++;
        line.len--;
    }
    line.len = weir_str_find(line, '\n');
    if (line.len != 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    return weir_dup(pool, line);
}

/* Answer with an error, and close. */
static void
turn_away(struct wr_http1 *h, uint32_t status)
{
    h->r->keep_alive = false;
    wr_request_refuse(h->r, status);
}

/* The head is bad: answer, say why in the log, close. */
static void
refuse(struct wr_http1 *h, uint32_t status, const char *why)
{
    wr_say(&h->r->log, INFO, "client sent an invalid request: %s", why);
    turn_away(h, status);
}

static void
bad_head(struct wr_http1 *h, const struct wr_fault *fault)
{
    struct wr_request *r = request_create(h);

    r->line = first_line(h->pool);
    r->pub.version = 11;
    r->pub.path = r->pub.target = WEIR_STR("");
    r->head_bytes = wr_http1_input.len;
    wr_http1_input.len = 0; /* where a next request would begin is anybody's guess */
    refuse(h, fault->status, fault->reason);
}

static void
take_fields(struct wr_request *r, const struct wr_request_head *head, const char *base)
{
    weir_header *all = wr_pool_alloc(r->pub.pool, (size_t)head->n_fields * sizeof(*all));

    wr_fields_take(&r->in, all, head->fields, head->n_fields, base, 0);
    r->pub.in_first = r->in.first;
}

/* Does the client want the connection kept, and do our limits allow it? */
static bool
wants_keep_alive(const struct wr_http1 *h, const struct wr_framing *framing)
{
    return framing->persistent && !h->quitting && wr_pressure.level == WR_PRESSURE_NONE;
}

static void
start(struct wr_http1 *h, struct wr_request *r, const struct wr_framing *framing)
{
    bool chunked = framing->length == WR_LENGTH_CHUNKED;
    struct wr_fault fault;

    r->keep_alive = wants_keep_alive(h, framing);
    r->pub.in_length = framing->length;
    h->x->continue_owed = framing->expect_continue && (chunked || framing->length > 0);
    wr_http1_body_start(h, chunked, chunked ? 0 : (uint64_t)framing->length);
    if (chunked && !wr_http1_body_right(h, &fault)) { /* nothing acts on a request that is broken, nor waits for its body */
        wr_http1_input.len = 0;
        h->x->body = WR_HTTP1_BODY_NONE;
        r->pub.in_length = 0;
        wr_http1_say_chunks(r, &fault);
        r->keep_alive = false;
        wr_request_refuse(r, fault.status);
        return;
    }
    if (h->x->body != WR_HTTP1_BODY_NONE) {
        r->pub.flags |= WEIR_R_HAS_BODY;
    }
    wr_entry_start(r);
}

static void
take(struct wr_http1 *h, struct wr_request_head *head)
{
    struct wr_http1_input *in = &wr_http1_input;
    struct wr_request *r = request_create(h);
    const char *base = memcpy(wr_pool_alloc(h->pool, head->bytes), in->at, head->bytes);
    weir_str target = { base + head->target_at, head->target_len };
    struct wr_framing framing;
    struct wr_target parts;
    struct wr_fault fault;
    const char *why;
    uint32_t refusal;
    struct wr_err err __attribute__((uninitialized)); /* half a kilobyte that is set when it is needed */

    in->at += head->bytes;
    in->len -= head->bytes;
    r->head_bytes = head->bytes;
    r->pub.method = head->method;
    r->pub.method_name = (weir_str){ base + head->method_at, head->method_len };
    r->pub.target = target;
    r->pub.path = WEIR_STR("");
    r->pub.version = head->version;
    r->line = (weir_str){ r->pub.method_name.data,
                          (size_t)(target.data + target.len - r->pub.method_name.data) + 9 };
    take_fields(r, head, base);
    if (wr_framing_request(base, head, &framing, &fault) != WR_OK ||
        wr_target_split(target, head->method, &parts, &fault) != WR_OK) {
        in->len = 0;
        refuse(h, fault.status, fault.reason);
    } else if (!wr_entry_server(r, h->endpoint, framing.host, parts.host, parts.port)) {
        in->len = 0;
        refuse(h, 400, "the Host field is not a host");
    } else if (!wr_entry_path(r, parts.path, parts.query, &err)) {
        in->len = 0;
        refuse(h, 400, err.text);
    } else if (h->plain) {
        in->len = 0;
        wr_say(&r->log, INFO,
               "client sent plain HTTP request to HTTPS port while reading client request headers");
        turn_away(h, 497);
    } else if ((refusal = wr_entry_refusal(r, &why)) != 0) {
        in->len = 0;
        refuse(h, refusal, why);
    } else {
        start(h, r, &framing);
    }
}

bool
wr_http1_take_head(struct wr_http1 *h)
{
    struct wr_http1_input *in = &wr_http1_input;
    const struct wr_head_limits *limits = limits_for(wr_http1_conf(h));
    struct wr_request_head head = { .fields = fields };
    struct wr_fault fault;

    switch (wr_http1_request_head(in->at, in->len, &h->scan, limits, &head, &fault)) {
    case WR_OK:
        take(h, &head);
        return true;
    case WR_BAD:
        bad_head(h, &fault);
        return true;
    default:
        if (!h->timed_out) {
            return false;
        }
        (void)wr_fault_set(&fault, 408, "it did not come in time");
        bad_head(h, &fault);
        return true;
    }
}
