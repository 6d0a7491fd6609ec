/* http1/http1.h - one HTTP/1 connection: what it reads, the request it serves, how that is written. Seen by this folder and by
 * the process layer, which makes connections of accepted sockets.
 *
 * Bytes are read into one area of the worker. While a connection is being served its unread bytes are there; what is left over
 * when it has to wait is put aside (held). What only a request needs is in struct wr_exchange, in the request's memory; an idle
 * connection is its record alone.
 */
#ifndef WR_HTTP1_HTTP1_H
#define WR_HTTP1_HTTP1_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "http/pace.h"
#include "http/request.h"
#include "http/vhost.h"
#include "net/conn.h"
#include "net/proxy_protocol.h"
#include "wire/chunked.h"
#include "wire/http1_head.h"

enum {
    WR_HTTP1_AREA = 256 * 1024,     /* the worker's receive area */
    WR_HTTP1_HEAD_READ = 64 * 1024, /* most bytes read at once while heads are expected: bounds what is held */
    WR_HTTP1_FIELDS = 4096          /* no head has more fields, whatever max_headers says */
};

/* What the connection waits for. */
enum wr_http1_state {
    WR_HTTP1_PROXY,   /* the PROXY header of a `listen ... proxy_protocol` */
    WR_HTTP1_TLS,     /* the handshake of the transport */
    WR_HTTP1_HEAD,    /* a request head, or its rest */
    WR_HTTP1_REQUEST, /* the request to be answered; its body may be read meanwhile */
    WR_HTTP1_DISCARD, /* the rest of a body that nobody wants, before the next head */
    WR_HTTP1_LINGER   /* the peer to close; what it still sends is thrown away */
};

/* Where the request body is. */
enum wr_http1_body {
    WR_HTTP1_BODY_NONE,
    WR_HTTP1_BODY_LENGTH,
    WR_HTTP1_BODY_CHUNKED,
    WR_HTTP1_BODY_TRAILERS,
    WR_HTTP1_BODY_TUNNEL /* behind a 101: all that comes, until the client shuts its side */
};

/* One request and its answer on the connection; in the request's memory. */
struct wr_exchange {
    /* In. */
    uint8_t body;            /* enum wr_http1_body; NONE: it is at its end */
    bool body_wanted;        /* somebody asked: deliver */
    bool continue_owed;      /* the client waits for 100 (Continue) */
    uint64_t body_left;      /* WR_HTTP1_BODY_LENGTH */
    uint64_t body_read;      /* since body_since_ms, for the minimum rate */
    uint64_t body_since_ms;
    struct wr_chunked chunked;
    struct wr_head_scan trailer_scan;
    /* Out. */
    bool chunked_out;
    bool until_close;        /* the body ends with the connection: a cut one must end with a reset */
    bool finished;           /* the request has ended: the connection goes on once all is sent */
    bool error;              /* it ended badly: close */
    bool referring;          /* output refers to the request's memory: it must be sent before the request goes */
    weir_chain out;          /* body bytes kept back by limit_rate, or because the client is slow */
    struct wr_pace pace;     /* limit_rate */
    uint64_t sent_before;    /* what conn.sent is when all that was put out before this answer has gone */
    uint64_t sent_at_start;  /* conn.sent when the client first kept us waiting */
    uint64_t sending_since_ms;
};

struct wr_http1 {
    struct wr_conn conn; /* first */
    const struct wr_endpoint *endpoint;
    struct weir_pool *pool; /* the request's, which it may take along into the background; empty when idle */
    struct wr_request *r;   /* the request being served; NULL: none */
    struct wr_exchange *x;
    char *held;             /* unread bytes that were put aside */
    uint32_t held_len;
    uint8_t state;
    uint8_t shown;          /* enum wr_shown: under which state it is counted */
    bool serving;           /* inside serve (connection.c): output is flushed when that returns */
    bool reading_head;      /* the first byte of a head has come */
    bool timed_out;         /* head or body did not come in time: what is there is answered with 408 */
    bool quitting;          /* the worker is leaving: close after this answer */
    bool leaving;           /* and the grace of an idle connection has begun */
    bool handed_over;       /* it is HTTP/2's now */
    bool head_timed;        /* the deadline is the head's */
    bool plain;             /* HTTP is spoken without TLS where TLS is: nothing but that is answered */
    bool pipelined;         /* bytes of the coming request were there when the one before it ended */
    struct wr_head_scan scan;
    uint64_t linger_until_ms;
};

