/* http2/http2.h - one HTTP/2 connection, its streams, and what the files of this folder say to one another. [RFC 9113]
 *
 * nghttp2 reads and writes frames; what they mean for requests is decided here. Its callbacks (session.c) only note what has
 * come: fields are collected and judged (head.c), body bytes delivered or kept (stream.c), useless work is counted (cost.c).
 * Whatever may end a request, or make more of an answer, waits in the list `due` until no callback runs; connection.c works it
 * off, then has nghttp2 write what is ready (write.c), and sends all of it at once.
 *
 * What must always hold: a stream's memory outlives both its request and nghttp2's knowledge of it; nothing of a stream is
 * freed from inside a callback or a driver's function.
 */
#ifndef WR_HTTP2_HTTP2_H
#define WR_HTTP2_HTTP2_H

#include <stdbool.h>
#include <stdint.h>
#include <nghttp2/nghttp2.h>

#include "base/pool.h"
#include "http/http.h"
#include "http/pace.h"
#include "http/request.h"
#include "http/response.h"
#include "net/conn.h"

enum {
    WR_HTTP2_FIELDS_OURS = 4,         /* that are added to a request's */
    WR_HTTP2_FIELDS = 4096,           /* no head has more fields, whatever max_headers says */
    WR_HTTP2_FRAME = 16 * 1024,       /* a frame with its header: one TLS record, and a piece that net/send copies at once */
    WR_HTTP2_FRAME_HEAD = 9,
    WR_HTTP2_STREAM_OUT = 64 * 1024,  /* body bytes of one answer that wait to be sent */
    WR_HTTP2_HELD = 256 * 1024,       /* memory of all answers' waiting bodies; past it only streams that have none get some, */
    WR_HTTP2_HELD_MAX = 1024 * 1024,  /* and past this none */
    WR_HTTP2_HEADS = 256 * 1024,      /* fields of all open requests, as SETTINGS_MAX_HEADER_LIST_SIZE counts; then none is taken */
    WR_HTTP2_WINDOW = 256 * 1024,     /* the connection's first receive window */
    WR_HTTP2_WINDOW_MAX = 1024 * 1024, /* what windows may grow to, a stream's and the connection's */
    WR_HTTP2_RECENT = 128,            /* streams whose end is remembered; a power of two */
    WR_HTTP2_BEAT_MS = 1000,          /* how often time limits of open streams are looked at */
    WR_HTTP2_PING_MS = 1000           /* how long a leaving connection waits for the client to have heard of it */
};

/* The end of a connection that finishes what it has. [RFC 9113 6.8] */
enum wr_http2_leave {
    WR_HTTP2_STAYS,
    WR_HTTP2_NOTICED, /* GOAWAY without a last stream is out: what the client has sent meanwhile is still taken */
    WR_HTTP2_LEFT     /* GOAWAY with the last stream is out: it closes when that has ended */
};

/* A request's fields while they come; in the stream's memory. */
struct wr_http2_head {
    weir_str method, scheme, authority, path, protocol; /* pseudo-fields; absent: not there */
    weir_header *fields;  /* the worker's array, while they are looked at: WR_HTTP2_FIELDS, the last few of them for ours */
    weir_header *kept;    /* fields put aside because the rest has not come, */
    uint32_t kept_n, kept_room; /* how many, and room for how many */
    uint32_t n;           /* fields so far */
    uint32_t cookies;     /* of them */
    uint64_t list_bytes;  /* name, value and 32 of every field [RFC 9113 6.5.2] */
    int64_t length;       /* content-length; -1: none */
    const char *malformed; /* why the stream is to be reset; NULL: it is not */
    const char *why;      /* why it is to be answered with `status` */
    uint32_t status;      /* 0: let it run */
    bool regular;         /* a field that is none of the pseudo-fields has come */
    bool expect_continue;
    bool host;            /* a Host field has come */
    bool trailers;        /* it is a trailer section */
    uint8_t urgency;      /* of the priority field [RFC 9218 4] */
    bool incremental, prioritised;
};

