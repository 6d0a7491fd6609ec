/* http2/session.c - nghttp2 told how to work for us, and what it tells of frames that came and went.
 *
 * Its own judgement of requests is off: head.c judges them, by the tables that HTTP/1 is judged by. What it does judge is the
 * protocol of frames, windows and the compression of fields.
 */
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "http2/http2.h"
#include "http2/room.h"

enum {
    SETTINGS_MAX = 32,  /* entries of one frame */
    CONTINUATIONS_MAX = UINT16_MAX, /* the library counts the pieces they come in; what they cost is counted here */
    ACKS_MAX = 256,     /* answers to PING and SETTINGS that wait for a client that does not read */
    RESET_POINTS = 10,  /* for a stream that we had to reset */
    REFUSED_POINTS = 2  /* for one that was too many */
};

/* ---- What came. ---- */

static int
on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user)
{
    struct wr_http2 *h = user;

    if (hd->type == NGHTTP2_SETTINGS) {
        h->queued = nghttp2_session_get_outbound_queue_size(session);
    }
    return 0;
}

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct wr_http2 *h = user;
    bool trailers = frame->headers.cat != NGHTTP2_HCAT_REQUEST;
    struct wr_stream *s;

    if (trailers) {
        s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    } else {
        s = wr_stream_open(h, frame->hd.stream_id);
        (void)nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, s);
    }
    h->in_block = true;
    h->block_since_ms = wr_clock.now_ms;
    h->reading = s;
    if (s != NULL) {
        wr_head_begin(s, trailers);
    } else if (!trailers) {
        wr_session_reset(h, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
    }
    return 0;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
          nghttp2_rcbuf *value, uint8_t flags, void *user)
{
    struct wr_http2 *h = user;

    (void)session;
    (void)frame;
    (void)flags;
    if (h->reading == NULL || wr_head_field(h->reading, name, value)) {
        return 0;
    }
    wr_http2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, "a request head far over the limit");
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* The client has heard that we are leaving: what it sent before that has come. */
static void
leave_for_good(struct wr_http2 *h)
{
    h->leave = WR_HTTP2_LEFT;
    (void)nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(h->session),
                                NGHTTP2_NO_ERROR, NULL, 0);
}

static int
on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct wr_http2 *h = user;
    bool last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    struct wr_stream *s;

    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        h->in_block = false;
        s = h->reading;
        h->reading = NULL;
        if (s != NULL) {
            wr_head_end(s, last, frame->hd.length + WR_HTTP2_FRAME_HEAD);
        }
        break;
    case NGHTTP2_DATA:
        s = last ? nghttp2_session_get_stream_user_data(session, frame->hd.stream_id) : NULL;
        if (s != NULL) {
            wr_stream_data_end(s);
        }
        break;
    case NGHTTP2_SETTINGS: /* one that lifts a window too far makes nghttp2 reset that stream, beside acknowledging it */
        if (!(frame->hd.flags & NGHTTP2_FLAG_ACK) &&
            nghttp2_session_get_outbound_queue_size(session) > h->queued + 1) {
            wr_http2_fail(h, NGHTTP2_FLOW_CONTROL_ERROR, "a window over its limit");
        }
        break;
    case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK && h->leave == WR_HTTP2_NOTICED) {
            leave_for_good(h);
        }
        break;
    default:
        break;
    }
    return h->failed ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
        void *user)
{
    struct wr_stream *s = nghttp2_session_get_stream_user_data(session, id);

    (void)flags;
    (void)user;
    if (s != NULL) {
        wr_stream_data(s, data, len);
    } else { /* of a stream that was refused or reset */
        (void)nghttp2_session_consume_connection(session, len);
    }
    return 0;
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct wr_http2 *h = user;
    struct wr_stream *s = nghttp2_session_get_stream_user_data(session, id);

    (void)code;
    if (s != NULL) {
        s->closed = true;
        if (h->reading == s) {
            h->reading = NULL;
        }
        wr_http2_due(s);
    }
    return 0;
}

/* ---- What went. ---- */

