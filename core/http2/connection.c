/* http2/connection.c - the life of an HTTP/2 connection: taken over from HTTP/1, reading, working, sending, waiting, closing.
 *
 * One function, serve, moves the connection on as far as it goes and flushes its output once at the end: frames of all streams
 * that have something to say leave in one call of the system. Everything that happens ends in a call of it.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/metrics.h"
#include "http2/http2.h"
#include "net/pressure.h"
#include "net/send.h"

/* How long one connection may go on before others have their turn. */
enum {
    READS_A_TURN = 16,
    ROUNDS_A_TURN = 16,         /* of making more of answers */
    BODY_A_TURN = 2048 * 1024,  /* bytes of bodies */
    QUEUE_MAX = 1000,           /* frames that may wait; then nothing is read */
    TABLE_BYTES = 4096          /* what blocks of fields may refer to, each way [RFC 9113 6.5.2] */
};

static struct wr_http2 *
http2_of(const struct wr_conn *c)
{
    return c->taken_over;
}

/* ---- What others say of it. ---- */

void
wr_http2_touch(struct wr_http2 *h)
{
    if (!h->serving) {
        wr_conn_wake(h->conn);
    }
}

void
wr_http2_due(struct wr_stream *s)
{
    if (wr_list_empty(&s->due)) {
        wr_list_add(&s->h->due, &s->due);
    }
    wr_http2_touch(s->h);
}

void
wr_http2_fail(struct wr_http2 *h, uint32_t code, const char *why)
{
    if (!h->failed) {
        h->failed = true;
        h->error = code;
        wr_conn_say(h->conn, INFO, "HTTP/2 connection ended for %s", why);
    }
}

/* No new streams after this round trip; close when the last one has ended. */
static void
start_leaving(struct wr_http2 *h)
{
    static const uint8_t nothing[8];

    if (h->leave == WR_HTTP2_STAYS && !h->ending) {
        h->leave = WR_HTTP2_NOTICED;
        h->leave_ms = wr_clock.now_ms;
        wr_output_goaway(h, INT32_MAX, NGHTTP2_NO_ERROR);
        wr_output_ping(h, nothing, false); /* its answer: the notice has come */
        wr_http2_touch(h);
    }
}

/* ---- In. ---- */

/* The receive area of this worker. */
static uint8_t *area;
static size_t area_bytes;

static void
area_prepare(const struct wr_http2 *h)
{
    if (area == NULL) {
        area_bytes = wr_http2_settings(h)->recv_buffer;
        area = malloc(area_bytes);
        WR_ASSERT(area != NULL);
    }
}

/* A client that does not take what it has got gets no more of it. */
static bool
takes_input(const struct wr_http2 *h)
{
    return h->conn->can_read && !h->failed && !h->ending && h->queued < QUEUE_MAX;
}

/* The client will send no more: who waits for its bytes, or for something else before a first answer, ends. */
static void
input_over(struct wr_http2 *h)
{
    WR_LIST_EACH(at, &h->streams) {
        struct wr_stream *s = WR_CONTAINER(at, struct wr_stream, link);
        bool waits = s->r != NULL && !wr_request_left(s->r) && s->r->suspended != NULL &&
                     s->r->outlives_client != WEIR_IGNORES;
        if (s->r == NULL || !s->in_end || (waits && s->r->answer == WR_ANSWER_NONE)) {
            s->reset = true;
            if (s->r == NULL || s->finished) {
                wr_stream_close(s);
            } else {
                wr_request_gone(s->r, 499, s->in_end);
            }
            wr_http2_due(s);
        }
    }
}

/* ---- Work, and out. ---- */

static bool
work(struct wr_http2 *h)
{
    bool any = !wr_list_empty(&h->due);
    struct wr_list now;

    wr_list_init(&now); /* what becomes due meanwhile waits for the next round */
    while (!wr_list_empty(&h->due)) {
        struct wr_list *first = h->due.next;
        wr_list_remove(first);
        wr_list_add(&now, first);
    }
    while (!wr_list_empty(&now)) {
        struct wr_list *first = now.next;
        wr_list_remove(first);
        wr_stream_work(WR_CONTAINER(first, struct wr_stream, due));
    }
    return any;
}

/* What was said has been taken, if nothing waits. */
static void
count_anew(struct wr_http2 *h)
{
    if (h->conn->wait.head == NULL) {
        h->acks = h->queued = 0;
    }
}

/* Let streams go on, and write what they have, as long as that makes more of it. */
static void
run(struct wr_http2 *h)
{
    for (unsigned rounds = 0; !h->failed; rounds++) {
        (void)work(h);
        wr_write_bodies(h);
        count_anew(h);
        if (wr_list_empty(&h->due)) {
            break;
        }
        if (rounds == ROUNDS_A_TURN) {
            wr_conn_wake(h->conn);
            break;
        }
    }
    if (h->budget < WR_HTTP2_FRAME) { /* others want to be served, too */
        wr_conn_wake(h->conn);
    }
}

