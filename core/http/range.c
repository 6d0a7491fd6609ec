/* http/range.c - byte ranges of any response that offers them: the last filter, behind those that change the body.
 *
 * A response offers ranges by Accept-Ranges: bytes and a known length; a filter that changes the body takes both away. One
 * range is cut out of the body as it passes. Several are sent as multipart/byteranges when the whole body is at hand.
 * [RFC 9110 14]
 */
#include "http/range.h"

#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/num.h"
#include "http/encode_rules.h"
#include "http/filter.h"
#include "http/http.h"
#include "http/limits.h"
#include "http/response.h"
#include "module/registry.h"
#include "net/buf.h"
#include "wire/date.h"
#include "wire/range.h"

static weir_self self = WR_SELF;

enum { BOUNDARY = 20 };

struct state {
    uint64_t at;   /* position in the body of what comes next */
    uint64_t size; /* of the whole body */
    uint32_t n;
    char boundary[BOUNDARY + 1];
    weir_str type;
    struct wr_range ranges[];
};

/* Does If-Range let Range count? Without it, yes. */
static bool
if_range(const weir_request *r)
{
    const weir_header *field = r->in[WEIR_H_IF_RANGE], *etag = r->out[WEIR_H_ETAG];
    const weir_header *modified = r->out[WEIR_H_LAST_MODIFIED];
    struct wr_etag tag = { { NULL, 0 }, false };
    int64_t since = -1;

    if (field == NULL) {
        return true;
    }
    if (etag != NULL) {
        (void)wr_etag_parse(etag->value, &tag);
    }
    if (modified != NULL && !wr_date_parse(modified->value, wr_clock.wall_s, &since)) {
        since = -1;
    }
    return wr_range_if_range(field->value, tag, since, wr_clock.wall_s);
}

bool
wr_range_offered(const weir_request *r)
{
    return wr_encode_list_has(r->out[WEIR_H_ACCEPT_RANGES], WEIR_STR("bytes"));
}

/* Is all of the body there, and such that it comes here in one go? Without sendfile a file comes in pieces, which are kept. */
static bool
whole_body_at_hand(const struct wr_request *r)
{
    return r->source == NULL && wr_chain_has(&r->queued, WEIR_BUF_LAST) &&
           (wr_files_conf(r)->sendfile || r->pub.out_length <= (int64_t)(wr_loc_conf(r)->filter_keep / 2));
}

/* "bytes first-last/size" */
static weir_str
content_range(weir_request *r, struct wr_range range, uint64_t size)
{
    return weir_print(r->pool, "bytes %llu-%llu/%llu", (unsigned long long)range.first,
                      (unsigned long long)range.last, (unsigned long long)size);
}

/* 416 with the size there is. The answer's own fields go; those that say what it is about come back. */
static int
unsatisfiable(weir_request *r)
{
    weir_str all = weir_print(r->pool, "bytes */%lld", (long long)r->out_length);
    struct wr_request *own = wr_request_of(r);

    wr_response_page_instead(own, 416);
    (void)weir_out_set(r, WEIR_STR("Content-Range"), all);
    return WEIR_DONE;
}

/* The header line block in front of a part. */
static weir_str
part_head(weir_request *r, const struct state *s, uint32_t i)
{
    weir_str range = content_range(r, s->ranges[i], s->size);

    if (s->type.len != 0) {
        return weir_print(r->pool, "\r\n--%s\r\nContent-Type: %.*s\r\nContent-Range: %.*s\r\n\r\n",
                          s->boundary, WEIR_FMT(s->type), WEIR_FMT(range));
    }
    return weir_print(r->pool, "\r\n--%s\r\nContent-Range: %.*s\r\n\r\n", s->boundary,
                      WEIR_FMT(range));
}

static weir_str
multipart_tail(weir_request *r, const struct state *s)
{
    return weir_print(r->pool, "\r\n--%s--\r\n", s->boundary);
}

static void
begin_multipart(weir_request *r, struct state *s)
{
    const weir_header *type = r->out[WEIR_H_CONTENT_TYPE];
    uint8_t raw[BOUNDARY / 2];
    uint64_t length;

    weir_random(raw, sizeof(raw));
    wr_num_format_bytes(s->boundary, raw, sizeof(raw));
    length = multipart_tail(r, s).len;
    if (type != NULL) {
        s->type = type->value;
    }
    for (uint32_t i = 0; i < s->n; i++) {
        length += part_head(r, s, i).len + wr_range_bytes(s->ranges[i]);
    }
    (void)weir_out_set(r, WEIR_STR("Content-Type"),
                       weir_print(r->pool, "multipart/byteranges; boundary=%s", s->boundary));
    r->out_length = (int64_t)length;
}

/* Does any other body filter want to see what comes before the range? */
static bool
others_look(const struct wr_request *r)
{
    uint64_t in = wr_filters_all(r) & ~r->filters_out;

    return r->coded != NULL || (in & (in - 1)) != 0;
}

/* Have the source make the range and nothing else, if it can. */
static void
begin_there(struct wr_request *r, struct state *s)
{
    struct wr_range range = s->ranges[0];

    if (r->source != NULL && r->seek != NULL && r->queued.head == NULL && !others_look(r) &&
        r->seek(&r->pub, r->source_data, range.first, wr_range_bytes(range))) {
        s->at = range.first;
    }
}

