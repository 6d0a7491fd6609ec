/* upstream/reply.c - the response's head: found in what has come, judged, made a weir_reply.
 *
 * What an origin says is believed no more than what a client says: the reader is the same strict
 * one. The head is copied once, to the memory that the reply lives in, together with a small body
 * that came with it.
 */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/str.h"
#include "upstream/exchange.h"
#include "wire/fields.h"
#include "wire/names.h"

enum { SMALL = 4096 }; /* body bytes that are copied with the head rather than referred to */

struct wr_head_field wr_reply_room[WR_EXCHANGE_FIELDS];

/* ---- Fields. ---- */

/* Does a Connection field name it? Fields that are meant for everybody cannot be taken away so: a
 * policy for browsers would go unnoticed. */
static bool
is_nominated(const char *base, const struct wr_head_field *fields, uint32_t n,
             const struct wr_head_field *f)
{
    weir_str name = { base + f->name_at, f->name_len };

    if (f->id != WEIR_H_OTHER) {
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        weir_str list = { base + fields[i].value_at, fields[i].value_len };
        if (fields[i].id != WEIR_H_CONNECTION) {
            continue;
        }
        while (list.len != 0) {
            size_t comma = weir_str_find(list, ',');
            if (weir_str_ieq(weir_str_trim(weir_str_cut(list, 0, comma)), name)) {
                return true;
            }
            list = weir_str_cut(list, comma + 1, SIZE_MAX);
        }
    }
    return false;
}

/* Give those that Connection names, and Proxy-Connection, the id of one that is left out. */
static void
mark_hop(const char *base, struct wr_head_field *fields, uint32_t n, bool nominated)
{
    for (uint32_t i = 0; i < n; i++) {
        struct wr_head_field *f = &fields[i];
        if (f->id == WEIR_H_OTHER &&
            ((f->name_len == 16 && weir_str_ieq((weir_str){ base + f->name_at, f->name_len },
                                                WEIR_STR("Proxy-Connection"))) ||
             (nominated && is_nominated(base, fields, n, f)))) {
            f->id = WEIR_H_KEEP_ALIVE;
        }
    }
}

/* Of a field that says one thing, the first line counts, and the others are left out in the same
 * way: who reads on would have to choose. Not so Expires: to a cache, two are as good as stale.
 * [RFC 9111 4.2.1] */
static void
mark_repeated(const weir_exchange *x, const char *base, struct wr_head_field *fields, uint32_t n)
{
    const uint64_t single = UINT64_C(1) << WEIR_H_CONTENT_TYPE |
                            UINT64_C(1) << WEIR_H_LAST_MODIFIED | UINT64_C(1) << WEIR_H_ETAG |
                            UINT64_C(1) << WEIR_H_LOCATION | UINT64_C(1) << WEIR_H_DATE |
                            UINT64_C(1) << WEIR_H_SERVER;
    uint64_t seen = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct wr_head_field *f = &fields[i];
        uint64_t bit = UINT64_C(1) << f->id & single;
        if (seen & bit) {
            weir_str line = { base + f->name_at, f->value_at + f->value_len - f->name_at };
            wr_exchange_warn(x, weir_print(x->memory,
                                           "upstream sent duplicate header line: \"%.*s\", ignored",
                                           WEIR_FMT(line))
                                    .data);
            f->id = WEIR_H_KEEP_ALIVE;
        }
        seen |= bit;
    }
}

void
wr_reply_fields(weir_exchange *x, weir_reply *reply, const char *base, struct wr_head_field *fields,
                uint32_t n, const struct wr_framing *framing)
{
    /* What concerns this connection alone, whatever Connection says. [RFC 9110 7.6.1] */
    uint64_t hop = UINT64_C(1) << WEIR_H_CONNECTION | UINT64_C(1) << WEIR_H_KEEP_ALIVE |
                   UINT64_C(1) << WEIR_H_TE | UINT64_C(1) << WEIR_H_TRANSFER_ENCODING |
                   (reply->status == 101 ? 0 : UINT64_C(1) << WEIR_H_UPGRADE);
    struct wr_fields *to = wr_pool_zalloc(x->memory, sizeof(*to));
    weir_header *all = wr_pool_alloc(x->memory, (size_t)n * sizeof(*all));

    mark_hop(base, fields, n, framing->nominated);
    mark_repeated(x, base, fields, n);
    wr_fields_take(to, all, fields, n, base, hop);
    reply->first = to->first;
    reply->at = to->index;
}

