/* http2/head.c - from the fields of a header block to a request: judged one by one as they come, then as a whole.
 *
 * A malformed request [RFC 9113 8.1.1] resets its stream and is never answered: what is malformed here and read otherwise
 * elsewhere is how requests are smuggled. What is well formed and too long, or names no server or path of ours, is answered.
 * Fields are gathered in an array of the worker's; they are put aside when the block has not come to its end.
 */
#include <string.h>

#include "base/assert.h"
#include "base/base64.h"
#include "base/num.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "http/entry.h"
#include "http/http.h"
#include "http/metrics.h"
#include "http2/http2.h"
#include "wire/chars.h"
#include "wire/host.h"
#include "wire/names.h"

enum {
    FIELD_COST = 32,    /* what a field counts for beside its bytes [RFC 9113 6.5.2] */
    FIELDS_OURS = 4,    /* that we may add */
    FAR_OVER = 2,       /* times the limit: then the connection ends */
    DEFAULT_URGENCY = 3 /* [RFC 9218 4.1] */
};

/* The fields of the block that is being read, and whose it is. */
static weir_header gathered[WR_HTTP2_FIELDS];
static const struct wr_http2_head *gathered_for;

void
wr_head_begin(struct wr_stream *s, bool trailers)
{
    s->head = wr_pool_zalloc(&s->pool, sizeof(*s->head));
    s->head->length = -1;
    s->head->urgency = DEFAULT_URGENCY;
    s->head->trailers = trailers;
    gathered_for = s->head;
}

/* A head that drips in is put aside again and again: only what is new is copied. */
void
wr_head_pause(struct wr_stream *s)
{
    struct wr_http2_head *head = s->head;

    if (head->n > head->kept_room) {
        uint32_t room = WR_MAX(head->n, head->kept_room * 2);
        weir_header *kept = wr_pool_alloc(&s->pool, room * sizeof(*kept));
        if (head->kept_n != 0) {
            memcpy(kept, head->kept, head->kept_n * sizeof(*kept));
        }
        head->kept = kept;
        head->kept_room = room;
    }
    if (head->n != head->kept_n) {
        memcpy(head->kept + head->kept_n, gathered + head->kept_n,
               (head->n - head->kept_n) * sizeof(gathered[0]));
    }
    head->kept_n = head->n;
}

/* Another connection's fields may have come meanwhile. */
static void
resume(const struct wr_http2_head *head)
{
    if (gathered_for != head && head->kept_n != 0) {
        memcpy(gathered, head->kept, head->kept_n * sizeof(gathered[0]));
    }
    gathered_for = head;
}

/* ---- One field. ---- */

static void
malformed(struct wr_http2_head *head, const char *why)
{
    if (head->malformed == NULL) {
        head->malformed = why;
    }
}

static void
refuse(struct wr_http2_head *head, uint32_t status, const char *why)
{
    if (head->status == 0) {
        head->status = status;
        head->why = why;
    }
}

static weir_str
str_of(nghttp2_rcbuf *b)
{
    nghttp2_vec v = nghttp2_rcbuf_get_buf(b);

    return (weir_str){ (const char *)v.base, v.len };
}

/* The bytes of b for as long as the stream lives. */
static weir_str
keep(struct wr_stream *s, nghttp2_rcbuf *b, weir_str bytes)
{
    if (nghttp2_rcbuf_is_static(b)) {
        return bytes;
    }
    return (weir_str){ memcpy(wr_pool_alloc(&s->pool, bytes.len + 1), bytes.data, bytes.len),
                       bytes.len };
}

static void
take_pseudo(struct wr_stream *s, weir_str name, nghttp2_rcbuf *b, weir_str value)
{
    struct wr_http2_head *head = s->head;
    struct {
        weir_str name, *to;
    } all[] = { { WEIR_STR(":method"), &head->method },
                { WEIR_STR(":path"), &head->path },
                { WEIR_STR(":scheme"), &head->scheme },
                { WEIR_STR(":authority"), &head->authority },
                { WEIR_STR(":protocol"), &head->protocol } };

    if (head->regular || head->trailers) {
        malformed(head, head->trailers ? "a pseudo-field in trailers" : "a pseudo-field behind others");
        return;
    }
    for (size_t i = 0; i < WR_COUNT(all); i++) {
        if (weir_str_eq(name, all[i].name)) {
            if (all[i].to->data != NULL) {
                malformed(head, "a pseudo-field twice");
            }
            *all[i].to = keep(s, b, value);
            return;
        }
    }
    malformed(head, "an unknown pseudo-field");
}

