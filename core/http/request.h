/* http/request.h - what a request is inside: the ABI's prefix, where it stands in its course, its head, body and answer.
 *
 * A driver makes it (wr_request_create), fills the head, and starts it (wr_request_start). It then runs through the phases of
 * its location's plan; what it answers goes to the driver. Its end is one place: wr_request_end, which runs the log hooks
 * and hands it back to the driver.
 */
#ifndef WR_HTTP_REQUEST_H
#define WR_HTTP_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/request.h>

#include "base/log.h"
#include "event/loop.h"
#include "http/driver.h"
#include "wire/fields.h"
#include "http/plan.h"
#include "http/settings.h"
#include "net/conn.h"

#define WR_REQUEST_TAG WR_TAG('r', 'e', 'q', '1')

struct wr_http;     /* http.h: a generation's http block */
struct wr_server;   /* vhost.h */
struct wr_location; /* location.h */
struct wr_body_in;  /* body_in.h */
struct wr_captures; /* regex.h */
struct wr_file;     /* file_cache.h */
struct wr_coded;    /* coded.h */
struct wr_kept_given; /* kept.h */
struct wr_background; /* background.h */
struct wr_holder;     /* request.c */

/* How far the response is. */
enum wr_answer {
    WR_ANSWER_NONE,    /* nobody has answered */
    WR_ANSWER_HEADERS, /* status and fields are being filtered */
    WR_ANSWER_BODY,    /* the head has gone to the driver, the body is on its way */
    WR_ANSWER_LAST     /* WEIR_BUF_LAST has gone to the driver */
};

/* Which hook runs, so that weir_suspend knows what a ticket stands for. */
enum wr_calling {
    WR_CALLING_NOTHING,
    WR_CALLING_PHASE,  /* a handler of r->phase */
    WR_CALLING_HEADER, /* a HEADERS hook */
    WR_CALLING_SOURCE, /* the body's source */
    WR_CALLING_FILTER  /* a body filter: the one that waits */
};

/* One body filter's state for one request. */
struct wr_filter {
    weir_chain in;      /* what it left, in front of what comes next */
    bool out;           /* left out of this response (its HEADERS hook said WEIR_DONE) */
    bool seen_last, sent_last;
    bool waits; /* it said WEIR_AGAIN */
    weir_chain after; /* what it made and may not go on yet: it waits, or a subrequest's body is still to come */
};

struct wr_request {
    weir_request pub; /* first: a weir_request * is a struct wr_request * */
    uint32_t tag;

    /* Who and where. */
    const struct wr_driver *driver;
    void *stream;              /* the driver's: its connection or stream */
    struct wr_conn *conn;      /* the client's connection; also for subrequests */
    const struct wr_http *http;
    const struct wr_server *server;
    const struct wr_location *loc; /* the block whose settings hold: the server's before FIND_CONFIG */
    struct wr_log log;         /* what pub.log points to */
    struct wr_request *parent; /* of a subrequest */
    uint32_t level;            /* of subrequests: 0 for the client's */

    /* The head. */
    weir_str line;             /* the request line, for $request */
    weir_str authority;        /* host and port as received: $http_host for HTTP/2 */
    weir_str protocol;         /* :protocol of an extended CONNECT ("websocket"); absent: none [RFC 8441 4] */
    uint32_t host_port;        /* the port in Host or the target; 0: none */
    uint32_t server_port;      /* of the address the client came to; fetched on first use */
    uint64_t nth;              /* of its connection's requests */
    uint64_t head_bytes;       /* $request_length counts them */
    uint64_t body_bytes;       /* of the request body as it came, framing included */
    struct wr_fields in;
    struct wr_fields *trailers_in; /* NULL: none came */
    bool keep_alive;           /* the client wants the connection kept */
    uint8_t outlives_client;   /* enum weir_outlive */
    const union wr_peer_addr *client_peer; /* as corrected (realip); NULL: the connection's */
    weir_str client_addr;      /* text; absent until asked for */
    uint32_t client_port;

