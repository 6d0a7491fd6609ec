/* http2/frames.c - frames that come, taken apart: what is wrong with one by its head alone, and where its payload goes.
 *
 * Bytes come in pieces of any size. Field blocks and data go on as they come; what is small is looked at whole (control.c). Each
 * frame is counted for what it costs before anything else is done for it. One for a stream that has ended is a fault of the
 * connection, but where we have reset the stream and the client may not know yet: so the newest streams are remembered.
 * [RFC 9113 4.1, 5.1, 5.1.1]
 */
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "http2/http2.h"

#define RECENT_RESET (UINT32_C(1) << 31)

enum {
    FRAME_MAX = 16384,   /* [RFC 9113 4.2] */
    SETTING_BYTES = 6,
    OLD_PRIORITY_BYTES = 5,
    GOAWAY_BYTES = 8     /* of it that mean something */
};

/* ---- Streams that have ended. ---- */

static uint32_t *
recent_place(struct wr_http2 *h, int32_t id)
{
    return &h->recent[((uint32_t)id >> 1) % WR_HTTP2_RECENT];
}

void
wr_frames_forgive(struct wr_http2 *h, int32_t id)
{
    uint32_t *place = recent_place(h, id);

    if (*place == (uint32_t)id) {
        *place |= RECENT_RESET;
    }
}

/* A frame for a stream that the client has ended: may it have been under way when we reset that? */
static bool
may_come_late(struct wr_http2 *h, int32_t id)
{
    uint32_t known = *recent_place(h, id);

    if (known == ((uint32_t)id | RECENT_RESET)) {
        return true;
    }
    if ((known & ~RECENT_RESET) < (uint32_t)id) {
        wr_http2_fail(h, NGHTTP2_PROTOCOL_ERROR, "a stream out of order");
    } else {
        wr_http2_fail(h, NGHTTP2_STREAM_CLOSED, "a frame behind the end of its stream");
    }
    return false;
}

/* ---- What begins with the head of a frame. ---- */

static void
expect(struct wr_frames *in, enum wr_frames_state state, size_t left)
{
    in->state = (uint8_t)state;
    in->left = (uint32_t)left;
    in->kept = 0;
}

static void
wrong(struct wr_http2 *h, const char *why)
{
    wr_http2_fail(h, NGHTTP2_PROTOCOL_ERROR, why);
}

/* A stream that the client begins; NULL: it is none of ours. */
static struct wr_stream *
open_stream(struct wr_http2 *h, int32_t id)
{
    struct wr_stream *s;

    h->last_id = id;
    *recent_place(h, id) = (uint32_t)id;
    if (h->ending || h->leave == WR_HTTP2_LEFT) { /* it cannot have heard yet that no more are taken */
        wr_frames_forgive(h, id);
        return NULL;
    }
    h->taken_id = id;
    if (h->settled && (int64_t)h->n_open >= wr_http2_settings(h)->max_streams) {
        wrong(h, "more streams than it was told may be open");
        return NULL;
    }
    s = wr_stream_open(h, id);
    if (s == NULL) {
        wr_output_refuse(h, id);
    }
    return s;
}

/* The stream that a frame of fields or data goes on with; NULL: frames for it are passed over, or h has failed. */
static struct wr_stream *
going_on(struct wr_http2 *h, int32_t id)
{
    struct wr_stream *s = wr_stream_find(h, id);

    if (s != NULL && !s->in_end) {
        return s;
    }
    (void)may_come_late(h, id);
    return NULL;
}

/* Bytes before a field block or data. */
static size_t
lead_bytes(const nghttp2_frame_hd *hd)
{
    bool priority = hd->type == NGHTTP2_HEADERS && hd->flags & NGHTTP2_FLAG_PRIORITY;

    return (hd->flags & NGHTTP2_FLAG_PADDED ? 1u : 0u) + (priority ? (size_t)OLD_PRIORITY_BYTES : 0u);
}