static void
receive(struct wr_http2 *h)
{
    bool ended = h->conn->half_closed && !h->conn->can_read;

    for (unsigned reads = 0; takes_input(h); reads++) {
        ssize_t n;
        if (reads == READS_A_TURN) { /* no edge will tell that there is more */
            wr_conn_wake(h->conn);
            return;
        }
        n = wr_conn_recv(h->conn, area, area_bytes);
        if (n <= 0) {
            break;
        }
        wr_frames_read(h, area, (size_t)n);
        run(h);
    }
    if (!ended && h->conn->half_closed && !h->conn->can_read) {
        input_over(h);
    }
}

/* ---- Waiting. ---- */

/* Nothing is under way, in either direction. */
static bool
is_idle(const struct wr_http2 *h)
{
    return h->n_streams == 0 && h->in.block == 0 && h->leave == WR_HTTP2_STAYS &&
           !wr_out_pending(h->conn);
}

/* Has the last stream ended of a connection that ends then? */
static bool
is_over(const struct wr_http2 *h)
{
    return h->n_streams == 0 &&
           (h->leave == WR_HTTP2_LEFT || (h->conn->half_closed && !h->conn->can_read));
}

static void
show(struct wr_http2 *h)
{
    wr_count_show(&h->shown, h->n_streams != 0 ? WR_SHOWN_WRITING
                             : h->conn->idle   ? WR_SHOWN_WAITING
                                               : WR_SHOWN_READING);
}

/* See to what the connection waits for now. */
static void
settle(struct wr_http2 *h)
{
    struct wr_conn *c = h->conn;

    if (is_idle(h)) {
        if (!c->idle && c->requests != 0) {
            uint64_t keep_ms = wr_http2_loc_conf(h)->keepalive_timeout_ms;
            wr_conn_deadline(c, WR_MAX(keep_ms, (uint64_t)1)); /* of 0, in the next turn */
            wr_conn_idle(c, true);
            h->beats = false;
        }
    } else if (!h->beats) {
        wr_conn_idle(c, false);
        wr_conn_deadline(c, WR_HTTP2_BEAT_MS);
        h->beats = true;
    }
    show(h);
    if (!wr_conn_watch(c)) {
        wr_http2_abandon(h, 0);
    }
}

/* The limits of a connection's life that HTTP/1 keeps by Connection: close. */
static void
check_age(struct wr_http2 *h)
{
    const struct wr_loc_conf *c = wr_http2_loc_conf(h);

    if (h->leave == WR_HTTP2_STAYS &&
        (h->conn->requests >= (uint64_t)c->keepalive_requests ||
         (h->conn->requests != 0 && wr_clock.now_ms - h->conn->since_ms >= c->keepalive_time_ms) ||
         (wr_pressure.level != WR_PRESSURE_NONE && h->conn->requests != 0))) {
        start_leaving(h);
    }
}

/* Send what this event gathered, and see what is left to do. */
static void
finish_turn(struct wr_http2 *h)
{
    if (h->failed && !h->ending) {
        wr_http2_end(h, h->error);
        return;
    }
    (void)wr_out_flush(h->conn);
    if (h->conn->gone) {
        wr_http2_abandon(h, 499);
    } else if (is_over(h)) {
        wr_http2_linger(h);
    } else if (h->left && h->n_streams == 0) {
        wr_http2_end(h, NGHTTP2_NO_ERROR);
    }
}

/* The connection has gone: what is due is done, then the rest ends, or goes on in the background. */
static void
serve_gone(struct wr_http2 *h)
{
    h->serving = true;
    for (unsigned rounds = 0; rounds < ROUNDS_A_TURN && work(h); rounds++) {
    }
    h->serving = false;
    if (!wr_list_empty(&h->due)) {
        wr_conn_wake(h->conn);
    }
    wr_http2_abandon(h, 499);
}

static void
serve(struct wr_http2 *h)
{
    struct wr_conn *c = h->conn;

    if (c->closed || h->serving) {
        return;
    }
    if (c->gone) {
        serve_gone(h);
        return;
    }
    if (h->ending) {
        wr_http2_serve_ending(h);
        return;
    }
    h->serving = true;
    h->budget = BODY_A_TURN;
    if (c->wait.head != NULL) {
        (void)wr_out_flush(c); /* what waited comes first; a broken connection shows in gone */
        count_anew(h);
    }
    receive(h);
    check_age(h);
    run(h);
    h->serving = false;
    finish_turn(h);
    if (!c->closed && !h->ending) {
        settle(h);
    } else if (!c->closed && !wr_conn_watch(c)) {
        wr_http2_close(h);
    }
}

/* ---- Time. ---- */