static void
stream_sent(nghttp2_session *session, const nghttp2_frame *frame)
{
    struct wr_stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

    if (s == NULL || s->r == NULL) {
        return;
    }
    if (frame->hd.type == NGHTTP2_HEADERS) {
        s->r->sent_head += frame->hd.length + WR_HTTP2_FRAME_HEAD;
    }
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
        s->out_end = true;
        wr_http2_due(s);
    }
}

static int
on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct wr_http2 *h = user;

    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        stream_sent(session, frame);
        break;
    case NGHTTP2_RST_STREAM:
        wr_frames_reset(h, frame->hd.stream_id);
        switch (frame->rst_stream.error_code) {
        case NGHTTP2_NO_ERROR:
        case NGHTTP2_INTERNAL_ERROR:
        case NGHTTP2_CANCEL:
            break;
        case NGHTTP2_REFUSED_STREAM:
            (void)wr_cost_add(h, REFUSED_POINTS);
            break;
        default:
            (void)wr_cost_add(h, RESET_POINTS);
        }
        break;
    default:
        break;
    }
    return 0;
}

/* A head that cannot be written (longer than the library takes) leaves its stream without an answer. */
static int
on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
    struct wr_http2 *h = user;
    struct wr_stream *s;

    if (frame->hd.type != NGHTTP2_HEADERS || error == NGHTTP2_ERR_STREAM_CLOSING ||
        error == NGHTTP2_ERR_STREAM_CLOSED || error == NGHTTP2_ERR_SESSION_CLOSING) {
        return 0;
    }
    s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (s != NULL && s->r != NULL) {
        wr_say(&s->r->log, ERROR, "the response head cannot be sent: %s", nghttp2_strerror(error));
        wr_session_reset(h, frame->hd.stream_id, NGHTTP2_INTERNAL_ERROR);
    }
    return 0;
}

/* ---- Making sessions. ---- */

/* The same for every connection of this worker. */
static nghttp2_session_callbacks *callbacks;
static nghttp2_option *options;

static void
make_callbacks(void)
{
    nghttp2_session_callbacks *c;

    WR_ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0);
    c = callbacks;
    nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(c, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(c, on_frame_not_send);
    nghttp2_session_callbacks_set_send_data_callback(c, wr_write_data);
}

static void
make_options(void)
{
    WR_ASSERT(nghttp2_option_new(&options) == 0);
    nghttp2_option_set_no_http_messaging(options, 1);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_max_settings(options, SETTINGS_MAX);
    nghttp2_option_set_max_continuations(options, CONTINUATIONS_MAX);
    nghttp2_option_set_max_outbound_ack(options, ACKS_MAX);
    nghttp2_option_set_max_send_header_block_length(options, WR_HTTP2_HEADS);
    nghttp2_option_set_builtin_recv_extension_type(options, NGHTTP2_PRIORITY_UPDATE);
}

static uint32_t
header_list_max(const struct wr_http2 *h)
{
    const struct wr_server_conf *c = wr_http2_server_conf(h);

    return (uint32_t)WR_MIN(c->large_buffers * c->large_buffer_size, (uint64_t)WR_HTTP2_HEADS);
}

nghttp2_session *
wr_session_create(struct wr_http2 *h)
{
    const struct wr_http2_conf *c = wr_http2_settings(h);
    nghttp2_settings_entry entries[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)c->max_streams },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)c->preread },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, header_list_max(h) },
        { NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 },
        { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
    };
    nghttp2_session *session;

    if (callbacks == NULL) {
        make_callbacks();
        make_options();
    }
    WR_ASSERT(nghttp2_session_server_new3(&session, callbacks, h, options, wr_room_memory()) == 0);
    WR_ASSERT(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, entries, WR_COUNT(entries)) == 0);
    WR_ASSERT(nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                                    WR_HTTP2_WINDOW) == 0);
    h->window = WR_HTTP2_WINDOW;
    return session;
}

void
wr_session_reset(struct wr_http2 *h, int32_t id, uint32_t code)
{
    (void)nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, id, code);
}