    /* Its course. */
    const struct wr_plan *plan;
    uint8_t phase;             /* WEIR_PHASE_* it stands in */
    uint8_t rewrites_left;     /* WR_LIMIT_REWRITES less what was used */
    uint16_t hook;             /* the next hook of the phase */
    bool rewritten;            /* weir_rewrite: find the location anew after the phase */
    bool moved;                /* weir_redirect_inside: start over when the hook returns */
    bool path_set;             /* weir_set_path: the path is not the one that the location was found by */
    bool denied;               /* an access hook said 401 or 403 under `satisfy any` */
    uint32_t denial;
    bool auth_delayed;         /* auth_delay has been waited for */
    bool running;              /* inside wr_request_run: resumptions wait */
    bool error_paged;          /* an error_page is being served */
    bool error_again;          /* and may have an error_page itself: recursive_error_pages where the first error was */
    bool ended;
    bool end_waits;            /* it is answered, and a subrequest in the background or a holder is not done */
    bool logged;               /* before its end: what it still does changes nothing of what is said about it */
    struct wr_background *background; /* it works on without its client, whose driver it has left; NULL: it does not */
    uint32_t holds;            /* weir_hold without its weir_let_go */
    struct wr_holder *holders; /* those that are to be told when the client is done with */
    bool end_wanted;           /* cut the request when the running hook returns */
    uint32_t error_status;     /* the status an error_page answers for; 0: none */

    /* Waiting. */
    uint8_t calling;           /* enum wr_calling: whose code runs, or which hook a ticket resumes */
    struct wr_suspended *suspended; /* ticket.c: the ticket that is out; NULL: none */
    struct wr_suspended *source_suspended; /* the source's */
    struct wr_list subs;       /* subrequest.c: subrequests under way */
    struct wr_task task;       /* wr_request_later */

    /* The body of the request. */
    struct wr_body_in *body;   /* NULL: none, or not looked at */

    /* The answer. */
    uint8_t answer;            /* enum wr_answer */
    uint16_t header_hook;      /* the next HEADERS hook */
    struct wr_fields *out;     /* never NULL; wr_fields_none at first */
    struct wr_fields *trailers; /* NULL: none */
    uint64_t filters_out;      /* BODY hooks of the plan, by bit, that stay out of this response */
    struct wr_filter *filters; /* one a BODY hook of the plan; NULL when all stay out */
    const struct wr_file *body_file; /* whose whole content is the body; NULL: it is something else */
    const struct wr_kept_given *identity; /* of the body, as a module says; NULL: none does */
    struct wr_coded *coded;    /* how its body is decoded and coded; NULL: as it is */
    weir_chain queued;         /* body given before the head could go */
    weir_source source;        /* NULL: none */
    void *source_data;
    weir_source_seek seek;     /* has the source begin elsewhere; NULL: it cannot */
    bool source_done;
    bool source_waits;         /* it said WEIR_AGAIN */
    bool pumping;
    bool nameless;             /* no Server field of ours */
    bool no_body;              /* HEAD, 204, 304: body bytes are dropped */
    bool lengths_differ;       /* a filter changes the length */
    bool cut;                  /* the response could not be completed */
    uint64_t emitted;          /* body bytes given to the driver, when the length was announced */
    uint64_t sent_body;        /* body bytes handed to the client: $body_bytes_sent */
    uint64_t sent_head;        /* head and framing bytes: $bytes_sent is the sum */
    uint64_t finished_ms;
    struct wr_file *file;      /* the first one it held, let go at its end; NULL: none (respond_file.c) */
    weir_str status_text;      /* a reason phrase other than the usual; absent */

    /* Variables. */
    weir_str *vars;            /* by index; NULL until one is asked for */
    uint8_t *var_state;        /* variable.c: how much is known of each */
    struct wr_captures *captures; /* of the expression that matched last; NULL: none has */
    weir_str id;               /* $request_id; absent until asked for, the client's request has it */
    bool pipelined;            /* it came together with an earlier one */
    bool has_limit_rate;       /* `set $limit_rate` overrides */
    uint64_t limit_rate;
};

