/* http1/head.c - from the bytes of a request head to a request: framing and host decided, server chosen, path normalised.
 *
 * The head's bytes are copied to the request's memory once; its fields are slices of that copy.
 */
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/str.h"
#include "http/http.h"
#include "http/metrics.h"
#include "http1/http1.h"
#include "net/pressure.h"
#include "wire/framing.h"
#include "wire/host.h"
#include "wire/target.h"
#include "wire/uri.h"

/* What is served here at all, for Allow. */
#define SERVED_METHODS "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"

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
    struct wr_request *r = wr_request_create(&h->pool, &h->conn, &wr_http1_driver, h,
                                             h->endpoint->http, h->endpoint->fallback);

    h->r = r;
    r->pipelined = h->pipelined;
    h->x = wr_pool_zalloc(&h->pool, sizeof(*h->x));
    h->state = WR_HTTP1_REQUEST;
    h->conn.requests++;
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
    line.len = wr_str_find(line, '\n');
    if (line.len != 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    return weir_dup(pool, line);
}

/* The head is bad: answer, say why in the log, close. */
static void
refuse(struct wr_http1 *h, uint32_t status, const char *why)
{
    struct wr_request *r = h->r;

    wr_say(&r->log, INFO, "client sent an invalid request: %s", why);
    r->keep_alive = false;
    wr_request_refuse(r, status);
}

static void
bad_head(struct wr_http1 *h, const struct wr_fault *fault)
{
    struct wr_request *r = request_create(h);

    r->line = first_line(&h->pool);
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

    wr_fields_take(&r->in, all, head->fields, head->n_fields, base);
    r->pub.in_first = r->in.first;
}

/* host in lower case and without a final dot, in place when it already is. */
static weir_str
canonical_host(weir_pool *pool, weir_str host)
{
    char *to;

    if (host.len > 1 && host.data[host.len - 1] == '.') {
        host.len--;
    }
    for (size_t i = 0; i < host.len; i++) {
        if (wr_str_lower((uint8_t)host.data[i]) != (uint8_t)host.data[i]) {
            to = wr_pool_alloc(pool, host.len);
            for (i = 0; i < host.len; i++) {
                to[i] = (char)wr_str_lower((uint8_t)host.data[i]);
            }
            return (weir_str){ to, host.len };
        }
    }
    return host;
}

/* Names with an empty label ("a..b", ".a", ".") are in no DNS and in no sane configuration. */
static bool
has_empty_label(weir_str host)
{
    return host.len != 0 &&
           (host.data[0] == '.' || memmem(host.data, host.len, "..", 2) != NULL);
}

/* Host fields seen lately, as they came, and what they meant: clients repeat themselves. A worker serves one configuration, so
 * what is here stays true; names that a regular expression decides are never kept (they set captures). */
enum { KNOWN = 16, KNOWN_BYTES = 64 };
static struct known_host {
    const struct wr_endpoint *endpoint;
    const struct wr_server *server;
    uint32_t port;
    uint8_t len, host_len; /* of the field, and of the host in front of its port */
    char bytes[KNOWN_BYTES];
} known[KNOWN];

static struct known_host *
known_place(weir_str field)
{
    uint32_t n = (uint8_t)field.data[0] * 3u + (uint8_t)field.data[field.len - 1] * 5u;

    return &known[(n + field.len) % KNOWN];
}

/* The server of a Host field that was seen before: true, and r belongs to it. */
static bool
choose_known(struct wr_http1 *h, struct wr_request *r, weir_str field)
{
    const struct known_host *k;

    if (field.len == 0 || field.len > KNOWN_BYTES) {
        return false;
    }
    k = known_place(field);
    if (k->endpoint != h->endpoint || k->len != field.len ||
        memcmp(k->bytes, field.data, field.len) != 0) {
        return false;
    }
    r->host_port = k->port;
    r->pub.host = (weir_str){ field.data, k->host_len };
    if (&k->server->base != r->loc) {
        wr_request_enter(r, &k->server->base);
    }
    return true;
}

/* Keep it if it can be used as it came. */
static void
keep_known(const struct wr_http1 *h, const struct wr_request *r, weir_str field)
{
    struct known_host *k;

    if (field.len == 0 || field.len > KNOWN_BYTES || r->pub.host.data != field.data ||
        !wr_vhost_is_stable(h->endpoint)) {
        return;
    }
    k = known_place(field);
    *k = (struct known_host){ .endpoint = h->endpoint,
                              .server = r->server,
                              .port = r->host_port,
                              .len = (uint8_t)field.len,
                              .host_len = (uint8_t)r->pub.host.len };
    memcpy(k->bytes, field.data, field.len);
}