/* Fields of a connection, which HTTP/2 does not have. [RFC 9113 8.2.2] */
static bool
is_of_connection(uint32_t id, weir_str name)
{
    return id == WEIR_H_CONNECTION || id == WEIR_H_KEEP_ALIVE || id == WEIR_H_TRANSFER_ENCODING ||
           id == WEIR_H_UPGRADE || (id == 0 && weir_str_eq(name, WEIR_STR("proxy-connection")));
}

static void
take_length(struct wr_http2_head *head, weir_str value)
{
    uint64_t n;

    if (head->length >= 0) {
        malformed(head, "more than one content-length");
    } else if (!wr_num_parse(value, INT64_MAX, &n)) {
        malformed(head, "content-length is not a number");
    } else {
        head->length = (int64_t)n;
    }
}

/* What certain fields say. */
static void
take_known(struct wr_http2_head *head, uint32_t id, weir_str value)
{
    switch (id) {
    case WEIR_H_CONTENT_LENGTH:
        take_length(head, value);
        break;
    case WEIR_H_TE:
        if (!weir_str_ieq(value, WEIR_STR("trailers"))) {
            malformed(head, "TE says more than trailers");
        }
        break;
    case WEIR_H_HOST:
        if (head->host) {
            malformed(head, "more than one host");
        }
        head->host = true;
        break;
    case WEIR_H_COOKIE:
        head->cookies++;
        break;
    case WEIR_H_EXPECT:
        head->expect_continue = weir_str_ieq(value, WEIR_STR("100-continue"));
        if (!head->expect_continue) {
            refuse(head, 417, "expectation other than 100-continue");
        }
        break;
    case WEIR_H_PRIORITY:
        head->prioritised = true;
        wr_priority_parse(value, &head->urgency, &head->incremental);
        break;
    default:
        break;
    }
}

/* Is it a name as HTTP/2 has them: a token without capitals? *underscore: it has some. */
static bool
name_is_right(weir_str name, bool *underscore)
{
    *underscore = false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!wr_char_is(c, WR_CHAR_TOKEN) || (c >= 'A' && c <= 'Z')) {
            return false;
        }
        *underscore = *underscore || c == '_';
    }
    return name.len != 0;
}

/* No control bytes, and no blanks around it. [RFC 9113 8.2.1] */
static bool
value_is_right(weir_str value)
{
    return value.len == 0 ||
           (!wr_char_is_blank(value.data[0]) && !wr_char_is_blank(value.data[value.len - 1]) &&
            wr_value_valid(value));
}

static bool
is_dropped(const struct wr_server_conf *c, uint32_t id, weir_str name, bool underscore)
{
    return (underscore && c->ignore_invalid_headers && !c->underscores_in_headers) ||
           (id == 0 && weir_str_eq(name, WEIR_STR("http2-settings"))); /* of an Upgrade to HTTP/2 */
}

static void
take_field(struct wr_stream *s, nghttp2_rcbuf *name_buf, weir_str name, nghttp2_rcbuf *value_buf,
           weir_str value)
{
    struct wr_http2_head *head = s->head;
    const struct wr_server_conf *c = wr_http2_server_conf(s->h);
    bool known_name = nghttp2_rcbuf_is_static(name_buf), underscore = false;
    uint32_t id = wr_name_id(name);

    head->regular = true;
    if ((!known_name && !name_is_right(name, &underscore)) || !value_is_right(value)) {
        malformed(head, "a field with bytes that it cannot have");
        return;
    }
    if (is_of_connection(id, name)) {
        malformed(head, "a field of connections, which HTTP/2 does not have");
        return;
    }
    if (is_dropped(c, id, name, underscore)) {
        return;
    }
    if (head->n >= WR_HTTP2_FIELDS - FIELDS_OURS || (int64_t)head->n >= c->max_headers) {
        refuse(head, 431, "too many fields");
        return;
    }
    gathered[head->n++] = (weir_header){ .name = id != 0 ? wr_name_text(id) : keep(s, name_buf, name),
                                         .value = keep(s, value_buf, value),
                                         .id = id };
    if (!head->trailers) {
        take_known(head, id, gathered[head->n - 1].value);
    }
}

/* Longer than any line of HTTP/1 may be? */
static bool
is_too_long(struct wr_http2_head *head, const struct wr_server_conf *c, weir_str name, weir_str value)
{
    if (name.len + value.len <= WR_MAX(c->large_buffer_size, c->header_buffer_size)) {
        return false;
    }
    if (weir_str_eq(name, WEIR_STR(":path"))) {
        refuse(head, 414, "the path is too long");
    } else {
        refuse(head, 431, "a field is too long");
    }
    return true;
}

