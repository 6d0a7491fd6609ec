/* http2/message.c - a field block that has come whole: a request that is begun, answered or reset, or the trailers that end one.
 *
 * What HTTP/1 would have had is added, so that nothing behind this file has to know by which protocol a request came.
 */
#include <string.h>

#include "base/assert.h"
#include "base/base64.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "http/entry.h"
#include "http/http.h"
#include "http/metrics.h"
#include "http2/http2.h"
#include "wire/chars.h"
#include "wire/host.h"
#include "wire/names.h"
#include "wire/scan.h"

/* A scheme is letters, digits, '+', '-', '.'. [RFC 3986 3.1] */
static bool
scheme_is_right(weir_str scheme)
{
    if (weir_str_eq(scheme, WEIR_STR("https"))) {
        return true;
    }
    for (size_t i = 0; i < scheme.len; i++) {
        uint8_t c = (uint8_t)scheme.data[i];
        if (!weir_is_letter(c) && (i == 0 || !(wr_char_is((char)c, WR_CHAR_DIGIT) || c == '+' || c == '-' || c == '.'))) {
            return false;
        }
    }
    return scheme.len != 0;
}

static bool
path_is_right(weir_str path, uint32_t method, unsigned classes)
{
    const char *at, *end;

    if (path.len == 1 && path.data[0] == '*') {
        return method == WEIR_OPTIONS;
    }
    if (path.len == 0 || path.data[0] != '/') {
        return false;
    }
    end = path.data + path.len;
    at = wr_scan_target(path.data, end);
    return wr_char_all((weir_str){ at, (size_t)(end - at) }, classes);
}

/* A field that HTTP/1 would have had. There is room: see take_field. */
static void
add_ours(struct wr_http2_head *head, uint32_t id, weir_str value)
{
    head->fields[head->n++] =
        (weir_header){ .name = wr_name_text(id), .value = value, .id = id };
}

static bool
is_host(const struct wr_endpoint *e, weir_str authority)
{
    weir_str host;
    uint32_t port;

    return wr_entry_knows(e, authority) || wr_host_parse(authority, &host, &port);
}

/* The host that is meant, from :authority or else the Host field, which may not differ from it. */
static void
check_authority(const struct wr_endpoint *e, struct wr_http2_head *head)
{
    weir_str field = { NULL, 0 };

    for (uint32_t i = 0; head->host && i < head->n; i++) {
        if (head->fields[i].id == WEIR_H_HOST) {
            field = head->fields[i].value;
        }
    }
    if (head->authority.data != NULL && field.data != NULL && !weir_str_ieq(head->authority, field)) {
        wr_head_malformed(head, "host differs from :authority");
        return;
    }
    if (head->authority.data == NULL) {
        head->authority = field;
    }
    if (head->authority.data == NULL || !is_host(e, head->authority)) {
        wr_head_malformed(head, "no host, or none that could be one");
        return;
    }
    if (field.data == NULL) { /* for what looks for a Host field */
        add_ours(head, WEIR_H_HOST, head->authority);
    }
}

/* The rules that need all pseudo-fields. [RFC 9113 8.3.1, 8.5; RFC 8441 4] */
static void
check_pseudo(struct wr_stream *s, struct wr_http2_head *head, uint32_t method)
{
    unsigned classes = wr_http2_server_conf(s->h)->bare_lf ? WR_CHAR_TARGET_HIGH : WR_CHAR_TARGET;
    bool plain_connect = method == WEIR_CONNECT && head->protocol.data == NULL;

    if (method == WEIR_METHOD_OTHER && !wr_char_is_token(head->method)) {
        wr_head_malformed(head, "no method, or none that could be one");
    } else if (plain_connect) {
        if (head->scheme.data != NULL || head->path.data != NULL) {
            wr_head_malformed(head, "CONNECT with a scheme or a path");
        }
    } else if (head->protocol.data != NULL &&
               (method != WEIR_CONNECT || !wr_char_is_token(head->protocol))) {
        wr_head_malformed(head, "a protocol without CONNECT, or none that could be one");
    } else if (!scheme_is_right(head->scheme)) {
        wr_head_malformed(head, "no scheme, or none that could be one");
    } else if (head->status != 414 && !path_is_right(head->path, method, classes)) {
        wr_head_malformed(head, "no path, or none that could be one");
    }
}