static int
range_headers(weir_request *r, const void *conf)
{
    struct wr_request *own = wr_request_of(r);
    const weir_header *field = r->in[WEIR_H_RANGE];
    uint32_t max = WR_LIMIT_MULTIPART_RANGES;
    struct state *s;

    (void)conf;
    if (field == NULL || !wr_range_offered(r) || r->status != 200 || r->out_length < 0 ||
        r->method != WEIR_GET || own->parent != NULL || field->same != NULL || !if_range(r)) {
        return WEIR_DONE;
    }
    max = (uint32_t)WR_MIN(wr_files_conf(own)->max_ranges, (int64_t)4096);
    s = wr_pool_zalloc(r->pool, sizeof(*s) + max * sizeof(struct wr_range));
    s->size = (uint64_t)r->out_length;
    switch (wr_range_parse(field->value, s->size, s->ranges, max, &s->n)) {
    case WR_RANGE_WHOLE:
        return WEIR_DONE;
    case WR_RANGE_NONE:
        return unsatisfiable(r);
    default:
        break;
    }
    if (s->n > 1 && !whole_body_at_hand(own)) {
        return WEIR_DONE;
    }
    r->ctx[self.slot] = s;
    (void)weir_out_remove(r, WEIR_STR("Accept-Ranges"));
    (void)weir_out_status(r, 206);
    (void)weir_out_reason(r, WEIR_STR("")); /* that of the 200 */
    wr_response_forget_digests(own, true);
    if (s->n > 1) {
        begin_multipart(r, s);
        return WEIR_NEXT;
    }
    (void)weir_out_set(r, WEIR_STR("Content-Range"), content_range(r, s->ranges[0], s->size));
    r->out_length = (int64_t)wr_range_bytes(s->ranges[0]);
    begin_there(own, s);
    return WEIR_NEXT;
}

/* ---- The body. ---- */

/* What of `in` lies in the one range; the rest is passed over. */
static void
cut_one(weir_request *r, struct state *s, weir_chain *in, weir_chain *out)
{
    uint64_t end = s->ranges[0].last + 1;
    uint64_t here = weir_chain_len(in);
    bool last = wr_chain_has(in, WEIR_BUF_LAST);

    if (s->at < s->ranges[0].first) {
        uint64_t skip = WR_MIN(s->ranges[0].first - s->at, here);
        weir_chain_skip(in, (size_t)skip);
        s->at += skip;
        here -= skip;
    }
    if (s->at >= s->ranges[0].first && s->at < end && here != 0) {
        uint64_t take = WR_MIN(end - s->at, here);
        weir_chain_move(r->pool, out, in, (size_t)take);
        s->at += take;
        here -= take;
    }
    s->at += here;
    wr_chain_drop(in);
    if ((last || s->at >= end) && !wr_chain_has(out, WEIR_BUF_LAST)) {
        weir_chain_push(out, weir_buf_mark(r->pool, WEIR_BUF_LAST));
    }
}

/* Put bytes first..last of the whole body on out, without copying. */
static void
share_part(weir_request *r, const weir_chain *body, struct wr_range range, weir_chain *out)
{
    uint64_t at = 0;

    for (const weir_buf *b = body->head; b != NULL && at <= range.last; b = b->next) {
        uint64_t from = range.first > at ? range.first - at : 0;
        if (b->len != 0 && from < b->len) {
            weir_buf *part = weir_buf_share(r->pool, b);
            uint64_t end = WR_MIN(range.last + 1 - at, (uint64_t)b->len);
            wr_buf_consume(part, (size_t)from);
            part->len = (size_t)(end - from);
            weir_chain_push(out, part);
        }
        at += b->len;
    }
}

static int
range_body(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    struct state *s = r->ctx[self.slot];

    (void)conf;
    WR_ASSERT(s != NULL);
    if (s->n == 1) {
        cut_one(r, s, in, out);
        return WEIR_NEXT;
    }
    if (!wr_chain_has(in, WEIR_BUF_LAST)) {
        return WEIR_NEXT; /* it is all at hand: the rest comes in this same turn */
    }
    for (uint32_t i = 0; i < s->n; i++) {
        weir_chain_push(out, weir_buf_ref(r->pool, part_head(r, s, i)));
        share_part(r, in, s->ranges[i], out);
    }
    weir_chain_push(out, weir_buf_ref(r->pool, multipart_tail(r, s)));
    out->tail->flags |= WEIR_BUF_LAST;
    wr_chain_drop(in);
    return WEIR_NEXT;
}

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_HEADERS, .rank = WEIR_RANK_FRAME, .handler = range_headers,
      .field = WEIR_H_RANGE },
    { .phase = WEIR_PHASE_BODY,
      .rank = WEIR_RANK_FRAME,
      .body = range_body,
      .flags = WEIR_HOOK_FILES | WEIR_HOOK_ENDS },
};

const weir_module wr_range_module = { WR_BUILTIN(&self, "core.range"),
                                      .summary = "byte ranges of responses",
                                      .hooks = WEIR_ITEMS(hooks) };