/* Does the client take too little of what there is for it, or nothing? */
static bool
reads_too_slowly(struct wr_http2 *h)
{
    const struct wr_loc_conf *c = wr_http2_loc_conf(h);
    bool stuck = false;

    if (h->moved_sent != h->conn->sent || !wr_out_pending(h->conn)) {
        h->moved_sent = h->conn->sent;
        h->moved_ms = wr_clock.now_ms;
    } else if (wr_clock.now_ms - h->moved_ms >= c->send_timeout_ms) {
        return true;
    }
    WR_LIST_EACH(at, &h->streams) {
        const struct wr_stream *s = WR_CONTAINER(at, struct wr_stream, link);
        stuck = stuck || (s->out_bytes != 0 && s->pace.rate == 0 && /* closed windows are told apart */
                          !s->closed && s->send_window > 0);
    }
    if (!stuck) {
        h->stalled_ms = 0;
        return false;
    }
    if (h->stalled_ms == 0) {
        h->stalled_ms = wr_clock.now_ms;
        h->stalled_sent = h->body_sent;
    }
    return (h->body_sent == h->stalled_sent &&
            wr_clock.now_ms - h->stalled_ms >= c->send_timeout_ms) ||
           wr_pace_too_slow(h->body_sent - h->stalled_sent, h->stalled_ms, c->send_min_rate);
}

static void
beat(struct wr_http2 *h)
{
    const struct wr_server_conf *c = wr_http2_server_conf(h);

    wr_conn_deadline(h->conn, WR_HTTP2_BEAT_MS);
    if (h->conn->gone) {
        serve(h);
        return;
    }
    if (h->in.block != 0 && wr_clock.now_ms - h->block_since_ms >= c->header_timeout_ms) {
        wr_http2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, "a request head that does not come");
    } else if (reads_too_slowly(h)) {
        wr_conn_say(h->conn, INFO, "client timed out while reading responses");
        wr_http2_abandon(h, 408);
        return;
    }
    WR_LIST_EACH(at, &h->streams) {
        wr_stream_beat(WR_CONTAINER(at, struct wr_stream, link));
    }
    if (h->leave == WR_HTTP2_NOTICED && wr_clock.now_ms - h->leave_ms >= WR_HTTP2_PING_MS) {
        wr_control_leave(h);
    }
    serve(h);
}

/* ---- What the connection below tells. ---- */

static void
conn_ready(struct wr_conn *c)
{
    serve(http2_of(c));
}

/* No request has come in the time that the first head may take. */
static bool
begun_too_late(const struct wr_http2 *h)
{
    return h->conn->requests == 0 &&
           wr_clock.now_ms - h->begun_ms >= wr_http2_server_conf(h)->header_timeout_ms;
}

static void
conn_expired(struct wr_conn *c)
{
    struct wr_http2 *h = http2_of(c);

    if (h->ending && !c->gone) {
        wr_http2_close(h);
    } else if (is_idle(h) && (c->idle || begun_too_late(h))) {
        wr_http2_end(h, NGHTTP2_NO_ERROR);
    } else {
        beat(h);
    }
}

static void
conn_drop(struct wr_conn *c)
{
    struct wr_http2 *h = http2_of(c);

    if (h->n_streams == 0 && !h->ending && c->wait.head == NULL) {
        wr_http2_goodbye(h, NGHTTP2_NO_ERROR);
        (void)wr_out_flush(c);
        wr_http2_close(h);
    } else {
        wr_http2_abandon(h, 0);
    }
}

static void
conn_quit(struct wr_conn *c)
{
    start_leaving(http2_of(c));
}

static const struct wr_conn_ops conn_ops = {
    .ready = conn_ready, .expired = conn_expired, .drop = conn_drop, .quit = conn_quit
};

void
wr_http2_adopt(struct wr_conn *c, const char *bytes, size_t len)
{
    struct wr_http2 *h = calloc(1, sizeof(*h));

    WR_ASSERT(h != NULL && c->taken_over == NULL);
    h->conn = c;
    h->endpoint = wr_endpoint_of(c);
    h->shown = WR_SHOWN_READING;
    wr_list_init(&h->streams);
    wr_list_init(&h->due);
    for (size_t i = 0; i < WR_HTTP2_URGENCIES; i++) {
        wr_list_init(&h->ready[i]);
    }
    wr_task_init(&h->task, NULL);
    h->points_ms = h->begun_ms = wr_clock.now_ms;
    wr_conn_deadline(c, wr_http2_server_conf(h)->header_timeout_ms);
    area_prepare(h);
    WR_ASSERT(nghttp2_hd_inflate_new(&h->inflater) == 0 &&
              nghttp2_hd_deflate_new(&h->deflater, TABLE_BYTES) == 0);
    h->in.left = NGHTTP2_CLIENT_MAGIC_LEN;
    h->peer_window = WR_HTTP2_WINDOW_FIRST;
    h->send_window = h->window = WR_HTTP2_WINDOW_FIRST;
    c->taken_over = h;
    c->ops = &conn_ops;
    h->serving = true;
    wr_output_settings(h);
    wr_window_grow(h, NULL, WR_HTTP2_WINDOW);
    wr_frames_read(h, (const uint8_t *)bytes, len);
    h->serving = false;
    serve(h);
}