static void
read_lead(struct wr_http2 *h, const uint8_t *lead)
{
    struct wr_frames *in = &h->in;
    bool data = in->hd.type == NGHTTP2_DATA, padded = in->hd.flags & NGHTTP2_FLAG_PADDED;
    size_t rest = in->hd.length - lead_bytes(&in->hd);

    in->pad = padded ? lead[0] : 0;
    if (in->pad > rest) {
        wrong(h, "padding that is longer than its frame");
        return;
    }
    if (data && padded) {
        wr_window_give(h, in->stream, (size_t)in->pad + 1);
    }
    expect(in, data ? WR_FRAMES_DATA : WR_FRAMES_BLOCK, rest - in->pad);
}

static void
begin_lead(struct wr_http2 *h)
{
    struct wr_frames *in = &h->in;
    size_t lead = lead_bytes(&in->hd);

    if (in->hd.length < lead) {
        wr_http2_fail(h, NGHTTP2_FRAME_SIZE_ERROR, "a frame that is too short");
    } else if (lead == 0) {
        read_lead(h, NULL);
    } else {
        expect(in, WR_FRAMES_LEAD, lead);
    }
}

static void
begin_headers(struct wr_http2 *h)
{
    struct wr_frames *in = &h->in;
    int32_t id = in->hd.stream_id;
    bool fresh = id > h->last_id;

    if (id % 2 == 0) {
        wrong(h, "a head on a stream that no client begins");
        return;
    }
    in->stream = fresh ? open_stream(h, id) : going_on(h, id);
    if (in->stream != NULL) {
        wr_head_begin(in->stream, !fresh);
    }
    in->block = id;
    wr_inflate_begin(h);
    in->block_last = in->hd.flags & NGHTTP2_FLAG_END_STREAM;
    in->block_bytes = (uint32_t)in->hd.length;
    h->block_since_ms = wr_clock.now_ms;
    begin_lead(h);
}

static void
begin_continuation(struct wr_http2 *h)
{
    struct wr_frames *in = &h->in;

    if (in->block == 0) {
        wrong(h, "CONTINUATION of nothing");
        return;
    }
    in->block_bytes += (uint32_t)in->hd.length;
    expect(in, WR_FRAMES_BLOCK, in->hd.length);
}

static void
begin_data(struct wr_http2 *h)
{
    struct wr_frames *in = &h->in;
    int32_t id = in->hd.stream_id;

    if (id % 2 == 0 || id > h->last_id) {
        wrong(h, "data on a stream that was not begun");
        return;
    }
    in->stream = going_on(h, id);
    if (h->failed) {
        return;
    }
    if (!wr_window_came(h, in->stream, in->hd.length)) {
        wr_http2_fail(h, NGHTTP2_FLOW_CONTROL_ERROR, "more data than the window has");
        return;
    }
    begin_lead(h);
}

/* A frame that is looked at whole has to be about the connection, or about a stream that is there or was, and so long. */
static void
begin_whole(struct wr_http2 *h, bool of_stream, size_t len)
{
    struct wr_frames *in = &h->in;
    int32_t id = in->hd.stream_id;

    if (of_stream ? id == 0 : id != 0) {
        wrong(h, of_stream ? "a frame without its stream" : "a frame of the connection on a stream");
    } else if (in->hd.length != len) {
        wr_http2_fail(h, NGHTTP2_FRAME_SIZE_ERROR, "a frame of a length that it cannot have");
    } else {
        expect(in, WR_FRAMES_PAYLOAD, len);
    }
}

/* The same where only the first bytes count: at least `least`, and `most`, which are there to be looked at. */
static void
begin_cut(struct wr_http2 *h, size_t least, size_t most)
{
    struct wr_frames *in = &h->in;
    size_t len = in->hd.length;

    begin_whole(h, false, WR_MAX(len, least));
    in->pad = len > most ? (uint32_t)(len - most) : 0;
    in->left -= WR_MIN(in->pad, in->left);
}

