/* http2/stream.c - the life of a stream: opened, its request's body taken in, its end, its time limits. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/background.h"
#include "http/body_in.h"
#include "http/metrics.h"
#include "http/response.h"
#include "http2/http2.h"
#include "net/buf.h"
#include "net/pressure.h"

enum {
    EARLY_ROOM = 4096,    /* first room for body bytes nobody has asked for */
    ANSWER_USEFUL = 16384, /* what a complete answer counts for in the account of useless work, in bytes */
    LINGER_BYTES = 16384, /* of a body that nobody wants, before the client is told so */
    SPARE_MAX = 128       /* free streams that a worker keeps */
};

/* Streams that have ended, for the next ones. */
static struct {
    struct wr_stream *first;
    unsigned n;
} spare;

/* ---- Opening and freeing. ---- */

static struct wr_stream **
place_of(struct wr_http2 *h, int32_t id)
{
    return &h->places[((uint32_t)id >> 1) % WR_HTTP2_PLACES];
}

struct wr_stream *
wr_stream_find(const struct wr_http2 *h, int32_t id)
{
    struct wr_stream *s = h->places[((uint32_t)id >> 1) % WR_HTTP2_PLACES];

    while (s != NULL && s->id != id) {
        s = s->next;
    }
    return s;
}

void
wr_stream_close(struct wr_stream *s)
{
    struct wr_http2 *h = s->h;
    struct wr_stream **at = place_of(h, s->id);

    if (s->closed) {
        return;
    }
    while (*at != s) {
        at = &(*at)->next;
    }
    *at = s->next;
    s->closed = true;
    h->n_open--;
    h->in.stream = h->in.stream == s ? NULL : h->in.stream;
    wr_schedule_remove(s);
    wr_http2_due(s);
}

/* A zeroed one with an empty pool, or NULL. */
static struct wr_stream *
take_spare(void)
{
    struct wr_stream *s = spare.first;
    struct weir_pool *pool = NULL;

    if (s != NULL) {
        spare.first = s->next;
        spare.n--;
        pool = s->pool;
        memset(s, 0, sizeof(*s));
    } else if ((s = calloc(1, sizeof(*s))) == NULL) {
        return NULL;
    }
    s->pool = pool != NULL ? pool : wr_pool_create("request", NULL);
    return s;
}

/* Its pool is empty, or has been taken. */
static void
give_spare(struct wr_stream *s)
{
    if (spare.n == SPARE_MAX) {
        wr_pool_destroy(&s->pool);
        free(s);
        return;
    }
    s->next = spare.first;
    spare.first = s;
    spare.n++;
}

/* What the client wished for it before it came. */
static void
set_priority(struct wr_stream *s)
{
    s->urgency = WR_HTTP2_URGENCY;
    if (s->h->wished_id == s->id) {
        s->urgency = s->h->wished_urgency;
        s->incremental = s->h->wished_incremental;
        s->wished = true;
    }
}

struct wr_stream *
wr_stream_open(struct wr_http2 *h, int32_t id)
{
    struct wr_stream *s;

    /* One that was reset and still has something to do counts; none comes behind the last that was announced. */
    if (h->ending || h->leave == WR_HTTP2_LEFT || (int64_t)h->n_streams >= wr_http2_settings(h)->max_streams ||
        h->heads >= WR_HTTP2_HEADS || (s = take_spare()) == NULL) {
        return NULL;
    }
    s->h = h;
    s->id = id;
    s->window = h->settled ? (int64_t)wr_http2_settings(h)->preread : WR_HTTP2_WINDOW_FIRST;
    s->send_window = h->peer_window;
    set_priority(s);
    wr_list_init(&s->due);
    wr_list_init(&s->ready);
    wr_list_add(&h->streams, &s->link);
    s->next = *place_of(h, id);
    *place_of(h, id) = s;
    h->n_streams++;
    h->n_open++;
    return s;
}

void
wr_stream_free(struct wr_stream *s)
{
    struct wr_http2 *h = s->h;

    wr_stream_close(s);
    wr_write_drop(s);
    if (s->early_len != 0) {
        wr_window_give(h, NULL, s->early_len);
    }
    free(s->early);
    h->heads -= s->head_bytes;
    wr_list_remove(&s->due);
    wr_list_remove(&s->link);
    h->n_streams--;
    wr_pace_end(&s->pace);
    if (s->r != NULL && wr_background_take(s->r, s->pool)) {
        s->pool = NULL;
        give_spare(s);
        return;
    }
    if (s->r != NULL) {
        wr_request_free(s->r);
    }
    wr_pool_reset(s->pool);
    give_spare(s);
}

/* ---- The body of the request. ---- */