/* A tunnel is asked for as HTTP/1 does it, so that whoever passes the wish on need not know; the key of a WebSocket, which HTTP/2
 * has no use for, is ours. [RFC 8441 5, RFC 6455 4.1] */
static void
ask_for_tunnel(struct wr_stream *s, struct wr_http2_head *head)
{
    static const weir_str name = { "sec-websocket-key", 17 };
    uint8_t nonce[16];
    struct wr_strbuf key = wr_strbuf_over(wr_pool_alloc(s->pool, 24), 24);

    add_ours(head, WEIR_H_CONNECTION, WEIR_STR("upgrade"));
    add_ours(head, WEIR_H_UPGRADE, head->protocol);
    if (!weir_str_ieq(head->protocol, WEIR_STR("websocket"))) {
        return;
    }
    for (uint32_t i = 0; i < head->n; i++) {
        if (head->fields[i].id == 0 && weir_str_eq(head->fields[i].name, name)) {
            return;
        }
    }
    weir_random(nonce, sizeof(nonce));
    wr_base64_encode(&key, (weir_str){ (const char *)nonce, sizeof(nonce) });
    head->fields[head->n++] = (weir_header){ .name = name, .value = wr_strbuf_view(&key) };
}

/* The crumbs of a cookie as the one field that applications know. [RFC 9113 8.2.3] */
static void
join_cookies(struct wr_stream *s, struct wr_http2_head *head)
{
    struct wr_strbuf b;
    size_t room = 0;
    uint32_t first = UINT32_MAX, n = 0;

    for (uint32_t i = 0; i < head->n; i++) {
        room += head->fields[i].id == WEIR_H_COOKIE ? head->fields[i].value.len + 2 : 0;
    }
    b = wr_strbuf_over(wr_pool_alloc(s->pool, room), room);
    for (uint32_t i = 0; i < head->n; i++) {
        if (head->fields[i].id != WEIR_H_COOKIE || first == UINT32_MAX) {
            first = head->fields[i].id == WEIR_H_COOKIE ? n : first;
            head->fields[n++] = head->fields[i];
        }
        if (head->fields[i].id == WEIR_H_COOKIE) {
            if (b.len != 0) {
                wr_strbuf_lit(&b, "; ");
            }
            wr_strbuf_str(&b, head->fields[i].value);
        }
    }
    WR_ASSERT(!b.full);
    head->fields[first].value = wr_strbuf_view(&b);
    head->n = n;
}

/* The fields to f, which is empty. */
static void
take_fields(struct wr_stream *s, const struct wr_http2_head *head, struct wr_fields *f)
{
    weir_header *all = wr_pool_alloc(s->pool, WR_MAX(head->n, 1) * sizeof(*all));

    memcpy(all, head->fields, head->n * sizeof(*all));
    for (uint32_t i = 0; i < head->n; i++) {
        wr_fields_append(f, &all[i]);
    }
}

/* "GET /a HTTP/2.0": what a log shows of it. */
static weir_str
line_of(struct wr_stream *s, const struct wr_http2_head *head, weir_str target)
{
    size_t room = head->method.len + target.len + 10;
    struct wr_strbuf b = wr_strbuf_over(wr_pool_alloc(s->pool, room), room);

    wr_strbuf_str(&b, head->method);
    wr_strbuf_byte(&b, ' ');
    wr_strbuf_str(&b, target);
    wr_strbuf_lit(&b, " HTTP/2.0");
    return wr_strbuf_view(&b);
}