struct wr_http2 {
    struct wr_conn *conn;
    const struct wr_endpoint *endpoint;
    nghttp2_session *session;
    struct wr_list streams; /* all, oldest first */
    struct wr_list due;     /* those for which there is something to do */
    struct wr_stream *reading; /* whose fields are coming; NULL: nobody's, or they are not wanted */
    uint32_t n_streams;
    int32_t last_id;        /* the newest stream that the client has begun */
    size_t frame_left;      /* bytes of the frame's payload that is being read, */
    uint8_t frame_head[WR_HTTP2_FRAME_HEAD];
    uint8_t frame_head_len; /* and of its head */
    uint32_t recent[WR_HTTP2_RECENT]; /* frames.c: the newest ones, and whether we have reset them */
    size_t queued;          /* frames that waited when the frame that is being read began */
    uint32_t error;         /* nghttp2_error_code that the connection is to end with */
    uint8_t leave;          /* enum wr_http2_leave */
    uint8_t shown;          /* enum wr_shown */
    bool serving;
    bool beats;             /* the deadline is the next look at time limits */
    bool in_block;          /* a field block has begun and not ended */
    bool failed;            /* it ends with `error` as soon as that is said */
    bool ending;            /* nothing is read or answered any more */
    bool lingering;         /* all is sent: reading until the client closes */
    uint32_t points;        /* cost.c */
    uint64_t points_ms;
    uint64_t begun_ms;      /* when it was taken over */
    uint64_t useful;        /* bytes that have not taken a point away yet */
    uint32_t free_updates;  /* frames of WINDOW_UPDATE that body bytes sent have paid for */
    uint64_t held;          /* memory that waiting bodies of answers take */
    uint64_t heads;         /* list_bytes of all streams */
    uint32_t window;        /* the connection's receive window, */
    uint64_t taken;         /* and bytes taken since it last grew */
    uint64_t block_since_ms;
    uint64_t leave_ms;
    uint64_t linger_until_ms;
    uint64_t budget;        /* body bytes that may still be put out in this turn */
    uint64_t body_sent;     /* body bytes put out */
    uint64_t stalled_ms;    /* since when the client takes too little; 0: it takes all */
    uint64_t stalled_sent;  /* body_sent at that time */
    uint64_t moved_ms;      /* when the system last took anything, */
    uint64_t moved_sent;    /* and conn->sent then */
    struct wr_task task;    /* its burial */
};

struct wr_stream {
    struct wr_list link; /* in h->streams */
    struct wr_list due;  /* in h->due */
    struct wr_http2 *h;
    struct wr_request *r; /* NULL: its head is coming, or was refused */
    struct wr_http2_head *head; /* while fields come; NULL: none do */
    struct weir_pool pool;
    int32_t id;
    bool closed;       /* nghttp2 has forgotten it */
    bool finished;     /* the request has ended, */
    bool error;        /* badly */
    bool reset;        /* we have said RST_STREAM */
    /* In. */
    bool in_end;       /* all has come */
    bool in_told;      /* and the request knows */
    bool body_wanted;
    bool continue_owed;
    char *early;       /* body bytes that nobody has asked for yet */
    uint32_t early_len, early_room;
    int64_t in_left;   /* of Content-Length; -1: none was given */
    uint32_t window;   /* the receive window */
    uint64_t taken;    /* bytes taken since it last grew */
    uint64_t body_read; /* since body_since_ms, for the minimum rate */
    uint64_t body_since_ms, body_ms;
    uint64_t head_bytes; /* what it counts for in h->heads */
    /* Out. */
    weir_chain out;    /* body bytes that wait */
    uint64_t out_bytes;
    uint64_t held;     /* of them, in memory of their own */
    bool answered;     /* nghttp2 has the head */
    bool out_last;     /* `out` holds the last of it */
    bool out_end;      /* END_STREAM is out */
    bool waits;        /* nghttp2 asks no more until it is told that there is something */
    bool hungry;       /* it asked, and there was nothing */
    struct wr_pace pace;
    uint64_t slow_ms;    /* since when its window is found closed; 0: it is open */
    uint64_t slow_sent;  /* body bytes sent by then */
    uint64_t stuck_ms;   /* since when none was, */
    uint64_t stuck_sent; /* and how many had been */
};

/* For wr_endpoint.http2. */
void wr_http2_adopt(struct wr_conn *c, const char *bytes, size_t len);

/* ---- Inside the folder. ---- */

extern const struct wr_driver wr_http2_driver;

static inline struct wr_stream *
wr_stream_of(const struct wr_request *r)
{
    return r->stream;
}

/* Does its request go on although the client has gone? It wants nothing more of it then. */
static inline bool
wr_stream_outlives(const struct wr_stream *s)
{
    return s->r != NULL && !s->r->ended && s->r->outlives_client && !s->reset && s->in_end &&
           !wr_response_is_tunnel(s->r);
}

/* Settings of the connection's address. */
static inline const struct wr_http2_conf *
wr_http2_settings(const struct wr_http2 *h)
{
    return h->endpoint->fallback->base.conf[WR_SLOT_HTTP2];
}
static inline const struct wr_server_conf *
wr_http2_server_conf(const struct wr_http2 *h)
{
    return h->endpoint->fallback->base.conf[WR_SLOT_SERVER];
}
static inline const struct wr_loc_conf *
wr_http2_loc_conf(const struct wr_http2 *h)
{
    return h->endpoint->fallback->base.conf[WR_SLOT_LOC];
}