bool
wr_head_field(struct wr_stream *s, nghttp2_rcbuf *name_buf, nghttp2_rcbuf *value_buf)
{
    const struct wr_server_conf *c = wr_http2_server_conf(s->h);
    struct wr_http2_head *head = s->head;
    weir_str name = str_of(name_buf), value = str_of(value_buf);
    uint64_t max = WR_MIN(c->large_buffers * c->large_buffer_size, (uint64_t)WR_HTTP2_HEADS);

    resume(head);
    head->list_bytes += name.len + value.len + FIELD_COST;
    if (head->list_bytes > max) {
        refuse(head, 431, "the request head is too long");
        return head->list_bytes <= FAR_OVER * max;
    }
    if (head->malformed != NULL || is_too_long(head, c, name, value)) {
        return true;
    }
    if (name.len != 0 && name.data[0] == ':') {
        take_pseudo(s, name, value_buf, value);
    } else {
        take_field(s, name_buf, name, value_buf, value);
    }
    return true;
}

/* ---- All of them. ---- */

/* A scheme is letters, digits, '+', '-', '.'. [RFC 3986 3.1] */
static bool
scheme_is_right(weir_str scheme)
{
    for (size_t i = 0; i < scheme.len; i++) {
        uint8_t c = wr_str_lower((uint8_t)scheme.data[i]);
        bool letter = c >= 'a' && c <= 'z';
        if (!letter && (i == 0 || !(wr_char_is((char)c, WR_CHAR_DIGIT) || c == '+' || c == '-' || c == '.'))) {
            return false;
        }
    }
    return scheme.len != 0;
}

static bool
path_is_right(weir_str path, uint32_t method, unsigned classes)
{
    if (path.len == 1 && path.data[0] == '*') {
        return method == WEIR_OPTIONS;
    }
    return path.len != 0 && path.data[0] == '/' && wr_char_all(path, classes);
}

/* A field that HTTP/1 would have had. There is room: see take_field. */
static void
add_ours(struct wr_http2_head *head, uint32_t id, weir_str value)
{
    gathered[head->n++] =
        (weir_header){ .name = wr_name_text(id), .value = value, .id = id };
}