static struct wr_request *
request_create(struct wr_stream *s, const struct wr_http2_head *head, uint32_t method)
{
    struct wr_http2 *h = s->h;
    weir_str target = head->path.data != NULL ? head->path : head->authority;
    struct wr_request *r;

    h->conn->requests++;
    r = wr_request_create(s->pool, h->conn, &wr_http2_driver, s, h->endpoint->http,
                          h->endpoint->fallback);
    s->r = r;
    r->pub.method = method;
    r->pub.method_name = head->method;
    r->pub.target = target;
    r->pub.path = WEIR_STR("");
    r->pub.version = 20;
    r->protocol = head->protocol;
    r->line = line_of(s, head, target);
    r->keep_alive = true; /* what becomes of the connection is not decided by one request */
    if (h->conn->transport != &wr_transport_plain) {
        r->pub.flags |= WEIR_R_TLS;
    }
    take_fields(s, head, &r->in);
    r->pub.in_first = r->in.first;
    wr_count_request();
    wr_count_show(&h->shown, WR_SHOWN_WRITING);
    return r;
}

/* What the client wishes to have first. */
static void
prioritise(struct wr_stream *s, const struct wr_http2_head *head)
{
    if (head->prioritised && !s->wished) {
        wr_schedule_move(s, head->urgency, head->incremental);
    }
}

static void
frame_body(struct wr_stream *s, const struct wr_http2_head *head, bool last)
{
    s->in_left = head->length;
    s->in_end = s->in_told = last;
    s->r->pub.in_length = last ? 0 : head->length;
    s->continue_owed = head->expect_continue && !last;
    if (s->r->protocol.data != NULL) { /* what comes is for the tunnel, if there will be one */
        s->r->pub.in_length = 0;
    } else if (!last) {
        s->r->pub.flags |= WEIR_R_HAS_BODY;
    }
}

static void
start(struct wr_stream *s, const struct wr_http2_head *head)
{
    struct wr_request *r = s->r;
    weir_str none = { NULL, 0 };
    const char *why = head->why;
    uint32_t status = head->status;
    struct wr_err err __attribute__((uninitialized)); /* half a kilobyte that is set when it is needed */

    if (!wr_entry_server(r, s->h->endpoint, head->authority, none, 0)) {
        status = 400;
        why = "the host is not one that a server could have";
    } else if (status == 0 && !wr_entry_path(r, r->pub.target, none, &err)) {
        status = 400;
        why = err.text;
    } else if (status == 0) {
        status = wr_entry_refusal(r, &why);
    }
    if (status != 0) {
        wr_say(&r->log, INFO, "client sent an invalid request: %s", why);
        wr_request_refuse(r, status);
    } else {
        wr_entry_start(r);
    }
}

static void
reject(struct wr_stream *s, const char *why)
{
    wr_conn_say(s->h->conn, INFO, "client sent a malformed request: %s", why);
    wr_stream_malformed(s);
}

void
wr_message_request(struct wr_stream *s, struct wr_http2_head *head, bool last, size_t bytes)
{
    uint32_t method = wr_method_id(head->method);

    check_pseudo(s, head, method);
    if (head->malformed == NULL) {
        check_authority(s->h->endpoint, head);
    }
    if (last && head->length > 0) {
        wr_head_malformed(head, "content-length without a body");
    }
    if (head->malformed != NULL) {
        reject(s, head->malformed);
        return;
    }
    if (head->cookies > 1) {
        join_cookies(s, head);
    }
    if (head->protocol.data != NULL) {
        ask_for_tunnel(s, head);
    }
    s->head_bytes = head->list_bytes;
    s->h->heads += head->list_bytes;
    request_create(s, head, method)->head_bytes = bytes;
    prioritise(s, head);
    frame_body(s, head, last);
    start(s, head);
}

/* Trailers end the request. [RFC 9113 8.1] */
void
wr_message_trailers(struct wr_stream *s, struct wr_http2_head *head, bool last, size_t bytes)
{
    if (!last) {
        wr_head_malformed(head, "trailers do not end the request");
    }
    if (head->status != 0) {
        wr_head_malformed(head, head->why);
    }
    if (head->malformed != NULL) {
        reject(s, head->malformed);
        return;
    }
    if (s->r != NULL && !s->finished) {
        s->r->body_bytes += bytes;
        if (head->n != 0) {
            s->r->trailers_in = wr_pool_zalloc(s->pool, sizeof(*s->r->trailers_in));
            take_fields(s, head, s->r->trailers_in);
        }
    }
    wr_stream_data_end(s);
}
