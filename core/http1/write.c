/* http1/write.c - the HTTP/1 driver: response heads as text, body framing, and how fast bytes may
 * leave. */
#include <string.h>
#include <weir/event.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/strbuf.h"
#include "http/browser.h"
#include "http/http.h"
#include "http/limits.h"
#include "http/response.h"
#include "http1/http1.h"
#include "net/buf.h"
#include "net/send.h"
#include "wire/status.h"

enum {
    HEAD_FIXED = 512, /* status line, Server, Date, framing and connection fields */
    OPENING = 256     /* the first three of these */
};

/* Of a buffer in x->out: bytes of the framing, which do not count as body. Modules never see these buffers. */
#define FRAMING (1u << 31)

/* ---- Heads. ---- */

/* Is the client a browser that keepalive_disable names? Old Internet Explorer fails after a POST
 * only, as nginx has it. */
static bool
loses_connections(const struct wr_request *r)
{
    const weir_header *agent = r->pub.in[WEIR_H_USER_AGENT];
    uint32_t disabled = wr_loc_conf(r)->keepalive_disable;

    if (r->pub.method != WEIR_POST) {
        disabled &= ~(uint32_t)WR_BROWSER_MSIE6;
    }
    return disabled != 0 && agent != NULL && (wr_browser_of(agent->value) & disabled) != 0;
}

/* May the connection be used again after this answer? */
static bool
stays(struct wr_http1 *h, struct wr_request *r)
{
    const struct wr_loc_conf *c = wr_loc_conf(r);

    return r->keep_alive && r->pub.status >= 200 && !h->quitting && c->keepalive_timeout_ms != 0 &&
           h->conn.requests < (uint64_t)c->keepalive_requests &&
           wr_clock.now_ms - h->conn.since_ms < c->keepalive_time_ms &&
           !(h->x->continue_owed && h->x->body != WR_HTTP1_BODY_NONE) && !loses_connections(r);
}

/* How the body is framed [RFC 9112 6.3]: by length, in chunks, or by the connection's end. */
static void
decide_framing(struct wr_http1 *h, struct wr_request *r)
{
    uint32_t status = r->pub.status;

    if (wr_response_is_tunnel(r)) {
        h->x->until_close = true;
        h->x->body = WR_HTTP1_BODY_TUNNEL;
        h->x->body_wanted = false;
        h->x->pace.known = true; /* limit_rate is for answers */
        return;
    }
    if (status < 200 || status == 204 || status == 304) {
        r->pub.out_length = -1;
        return;
    }
    if (r->pub.out_length >= 0 && r->trailers == NULL) {
        return;
    }
    if (r->pub.version >= 11 && wr_loc_conf(r)->chunked) {
        h->x->chunked_out = true;
    } else if (r->pub.out_length < 0 && !r->no_body) {
        h->x->until_close = true;
        r->keep_alive = false;
    }
}

static void
add_status_line(struct wr_strbuf *b, const struct wr_request *r)
{
    if (r->status_text.len == 0) {
        wr_strbuf_str(b, wr_status_line(r->pub.status));
        return;
    }
    wr_strbuf_lit(b, "HTTP/1.1 ");
    wr_strbuf_num(b, r->pub.status);
    wr_strbuf_byte(b, ' ');
    wr_strbuf_str(b, r->status_text);
    wr_strbuf_lit(b, "\r\n");
}

static void
add_field(struct wr_strbuf *b, const weir_header *f)
{
    weir_str name = f->name, value = f->value;
    char *to = wr_strbuf_take(b, name.len + value.len + 4);

    if (to == NULL) {
        return;
    }
    memcpy(to, name.data, name.len);
    to += name.len;
    memcpy(to, ": ", 2);
    if (value.len != 0) {
        memcpy(to + 2, value.data, value.len);
    }
    memcpy(to + 2 + value.len, "\r\n", 2);
}

/* Lines as they came, in one piece as far as they stand behind one another. The last of them. */
static const weir_header *
add_lines(struct wr_strbuf *b, const weir_header *h)
{
    const char *from = h->name.data, *end = h->value.data + h->value.len + 2;

    while (h->next != NULL && h->next->name.data == end && h->next->flags & WEIR_HEADER_LINE) {
        h = h->next;
        end = h->value.data + h->value.len + 2;
    }
    wr_strbuf_bytes(b, from, (size_t)(end - from));
    return h;
}