static void
begin_settings(struct wr_http2 *h)
{
    struct wr_frames *in = &h->in;
    size_t len = in->hd.length;

    if (in->hd.flags & NGHTTP2_FLAG_ACK) {
        begin_whole(h, false, 0);
    } else if (len > WR_HTTP2_PAYLOAD) {
        wr_http2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, "too many settings");
    } else {
        begin_whole(h, false, len % SETTING_BYTES == 0 ? len : len + 1);
    }
}

static void
begin_type(struct wr_http2 *h)
{
    struct wr_frames *in = &h->in;
    bool idle = in->hd.stream_id % 2 == 0 || in->hd.stream_id > h->last_id;

    switch (in->hd.type) {
    case NGHTTP2_DATA:
        begin_data(h);
        break;
    case NGHTTP2_HEADERS:
        begin_headers(h);
        break;
    case NGHTTP2_CONTINUATION:
        begin_continuation(h);
        break;
    case NGHTTP2_SETTINGS:
        begin_settings(h);
        break;
    case NGHTTP2_PING:
        begin_whole(h, false, 8);
        break;
    case NGHTTP2_GOAWAY:
        begin_cut(h, GOAWAY_BYTES, GOAWAY_BYTES);
        break;
    case NGHTTP2_PRIORITY_UPDATE:
        begin_cut(h, 4, WR_HTTP2_PAYLOAD);
        break;
    case NGHTTP2_PRIORITY:
        begin_whole(h, true, OLD_PRIORITY_BYTES);
        break;
    case NGHTTP2_RST_STREAM:
    case NGHTTP2_WINDOW_UPDATE:
        if (idle && in->hd.stream_id != 0) {
            wrong(h, "a frame for a stream that was not begun");
        } else {
            begin_whole(h, in->hd.stream_id != 0 || in->hd.type == NGHTTP2_RST_STREAM, 4);
        }
        break;
    case NGHTTP2_PUSH_PROMISE:
        wrong(h, "a push by a client");
        break;
    default:
        expect(in, WR_FRAMES_SKIP, in->hd.length);
    }
}

static void
begin_frame(struct wr_http2 *h)
{
    struct wr_frames *in = &h->in;
    const uint8_t *at = in->payload;
    bool first = !in->begun;

    in->begun = true;
    in->pad = 0;
    in->hd = (nghttp2_frame_hd){ .length = (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2],
                                 .type = at[3],
                                 .flags = at[4],
                                 .stream_id = (int32_t)(((uint32_t)at[5] & 0x7f) << 24 | (uint32_t)at[6] << 16 |
                                                        (uint32_t)at[7] << 8 | at[8]) };
    if (wr_cost_frame(h, &in->hd)) {
        return;
    }
    if (first && (in->hd.type != NGHTTP2_SETTINGS || in->hd.flags & NGHTTP2_FLAG_ACK)) {
        wrong(h, "something else than settings first");
    } else if (in->block != 0 && (in->hd.type != NGHTTP2_CONTINUATION || in->hd.stream_id != in->block)) {
        wrong(h, "another frame inside a field block");
    } else if (in->hd.length > FRAME_MAX) {
        wr_http2_fail(h, NGHTTP2_FRAME_SIZE_ERROR, "a frame that is too long");
    } else {
        begin_type(h);
    }
}

/* ---- What goes on with a payload: each takes at most len bytes, and says how many it took. ---- */

/* The payload has ended but for what is passed over. */
static void
end_frame(struct wr_http2 *h)
{
    struct wr_frames *in = &h->in;

    if (in->pad != 0) {
        expect(in, WR_FRAMES_SKIP, in->pad);
        in->pad = 0;
    } else {
        expect(in, WR_FRAMES_HEAD, WR_HTTP2_FRAME_HEAD);
    }
}

