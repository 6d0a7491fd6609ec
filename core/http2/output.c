/* http2/output.c - frames that are about the connection or end a stream: each is put behind what the connection has gathered. */
#include <string.h>

#include "base/assert.h"
#include "http2/http2.h"
#include "net/send.h"

enum {
    RESET_POINTS = 10,  /* for a stream that we had to reset */
    REFUSED_POINTS = 2, /* for one that was too many */
    SETTING_BYTES = 6
};

static void
put_number(char *to, uint32_t n)
{
    to[0] = (char)(n >> 24);
    to[1] = (char)(n >> 16);
    to[2] = (char)(n >> 8);
    to[3] = (char)n;
}

void
wr_output_head(char *to, size_t len, uint8_t type, uint8_t flags, int32_t id)
{
    to[0] = (char)(len >> 16);
    to[1] = (char)(len >> 8);
    to[2] = (char)len;
    to[3] = (char)type;
    to[4] = (char)flags;
    put_number(to + 5, (uint32_t)id);
}

/* Room for a frame whose payload has len bytes: where that begins. */
static char *
begin(struct wr_http2 *h, size_t len, uint8_t type, uint8_t flags, int32_t id)
{
    char *to = wr_out_room(h->conn, WR_HTTP2_FRAME_HEAD + len);

    h->queued++;
    wr_output_head(to, len, type, flags, id);
    return to + WR_HTTP2_FRAME_HEAD;
}

static void
end(struct wr_http2 *h, size_t len)
{
    wr_out_built(h->conn, WR_HTTP2_FRAME_HEAD + len);
}

static uint32_t
header_list_max(const struct wr_http2 *h)
{
    const struct wr_server_conf *c = wr_http2_server_conf(h);

    return (uint32_t)WR_MIN(c->large_buffers * c->large_buffer_size, (uint64_t)WR_HTTP2_HEADS);
}

void
wr_output_settings(struct wr_http2 *h)
{
    const struct wr_http2_conf *c = wr_http2_settings(h);
    const struct {
        uint16_t id;
        uint32_t value;
    } all[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)c->max_streams },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)c->preread },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, header_list_max(h) },
        { NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 },
        { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
    };
    char *to = begin(h, sizeof(char[WR_COUNT(all)][SETTING_BYTES]), NGHTTP2_SETTINGS, 0, 0);

    for (size_t i = 0; i < WR_COUNT(all); i++, to += SETTING_BYTES) {
        to[0] = (char)(all[i].id >> 8);
        to[1] = (char)all[i].id;
        put_number(to + 2, all[i].value);
    }
    end(h, WR_COUNT(all) * SETTING_BYTES);
}

void
wr_output_ack(struct wr_http2 *h)
{
    (void)begin(h, 0, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0);
    end(h, 0);
}

void
wr_output_ping(struct wr_http2 *h, const uint8_t *payload, bool ack)
{
    memcpy(begin(h, 8, NGHTTP2_PING, ack ? NGHTTP2_FLAG_ACK : 0, 0), payload, 8);
    end(h, 8);
}

void
wr_output_goaway(struct wr_http2 *h, int32_t last_id, uint32_t code)
{
    char *to = begin(h, 8, NGHTTP2_GOAWAY, 0, 0);

    put_number(to, (uint32_t)last_id);
    put_number(to + 4, code);
    end(h, 8);
}

void
wr_output_window(struct wr_http2 *h, int32_t id, uint32_t more)
{
    put_number(begin(h, 4, NGHTTP2_WINDOW_UPDATE, 0, id), more);
    end(h, 4);
}

static void
reset(struct wr_http2 *h, int32_t id, uint32_t code)
{
    put_number(begin(h, 4, NGHTTP2_RST_STREAM, 0, id), code);
    end(h, 4);
    wr_frames_forgive(h, id);
}

void
wr_output_reset(struct wr_stream *s, uint32_t code)
{
    if (s->closed) {
        return;
    }
    reset(s->h, s->id, code);
    wr_stream_close(s);
    if (code != NGHTTP2_NO_ERROR && code != NGHTTP2_INTERNAL_ERROR && code != NGHTTP2_CANCEL) {
        (void)wr_cost_add(s->h, RESET_POINTS);
    }
}

void
wr_output_refuse(struct wr_http2 *h, int32_t id)
{
    reset(h, id, NGHTTP2_REFUSED_STREAM);
    (void)wr_cost_add(h, REFUSED_POINTS);
}
