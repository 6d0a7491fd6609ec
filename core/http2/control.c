/* http2/control.c - frames that come about the connection, and about streams that are open: settings, windows, priorities, ends.
 *
 * frames.c has seen to it that each is as long as it has to be, and names a stream where it needs one. [RFC 9113 6]
 */
#include <string.h>

#include "base/assert.h"
#include "http2/http2.h"

enum {
    ACKS_MAX = 256,      /* answers to PING and SETTINGS that wait for a client that does not read */
    SETTING_BYTES = 6,
    MAX_FRAME_LEAST = 1 << 14,
    MAX_FRAME_MOST = (1 << 24) - 1
};

#define WINDOW_MAX INT64_C(0x7fffffff)

static uint32_t
number(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Is one more answer too many for a client that does not take them? */
static bool
count_ack(struct wr_http2 *h)
{
    if (h->acks >= ACKS_MAX) {
        wr_http2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, "answers that are not read");
        return false;
    }
    h->acks++;
    return true;
}

/* ---- SETTINGS. ---- */

/* What new streams may be sent; it changes what those may that are open, also below nothing. [RFC 9113 6.9.2] */
static void
take_window(struct wr_http2 *h, uint32_t window)
{
    int64_t more = (int64_t)window - (int64_t)h->peer_window;

    if (window > WINDOW_MAX) {
        wr_http2_fail(h, NGHTTP2_FLOW_CONTROL_ERROR, "a window over its limit");
        return;
    }
    h->peer_window = window;
    WR_LIST_EACH(at, &h->streams) {
        struct wr_stream *s = WR_CONTAINER(at, struct wr_stream, link);
        if (!s->closed && s->send_window + more > WINDOW_MAX) {
            wr_http2_fail(h, NGHTTP2_FLOW_CONTROL_ERROR, "a window over its limit");
            return;
        }
        s->send_window += more;
        if (s->out_bytes != 0) {
            wr_schedule_add(s);
        }
    }
}

/* Whether old priorities are used cannot be said twice. [RFC 9218 2.1] */
static bool
take_old_priorities(struct wr_http2 *h, uint32_t value)
{
    uint8_t said = (uint8_t)(value + 1);

    if (value > 1 || (h->old_priorities != 0 && h->old_priorities != said)) {
        return false;
    }
    h->old_priorities = said;
    return true;
}

static void
take_setting(struct wr_http2 *h, uint32_t id, uint32_t value)
{
    bool right = true;

    switch (id) {
    case NGHTTP2_SETTINGS_HEADER_TABLE_SIZE:
        WR_ASSERT(nghttp2_hd_deflate_change_table_size(h->deflater, value) == 0);
        h->table_changes = true;
        break;
    case NGHTTP2_SETTINGS_ENABLE_PUSH:
    case NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL:
        right = value <= 1;
        break;
    case NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE:
        take_window(h, value);
        break;
    case NGHTTP2_SETTINGS_MAX_FRAME_SIZE: /* ours are never longer than the least of it */
        right = value >= MAX_FRAME_LEAST && value <= MAX_FRAME_MOST;
        break;
    case NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES:
        right = take_old_priorities(h, value);
        break;
    default:
        break;
    }
    if (!right) {
        wr_http2_fail(h, NGHTTP2_PROTOCOL_ERROR, "a setting with a value that it cannot have");
    }
}

static void
take_settings(struct wr_http2 *h, const nghttp2_frame_hd *hd, const uint8_t *at)
{
    if (hd->flags & NGHTTP2_FLAG_ACK) {
        if (h->settled) {
            wr_http2_fail(h, NGHTTP2_PROTOCOL_ERROR, "settings acknowledged twice");
        } else {
            wr_window_settle(h);
        }
        return;
    }
    for (const uint8_t *end = at + hd->length; at != end && !h->failed; at += SETTING_BYTES) {
        take_setting(h, (uint32_t)at[0] << 8 | at[1], number(at + 2));
    }
    if (!h->failed && count_ack(h)) {
        wr_output_ack(h);
    }
}