/* Bytes that are looked at together, from in or, when they come in pieces, put together; NULL: not all have come. */
static const uint8_t *
gather(struct wr_frames *in, const uint8_t *bytes, size_t n)
{
    if (in->kept == 0 && n == in->left) {
        in->left = 0;
        return bytes;
    }
    memcpy(in->payload + in->kept, bytes, n);
    in->kept = (uint8_t)(in->kept + n);
    in->left -= (uint32_t)n;
    return in->left == 0 ? in->payload : NULL;
}

static void
end_block(struct wr_http2 *h)
{
    struct wr_frames *in = &h->in;
    struct wr_stream *s = in->stream;

    in->block = 0;
    in->stream = NULL;
    if (s != NULL) {
        wr_head_end(s, in->block_last, in->block_bytes);
    }
}

static void
read_block(struct wr_http2 *h, const uint8_t *bytes, size_t n)
{
    struct wr_frames *in = &h->in;
    bool last = n == in->left && in->hd.flags & NGHTTP2_FLAG_END_HEADERS;

    wr_inflate(h, bytes, n, last);
    in->left -= (uint32_t)n;
    if (h->failed || in->left != 0) {
        return;
    }
    end_frame(h);
    if (last) {
        end_block(h);
    }
}

static void
read_data(struct wr_http2 *h, const uint8_t *bytes, size_t n)
{
    struct wr_frames *in = &h->in;

    in->left -= (uint32_t)n;
    if (in->stream == NULL) {
        wr_window_give(h, NULL, n);
    } else if (n != 0) {
        wr_stream_data(in->stream, bytes, n);
    }
    if (in->left == 0) {
        struct wr_stream *s = in->stream;
        in->stream = NULL;
        end_frame(h);
        if (s != NULL && in->hd.flags & NGHTTP2_FLAG_END_STREAM) {
            wr_stream_data_end(s);
        }
    }
}

static void
read_preface(struct wr_http2 *h, const uint8_t *bytes, size_t n)
{
    struct wr_frames *in = &h->in;

    if (memcmp(bytes, &NGHTTP2_CLIENT_MAGIC[NGHTTP2_CLIENT_MAGIC_LEN - in->left], n) != 0) {
        wrong(h, "something else than the preface first");
        return;
    }
    in->left -= (uint32_t)n;
    if (in->left == 0) {
        end_frame(h);
    }
}

/* n bytes, no more than are waited for; 0 of them only when none are. */
static void
step(struct wr_http2 *h, const uint8_t *bytes, size_t n)
{
    struct wr_frames *in = &h->in;
    const uint8_t *whole;

    switch ((enum wr_frames_state)in->state) {
    case WR_FRAMES_PREFACE:
        read_preface(h, bytes, n);
        break;
    case WR_FRAMES_HEAD:
        memcpy(in->payload + in->kept, bytes, n);
        in->kept = (uint8_t)(in->kept + n);
        in->left -= (uint32_t)n;
        if (in->left == 0) {
            begin_frame(h);
        }
        break;
    case WR_FRAMES_LEAD:
        whole = gather(in, bytes, n);
        if (whole != NULL) {
            read_lead(h, whole);
        }
        break;
    case WR_FRAMES_PAYLOAD:
        whole = gather(in, bytes, n);
        if (whole != NULL) {
            end_frame(h);
            wr_control_take(h, &in->hd, whole);
        }
        break;
    case WR_FRAMES_BLOCK:
        read_block(h, bytes, n);
        break;
    case WR_FRAMES_DATA:
        read_data(h, bytes, n);
        break;
    case WR_FRAMES_SKIP:
        in->left -= (uint32_t)n;
        if (in->left == 0) {
            end_frame(h);
        }
        break;
    }
}

void
wr_frames_read(struct wr_http2 *h, const uint8_t *bytes, size_t len)
{
    const uint8_t *end = bytes + len;

    while (!h->failed && (bytes != end || h->in.left == 0)) {
        size_t n = WR_MIN((size_t)h->in.left, (size_t)(end - bytes));
        step(h, bytes, n);
        bytes += n;
    }
    if (h->in.stream != NULL && h->in.stream->head != NULL) {
        wr_head_pause(h->in.stream);
    }
}