static inline struct wr_request *
wr_request_of(const weir_request *r)
{
    return (struct wr_request *)(uintptr_t)r;
}

/* The settings of the request's current block. */
static inline const struct wr_server_conf *
wr_server_conf(const struct wr_request *r)
{
    return r->pub.conf[WR_SLOT_SERVER];
}
static inline const struct wr_loc_conf *
wr_loc_conf(const struct wr_request *r)
{
    return r->pub.conf[WR_SLOT_LOC];
}
static inline const struct wr_files_conf *
wr_files_conf(const struct wr_request *r)
{
    return r->pub.conf[WR_SLOT_FILES];
}
static inline const struct wr_body_conf *
wr_body_conf(const struct wr_request *r)
{
    return r->pub.conf[WR_SLOT_BODY];
}
static inline const struct wr_http2_conf *
wr_http2_conf(const struct wr_request *r)
{
    return r->pub.conf[WR_SLOT_HTTP2];
}

/* Is it a field (WEIR_H_*) by which a client asks for a part, or about its own copy? */
bool wr_request_is_condition(uint32_t id);

/* Take those away: what answers r is not what they are about. [RFC 9110 13, 14] */
void wr_request_unconditional(struct wr_request *r);

/* ---- The driver's side. ---- */

/* A request in `pool`, for `server` until its host is known. The driver fills the head (pub.method.. pub.host, in, line). */
struct wr_request *wr_request_create(weir_pool *pool, struct wr_conn *conn,
                                     const struct wr_driver *driver, void *stream,
                                     const struct wr_http *http, const struct wr_server *server);

/* Run it. It may have ended (driver->finish called) when this returns. */
void wr_request_start(struct wr_request *r);

/* Answer with this status before any phase (a bad head that a server and its log are known for). */
void wr_request_refuse(struct wr_request *r, uint32_t status);

/* The client's side can take more of the answer. */
void wr_request_can_send(struct wr_request *r);

/* The client has gone: nothing more can be sent. Ends the request, as soon as no hook of it runs; with `stays` one that outlives
 * its client goes into the background. */
void wr_request_gone(struct wr_request *r, uint32_t log_status, bool stays);

/* Has it ended, or left its driver for the background? */
static inline bool
wr_request_left(const struct wr_request *r)
{
    return r->ended || r->background != NULL;
}

/* After driver->finish, once no byte of it is needed any more, and unless wr_background_take takes it: end its pool's things.
 * The pool itself is the driver's. */
void wr_request_free(struct wr_request *r);

/* ---- Inside http. ---- */

/* Go on with the phases from r->phase, r->hook. */
void wr_request_run(struct wr_request *r);

/* Tell the holders that the client has had the answer, or has gone. */
void wr_request_tell_holders(struct wr_request *r);

/* What the Server field and the built-in pages call us: "weir", or "weir/0.1.0" as server_tokens says. */
weir_str wr_server_token(const struct wr_request *r);

/* The same as a line: "Server: weir\r\n". */
weir_str wr_server_field(const struct wr_request *r);

/* Call a hook: crash attribution, log and ticket context around it. What the handler returned, with a lost AGAIN (no ticket
 * taken) turned into WEIR_ERROR and logged. */
int wr_request_call(struct wr_request *r, const struct wr_plan_hook *h, enum wr_calling calling);

/* Go on with r's phases or response later in this turn. */
void wr_request_later(struct wr_request *r);

/* Change settings and plan to those of a location (or the server's own block). */
void wr_request_enter(struct wr_request *r, const struct wr_location *loc);

/* A hook returned rc in a phase up to CONTENT, or a status has to be answered: error_page, built-in pages, 444. */
void wr_request_answer_status(struct wr_request *r, uint32_t status);

/* Start over at another path or named location (already set) from `phase`. */
void wr_request_restart(struct wr_request *r, uint32_t phase);

/* The response is complete or cut: log, then driver->finish. */
void wr_request_end(struct wr_request *r, bool error);

#endif