/* Bytes have been taken: the client may send as many again. Windows that are used up over and over grow. */
static void
give_back(struct wr_stream *s, size_t n)
{
    struct wr_http2 *h = s->h;

    h->taken += n;
    if (h->taken >= 2 * (uint64_t)h->window && h->window < WR_HTTP2_WINDOW_MAX) {
        h->taken = 0;
        wr_window_grow(h, NULL, h->window * 2);
    }
    s->taken += n;
    if (!s->in_end && s->taken >= 2 * (uint64_t)s->window && s->window < WR_HTTP2_WINDOW_MAX) {
        s->taken = 0;
        wr_window_grow(h, s, (uint32_t)WR_MIN(s->window * 2, (int64_t)WR_HTTP2_WINDOW_MAX));
    }
    wr_window_give(h, s, n);
}

static void
push(struct wr_stream *s, const void *bytes, size_t len)
{
    bool last = s->in_end && s->early_len == 0;

    if (len == 0 && !last) {
        return;
    }
    s->in_told = last;
    s->body_read += len;
    s->body_ms = wr_clock.now_ms;
    wr_cost_useful(s->h, len);
    (void)wr_body_push(s->r, bytes, len, last);
    if (len != 0) {
        give_back(s, len);
    }
}

/* Hand what was kept to whoever wants it now. */
static void
deliver(struct wr_stream *s)
{
    char *early = s->early;
    uint32_t len = s->early_len;

    if (s->in_told || !s->body_wanted || wr_request_left(s->r) || !wr_body_wanted(s->r)) {
        return;
    }
    s->early = NULL;
    s->early_len = s->early_room = 0;
    push(s, early, len);
    free(early);
}

static void
keep_early(struct wr_stream *s, const void *bytes, size_t len)
{
    size_t need = s->early_len + len; /* both within a window */

    if (need > s->early_room) {
        size_t room = WR_MAX(WR_MAX(need, (size_t)EARLY_ROOM), (size_t)s->early_room * 2);
        s->early = realloc(s->early, room);
        WR_ASSERT(s->early != NULL);
        s->early_room = (uint32_t)room;
    }
    memcpy(s->early + s->early_len, bytes, len);
    s->early_len = (uint32_t)need;
}

void
wr_stream_malformed(struct wr_stream *s)
{
    s->reset = true;
    if (!s->answered && !s->closed && !s->h->conn->gone) {
        wr_block_refusal(s, 400);
    }
    wr_output_reset(s, NGHTTP2_PROTOCOL_ERROR);
}

/* The body is not what its head said: the request ends, and the stream with an error. */
static void
body_is_wrong(struct wr_stream *s)
{
    wr_conn_say(s->h->conn, INFO, "client sent a body of another length than it said");
    wr_stream_malformed(s);
    wr_http2_due(s);
}

void
wr_stream_data(struct wr_stream *s, const void *bytes, size_t len)
{
    if (s->finished && !s->reset) { /* the stream's own window stays as it is: no more is wanted */
        wr_window_give(s->h, NULL, len);
        s->unwanted += len;
        wr_http2_due(s);
        return;
    }
    if (s->reset || s->r == NULL || wr_request_left(s->r)) {
        wr_window_give(s->h, s, len);
        return;
    }
    s->r->body_bytes += len;
    if (s->in_left >= 0) {
        s->in_left -= (int64_t)len;
        if (s->in_left < 0) {
            wr_window_give(s->h, s, len);
            body_is_wrong(s);
            return;
        }
    }
    if (s->early_len == 0 && s->body_wanted && wr_body_wanted(s->r)) {
        push(s, bytes, len);
    } else {
        keep_early(s, bytes, len);
    }
}

void
wr_stream_data_end(struct wr_stream *s)
{
    if (s->reset || s->in_end) {
        return;
    }
    s->in_end = true;
    if (s->in_left > 0 && !s->finished) {
        body_is_wrong(s);
        return;
    }
    if (s->finished) {
        wr_window_return(s->h); /* which wakes a client that has its answer and waits for something more: curl 7.88 */
    }
    if (s->out_end) {
        wr_stream_close(s);
    }
    wr_http2_due(s);
}

/* ---- What is due. ---- */

/* The request's course is over on the wire: by its last byte, or because nobody is there to take one. */
static void
end_request(struct wr_stream *s)
{
    struct wr_request *r = s->r;

    if (s->out_end) {
        wr_cost_useful(s->h, ANSWER_USEFUL);
    }
    if (s->out_end) {
        wr_request_end(r, false);
        return;
    }
    if (!s->reset) {
        wr_say(&r->log, INFO, "client closed the stream");
    }
    wr_request_gone(r, s->reset ? 400 : 499, !s->reset);
}