static WR_APART void
add_each(struct wr_strbuf *b, const struct wr_fields *f)
{
    for (const weir_header *h = f->first; h != NULL; h = h->next) {
        if (h->flags & WEIR_HEADER_LINE) {
            h = add_lines(b, h);
        } else {
            add_field(b, h);
        }
    }
}

static void
add_fields(struct wr_strbuf *b, const struct wr_fields *f)
{
    if (f->lines.data != NULL) {
        wr_strbuf_str(b, f->lines);
    } else {
        add_each(b, f);
    }
}

static void
add_connection(struct wr_strbuf *b, const struct wr_request *r)
{
    const struct wr_loc_conf *c = wr_loc_conf(r);

    if (wr_response_is_tunnel(r)) {
        wr_strbuf_lit(b, "Connection: upgrade\r\n\r\n");
        return;
    }
    if (!r->keep_alive) {
        wr_strbuf_lit(b, "Connection: close\r\n\r\n");
        return;
    }
    if (c->keepalive_header_s != 0) {
        wr_strbuf_lit(b, "Keep-Alive: timeout=");
        wr_strbuf_num(b, c->keepalive_header_s);
        wr_strbuf_lit(b, "\r\n");
    }
    wr_strbuf_lit(b, "Connection: keep-alive\r\n\r\n");
}

/* "HTTP/1.1 200 OK", Server and Date, as the last answer had them: most are alike within a second. */
static struct {
    uint32_t status; /* 0: not made yet */
    uint32_t tokens;
    int64_t second;
    struct wr_strbuf text;
} opening;

static WR_APART void
make_opening(const struct wr_request *r)
{
    static char room[OPENING];

    opening.status = r->pub.status;
    opening.tokens = (uint32_t)wr_loc_conf(r)->server_tokens;
    opening.second = wr_clock.wall_s;
    opening.text = wr_strbuf_over(room, sizeof(room));
    wr_strbuf_str(&opening.text, wr_status_line(r->pub.status));
    wr_strbuf_str(&opening.text, wr_server_field(r));
    wr_strbuf_lit(&opening.text, "Date: ");
    wr_strbuf_bytes(&opening.text, wr_clock.http_date, 31);
    WR_ASSERT(!opening.text.full);
}

/* With a reason, a Server or a Date that is a module's. */
static WR_APART void
add_own_opening(struct wr_strbuf *b, const struct wr_request *r)
{
    add_status_line(b, r);
    if (r->out->index[WEIR_H_SERVER] == NULL && !r->nameless) {
        wr_strbuf_str(b, wr_server_field(r));
    }
    if (r->out->index[WEIR_H_DATE] == NULL) {
        wr_strbuf_lit(b, "Date: ");
        wr_strbuf_bytes(b, wr_clock.http_date, 31);
    }
}

static void
add_opening(struct wr_strbuf *b, const struct wr_request *r)
{
    if (r->status_text.len != 0 || r->out->index[WEIR_H_SERVER] != NULL || r->nameless ||
        r->out->index[WEIR_H_DATE] != NULL) {
        add_own_opening(b, r);
        return;
    }
    if (opening.status != r->pub.status || opening.second != wr_clock.wall_s ||
        opening.tokens != (uint32_t)wr_loc_conf(r)->server_tokens) {
        make_opening(r);
    }
    wr_strbuf_str(b, wr_strbuf_view(&opening.text));
}

static void
format_head(struct wr_strbuf *b, struct wr_http1 *h, struct wr_request *r)
{
    add_opening(b, r);
    add_fields(b, r->out);
    if (h->x->chunked_out) {
        wr_strbuf_lit(b, "Transfer-Encoding: chunked\r\n");
    } else if (r->pub.out_length >= 0) {
        wr_strbuf_lit(b, "Content-Length: ");
        wr_strbuf_num(b, (uint64_t)r->pub.out_length);
        wr_strbuf_lit(b, "\r\n");
    }
    add_connection(b, r);
}

/* An upper bound of the head's bytes: the room asked for; the builder checks it all the same. */
static size_t
head_room(const struct wr_request *r)
{
    size_t room = HEAD_FIXED + r->status_text.len + r->out->lines.len;

    if (r->out->lines.data == NULL) {
        for (const weir_header *f = r->out->first; f != NULL; f = f->next) {
            room += f->name.len + f->value.len + 4;
        }
    }
    return room;
}

