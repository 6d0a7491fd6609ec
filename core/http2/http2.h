/* http2/http2.h - one HTTP/2 connection, its streams, and what the files of this folder say to one another. [RFC 9113]
 *
 * Bytes that come are taken apart into frames (frames.c), which mean something for the connection (control.c), or for a request:
 * its fields are collected and judged (head.c), its body's bytes delivered or kept (stream.c); useless work is counted (cost.c).
 * While bytes are read no request ends and no answer goes on: who has something to do for that waits in the list `due`.
 * connection.c works it off, has the streams write in the order of their urgency (schedule.c, write.c), and sends all at once.
 *
 * What must always hold: a stream's memory outlives its request, and the time in which frames may name it; nothing of a stream
 * is freed while bytes are read, or from inside a driver's function.
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
    WR_HTTP2_PLACES = 32,             /* lists that streams are found in by their number; a power of two */
    WR_HTTP2_PLACED_MORE = 8,         /* fields without an id of their own that places in the table are remembered of */
    WR_HTTP2_URGENCIES = 8,           /* [RFC 9218 4.1] */
    WR_HTTP2_URGENCY = 3,             /* where nothing is said */
    WR_HTTP2_PAYLOAD = 192,           /* bytes of a frame that is looked at whole: 32 settings */
    WR_HTTP2_WINDOW_FIRST = 65535,    /* of streams and of the connection, where nothing is said [RFC 9113 6.9.2] */
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
    uint64_t list_bytes;  /* name, value and 32 of every field [RFC 9113 6.5.2], */
    uint64_t list_max;    /* how many there may be, */
    uint64_t field_max;   /* and of one field's name and value */
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

/* Where reading is. What it waits for next: */
enum wr_frames_state {
    WR_FRAMES_PREFACE,
    WR_FRAMES_HEAD,
    WR_FRAMES_LEAD,    /* the length of the padding, an old priority: before a field block, or data */
    WR_FRAMES_PAYLOAD, /* all of it */
    WR_FRAMES_BLOCK,
    WR_FRAMES_DATA,
    WR_FRAMES_SKIP
};

/* frames.c: the frame that is being read. */
struct wr_frames {
    nghttp2_frame_hd hd;
    struct wr_stream *stream; /* whose fields or data are coming; NULL: nobody's, or they are not wanted */
    uint32_t left;            /* bytes that are still to come for this state, */
    uint32_t pad;             /* and those behind them to be passed over */
    uint32_t block_bytes;     /* of all frames of a field block */
    int32_t block;            /* the stream whose field block has begun and not ended; 0: none has */
    bool block_last;          /* it ends the stream, */
    bool between;             /* none of its fields has begun and not ended, */
    bool fields;              /* and one has come */
    bool begun;               /* the client's first frame has come */
    uint8_t state;            /* enum wr_frames_state */
    uint8_t kept;             /* bytes of what is looked at whole that have come */
    uint8_t payload[WR_HTTP2_PAYLOAD];
};

/* What an answer's block began with, status, server and date: the same bytes as long as these are, and the table is. */
struct wr_http2_opening {
    int64_t second;
    const char *server;
    uint16_t status;
    uint16_t n_placed;      /* as below, when they were made */
    uint8_t len;            /* 0: nothing is remembered */
    uint8_t bytes[7];
};