/* session.c: an nghttp2 session for h, our settings on their way. */
nghttp2_session *wr_session_create(struct wr_http2 *h);

/* session.c: reset a stream. What the client is to blame for costs it points. */
void wr_session_reset(struct wr_http2 *h, int32_t id, uint32_t code);

/* connection.c: there is something to do for s, or for h at all: in this turn. */
void wr_http2_due(struct wr_stream *s);
void wr_http2_touch(struct wr_http2 *h);

/* connection.c: end the connection with this error code as soon as no callback runs. */
void wr_http2_fail(struct wr_http2 *h, uint32_t code, const char *why);

/* connection.c: no new streams after this round trip; close when the last one has ended. */
void wr_http2_leave(struct wr_http2 *h);

/* close.c: say GOAWAY with this code, if it can still be said. */
void wr_http2_goodbye(struct wr_http2 *h, uint32_t code);

/* close.c: the same, end every request, and linger; only linger: all is said, but may not have left yet. */
void wr_http2_end(struct wr_http2 *h, uint32_t code);
void wr_http2_linger(struct wr_http2 *h);

/* close.c: go on with what ends. */
void wr_http2_serve_ending(struct wr_http2 *h);

/* close.c: the connection broke, or has to be cut: its requests end with this status in the log. Close it at once. */
void wr_http2_abandon(struct wr_http2 *h, uint32_t log_status);
void wr_http2_close(struct wr_http2 *h);

/* frames.c: look at what has come before nghttp2 does; h->failed when it is not to. */
void wr_frames_look(struct wr_http2 *h, const uint8_t *bytes, size_t len);

/* frames.c: we have reset this stream. */
void wr_frames_reset(struct wr_http2 *h, int32_t id);

/* cost.c: count useless work; true when that was too much and the connection fails. */
bool wr_cost_frame(struct wr_http2 *h, const nghttp2_frame_hd *hd);
bool wr_cost_add(struct wr_http2 *h, uint32_t points);

/* cost.c: useful work takes points away: body bytes, answers. */
void wr_cost_useful(struct wr_http2 *h, uint64_t bytes);

/* cost.c: a frame of DATA with so many bytes went out, which the client answers with frames of WINDOW_UPDATE. */
void wr_cost_sent(struct wr_http2 *h, size_t bytes);

/* head.c: the fields of s begin, one comes, reading stops for now, they are complete (last: no body follows). */
void wr_head_begin(struct wr_stream *s, bool trailers);
bool wr_head_field(struct wr_stream *s, nghttp2_rcbuf *name, nghttp2_rcbuf *value);
void wr_head_pause(struct wr_stream *s);
void wr_head_end(struct wr_stream *s, bool last, size_t bytes);

/* Why a block is malformed, or is to be answered with `status`: what is found first counts. */
static inline void
wr_head_malformed(struct wr_http2_head *head, const char *why)
{
    head->malformed = head->malformed == NULL ? why : head->malformed;
}
static inline void
wr_head_refuse(struct wr_http2_head *head, uint32_t status, const char *why)
{
    head->why = head->status == 0 ? why : head->why;
    head->status = head->status == 0 ? status : head->status;
}

/* message.c: a whole request, or the trailers of one. */
void wr_message_request(struct wr_stream *s, struct wr_http2_head *head, bool last, size_t bytes);
void wr_message_trailers(struct wr_stream *s, struct wr_http2_head *head, bool last, size_t bytes);

/* priority.c: take the parameters u and i from a priority field's value; others, and what is malformed, stay as they are. */
void wr_priority_parse(weir_str value, uint8_t *urgency, bool *incremental);

/* stream.c: a stream for a request that begins; free it. */
struct wr_stream *wr_stream_open(struct wr_http2 *h, int32_t id);
void wr_stream_free(struct wr_stream *s);

/* stream.c: do what is due. */
void wr_stream_work(struct wr_stream *s);

/* stream.c: body bytes, and the end, from the client. */
void wr_stream_data(struct wr_stream *s, const void *bytes, size_t len);
void wr_stream_data_end(struct wr_stream *s);

/* stream.c: look at its time limits. */
void wr_stream_beat(struct wr_stream *s);

/* write.c: of an nghttp2 session: how a body is put out. */
int wr_write_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *framehd, size_t len,
                  nghttp2_data_source *source, void *user_data);

/* write.c: what waits of s's answer is not sent any more. */
void wr_write_drop(struct wr_stream *s);

#endif
