/* upstream/exchange.h - what weir_exchange is inside: one request to a group, its tries, and the
 * response as far as it has come.
 *
 * exchange.c has its life and what the link tells; exchange_connect.c finds a peer and a link,
 * exchange_send.c sends, reply.c reads the head and reply_body.c the body, tunnel.c joins it to the
 * client behind a 101, retry.c says what is tried again, tries.c keeps what the variables tell.
 *
 * Callbacks are called from the loop only. Each may end the exchange, or its owner: after one, the
 * state is looked at before anything else. The struct stays until the turn's end.
 */
#ifndef WR_UPSTREAM_EXCHANGE_H
#define WR_UPSTREAM_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/upstream.h>

#include "base/log.h"
#include "base/pool.h"
#include "event/loop.h"
#include "upstream/balance.h"
#include "upstream/intake.h"
#include "upstream/link.h"
#include "upstream/lookup.h"
#include "upstream/queue.h"
#include "upstream/tries.h"
#include "wire/chunked.h"
#include "wire/framing.h"
#include "wire/http1_head.h"

#define WR_EXCHANGE_TAG WR_TAG('e', 'x', 'c', 'h')

enum {
    WR_EXCHANGE_DEFAULT_MS = 60 * 1000,
    WR_EXCHANGE_HEAD_MAX = 8 * 1024,
    WR_EXCHANGE_OUT_FULL = 64 * 1024,  /* waiting bytes over which WEIR_AGAIN is said */
    WR_EXCHANGE_INTERIM_MAX = 16,      /* interim responses before the final one */
    WR_EXCHANGE_FIELDS = 512,          /* field lines of a head, and of trailers */
    WR_EXCHANGE_HEAD_READ = 128 * 1024 /* read at once before the head is known */
};

/* What is awaited. */
enum wr_exchange_state {
    WR_EXCHANGE_PEER,
    WR_EXCHANGE_CONNECT,
    WR_EXCHANGE_TLS,
    WR_EXCHANGE_SENT, /* that all of the request is out; a response may come before */
    WR_EXCHANGE_HEAD,
    WR_EXCHANGE_BODY,
    WR_EXCHANGE_TUNNEL,
    WR_EXCHANGE_FAILED, /* to be told by the task */
    WR_EXCHANGE_OVER,   /* the response is complete or broken: `result` */
    WR_EXCHANGE_DONE    /* given up: freed at the turn's end */
};

/* The request on its way out. */
struct wr_sending {
    size_t head;      /* bytes of the head that are gone */
    weir_chain body;  /* all of it; of a stream: what waits */
    weir_buf *at;     /* the buffer of body that goes next; of a stream: the first */
    size_t off;       /* bytes of it that are gone */
    uint64_t waiting; /* of a stream: bytes on body */
    uint64_t sent;    /* bytes of this try that the kernel took */
    bool last;        /* nothing is added any more */
    int error;        /* sending failed with it, and is over: what the peer said is still read */
};

/* The response's body: how it ends, and what it ended with. */
struct wr_reply_body {
    int64_t left; /* bytes to come, or WR_LENGTH_* */
    struct wr_chunked chunked;
    struct wr_head_scan trailer_scan;
    bool in_trailers;
    const weir_header *trailers;
};

/* A tunnel that is joined to the client. */
struct wr_tunnel {
    weir_ticket *source; /* who makes the client's bytes waits; NULL: does not */
    bool joined;
    bool stuck; /* the peer is behind */
    bool over;  /* the client has ended its side */
};

struct weir_exchange {
    uint32_t tag;
    uint8_t state;   /* enum wr_exchange_state */
    bool waiting;    /* readable() is owed */
    bool full;       /* writable() is owed */
    bool fresh;      /* the next link may not be a kept one */
    bool answered;   /* a byte came in this try */
    bool persistent; /* the peer keeps the connection */
    uint8_t interims;
    int result; /* in FAILED and OVER */
    uint32_t tries_left;
    weir_exchange_options o;
    weir_exchange_policy policy;
    weir_pool *memory;  /* what the reply lives in: the request's pool, or the owner */
    const char *module; /* whose hook started it */
    weir_str tls_identity; /* wr_upstream_tls_identity, worked out before the first try */
    struct wr_owned owned;
    struct wr_task task;
    struct wr_log_note note; /* what the request's log lines say of it */
    uint64_t started_us, started_ms;
    struct wr_attempt attempt;
    struct wr_queue_place place;
    struct wr_lookup_wait lookup; /* for the addresses of the group's names */
    struct wr_group_peer *peer; /* of this try; NULL: none, or done with */
    struct wr_link *link;
    struct wr_tried *tried; /* this exchange's tries */
    struct wr_sending out;
    struct wr_intake in;
    struct wr_head_scan scan;
    struct wr_reply_body body;
    weir_reply *reply;
    struct wr_tunnel tunnel;
};