/* The unread bytes of the connection being served. */
struct wr_http1_input {
    char *at;
    size_t len;
};
extern struct wr_http1_input wr_http1_input;

/* For wr_listen.accepted: a connection has come. */
void wr_http1_accepted(struct wr_listen *l, int fd, const union wr_peer_addr *peer);

/* ---- Inside the folder. ---- */

extern const struct wr_driver wr_http1_driver;

static inline struct wr_http1 *
wr_http1_of(const struct wr_request *r)
{
    return r->stream;
}

/* Settings of the connection's address before a host is known. */
static inline const struct wr_server_conf *
wr_http1_conf(const struct wr_http1 *h)
{
    return h->endpoint->fallback->base.conf[WR_SLOT_SERVER];
}

/* head.c: a head stands complete in input, or is bad: h->r is made and started, input moved on. False: more bytes are needed. */
bool wr_http1_take_head(struct wr_http1 *h);

/* body.c: deliver what is in input to the request, or throw it away. */
void wr_http1_body_start(struct wr_http1 *h, bool chunked, uint64_t length);
void wr_http1_take_body(struct wr_http1 *h, bool discard);

/* body.c: has the client to send now? No: its body is complete, or its reader behind. */
bool wr_http1_body_awaited(const struct wr_http1 *h);

/* body.c: the client has shut its side of a tunnel. */
void wr_http1_tunnel_end(struct wr_http1 *h);

/* Is the chunked body right as far as it has come? Reads input without taking anything. */
bool wr_http1_body_right(const struct wr_http1 *h, struct wr_fault *fault);

/* Why a chunked body is refused, for the error log. */
void wr_http1_say_chunks(struct wr_request *r, const struct wr_fault *fault);

/* write.c: move what may be sent now from x->out to the connection's output. */
void wr_http1_send_more(struct wr_http1 *h);

/* connection.c: something was added to the output, or became possible: serve again in this turn. */
void wr_http1_touch(struct wr_http1 *h);

/* The same, unless the connection is being served right now, which sees it anyway. */
static inline void
wr_http1_touch_unless_serving(struct wr_http1 *h)
{
    if (!h->serving) {
        wr_http1_touch(h);
    }
}

/* Settings of the request being served, else of the address. */
static inline const struct wr_loc_conf *
wr_http1_loc_conf(const struct wr_http1 *h)
{
    return h->r != NULL ? wr_loc_conf(h->r) : h->endpoint->fallback->base.conf[WR_SLOT_LOC];
}

/* Has everything come that the peer will ever send? */
static inline bool
wr_http1_at_end(const struct wr_http1 *h)
{
    return h->conn.gone || (h->conn.half_closed && !h->conn.can_read);
}

/* connection.c: close at once, with a RST or without. */
void wr_http1_close(struct wr_http1 *h, bool reset);

/* exchange.c: free the request, unless it works on in the background and takes its memory along. */
void wr_http1_release(struct wr_http1 *h);

/* exchange.c: the request of h has ended and its output is gathered or gone: free it, and see what comes next; wait for
 * another head. */
void wr_http1_exchange_over(struct wr_http1 *h);
void wr_http1_next_head(struct wr_http1 *h, const struct wr_loc_conf *c);

/* begin.c: the states PROXY and TLS; each answers whether to go on with the next state. Speak TLS from here on, with what was read:
 * false: not possible, and closed. */
bool wr_http1_serve_proxy(struct wr_http1 *h);
bool wr_http1_serve_tls(struct wr_http1 *h);
bool wr_http1_enter_tls(struct wr_http1 *h);

/* begin.c: how much of HTTP/2's preface stands at the front of the input: OK, all of it; MORE; BAD, something else. And: the
 * connection is HTTP/2's from here on, with what has been read of it. */
enum wr_wire wr_http1_preface(const struct wr_http1 *h);
void wr_http1_hand_over(struct wr_http1 *h);

/* drain.c: begin a lingering close; the states LINGER and DISCARD. Each answers whether to go on with the next state. */
void wr_http1_linger(struct wr_http1 *h, const struct wr_loc_conf *c);
bool wr_http1_serve_linger(struct wr_http1 *h);
bool wr_http1_serve_discard(struct wr_http1 *h);

/* input.c: take up what was held, put aside what is left. */
void wr_http1_input_begin(struct wr_http1 *h);
void wr_http1_input_end(struct wr_http1 *h);

/* input.c: a full read of the area, behind what is there already; see wr_conn_recv. */
ssize_t wr_http1_read(struct wr_http1 *h, size_t most);

#endif