/* ---- The rest. ---- */

void
wr_control_leave(struct wr_http2 *h)
{
    h->leave = WR_HTTP2_LEFT;
    wr_output_goaway(h, h->taken_id, NGHTTP2_NO_ERROR);
}

static void
take_ping(struct wr_http2 *h, const nghttp2_frame_hd *hd, const uint8_t *payload)
{
    if (!(hd->flags & NGHTTP2_FLAG_ACK)) {
        if (count_ack(h)) {
            wr_output_ping(h, payload, true);
        }
    } else if (h->leave == WR_HTTP2_NOTICED) { /* what it sent before it heard of our leaving has come */
        wr_control_leave(h);
    }
}

static void
take_reset(struct wr_http2 *h, int32_t id)
{
    struct wr_stream *s = wr_stream_find(h, id);

    if (s != NULL) {
        wr_stream_close(s);
    }
}

static void
take_update(struct wr_http2 *h, int32_t id, uint32_t more)
{
    struct wr_stream *s = id != 0 ? wr_stream_find(h, id) : NULL;

    if (id != 0 && s == NULL) { /* it has ended */
        return;
    }
    if (more == 0 && s != NULL) {
        wr_output_reset(s, NGHTTP2_PROTOCOL_ERROR);
    } else if (more == 0) {
        wr_http2_fail(h, NGHTTP2_PROTOCOL_ERROR, "a window opened by nothing");
    } else if (s == NULL) {
        if (h->send_window + more > WINDOW_MAX) {
            wr_http2_fail(h, NGHTTP2_FLOW_CONTROL_ERROR, "a window over its limit");
            return;
        }
        h->send_window += more;
    } else if (s->send_window + more > WINDOW_MAX) {
        wr_output_reset(s, NGHTTP2_FLOW_CONTROL_ERROR);
    } else {
        s->send_window += more;
        if (s->out_bytes != 0) {
            wr_schedule_add(s);
        }
    }
}

/* Of a stream that is still to come only the newest wish is kept. [RFC 9218 7.1] */
static void
take_priority(struct wr_http2 *h, const nghttp2_frame_hd *hd, const uint8_t *payload)
{
    int32_t id = (int32_t)(number(payload) & 0x7fffffff);
    struct wr_stream *s = wr_stream_find(h, id);
    uint8_t urgency = WR_HTTP2_URGENCY;
    bool incremental = false;

    if (id % 2 == 0) { /* none, or one that we have not pushed */
        wr_http2_fail(h, NGHTTP2_PROTOCOL_ERROR, "a priority of a stream that no client begins");
        return;
    }
    if (hd->length > WR_HTTP2_PAYLOAD) { /* no wish is so long */
        return;
    }
    wr_priority_parse((weir_str){ (const char *)payload + 4, hd->length - 4 }, &urgency, &incremental);
    if (s != NULL) {
        s->wished = true;
        wr_schedule_move(s, urgency, incremental);
    } else if (id > h->last_id) {
        h->wished_id = id;
        h->wished_urgency = urgency;
        h->wished_incremental = incremental;
    }
}

void
wr_control_take(struct wr_http2 *h, const nghttp2_frame_hd *hd, const uint8_t *payload)
{
    switch (hd->type) {
    case NGHTTP2_SETTINGS:
        take_settings(h, hd, payload);
        break;
    case NGHTTP2_PING:
        take_ping(h, hd, payload);
        break;
    case NGHTTP2_GOAWAY: /* of streams of ours, which there are none of; clients name theirs, or 2^31-1 */
        h->left = true;
        break;
    case NGHTTP2_RST_STREAM:
        take_reset(h, hd->stream_id);
        break;
    case NGHTTP2_WINDOW_UPDATE:
        take_update(h, hd->stream_id, number(payload) & 0x7fffffff);
        break;
    case NGHTTP2_PRIORITY_UPDATE:
        take_priority(h, hd, payload);
        break;
    default: /* an old priority */
        break;
    }
}