struct wr_http2 {
    struct wr_conn *conn;
    const struct wr_endpoint *endpoint;
    nghttp2_hd_inflater *inflater;
    nghttp2_hd_deflater *deflater;
    struct wr_list streams; /* all, oldest first */
    struct wr_list due;     /* those for which there is something to do */
    struct wr_list ready[WR_HTTP2_URGENCIES]; /* schedule.c: those that have body bytes, or the end of one, to send */
    struct wr_stream *places[WR_HTTP2_PLACES]; /* open ones, by their number */
    struct wr_frames in;
    uint32_t n_streams;
    uint32_t n_open;        /* of them, those that are not closed */
    int32_t last_id;        /* the newest stream that the client has begun, */
    int32_t taken_id;       /* and the newest that was not passed over */
    uint32_t recent[WR_HTTP2_RECENT]; /* frames.c: the newest ones, and whether we have reset them */
    int32_t wished_id;      /* control.c: a stream that is still to come, and what was said of its priority */
    uint8_t wished_urgency;
    bool wished_incremental;
    bool settled;           /* the client has acknowledged our settings */
    bool goodbye;           /* GOAWAY for an end has been said */
    bool left;              /* the client has said GOAWAY */
    uint8_t old_priorities; /* 1 and what the client said of them; 0: nothing yet */
    uint32_t acks;          /* answers to PING and SETTINGS that have not been sent, */
    uint32_t queued;        /* and frames that the system did not take */
    bool table_changes;     /* deflate.c: its next block begins by saying that its table has another size, */
    uint16_t n_placed;      /* how many fields were put into that, */
    uint16_t placed[WR_FIELDS + WR_HTTP2_PLACED_MORE]; /* and as which one of them which field was: 0 is none */
    struct wr_http2_opening opening;
    uint32_t peer_window;   /* what a new stream may be sent */
    int64_t send_window;    /* what the connection may be sent; less than 0 never */
    uint32_t error;         /* nghttp2_error_code that the connection is to end with */
    uint8_t leave;          /* enum wr_http2_leave */
    uint8_t shown;          /* enum wr_shown */
    bool serving;
    bool beats;             /* the deadline is the next look at time limits */
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
    int64_t in_window;      /* bytes of it that are used, */
    int64_t in_taken;       /* and those of them that were taken and may come again */
    uint64_t taken;         /* bytes taken since it last grew */
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

/* A head that waits to be written. */
struct wr_http2_answer {
    struct wr_http2_answer *next;
    const weir_header *first;
    uint32_t status;
    bool final;      /* it is no interim one, */
    bool last;       /* and no body follows */
};

struct wr_stream {
    struct wr_list link; /* in h->streams */
    struct wr_list due;  /* in h->due */
    struct wr_list ready; /* in h->ready[urgency] */
    struct wr_stream *next; /* in its place */
    struct wr_http2 *h;
    struct wr_request *r; /* NULL: its head is coming, or was refused */
    struct wr_http2_head *head; /* while fields come; NULL: none do */
    struct weir_pool *pool; /* its request's, which may take it along into the background */
    int32_t id;
    uint8_t urgency;   /* [RFC 9218 4] */
    bool incremental;
    bool wished;       /* by a frame of its own, which outdoes the field */
    bool closed;       /* no frame names it any more */
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
    int64_t window;    /* the receive window, */
    int64_t in_window; /* bytes of it that are used, */
    int64_t in_taken;  /* and those of them that were taken and may come again */
    uint64_t taken;    /* bytes taken since it last grew */
    uint64_t body_read; /* since body_since_ms, for the minimum rate */
    uint64_t body_since_ms, body_ms;
    uint64_t unwanted;   /* body bytes that came although the request had ended */
    uint64_t linger_ms;  /* since when what still comes is awaited; 0: it is not */
    uint64_t head_bytes; /* what it counts for in h->heads */
    /* Out. */
    weir_chain out;    /* body bytes that wait */
    uint64_t out_bytes;
    uint64_t held;     /* of them, in memory of their own */
    int64_t send_window; /* what it may be sent; may be less than 0 */
    struct wr_http2_answer *answers; /* heads that wait */
    bool answered;     /* the final one is known */
    bool out_last;     /* `out` holds the last of it */
    bool out_end;      /* END_STREAM is out */
    bool hungry;       /* there was nothing to send when it could have been */
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

/* connection.c: there is something to do for s, or for h at all: in this turn. */
void wr_http2_due(struct wr_stream *s);
void wr_http2_touch(struct wr_http2 *h);

/* connection.c: end the connection with this error code as soon as no callback runs. */
void wr_http2_fail(struct wr_http2 *h, uint32_t code, const char *why);

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

/* frames.c: read what has come; h->failed when the connection is not to go on. */
void wr_frames_read(struct wr_http2 *h, const uint8_t *bytes, size_t len);

/* frames.c: frames of this stream that still come are no fault. */
void wr_frames_forgive(struct wr_http2 *h, int32_t id);

/* inflate.c: a field block begins; its next bytes (last: it ends with them), whose fields go to the stream that is being read. */
void wr_inflate_begin(struct wr_http2 *h);
void wr_inflate(struct wr_http2 *h, const uint8_t *bytes, size_t len, bool last);

/* control.c: a frame that is about the connection, or about what is open: its payload, as long as the head says but for that of
 * GOAWAY, which is cut. */
void wr_control_take(struct wr_http2 *h, const nghttp2_frame_hd *hd, const uint8_t *payload);

/* control.c: the client has heard that we are leaving, or had time to: no streams behind those that have come. */
void wr_control_leave(struct wr_http2 *h);

/* output.c: frames about the connection, put behind what it has gathered. */
void wr_output_settings(struct wr_http2 *h);
void wr_output_ack(struct wr_http2 *h);
void wr_output_ping(struct wr_http2 *h, const uint8_t *payload, bool ack);
void wr_output_goaway(struct wr_http2 *h, int32_t last_id, uint32_t code);
void wr_output_window(struct wr_http2 *h, int32_t id, uint32_t more);

/* output.c: a frame's head at `to`. */
void wr_output_head(char *to, size_t len, uint8_t type, uint8_t flags, int32_t id);

/* output.c: RST_STREAM, for a stream or for one that was refused. What the client is to blame for costs it points. */
void wr_output_reset(struct wr_stream *s, uint32_t code);
void wr_output_refuse(struct wr_http2 *h, int32_t id);

/* window.c: n bytes of DATA have come for s (NULL: for nobody). False: more than the connection's window had. */
bool wr_window_came(struct wr_http2 *h, struct wr_stream *s, size_t n);

/* window.c: n of those bytes were taken: as many may come again. */
void wr_window_give(struct wr_http2 *h, struct wr_stream *s, size_t n);

/* window.c: say now what was taken of the connection's window, however little it is. */
void wr_window_return(struct wr_http2 *h);

/* window.c: s, or the connection (NULL), has used up its window over and over: let it grow. */
void wr_window_grow(struct wr_http2 *h, struct wr_stream *s, uint32_t to);

/* window.c: our settings count from now on. */
void wr_window_settle(struct wr_http2 *h);

/* schedule.c: s has something to send; it has not. */
void wr_schedule_add(struct wr_stream *s);
void wr_schedule_remove(struct wr_stream *s);

/* schedule.c: whose turn it is; NULL: nobody's. Let others of its urgency have theirs, if it wants to share. */
struct wr_stream *wr_schedule_next(struct wr_http2 *h);
void wr_schedule_pass(struct wr_stream *s);

/* schedule.c: the client wishes to have s at another time. */
void wr_schedule_move(struct wr_stream *s, uint8_t urgency, bool incremental);

/* cost.c: count useless work; true when that was too much and the connection fails. */
bool wr_cost_frame(struct wr_http2 *h, const nghttp2_frame_hd *hd);
bool wr_cost_add(struct wr_http2 *h, uint32_t points);

/* cost.c: useful work takes points away: body bytes, answers. */
void wr_cost_useful(struct wr_http2 *h, uint64_t bytes);

/* cost.c: a frame of DATA with so many bytes went out, which the client answers with frames of WINDOW_UPDATE. */
void wr_cost_sent(struct wr_http2 *h, size_t bytes);

/* head.c: the fields of s begin, one comes (stays: its bytes are there for ever), reading pauses, they are complete (last: no
 * body follows). */
void wr_head_begin(struct wr_stream *s, bool trailers);
bool wr_head_field(struct wr_stream *s, weir_str name, weir_str value, bool stays);
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

/* stream.c: the open stream of that number; NULL: none. */
struct wr_stream *wr_stream_find(const struct wr_http2 *h, int32_t id);

/* stream.c: no frame names it any more. */
void wr_stream_close(struct wr_stream *s);

/* stream.c: the client has sent what no request is. It is told 400, unless it had an answer before, and the stream is reset: nothing
 * is done for it. [RFC 9113 8.1.1] */
void wr_stream_malformed(struct wr_stream *s);

/* stream.c: do what is due. */
void wr_stream_work(struct wr_stream *s);

/* stream.c: body bytes, and the end, from the client. */
void wr_stream_data(struct wr_stream *s, const void *bytes, size_t len);
void wr_stream_data_end(struct wr_stream *s);

/* stream.c: look at its time limits. */
void wr_stream_beat(struct wr_stream *s);

/* deflate.c: make a field block for h, field by field: of those that have an id, and of others, whose names have no capitals.
 * Once begun it has to be sent, unless the end is false: then it is too long for any client. */
void wr_deflate_begin(void);
void wr_deflate_status(struct wr_http2 *h, uint32_t status);
void wr_deflate_opening(struct wr_http2 *h, uint32_t status, weir_str server); /* first; server: static */
void wr_deflate_known(struct wr_http2 *h, uint32_t id, weir_str value);
void wr_deflate_other(struct wr_http2 *h, weir_str name, weir_str value);
bool wr_deflate_end(struct wr_http2 *h, weir_str *block);

/* block.c: put a head, or the trailers of an answer, behind what the connection has gathered. False: it is too long. */
bool wr_block_answer(struct wr_stream *s, const struct wr_http2_answer *a);
bool wr_block_trailers(struct wr_stream *s);

/* Put a head of nothing but the status for a stream that is reset next. */
void wr_block_refusal(struct wr_stream *s, uint32_t status);

/* write.c: put the heads of s that wait behind what the connection has gathered. */
void wr_write_heads(struct wr_stream *s);

/* write.c: put out bodies, as windows and urgency have it. */
void wr_write_bodies(struct wr_http2 *h);

/* write.c: what waits of s's answer is not sent any more. */
void wr_write_drop(struct wr_stream *s);

#endif