static void
http1_head(struct wr_request *r, bool last)
{
    struct wr_http1 *h = wr_http1_of(r);
    size_t room;
    struct wr_strbuf b;

    (void)last;
    h->x->sent_before = h->conn.sent + wr_out_waiting(&h->conn) - r->sent_head;
    decide_framing(h, r);
    r->keep_alive = stays(h, r);
    room = head_room(r);
    if (room <= WR_OUT_COPY * 2) {
        b = wr_strbuf_over(wr_out_room(&h->conn, room), room);
        format_head(&b, h, r);
        wr_out_built(&h->conn, b.len);
    } else { /* out of the ordinary: in the request's memory */
        b = wr_strbuf_over(wr_pool_alloc(r->pub.pool, room), room);
        format_head(&b, h, r);
        wr_out_ref(&h->conn, b.data, b.len, NULL, NULL);
        h->x->referring = true;
    }
    WR_ASSERT(!b.full);
    r->sent_head += b.len;
    h->x->pace.since_ms = wr_clock.now_ms;
    wr_http1_touch_unless_serving(h);
}

/* One run of bytes behind what other requests have gathered. */
static bool
http1_whole(struct wr_request *r, weir_str body)
{
    struct wr_http1 *h = wr_http1_of(r);
    size_t room = head_room(r) + body.len;
    struct wr_strbuf b;

    if (wr_pace_allowed(&h->x->pace, r) != UINT64_MAX || h->conn.wait.head != NULL || room > WR_OUT_COPY * 2) {
        return false;
    }
    h->x->sent_before = h->conn.sent + wr_out_waiting(&h->conn) - r->sent_head;
    r->keep_alive = stays(h, r);
    b = wr_strbuf_over(wr_out_room(&h->conn, room), room);
    format_head(&b, h, r);
    r->sent_head += b.len;
    wr_strbuf_str(&b, body);
    WR_ASSERT(!b.full);
    wr_out_built(&h->conn, b.len);
    r->sent_body += body.len;
    h->x->pace.sent += body.len;
    wr_http1_touch_unless_serving(h);
    return true;
}

static void
http1_interim(struct wr_request *r, uint32_t status, const weir_header *first)
{
    struct wr_http1 *h = wr_http1_of(r);
    size_t room = 128;
    struct wr_strbuf b;

    for (const weir_header *f = first; f != NULL; f = f->next) {
        room += f->name.len + f->value.len + 4;
    }
    if (r->pub.version < 11 || room > WR_OUT_COPY * 2) {
        return;
    }
    b = wr_strbuf_over(wr_out_room(&h->conn, room), room);
    wr_strbuf_str(&b, wr_status_line(status));
    for (const weir_header *f = first; f != NULL; f = f->next) {
        add_field(&b, f);
    }
    wr_strbuf_lit(&b, "\r\n");
    wr_out_built(&h->conn, b.len);
    r->sent_head += b.len;
    wr_http1_touch_unless_serving(h);
}

/* ---- Bodies. ---- */

static void
push_framing(weir_chain *to, weir_buf *b)
{
    b->flags |= FRAMING;
    weir_chain_push(to, b);
}

static weir_str
trailer_lines(struct wr_request *r)
{
    size_t room = 16;
    struct wr_strbuf b;

    for (const weir_header *f = r->trailers->first; f != NULL; f = f->next) {
        room += f->name.len + f->value.len + 4;
    }
    b = wr_strbuf_over(wr_pool_alloc(r->pub.pool, room), room);
    wr_strbuf_lit(&b, "0\r\n");
    for (const weir_header *f = r->trailers->first; f != NULL; f = f->next) {
        if (f->value.len != 0) { /* announced, and never given a value: not sent */
            add_field(&b, f);
        }
    }
    wr_strbuf_lit(&b, "\r\n");
    return wr_strbuf_view(&b);
}

static void
frame_chunk(struct wr_request *r, weir_chain *chain, weir_chain *to)
{
    uint64_t len = weir_chain_len(chain);
    bool last = wr_chain_has(chain, WEIR_BUF_LAST);

    if (len != 0) {
        char size[24]; /* copied, and given back when sent: a long stream has very many chunks */
        size_t n = wr_num_format_hex(size, len);
        memcpy(size + n, "\r\n", 2);
        push_framing(to, weir_buf_copy(r->pub.pool, (weir_str){ size, n + 2 }));
        weir_chain_take(to, chain);
        push_framing(to, weir_buf_ref(r->pub.pool, WEIR_STR("\r\n")));
    } else {
        wr_chain_drop(chain);
    }
    if (last) {
        weir_str end = r->trailers != NULL ? trailer_lines(r) : WEIR_STR("0\r\n\r\n");
        push_framing(to, weir_buf_ref(r->pub.pool, end));
    }
}

