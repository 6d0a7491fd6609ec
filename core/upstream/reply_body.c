/* upstream/reply_body.c - the response's body: read when it is asked for, its framing taken off.
 *
 * Bytes are handed on where they were read to. A body that ends before its framing says so is never
 * handed on as whole.
 */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/num.h"
#include "upstream/exchange.h"
#include "wire/fields.h"

enum {
    READ_MIN = 64 * 1024, /* read at once even where less is asked for */
    JOINED = 4096,        /* chunks up to this are moved together, to be one buffer */
    TRAILER_MAX = 16 * 1024
};

void
wr_reply_body_start(weir_exchange *x, const struct wr_framing *framing)
{
    x->body = (struct wr_reply_body){ .left = framing->length };
    if (x->reply->status == 101) {
        x->body.left = WR_LENGTH_UNTIL_CLOSE;
        x->state = WR_EXCHANGE_TUNNEL;
        x->out.body = (weir_chain){ NULL, NULL };
        x->out.at = NULL;
        x->out.off = x->out.waiting = 0;
        x->out.last = false;
        wr_exchange_deadline(x, x->policy.read_ms);
        return;
    }
    x->state = WR_EXCHANGE_BODY;
    if (x->body.left == 0) {
        if (x->in.len != 0) {
            wr_exchange_warn(x, "upstream sent more data than specified in its header");
        }
        wr_exchange_over(x, WEIR_DONE);
    }
}

/* ---- Pieces. ---- */

/* n bytes of what has come are body. */
static void
hand_on(weir_exchange *x, weir_pool *pool, weir_chain *out, const uint8_t *from, size_t n)
{
    weir_chain_push(out, wr_intake_buf(&x->in, pool, from, n));
    out->tail->len = n;
    x->tried->last->body += n;
}

/* A body of known length, or until the end. WEIR_OK, or WEIR_DONE. */
static int
take_plain(weir_exchange *x, weir_pool *pool, weir_chain *out, size_t want)
{
    size_t n = WR_MIN(x->in.len, want);

    if (x->body.left >= 0) {
        n = WR_MIN(n, (uint64_t)x->body.left);
        x->body.left -= (int64_t)n;
    }
    hand_on(x, pool, out, x->in.at, n);
    wr_intake_skip(&x->in, n);
    if (x->body.left != 0) {
        return WEIR_OK;
    }
    if (x->in.len != 0) {
        wr_exchange_warn(x, "upstream sent more data than specified in \"Content-Length\" header");
    }
    return WEIR_DONE;
}

/* ---- Chunks. ---- */

/* The pieces of one call, moved together where they are small: a run in the memory they came in. */
struct run {
    uint8_t *from;
    size_t len;
};

static void
run_end(weir_exchange *x, weir_pool *pool, weir_chain *out, struct run *run)
{
    if (run->len != 0) {
        hand_on(x, pool, out, run->from, run->len);
    }
    run->len = 0;
}

static void
run_add(weir_exchange *x, weir_pool *pool, weir_chain *out, struct run *run, weir_str data)
{
    if (run->len != 0 && data.len <= JOINED) {
        memmove(run->from + run->len, data.data, data.len);
        run->len += data.len;
        return;
    }
    run_end(x, pool, out, run);
    run->from = (uint8_t *)(uintptr_t)data.data;
    run->len = data.len;
}

static void
keep_trailers(weir_exchange *x, const struct wr_head_section *s)
{
    const struct wr_framing none = { .nominated = false };
    char *base = memcpy(wr_pool_alloc(x->memory, s->bytes), x->in.at, s->bytes);
    struct wr_head_field *f = s->fields;
    weir_reply fields = { .first = NULL };
    uint32_t kept = 0;

    for (uint32_t i = 0; i < s->n_fields; i++) { /* what frames a message is no trailer */
        if (f[i].id != WEIR_H_CONTENT_LENGTH && f[i].id != WEIR_H_HOST) {
            f[kept++] = f[i];
        }
    }
    wr_reply_fields(x, &fields, base, f, kept, &none);
    x->body.trailers = fields.first;
}

/* The section behind the last chunk. WEIR_OK: more is needed. [RFC 9112 7.1.2] */
static int
take_trailers(weir_exchange *x)
{
    const struct wr_head_limits limits = { .field_max = TRAILER_MAX,
                                           .head_max = TRAILER_MAX,
                                           .fields_max = WR_EXCHANGE_FIELDS,
                                           .underscores = true };
    struct wr_head_section s = { .fields = wr_reply_room };
    struct wr_fault fault;

    switch (wr_http1_section((const char *)x->in.at, x->in.len, &x->body.trailer_scan, &limits, &s,
                             &fault)) {
    case WR_MORE:
        return WEIR_OK;
    case WR_BAD:
        wr_exchange_say(x, 0, "upstream sent invalid trailers: %s", fault.reason);
        return WEIR_INVALID;
    default:
        break;
    }
    if (s.n_fields != 0) {
        keep_trailers(x, &s);
    }
    wr_intake_skip(&x->in, s.bytes);
    if (x->in.len != 0) {
        wr_exchange_warn(x, "upstream sent data after final chunk");
    }
    return WEIR_DONE;
}