/* ---- A whole head. ---- */

/* The length that is announced, which may be that of a body that does not come (HEAD, 304). */
static int64_t
announced(const weir_reply *reply, const struct wr_framing *framing)
{
    const weir_header *h = reply->at[WEIR_H_CONTENT_LENGTH];
    uint64_t n;

    if (framing->length > 0) {
        return framing->length;
    }
    if (h != NULL && weir_parse_number(h->value, INT64_MAX, &n)) {
        return (int64_t)n;
    }
    return reply->status == 204 ? 0 : -1;
}

static weir_reply *
make_reply(weir_exchange *x, const struct wr_response_head *head, const char *base,
           const struct wr_framing *framing)
{
    weir_reply *reply = wr_pool_zalloc(x->memory, sizeof(*reply));

    reply->status = head->status;
    reply->version = head->version;
    reply->reason = (weir_str){ base + head->reason_at, head->reason_len };
    reply->peer = x->tried->last->addr;
    reply->us = wr_clock.now_us - x->started_us;
    wr_reply_fields(x, reply, base, head->fields, head->n_fields, framing);
    reply->length = announced(reply, framing);
    return reply;
}

static void
invalid(weir_exchange *x, const char *why)
{
    x->state = WR_EXCHANGE_HEAD; /* that is what was being done, however much was sent */
    wr_exchange_say(x, 0, "upstream sent %s", why);
    wr_retry(x, WEIR_RETRY_INVALID_HEADER, WEIR_INVALID);
}

/* The bytes of a head that is understood, in memory; those behind it stay in x->in. */
static const char *
take_bytes(weir_exchange *x, size_t head)
{
    const char *base;

    wr_intake_skip(&x->in, head);
    if (x->in.len <= SMALL) {
        return (const char *)wr_intake_settle(&x->in, x->memory, head);
    }
    base = memcpy(wr_pool_alloc(x->memory, head), x->in.at - head, head);
    return base;
}

/* 100 says nothing, others are told and forgotten. False: x is over, or has been refused. */
static bool
take_interim(weir_exchange *x, const struct wr_response_head *head)
{
    const char *base = take_bytes(x, head->bytes);
    struct wr_framing framing;
    struct wr_fault fault;

    if (++x->interims > WR_EXCHANGE_INTERIM_MAX) {
        invalid(x, "too many interim responses");
        return false;
    }
    if (wr_framing_response(base, head, x->o.method, &framing, &fault) != WR_OK) {
        invalid(x, weir_print(x->memory, "invalid header: %s", fault.reason).data);
        return false;
    }
    if (head->status != 100) {
        wr_exchange_tell_interim(x, make_reply(x, head, base, &framing));
    }
    return x->state == WR_EXCHANGE_HEAD || x->state == WR_EXCHANGE_SENT;
}

/* A 101 has to have been asked for, and to say to what. [RFC 9110 15.2.2] */
static bool
is_upgrade(const weir_exchange *x, const struct wr_response_head *head)
{
    for (uint32_t i = 0; i < head->n_fields; i++) {
        if (head->fields[i].id == WEIR_H_UPGRADE) {
            return (x->o.flags & WEIR_EXCHANGE_UPGRADE) != 0;
        }
    }
    return false;
}