/* The host that is meant, from :authority or else the Host field, which may not differ from it. */
static void
check_authority(struct wr_http2_head *head)
{
    weir_str host, field = { NULL, 0 };
    uint32_t port;

    for (uint32_t i = 0; head->host && i < head->n; i++) {
        if (gathered[i].id == WEIR_H_HOST) {
            field = gathered[i].value;
        }
    }
    if (head->authority.data != NULL && field.data != NULL && !weir_str_ieq(head->authority, field)) {
        malformed(head, "host differs from :authority");
        return;
    }
    if (head->authority.data == NULL) {
        head->authority = field;
    }
    if (head->authority.data == NULL || !wr_host_parse(head->authority, &host, &port)) {
        malformed(head, "no host, or none that could be one");
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

    if (!wr_char_is_token(head->method)) {
        malformed(head, "no method, or none that could be one");
    } else if (plain_connect) {
        if (head->scheme.data != NULL || head->path.data != NULL) {
            malformed(head, "CONNECT with a scheme or a path");
        }
    } else if (head->protocol.data != NULL &&
               (method != WEIR_CONNECT || !wr_char_is_token(head->protocol))) {
        malformed(head, "a protocol without CONNECT, or none that could be one");
    } else if (!scheme_is_right(head->scheme)) {
        malformed(head, "no scheme, or none that could be one");
    } else if (head->status != 414 && !path_is_right(head->path, method, classes)) {
        malformed(head, "no path, or none that could be one");
    }
}

/* A tunnel is asked for as HTTP/1 does it, so that whoever passes the wish on need not know; the key of a WebSocket, which HTTP/2
 * has no use for, is ours. [RFC 8441 5, RFC 6455 4.1] */
static void
ask_for_tunnel(struct wr_stream *s, struct wr_http2_head *head)
{
    static const weir_str name = { "sec-websocket-key", 17 };
    uint8_t nonce[16];
    struct wr_strbuf key = wr_strbuf_over(wr_pool_alloc(&s->pool, 24), 24);

    add_ours(head, WEIR_H_CONNECTION, WEIR_STR("upgrade"));
    add_ours(head, WEIR_H_UPGRADE, head->protocol);
    if (!weir_str_ieq(head->protocol, WEIR_STR("websocket"))) {
        return;
    }
    for (uint32_t i = 0; i < head->n; i++) {
        if (gathered[i].id == 0 && weir_str_eq(gathered[i].name, name)) {
            return;
        }
    }
    weir_random(nonce, sizeof(nonce));
    wr_base64_encode(&key, (weir_str){ (const char *)nonce, sizeof(nonce) });
    gathered[head->n++] = (weir_header){ .name = name, .value = wr_strbuf_view(&key) };
}

/* The crumbs of a cookie as the one field that applications know. [RFC 9113 8.2.3] */
static void
join_cookies(struct wr_stream *s, struct wr_http2_head *head)
{
    struct wr_strbuf b;
    size_t room = 0;
    uint32_t first = UINT32_MAX, n = 0;

    for (uint32_t i = 0; i < head->n; i++) {
        room += gathered[i].id == WEIR_H_COOKIE ? gathered[i].value.len + 2 : 0;
    }
    b = wr_strbuf_over(wr_pool_alloc(&s->pool, room), room);
    for (uint32_t i = 0; i < head->n; i++) {
        if (gathered[i].id != WEIR_H_COOKIE || first == UINT32_MAX) {
            first = gathered[i].id == WEIR_H_COOKIE ? n : first;
            gathered[n++] = gathered[i];
        }
        if (gathered[i].id == WEIR_H_COOKIE) {
            if (b.len != 0) {
                wr_strbuf_lit(&b, "; ");
            }
            wr_strbuf_str(&b, gathered[i].value);
        }
    }
    WR_ASSERT(!b.full);
    gathered[first].value = wr_strbuf_view(&b);
    head->n = n;
}

/* The gathered fields to f, which is empty. */
static void
take_gathered(struct wr_stream *s, const struct wr_http2_head *head, struct wr_fields *f)
{
    weir_header *all = wr_pool_alloc(&s->pool, WR_MAX(head->n, 1) * sizeof(*all));

    memcpy(all, gathered, head->n * sizeof(*all));
    for (uint32_t i = 0; i < head->n; i++) {
        wr_fields_append(f, &all[i]);
    }
}

/* "GET /a HTTP/2.0": what a log shows of it. */
static weir_str
line_of(struct wr_stream *s, const struct wr_http2_head *head, weir_str target)
{
    size_t room = head->method.len + target.len + 10;
    struct wr_strbuf b = wr_strbuf_over(wr_pool_alloc(&s->pool, room), room);

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
    struct wr_request *r = wr_request_create(&s->pool, h->conn, &wr_http2_driver, s,
                                             h->endpoint->http, h->endpoint->fallback);
    weir_str target = head->path.data != NULL ? head->path : head->authority;

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
    take_gathered(s, head, &r->in);
    r->pub.in_first = r->in.first;
    h->conn->requests++;
    wr_count_request();
    wr_count_show(&h->shown, WR_SHOWN_WRITING);
    return r;
}

/* What the client wishes to have first. */
static void
prioritise(struct wr_stream *s, const struct wr_http2_head *head)
{
    nghttp2_extpri wish = { .urgency = head->urgency, .inc = head->incremental };

    if (head->prioritised) {
        (void)nghttp2_session_change_extpri_stream_priority(s->h->session, s->id, &wish, 0);
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
    struct wr_err err;

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

/* Reset it, and say why. */
static void
reject(struct wr_stream *s, const char *why)
{
    wr_say(wr_log_process(), INFO, "*%llu client sent a malformed request: %s",
           (unsigned long long)s->h->conn->number, why);
    s->reset = true;
    wr_session_reset(s->h, s->id, NGHTTP2_PROTOCOL_ERROR);
}

static void
end_request(struct wr_stream *s, struct wr_http2_head *head, bool last, size_t bytes)
{
    uint32_t method = wr_method_id(head->method);

    check_pseudo(s, head, method);
    if (head->malformed == NULL) {
        check_authority(head);
    }
    if (last && head->length > 0) {
        malformed(head, "content-length without a body");
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
static void
end_trailers(struct wr_stream *s, struct wr_http2_head *head, bool last, size_t bytes)
{
    if (!last) {
        malformed(head, "trailers do not end the request");
    }
    if (head->status != 0) {
        malformed(head, head->why);
    }
    if (head->malformed != NULL) {
        reject(s, head->malformed);
        return;
    }
    if (s->r != NULL && !s->finished) {
        s->r->body_bytes += bytes;
        if (head->n != 0) {
            s->r->trailers_in = wr_pool_zalloc(&s->pool, sizeof(*s->r->trailers_in));
            take_gathered(s, head, s->r->trailers_in);
        }
    }
    wr_stream_data_end(s);
}

void
wr_head_end(struct wr_stream *s, bool last, size_t bytes)
{
    struct wr_http2_head *head = s->head;

    resume(head);
    s->head = NULL;
    if (s->reset || s->closed) {
        return;
    }
    if (head->trailers) {
        end_trailers(s, head, last, bytes);
    } else {
        end_request(s, head, last, bytes);
    }
}
