/* http2/frames.c - a look at the head of every frame before nghttp2 sees it.
 *
 * nghttp2 passes over frames that it has no use for without a word. Here each is counted for what it costs, and one for a
 * stream that has ended is a fault of the connection, but where we have reset the stream and the client may not know yet: so
 * the newest streams are remembered. [RFC 9113 4.1, 5.1, 5.1.1]
 */
#include <string.h>

#include "base/assert.h"
#include "http2/http2.h"

#define RECENT_RESET (UINT32_C(1) << 31)

/* ---- Streams that have ended. ---- */

static uint32_t *
recent_place(struct wr_http2 *h, int32_t id)
{
    return &h->recent[((uint32_t)id >> 1) % WR_HTTP2_RECENT];
}

void
wr_frames_reset(struct wr_http2 *h, int32_t id)
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

/* ---- Heads. ---- */

/* seen: the newest stream that nghttp2 has heard of. */
static bool
check(struct wr_http2 *h, const nghttp2_frame_hd *hd, int32_t seen)
{
    int32_t id = hd->stream_id;

    if (wr_cost_frame(h, hd)) {
        return false;
    }
    if ((hd->type != NGHTTP2_DATA && hd->type != NGHTTP2_HEADERS) || id % 2 == 0) {
        return true;
    }
    if (id > h->last_id) {
        if (hd->type == NGHTTP2_HEADERS) {
            h->last_id = id;
            *recent_place(h, id) = (uint32_t)id;
        }
        return true;
    }
    if (id > seen && *recent_place(h, id) == (uint32_t)id) {
        return true; /* begun in the same bytes */
    }
    return nghttp2_session_get_stream_remote_close(h->session, id) == 0 || may_come_late(h, id);
}

static nghttp2_frame_hd
head_of(const uint8_t *at)
{
    return (nghttp2_frame_hd){
        .length = (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2],
        .type = at[3],
        .flags = at[4],
        .stream_id = (int32_t)(((uint32_t)at[5] & 0x7f) << 24 | (uint32_t)at[6] << 16 |
                               (uint32_t)at[7] << 8 | at[8]),
    };
}

void
wr_frames_look(struct wr_http2 *h, const uint8_t *bytes, size_t len)
{
    int32_t seen = h->last_id;
    size_t at = 0;

    while (at < len) {
        size_t part;
        nghttp2_frame_hd hd;
        if (h->frame_left != 0) { /* of a payload, or of the preface */
            part = WR_MIN(h->frame_left, len - at);
            h->frame_left -= part;
            at += part;
            continue;
        }
        part = WR_MIN((size_t)WR_HTTP2_FRAME_HEAD - h->frame_head_len, len - at);
        memcpy(h->frame_head + h->frame_head_len, bytes + at, part);
        h->frame_head_len = (uint8_t)(h->frame_head_len + part);
        at += part;
        if (h->frame_head_len < WR_HTTP2_FRAME_HEAD) {
            return;
        }
        hd = head_of(h->frame_head);
        h->frame_head_len = 0;
        h->frame_left = hd.length;
        if (!check(h, &hd, seen)) {
            return;
        }
    }
}