/* The log of the request it is for; NULL: it is nobody's. */
static inline struct wr_log *
wr_exchange_log(const weir_exchange *x)
{
    return x->o.r != NULL ? wr_log_of(x->o.r->log) : NULL;
}

static inline bool
wr_exchange_alive(const weir_exchange *x)
{
    return x->state != WR_EXCHANGE_DONE;
}

/* Is a response under way? */
static inline bool
wr_exchange_open(const weir_exchange *x)
{
    return x->state == WR_EXCHANGE_BODY || x->state == WR_EXCHANGE_TUNNEL;
}

/* ---- exchange.c ---- */

/* This try's link is at its end: put aside for others, or closed. */
void wr_exchange_release(weir_exchange *x, bool keep);

/* The try at x's peer ended so. */
void wr_exchange_peer_done(weir_exchange *x, int result);

/* Tell `failed`, later in this turn. */
void wr_exchange_fail(weir_exchange *x, int result);

/* The response is at its end: complete (WEIR_DONE), or broken. */
void wr_exchange_over(weir_exchange *x, int result);

/* Until when what is awaited has to happen. */
void wr_exchange_deadline(weir_exchange *x, uint64_t ms);

/* Call back; x may be no more alive after. */
void wr_exchange_tell_head(weir_exchange *x);
void wr_exchange_tell_interim(weir_exchange *x, const weir_reply *reply);

/* The link's events. */
extern const struct wr_link_ops wr_exchange_link_ops;

/* ---- exchange_log.c ---- */

/* One line of level error, with the upstream named; error: an errno, or 0. */
void wr_exchange_say(const weir_exchange *x, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same of level warn: the response serves in spite of it. */
void wr_exchange_warn(const weir_exchange *x, const char *what);

/* "while ..." for what x waits for. */
const char *wr_exchange_doing(const weir_exchange *x);

/* For the request's log. */
void wr_exchange_note(const struct wr_log_note *note, struct wr_strbuf *to);

/* ---- exchange_connect.c ---- */

/* Pick peers until one connects; or fail. */
void wr_exchange_try(weir_exchange *x);

/* The link has become ready while connecting or shaking hands. */
void wr_exchange_connecting(weir_exchange *x);

/* ---- exchange_send.c ---- */

/* The link is there: send from the request's first byte. */
void wr_exchange_send_begin(weir_exchange *x);

/* Send what can be sent. That it failed shows when the link is read. */
void wr_exchange_flush(weir_exchange *x);

/* Are there bytes that could be sent now? */
static inline bool
wr_exchange_pending(const weir_exchange *x)
{
    return x->out.error == 0 && (x->out.head < x->o.head.len || x->out.at != NULL);
}

/* Is all of the request out? */
static inline bool
wr_exchange_sent_all(const weir_exchange *x)
{
    return x->out.last && x->out.head == x->o.head.len && x->out.at == NULL && x->out.error == 0;
}

/* ---- reply.c ---- */

/* Read a response head if there is one. */
void wr_reply_receive(weir_exchange *x);

/* Fields as a reply has them: those of the head without what concerns the connection alone. Ids in
 * fields[] may change. */
void wr_reply_fields(weir_exchange *x, weir_reply *reply, const char *base,
                     struct wr_head_field *fields, uint32_t n,
                     const struct wr_framing *framing);

/* Where heads and trailers are taken apart: this worker's, used within one call. */
extern struct wr_head_field wr_reply_room[WR_EXCHANGE_FIELDS];

/* ---- reply_body.c ---- */

/* The body as the head frames it. */
void wr_reply_body_start(weir_exchange *x, const struct wr_framing *framing);

/* Have more bytes on x->in, which is empty, at most about want. WEIR_OK, WEIR_AGAIN, or what x ends
 * with. */
int wr_reply_body_receive(weir_exchange *x, size_t want);

/* ---- tunnel.c ---- */

/* Bytes of the peer that the client takes go to it at once. False: there are some that it does not
 * take, or the end: they are to be read. */
bool wr_tunnel_pass(weir_exchange *x);

/* ---- retry.c ---- */

/* May the request be sent twice without doing harm? What is not known may not. [RFC 9110 9.2.2] */
bool wr_exchange_idempotent(const weir_exchange *x);

/* A try failed before anything was answered, by `cause` (WEIR_RETRY_*): the next one begins, or x
 * fails with result. */
void wr_retry(weir_exchange *x, uint32_t cause, int result);

/* The same without beginning: true if another try shall be made. */
bool wr_retry_wanted(weir_exchange *x, uint32_t cause, int result);

/* A kept connection was at its end: true if a fresh one to the same peer is being tried. */
bool wr_retry_stale(weir_exchange *x);

/* Is a response with this status to be had from another peer? If so that one is being tried. */
bool wr_retry_status(weir_exchange *x, uint32_t status);

#endif