/* Which server is meant: the target's host, else the Host field's. False: neither can be read. */
static bool
choose_server(struct wr_http1 *h, struct wr_request *r, const struct wr_target *target,
              const struct wr_framing *framing)
{
    weir_str host = target->host;
    const struct wr_server *s;

    r->authority = framing->host.data != NULL ? framing->host : WEIR_STR("");
    if (host.data == NULL && choose_known(h, r, framing->host)) {
        return true;
    }
    r->host_port = target->port;
    if (framing->host.len != 0) {
        weir_str field;
        uint32_t port;
        if (!wr_host_parse(framing->host, &field, &port) || has_empty_label(field)) {
            return false;
        }
        if (host.data == NULL) {
            host = field;
            r->host_port = port;
        }
    }
    if (host.data == NULL) {
        r->pub.host = WEIR_STR("");
    } else {
        r->pub.host = canonical_host(&h->pool, host);
    }
    s = wr_vhost_find(h->endpoint, r->pub.host, r);
    wr_request_enter(r, &s->base);
    keep_known(h, r, framing->host);
    return true;
}

static bool
normalise(struct wr_request *r, const struct wr_target *target, struct wr_err *err)
{
    const struct wr_server_conf *c = wr_server_conf(r);
    struct wr_uri_rules rules = { .merge_slashes = c->merge_slashes,
                                  .decode_slash = c->encoded_slash };
    bool plain = target->path.len != 0 && target->path.data[0] == '/';
    char *to;

    if (!plain) { /* "*", or an authority */
        r->pub.path = target->path;
        return true;
    }
    if (!wr_uri_plain(target->path, &r->pub.path, &r->pub.args)) {
        to = wr_pool_alloc(r->pub.pool, target->path.len + 1);
        if (wr_uri_path(target->path, &rules, to, &r->pub.path, &r->pub.args, err) != WR_OK) {
            r->pub.path = WEIR_STR("");
            return false;
        }
    }
    if (target->query.data != NULL) {
        r->pub.args = target->query;
    }
    return true;
}

/* Does the client want the connection kept, and do our limits allow it? */
static bool
wants_keep_alive(const struct wr_http1 *h, const struct wr_framing *framing)
{
    return framing->persistent && !h->quitting && wr_pressure.level == WR_PRESSURE_NONE;
}

/* OPTIONS *: about the server as a whole [RFC 9110 9.3.7]. */
static bool
is_about_server(const struct wr_request *r)
{
    return r->pub.method == WEIR_OPTIONS && r->pub.path.len == 1 && r->pub.path.data[0] == '*';
}

/* Methods that no content of ours answers, and that must not fall through to files [RFC 9110 9.3.6, 9.3.8]. */
static bool
refused_method(uint32_t method)
{
    return method == WEIR_TRACE || method == WEIR_CONNECT;
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
    if (h->x->body != WR_HTTP1_BODY_NONE) {
        r->pub.flags |= WEIR_R_HAS_BODY;
    }
    if (chunked && !wr_http1_body_right(h, &fault)) { /* nothing acts on a request that is broken */
        wr_http1_input.len = 0;
        h->x->body = WR_HTTP1_BODY_NONE;
        refuse(h, fault.status, fault.reason);
        return;
    }
    if (is_about_server(r)) {
        (void)weir_out_set(&r->pub, WEIR_STR("Allow"), WEIR_STR(SERVED_METHODS));
        (void)weir_respond(&r->pub, 204, WEIR_STR(""), WEIR_STR(""));
        return;
    }
    wr_request_start(r);
}

static void
take(struct wr_http1 *h, struct wr_request_head *head)
{
    struct wr_http1_input *in = &wr_http1_input;
    struct wr_request *r = request_create(h);
    const char *base = memcpy(wr_pool_alloc(&h->pool, head->bytes), in->at, head->bytes);
    weir_str target = { base + head->target_at, head->target_len };
    struct wr_framing framing;
    struct wr_target parts;
    struct wr_fault fault;
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
    } else if (!choose_server(h, r, &parts, &framing)) {
        in->len = 0;
        refuse(h, 400, "the Host field is not a host");
    } else if (!normalise(r, &parts, &err)) {
        in->len = 0;
        refuse(h, 400, err.text);
    } else if (wr_pressure_now() == WR_PRESSURE_FULL) {
        wr_pressure.shed++;
        in->len = 0;
        refuse(h, 503, "this worker's memory is short");
    } else if (refused_method(head->method)) {
        in->len = 0;
        (void)weir_out_set(&r->pub, WEIR_STR("Allow"), WEIR_STR(SERVED_METHODS));
        refuse(h, 405, "the method is not allowed here");
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
