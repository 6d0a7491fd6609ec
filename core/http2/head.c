/* http2/head.c - the fields of a field block, judged one by one as they come; http2/message.c has the last word on all of them.
 *
 * A malformed one [RFC 9113 8.1.1] resets the stream behind a bare 400, and nothing is done for it: what is malformed here and
 * read otherwise elsewhere is how requests are smuggled. What is well formed and too long is answered. Fields are gathered in an
 * array of the worker's; they are put aside when the block has not come to its end.
 */
#include <string.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/str.h"
#include "http/http.h"
#include "http2/http2.h"
#include "wire/chars.h"
#include "wire/names.h"

enum {
    FIELD_COST = 32,    /* what a field counts for beside its bytes [RFC 9113 6.5.2] */
    FAR_OVER = 2        /* times the limit: then the connection ends */
};

/* The fields of the block that is being read, and whose it is. */
static weir_header gathered[WR_HTTP2_FIELDS];
static const struct wr_http2_head *gathered_for;

void
wr_head_begin(struct wr_stream *s, bool trailers)
{
    const struct wr_server_conf *c = wr_http2_server_conf(s->h);
    struct wr_http2_head *head = wr_pool_zalloc(s->pool, sizeof(*head));

    head->length = -1;
    head->urgency = WR_HTTP2_URGENCY;
    head->trailers = trailers;
    head->fields = gathered;
    head->list_max = WR_MIN(c->large_buffers * c->large_buffer_size, (uint64_t)WR_HTTP2_HEADS);
    head->field_max = WR_MAX(c->large_buffer_size, c->header_buffer_size);
    s->head = head;
    gathered_for = head;
}

/* A head that drips in is put aside again and again: only what is new is copied. */
void
wr_head_pause(struct wr_stream *s)
{
    struct wr_http2_head *head = s->head;

    if (head->n > head->kept_room) {
        uint32_t room = WR_MAX(head->n, head->kept_room * 2);
        weir_header *kept = wr_pool_alloc(s->pool, room * sizeof(*kept));
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

/* The bytes for as long as the stream lives. */
static weir_str
keep(struct wr_stream *s, weir_str bytes)
{
    return (weir_str){ memcpy(wr_pool_alloc(s->pool, bytes.len + 1), bytes.data, bytes.len),
                       bytes.len };
}

/* Where the pseudo-field of that name belongs; NULL: it is unknown. */
static weir_str *
pseudo_of(struct wr_http2_head *head, weir_str name)
{
    switch (name.len) {
    case sizeof(":path") - 1:
        return weir_str_eq(name, WEIR_STR(":path")) ? &head->path : NULL;
    case sizeof(":method") - 1: /* and ":scheme" */
        return weir_str_eq(name, WEIR_STR(":method"))   ? &head->method
               : weir_str_eq(name, WEIR_STR(":scheme")) ? &head->scheme
                                                        : NULL;
    case sizeof(":protocol") - 1:
        return weir_str_eq(name, WEIR_STR(":protocol")) ? &head->protocol : NULL;
    default:
        return weir_str_eq(name, WEIR_STR(":authority")) ? &head->authority : NULL;
    }
}

static void
take_pseudo(struct wr_stream *s, weir_str name, weir_str value, bool stays)
{
    struct wr_http2_head *head = s->head;
    weir_str *to = pseudo_of(head, name);

    if (head->regular || head->trailers) {
        wr_head_malformed(head, head->trailers ? "a pseudo-field in trailers" : "a pseudo-field behind others");
    } else if (to == NULL) {
        wr_head_malformed(head, "an unknown pseudo-field");
    } else if (to->data != NULL) {
        wr_head_malformed(head, "a pseudo-field twice");
    } else {
        *to = stays ? value : keep(s, value);
    }
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
        wr_head_malformed(head, "more than one content-length");
    } else if (!weir_parse_number(value, INT64_MAX, &n)) {
        wr_head_malformed(head, "content-length is not a number");
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
            wr_head_malformed(head, "TE says more than trailers");
        }
        break;
    case WEIR_H_HOST:
        if (head->host) {
            wr_head_malformed(head, "more than one host");
        }
        head->host = true;
        break;
    case WEIR_H_COOKIE:
        head->cookies++;
        break;
    case WEIR_H_EXPECT:
        head->expect_continue = weir_str_ieq(value, WEIR_STR("100-continue"));
        if (!head->expect_continue) {
            wr_head_refuse(head, 417, "expectation other than 100-continue");
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

/* Is it a name as HTTP/2 has them: a token without capitals? id: as wr_name_id says. *underscore: it has some. */
static bool
name_is_right(weir_str name, uint32_t id, bool *underscore)
{
    *underscore = false;
    if (id != WEIR_H_OTHER) {
        return weir_str_eq(name, wr_name_small(id));
    }
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
take_field(struct wr_stream *s, weir_str name, weir_str value, bool stays)
{
    struct wr_http2_head *head = s->head;
    const struct wr_server_conf *c = wr_http2_server_conf(s->h);
    bool underscore;
    uint32_t id = wr_name_id(name);

    head->regular = true;
    if (!name_is_right(name, id, &underscore) || !value_is_right(value)) {
        wr_head_malformed(head, "a field with bytes that it cannot have");
        return;
    }
    if (is_of_connection(id, name)) {
        wr_head_malformed(head, "a field of connections, which HTTP/2 does not have");
        return;
    }
    if (is_dropped(c, id, name, underscore)) {
        return;
    }
    if (head->n >= WR_HTTP2_FIELDS - WR_HTTP2_FIELDS_OURS || (int64_t)head->n >= c->max_headers) {
        wr_head_refuse(head, 431, "too many fields");
        return;
    }
    gathered[head->n++] = (weir_header){ .name = id != 0 ? wr_name_text(id) : keep(s, name),
                                         .value = stays ? value : keep(s, value),
                                         .id = id };
    if (!head->trailers) {
        take_known(head, id, gathered[head->n - 1].value);
    }
}

/* Longer than any line of HTTP/1 may be? */
static bool
is_too_long(struct wr_http2_head *head, weir_str name, weir_str value)
{
    if (name.len + value.len <= head->field_max) {
        return false;
    }
    if (weir_str_eq(name, WEIR_STR(":path"))) {
        wr_head_refuse(head, 414, "the path is too long");
    } else {
        wr_head_refuse(head, 431, "a field is too long");
    }
    return true;
}

bool
wr_head_field(struct wr_stream *s, weir_str name, weir_str value, bool stays)
{
    struct wr_http2_head *head = s->head;

    bool pseudo = name.len != 0 && name.data[0] == ':', over, too_long;

    resume(head);
    head->list_bytes += name.len + value.len + FIELD_COST;
    over = head->list_bytes > head->list_max;
    too_long = is_too_long(head, name, value); /* of a path alone the answer says so */
    if (over) {
        wr_head_refuse(head, 431, "the request head is too long");
        if (head->list_bytes > FAR_OVER * head->list_max) {
            return false;
        }
    }
    if (head->malformed != NULL || too_long || (over && !pseudo)) {
        return true;
    }
    if (pseudo) { /* also behind what was too long: it is not said to be missing */
        take_pseudo(s, name, value, stays);
    } else {
        take_field(s, name, value, stays);
    }
    return true;
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
        wr_message_trailers(s, head, last, bytes);
    } else {
        wr_message_request(s, head, last, bytes);
    }
}