/* The answer is out before all of the body has come: may the rest come first? Clients that hear of the reset
 * while they still write take the answer for lost with it, although they should not [RFC 9113 8.1]: curl 7.88
 * does. So what is under way is let in, as far as it is little and comes soon. */
static bool
lingers(struct wr_stream *s)
{
    const struct wr_loc_conf *c = wr_loc_conf(s->r);
    const struct wr_http2 *h = s->h;

    if (s->linger_ms == 0) {
        s->linger_ms = wr_clock.now_ms;
        s->unwanted = s->early_len;
        wr_window_give(s->h, NULL, s->early_len);
        s->early_len = 0;
    }
    return s->out_end && s->unwanted <= LINGER_BYTES && c->lingering_close != 0 &&
           wr_clock.now_ms - s->linger_ms < c->lingering_timeout_ms &&
           wr_pressure.level == WR_PRESSURE_NONE && h->leave == WR_HTTP2_STAYS && !h->ending &&
           !h->conn->half_closed && !h->conn->gone;
}

/* The request has ended: so does what is left of the stream. */
static void
end_stream(struct wr_stream *s)
{
    if (s->reset) {
        return;
    }
    if (s->error) {
        s->reset = true;
        wr_write_drop(s);
        wr_output_reset(s, s->r->pub.status == 444 ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR);
    } else if (!s->in_end && !lingers(s)) { /* the rest of its body is not wanted */
        s->reset = true;
        wr_output_reset(s, NGHTTP2_NO_ERROR);
    }
}

/* Is the request at its end, as far as the wire goes? */
static bool
is_at_end(const struct wr_stream *s)
{
    return s->out_end || s->reset || s->closed;
}

void
wr_stream_work(struct wr_stream *s)
{
    struct wr_request *r = s->r;

    if (s->answers != NULL) {
        wr_write_heads(s);
    }
    if (r != NULL && !s->finished) {
        deliver(s);
        if (!wr_request_left(r) && is_at_end(s)) {
            end_request(s);
        } else if (s->hungry && !wr_request_left(r)) {
            s->hungry = false;
            wr_request_can_send(r);
        }
    }
    if (s->finished && !s->closed) {
        end_stream(s);
    }
    if (s->closed && (r == NULL || s->finished)) {
        wr_stream_free(s);
    }
}

/* ---- Time limits. ---- */

static void
check_body(struct wr_stream *s)
{
    const struct wr_body_conf *c = wr_body_conf(s->r);

    if (s->in_end || !s->body_wanted || !wr_body_wanted(s->r) || wr_response_is_tunnel(s->r)) {
        return;
    }
    if (wr_clock.now_ms - s->body_ms >= c->timeout_ms) {
        wr_say(&s->r->log, INFO, "client timed out while sending the request body");
        wr_body_failed(s->r, 408);
    } else if (wr_pace_too_slow(s->body_read, s->body_since_ms, c->min_rate)) {
        wr_say(&s->r->log, INFO, "client sent the request body too slowly");
        wr_body_failed(s->r, 408);
    }
}

/* Is its own window closed, or opened too little, for too long? The answer, and what it is made from, are held meanwhile. */
static bool
window_is_slow(struct wr_stream *s)
{
    const struct wr_loc_conf *c = wr_loc_conf(s->r);
    uint64_t now = wr_clock.now_ms, sent = s->pace.sent;

    if (s->closed || s->out_bytes == 0 || s->pace.rate != 0 ||
        s->send_window > 0) {
        s->slow_ms = 0;
        return false;
    }
    if (s->slow_ms == 0) {
        s->slow_ms = s->stuck_ms = now;
        s->slow_sent = s->stuck_sent = sent;
    } else if (s->stuck_sent != sent) {
        s->stuck_ms = now;
        s->stuck_sent = sent;
    }
    return now - s->stuck_ms >= c->send_timeout_ms ||
           wr_pace_too_slow(sent - s->slow_sent, s->slow_ms, c->send_min_rate);
}

static void
check_window(struct wr_stream *s)
{
    if (window_is_slow(s)) {
        wr_say(&s->r->log, INFO, "client timed out while reading the response");
        s->reset = true;
        wr_output_reset(s, NGHTTP2_CANCEL);
        wr_request_gone(s->r, 408, true);
        wr_http2_due(s);
    }
}

void
wr_stream_beat(struct wr_stream *s)
{
    if (s->finished && !s->closed) {
        wr_http2_due(s); /* it may have lingered long enough */
    } else if (s->r != NULL && !s->finished && !wr_request_left(s->r)) {
        check_body(s);
        check_window(s);
    }
}
