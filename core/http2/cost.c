/* http2/cost.c - what a client costs without a use: one account a connection. [reliability C7]
 *
 * Frames that do nothing for a request, streams that are reset, faults: each takes points. Time gives some back, and so do
 * body bytes and answers. Past http2_max_glitches the connection is ended: every known flood of HTTP/2 is many frames that are
 * cheap to send, and none of them is left out here, whatever it is called.
 */
#include "base/assert.h"
#include "base/clock.h"
#include "http/metrics.h"
#include "http2/http2.h"

enum {
    FORGIVEN_A_SECOND = 10,
    USEFUL_BYTES = 4096, /* that give a point back */
    SMALL_DATA = 32,     /* bytes of a frame of DATA that are hardly worth their frame */
    WORTH_UPDATES = 512, /* bytes of a frame of DATA sent that make the updates for it worth theirs */
    UPDATES_EACH = 2     /* one for the stream, one for the connection */
};

bool
wr_cost_add(struct wr_http2 *h, uint32_t points)
{
    uint64_t forgiven = (wr_clock.now_ms - h->points_ms) * FORGIVEN_A_SECOND / 1000;

    if (forgiven != 0) {
        h->points -= (uint32_t)WR_MIN(forgiven, (uint64_t)h->points);
        h->points_ms = wr_clock.now_ms;
    }
    h->points += points;
    wr_count_glitches(points);
    if (h->points <= (uint64_t)wr_http2_settings(h)->glitches) {
        return false;
    }
    if (!h->failed) {
        wr_count_calmed();
    }
    wr_http2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, "too much useless work");
    return true;
}

void
wr_cost_useful(struct wr_http2 *h, uint64_t bytes)
{
    uint64_t points;

    if (h->points == 0) {
        return;
    }
    h->useful += bytes;
    points = h->useful / USEFUL_BYTES;
    h->useful %= USEFUL_BYTES;
    h->points -= (uint32_t)WR_MIN(points, (uint64_t)h->points);
}

/* A client with windows of a kilobyte opens them twice for each: slow, but not useless. */
void
wr_cost_sent(struct wr_http2 *h, size_t bytes)
{
    wr_cost_useful(h, bytes);
    if (bytes >= WORTH_UPDATES && h->free_updates < (uint64_t)wr_http2_settings(h)->updates) {
        h->free_updates += UPDATES_EACH;
    }
}

/* What a frame costs by its head alone; a reset is dearer, because work was begun for it. */
static uint32_t
price(const nghttp2_frame_hd *hd)
{
    switch (hd->type) {
    case NGHTTP2_DATA:
        if (hd->flags & NGHTTP2_FLAG_END_STREAM) {
            return 0;
        }
        return hd->length == 0 ? 4 : hd->length < SMALL_DATA ? 1 : 0;
    case NGHTTP2_HEADERS:
        return hd->length == 0 ? 4 : 0;
    case NGHTTP2_RST_STREAM:
        return 5;
    case NGHTTP2_SETTINGS:
        return hd->flags & NGHTTP2_FLAG_ACK ? 0 : 4;
    case NGHTTP2_PING:
        return hd->flags & NGHTTP2_FLAG_ACK ? 0 : 2;
    case NGHTTP2_WINDOW_UPDATE:
        return 1;
    case NGHTTP2_CONTINUATION:
        return hd->length == 0 ? 20 : 2;
    default: /* PRIORITY, PRIORITY_UPDATE, GOAWAY, what nobody knows */
        return 2;
    }
}

bool
wr_cost_frame(struct wr_http2 *h, const nghttp2_frame_hd *hd)
{
    uint32_t points = price(hd);

    if (hd->type == NGHTTP2_WINDOW_UPDATE && h->free_updates != 0) {
        h->free_updates--;
        return false;
    }
    return points != 0 && wr_cost_add(h, points);
}