static void
take_final(weir_exchange *x, const struct wr_response_head *head)
{
    struct wr_try *t = x->tried->last;
    struct wr_framing framing;
    struct wr_fault fault;
    const char *base = (const char *)x->in.at;

    if (wr_framing_response(base, head, x->o.method, &framing, &fault) != WR_OK) {
        invalid(x, weir_print(x->memory, "invalid header: %s", fault.reason).data);
        return;
    }
    if (head->status == 101 && !is_upgrade(x, head)) {
        invalid(x, "an upgrade that was not asked for");
        return;
    }
    if (head->status == 408 && !framing.persistent && wr_retry_stale(x)) {
        return; /* it was tired of waiting, and that crossed with what was sent [RFC 9110 15.5.9] */
    }
    t->status = head->status;
    t->head_ms = (int64_t)(wr_clock.now_ms - t->began_ms);
    if (wr_retry_status(x, head->status)) {
        return;
    }
    base = take_bytes(x, head->bytes);
    x->reply = make_reply(x, head, base, &framing);
    x->tried->reply = x->reply;
    x->persistent = framing.persistent && head->status != 101;
    if (x->o.peer == 0) {
        wr_balance_answered(x->o.to, &x->attempt, x->peer, x->reply);
    }
    wr_reply_body_start(x, &framing);
    wr_exchange_tell_head(x);
}

/* ---- What has come. ---- */

static struct wr_head_limits
limits_of(const weir_exchange *x)
{
    bool loose = (x->policy.flags & WEIR_POLICY_ANY_RESPONSE) != 0;
    uint32_t max = (uint32_t)x->policy.head_max;

    return (struct wr_head_limits){ .line_max = max,
                                    .field_max = max,
                                    .head_max = max,
                                    .fields_max = WR_EXCHANGE_FIELDS,
                                    .bare_lf = loose,
                                    .underscores = true,
                                    .ignore_invalid = loose };
}

static void
bad_head(weir_exchange *x, const struct wr_fault *fault)
{
    if (x->in.len >= x->policy.head_max) {
        invalid(x, "too big header");
    } else if (x->in.len < 5 || memcmp(x->in.at, "HTTP/", 5) != 0) {
        invalid(x, "no valid HTTP/1.0 header");
    } else {
        invalid(x, weir_print(x->memory, "invalid header: %s", fault->reason).data);
    }
}

/* Understand what has come. True: more is needed. */
static bool
understand(weir_exchange *x)
{
    const struct wr_head_limits limits = limits_of(x);
    struct wr_response_head head;
    struct wr_fault fault;

    for (;;) {
        head.fields = wr_reply_room;
        switch (wr_http1_response_head((const char *)x->in.at, x->in.len, &x->scan, &limits, &head,
                                       &fault)) {
        case WR_MORE:
            return true;
        case WR_BAD:
            bad_head(x, &fault);
            return false;
        default:
            break;
        }
        if (head.status >= 200 || head.status == 101) {
            take_final(x, &head);
            return false;
        }
        if (!take_interim(x, &head)) {
            return false;
        }
        if (x->in.len == 0) {
            return true;
        }
    }
}

/* The link ended, or broke with an error, before a whole head came. */
static void
ended(weir_exchange *x, int error)
{
    if (!x->answered && wr_retry_stale(x)) {
        return;
    }
    if (x->out.error != 0 && !x->answered) {
        x->state = WR_EXCHANGE_SENT;
        wr_exchange_say(x, x->out.error, "send() failed");
    } else {
        x->state = WR_EXCHANGE_HEAD;
        wr_exchange_say(x, error,
                        error != 0 ? "recv() failed" : "upstream prematurely closed connection");
    }
    wr_retry(x, WEIR_RETRY_ERROR, WEIR_ERROR);
}

void
wr_reply_receive(weir_exchange *x)
{
    while (x->link->conn.can_read) {
        ssize_t n = wr_intake_read(&x->in, &x->link->conn, WR_EXCHANGE_HEAD_READ);
        if (n == -EAGAIN) {
            return;
        }
        if (n <= 0) {
            ended(x, (int)-n);
            return;
        }
        x->answered = true;
        x->tried->last->received += (uint64_t)n;
        if (x->state == WR_EXCHANGE_HEAD) {
            wr_exchange_deadline(x, x->policy.read_ms);
        }
        if (!understand(x)) {
            return;
        }
    }
}