static void
http1_body(struct wr_request *r, weir_chain *chain)
{
    struct wr_http1 *h = wr_http1_of(r);

    if (h->conn.gone) {
        wr_chain_drop(chain);
    } else if (h->x->chunked_out) {
        frame_chunk(r, chain, &h->x->out);
    } else {
        weir_chain_take(&h->x->out, chain);
    }
    wr_http1_touch_unless_serving(h);
}

static size_t
http1_pass(struct wr_request *r, weir_str bytes)
{
    struct wr_http1 *h = wr_http1_of(r);
    struct iovec v = { (void *)(uintptr_t)bytes.data, bytes.len };
    ssize_t n;

    if (h->serving || h->conn.gone || !h->conn.can_write || h->x->out.head != NULL ||
        wr_out_pending(&h->conn)) {
        return 0;
    }
    n = h->conn.transport->send(&h->conn, &v, 1, false);
    if (n <= 0) { /* an error shows again to whoever sends next */
        return 0;
    }
    h->conn.sent += (uint64_t)n;
    r->sent_body += (uint64_t)n;
    return (size_t)n;
}

static size_t
http1_room(struct wr_request *r)
{
    struct wr_http1 *h = wr_http1_of(r);
    uint64_t waiting = weir_chain_len(&h->x->out);

    if (h->conn.gone || h->conn.wait.head != NULL || waiting >= WR_LIMIT_OUTPUT) {
        return 0;
    }
    return (size_t)(WR_LIMIT_OUTPUT - waiting);
}

/* ---- How much may leave now. ---- */

static void
rate_wait_over(void *data)
{
    wr_http1_touch(data);
}

/* Give one buffer, or its first n bytes, to the connection. */
static void
send_buf(struct wr_http1 *h, weir_buf *b, uint64_t n)
{
    weir_chain one = { NULL, NULL };

    if (b->len > n) {
        weir_buf *part = weir_buf_share(h->r->pub.pool, b);
        part->len = (size_t)n;
        part->flags |= b->flags & FRAMING;
        wr_buf_consume(b, (size_t)n);
        b = part;
    } else {
        (void)weir_chain_pop(&h->x->out);
    }
    h->x->pace.sent += b->len;
    *(b->flags & FRAMING ? &h->r->sent_head : &h->r->sent_body) += b->len;
    if (!(b->flags & WEIR_BUF_FILE) && b->len <= WR_OUT_COPY) {
        wr_out_copy(&h->conn, b->data, b->len);
        weir_buf_drop(b);
        return;
    }
    weir_chain_push(&one, b);
    wr_out_chain(&h->conn, &one);
    h->x->referring = true;
}

void
wr_http1_send_more(struct wr_http1 *h)
{
    uint64_t allowed;

    if (h->x->out.head == NULL || h->conn.wait.head != NULL) {
        return;
    }
    allowed = wr_pace_allowed(&h->x->pace, h->r);
    while (h->x->out.head != NULL && allowed != 0 && h->conn.wait.head == NULL) {
        weir_buf *b = h->x->out.head;
        uint64_t n = WR_MIN(allowed, (uint64_t)b->len);
        allowed -= n;
        send_buf(h, b, n);
    }
    if (h->x->out.head != NULL && allowed == 0) {
        wr_pace_wait(&h->x->pace, h->r, rate_wait_over, h);
    }
}

/* ---- The rest of the driver. ---- */

static void
http1_want_body(struct wr_request *r)
{
    struct wr_http1 *h = wr_http1_of(r);

    h->x->body_since_ms = wr_clock.now_ms; /* its reader had the time before */
    h->x->body_read = 0;
    if (!h->x->body_wanted) {
        h->x->body_wanted = true;
        if (h->x->continue_owed && wr_http1_input.len == 0) {
            wr_out_copy(&h->conn, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        }
        h->x->continue_owed = false;
    }
    wr_http1_touch_unless_serving(h);
}

static void
http1_finish(struct wr_request *r, bool error)
{
    struct wr_http1 *h = wr_http1_of(r);

    h->x->finished = true;
    h->x->error = error;
    wr_http1_touch_unless_serving(h);
}

const struct wr_driver wr_http1_driver = { .name = "http/1.1",
                                           .head = http1_head,
                                           .whole = http1_whole,
                                           .interim = http1_interim,
                                           .body = http1_body,
                                           .pass = http1_pass,
                                           .room = http1_room,
                                           .want_body = http1_want_body,
                                           .finish = http1_finish };