/* WEIR_OK: all that came is used, or as much as is wanted. */
static int
take_chunks(weir_exchange *x, weir_pool *pool, weir_chain *out, size_t want)
{
    struct run run = { NULL, 0 };
    size_t got = 0, used = 0;
    struct wr_fault fault;
    weir_str data;
    int rc = WEIR_OK;

    while (!x->body.in_trailers && x->in.len != 0 && got < want && rc == WEIR_OK) {
        switch (wr_chunked_decode(&x->body.chunked, (const char *)x->in.at, x->in.len, &used, &data,
                                  &fault)) {
        case WR_OK:
            if (data.len != 0) {
                run_add(x, pool, out, &run, data);
                got += data.len;
            } else {
                x->body.in_trailers = true;
            }
            break;
        case WR_MORE:
            break;
        default:
            wr_exchange_say(x, 0, "upstream sent invalid chunked response: %s", fault.reason);
            rc = WEIR_INVALID;
            continue;
        }
        wr_intake_skip(&x->in, used);
    }
    run_end(x, pool, out, &run);
    return rc == WEIR_OK && x->body.in_trailers ? take_trailers(x) : rc;
}

/* ---- What modules call. ---- */

/* The link ended (error 0) or broke. What x ends with. */
static int
ended(const weir_exchange *x, int error)
{
    if (error == 0 && x->body.left == WR_LENGTH_UNTIL_CLOSE) {
        return WEIR_DONE;
    }
    if (x->state == WR_EXCHANGE_TUNNEL && error == ECONNRESET) {
        return WEIR_CLOSED;
    }
    wr_exchange_say(x, error,
                    error != 0 ? "recv() failed" : "upstream prematurely closed connection");
    return WEIR_CLOSED;
}

int
wr_reply_body_receive(weir_exchange *x, size_t want)
{
    size_t most = WR_MIN(WR_MAX(want, (size_t)READ_MIN), (size_t)WR_INTAKE_BLOCK);
    ssize_t n;

    if (!x->link->conn.can_read) {
        return WEIR_AGAIN;
    }
    if (x->body.left >= 0 && (uint64_t)x->body.left < most) {
        most = (size_t)x->body.left + 1; /* one more shows that there is no more */
    }
    n = wr_intake_read(&x->in, &x->link->conn, most);
    if (n == -EAGAIN) {
        return WEIR_AGAIN;
    }
    if (n <= 0) {
        return ended(x, (int)-n);
    }
    x->tried->last->received += (uint64_t)n;
    return WEIR_OK;
}

/* A result that is not WEIR_OK: nothing more comes. */
static int
finish(weir_exchange *x, int result, bool some)
{
    wr_exchange_over(x, result);
    return result == WEIR_DONE || !some ? result : WEIR_OK; /* a failure is told next time */
}

int
weir_exchange_read(weir_exchange *x, weir_pool *pool, weir_chain *out, size_t want)
{
    const weir_buf *before = out->head != NULL ? out->tail : NULL;
    int rc = WEIR_OK;

    WR_CHECK(x, WR_EXCHANGE_TAG);
    if (x->state == WR_EXCHANGE_OVER) {
        return x->result;
    }
    if (!wr_exchange_open(x)) {
        return WEIR_AGAIN;
    }
    x->waiting = false;
    want = WR_MAX(want, (size_t)1);
    do {
        if (x->in.len == 0 || x->body.in_trailers) {
            rc = wr_reply_body_receive(x, want);
        }
        if (rc == WEIR_OK) {
            rc = x->body.left == WR_LENGTH_CHUNKED ? take_chunks(x, pool, out, want)
                                                   : take_plain(x, pool, out, want);
        }
    } while (rc == WEIR_OK && (out->head != NULL ? out->tail : NULL) == before);
    if (rc == WEIR_OK) {
        return WEIR_OK;
    }
    if (rc != WEIR_AGAIN) {
        return finish(x, rc, (out->head != NULL ? out->tail : NULL) != before);
    }
    x->waiting = true;
    wr_exchange_deadline(x, x->policy.read_ms);
    return WEIR_AGAIN;
}
