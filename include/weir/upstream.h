/* weir/upstream.h - other servers: groups of them, HTTP exchanges with them, and load balancing.
 *
 * A weir_upstream is an upstream{} group or a single address: got from a WEIR_T_UPSTREAM directive, by name at load, or by a
 * name that is only known at run time. An exchange is one request to it and its response, streamed both ways; it tries
 * the group's peers until one answers. weir_fetch() is the short form for a module that wants the answer in one piece.
 */
#ifndef WEIR_UPSTREAM_H
#define WEIR_UPSTREAM_H

#include "base.h"
#include "body.h"
#include "conf.h"
#include "log.h"
#include "request.h"

WEIR_BEGIN

/* The group called name, or the address "host:port", "unix:/path"; NULL after a reported error. default_port is for an
 * address without one; 0: it must have one. A host that cannot be resolved is no error: it is asked for again later. A
 * group's name with a port is one: its servers have their own. */
WEIR_API weir_upstream *weir_upstream_find(weir_conf *cf, weir_str name, uint32_t default_port);

/* The same for a name that is only known at run time ($variables); never waits: the exchange does, until the name is
 * resolved. NULL: it is neither a group nor an address. */
WEIR_API weir_upstream *weir_upstream_at(weir_request *r, weir_str name, uint32_t default_port);

/* The upstream{}'s name, or the address as written. */
WEIR_API weir_str weir_upstream_name(const weir_upstream *u);

/* ---- TLS towards an upstream. ------------------------------------------------------------------------------------- */
typedef struct weir_tls_client weir_tls_client;

typedef struct weir_tls_client_options { /* absent strings and zeros: the default */
    uint32_t  size;             /* sizeof(weir_tls_client_options) */
    uint32_t  depth;            /* of the chain; 0: 1 as nginx */
    bool      verify;           /* the peer's certificate and name */
    bool      session_reuse;
    bool      sni;              /* send the name */
    uint8_t   reserved_[5];
    weir_strs certificate;      /* ours: files, pairwise with key. Names with variables are worked out for each connection, */
    weir_strs key;              /* which then serves only requests for which they are the same; empty: no such certificate */
    weir_str  password_file;
    weir_str  trusted;          /* file of authorities; absent: the system's */
    weir_str  crl;
    weir_str  protocols;        /* "TLSv1.2 TLSv1.3" */
    weir_str  ciphers;
    weir_strs conf_commands;    /* name, value, name, value, ... */
    uint64_t  cache_max;        /* certificates of names with variables that are kept; 0: each is read anew */
    uint64_t  cache_inactive_ms; /* not when unused for so long, 0: 10 seconds; */
    uint64_t  cache_valid_ms;   /* looked at again after so long, 0: 60 seconds */
} weir_tls_client_options;

/* Load it, once per block of settings; equal options share. NULL after a reported error. */
WEIR_API weir_tls_client *weir_tls_client_make(weir_conf *cf, const weir_tls_client_options *o);

/* ---- Policies: how exchanges of a location are held. Made at load, constant. --------------------------------------- */
enum weir_retry { /* what lets the next peer be tried; nothing is retried once a byte was answered */
    WEIR_RETRY_ERROR          = 1u << 0, /* connecting, sending or reading the head failed */
    WEIR_RETRY_TIMEOUT        = 1u << 1,
    WEIR_RETRY_INVALID_HEADER = 1u << 2, /* the response breaks HTTP */
    WEIR_RETRY_500            = 1u << 3,
    WEIR_RETRY_502            = 1u << 4,
    WEIR_RETRY_503            = 1u << 5,
    WEIR_RETRY_504            = 1u << 6,
    WEIR_RETRY_403            = 1u << 7,
    WEIR_RETRY_404            = 1u << 8,
    WEIR_RETRY_429            = 1u << 9,
    WEIR_RETRY_NON_IDEMPOTENT = 1u << 10 /* POST, LOCK, PATCH also after the request was sent */
};

typedef struct weir_exchange_policy {
    uint32_t               size;       /* sizeof(weir_exchange_policy) */
    uint32_t               retry;      /* WEIR_RETRY_* */
    uint32_t               tries;      /* most peers tried; 0: all */
    uint32_t               flags;      /* WEIR_POLICY_* */
    uint64_t               tries_ms;   /* no new try later than this; 0: no limit */
    uint64_t               connect_ms; /* each wait; 0: 60 seconds */
    uint64_t               send_ms;
    uint64_t               read_ms;
    uint64_t               head_max;   /* longest response head, bytes; 0: 8k */
    const weir_tls_client *tls;        /* NULL: plain */
    weir_value            *bind;       /* local address[:port] to come from; NULL or empty: the system's choice */
    const char            *protocol;   /* "http": idle connections are shared among exchanges of the same */
    uint32_t               rcvbuf;     /* of the socket, bytes (SO_RCVBUF, SO_SNDBUF); 0: the system sizes it */
    uint32_t               sndbuf;
} weir_exchange_policy;

enum weir_policy_flag {
    WEIR_POLICY_NO_KEEP          = 1u << 0, /* do not reuse connections */
    WEIR_POLICY_SOCKET_KEEPALIVE = 1u << 1, /* SO_KEEPALIVE */
    WEIR_POLICY_TRANSPARENT      = 1u << 2, /* bind to an address that is not ours */
    WEIR_POLICY_ANY_RESPONSE     = 1u << 3  /* a head's lines may end in LF alone; fields whose names are none are dropped */
};

/* In the check of a block whose directive named u: how the block's exchanges with u are held, and the name that a certificate
 * has to be for (absent: u's). A health_check asks u's peers by TLS as this says. policy stays as long as the configuration. */
WEIR_API void weir_upstream_held(weir_conf *cf, weir_upstream *u, const weir_exchange_policy *policy, weir_str tls_name);

/* ---- Exchanges. --------------------------------------------------------------------------------------------------- */
typedef struct weir_exchange weir_exchange;

typedef struct weir_reply { /* server-allocated; prefix. Lives as long as the exchange's owner */
    uint32_t                  status;
    uint32_t                  version; /* 10, 11 */
    int64_t                   length;  /* of the body as announced; -1: not known */
    const weir_header        *first;   /* fields in order, by ->next; hop-by-hop ones and those Connection names are left out */
    const weir_header *const *at;      /* by WEIR_H_*: the first of that name */
    weir_str                  reason;
    weir_str                  peer;    /* who answered: "192.0.2.10:8080" */
    weir_chain               *body;    /* weir_fetch only */
    uint64_t                  us;      /* from the start to the head, microseconds */
} weir_reply;

typedef struct weir_exchange_ops { /* constant. All are called from the loop, none from inside a call into the exchange */
    /* A response's head that is not retried. Then the body is there to be read, if it has one. */
    void (*head)(weir_exchange *x, void *data, const weir_reply *reply);
    /* An interim response other than 100 (at most 16 come). May be NULL. */
    void (*interim)(weir_exchange *x, void *data, const weir_reply *reply);
    /* weir_exchange_read said WEIR_AGAIN, and there is something now: bytes, the end, a failure. */
    void (*readable)(weir_exchange *x, void *data);
    /* weir_exchange_send said WEIR_AGAIN, and more can be taken now. May be NULL for a body given at once. */
    void (*writable)(weir_exchange *x, void *data);
    /* It failed before a head: WEIR_TIMEOUT (504), WEIR_LIMIT (503: every peer is busy, the queue full), WEIR_ABSENT (502: no
     * live peer), WEIR_INVALID (502: a broken response), WEIR_ERROR (502). Logged already. */
    void (*failed)(weir_exchange *x, void *data, int result);
} weir_exchange_ops;

enum weir_exchange_flag {
    WEIR_EXCHANGE_UPGRADE = 1u << 0, /* the request asks for an upgrade: a 101 is an answer, and what follows a tunnel */
    WEIR_EXCHANGE_STREAM  = 1u << 1, /* the body follows by weir_exchange_send: only an unsent one can be retried */
    WEIR_EXCHANGE_CHUNKED = 1u << 2  /* the head says Transfer-Encoding: chunked: the exchange frames what is sent */
};

typedef struct weir_exchange_options {
    uint32_t                    size;   /* sizeof(weir_exchange_options) */
    uint32_t                    flags;  /* WEIR_EXCHANGE_* */
    weir_upstream              *to;
    const weir_exchange_policy *policy;
    const weir_exchange_ops    *ops;
    void                       *data;
    weir_request               *r;      /* on whose behalf: for $upstream_*, balancers and the log; NULL: nobody's */
    const weir_log             *log;    /* NULL: r's, else the worker's */
    weir_str                    head;   /* request line, fields and empty line, as they shall be sent */
    uint32_t                    method; /* WEIR_GET, ...: how the response ends, and what may be retried */
    uint32_t                    reserved_;
    weir_chain                 *body;   /* all of it, taken: it can be sent again to another peer; of a STREAM its beginning. May be NULL */
    weir_str                    tls_name; /* checked in the certificate, and sent (SNI) */
    uint64_t                    peer;     /* weir_peer.id of the one to ask, whatever its state, and no other; 0: by turn */
} weir_exchange_options;

/* Start one; it ends with owner, which must not outlive r. Never NULL: what goes wrong arrives through failed. head, tls_name
 * and the bytes of body must stay as long as it. */
WEIR_API weir_exchange *weir_exchange_start(weir_pool *owner, const weir_exchange_options *o);

/*
 * Body bytes (of a tunnel: bytes), up to about `want`, onto out, as buffers of `pool`.
 *
 * WEIR_OK: some. WEIR_AGAIN: none yet, readable() will be called. WEIR_DONE: that was all, and complete; out may have got the
 * last ones. WEIR_CLOSED, WEIR_TIMEOUT, WEIR_INVALID: it broke off; what came before is not a whole body.
 * What is not read is not taken from the peer: its sender waits.
 */
WEIR_API int weir_exchange_read(weir_exchange *x, weir_pool *pool, weir_chain *out, size_t want);

/* The trailer fields, once read said WEIR_DONE; NULL: none came. */
WEIR_API const weir_header *weir_exchange_trailers(const weir_exchange *x);

/* Send what is on body (taken), in order; last: that is all of it (of a tunnel: shut our side). WEIR_OK; WEIR_AGAIN: taken, but
 * wait for writable() before more; WEIR_CLOSED: not taken. */
WEIR_API int weir_exchange_send(weir_exchange *x, weir_chain *body, bool last);

/* A reply with the status 101: answer x's request with it, and from here on what either end sends goes to the other, until both
 * are done. x is not to be used again, and lives until its request ends. WEIR_DONE; or WEIR_INVALID: the client cannot. */
WEIR_API int weir_exchange_tunnel(weir_exchange *x);

/* Give it up. The connection is kept if the response was read to its end. x must not be used again. */
WEIR_API void weir_exchange_end(weir_exchange *x);

/* r is answered with a response that was stored: $upstream_http_* and $upstream_cookie_* are its fields, by ->next, until r
 * starts another exchange. They stay as long as r. */
WEIR_API void weir_upstream_stored(weir_request *r, const weir_header *fields);

/* What a cache did for r (or for what answers in r's place), in a word as of $upstream_cache_status, which has to be constant.
 * It outlives internal redirects, until r starts another exchange. */
WEIR_API void weir_upstream_cached(weir_request *r, weir_str word);

/* That word; absent: no cache was asked. */
WEIR_API weir_str weir_upstream_cache_status(const weir_request *r);

/* ---- Fetch: an exchange whose answer comes in one piece. ---------------------------------------------------------- */
typedef struct weir_fetch_options {
    uint32_t                    size;       /* sizeof(weir_fetch_options) */
    uint32_t                    method;     /* WEIR_GET, ...; 0: GET */
    weir_upstream              *to;
    weir_str                    host;       /* Host field; absent: the upstream's name */
    weir_str                    target;     /* "/path?args" */
    const weir_pair            *headers;
    uint32_t                    n_headers;
    uint32_t                    flags;      /* 0 */
    weir_chain                 *body;       /* NULL: none; taken */
    uint64_t                    timeout_ms; /* for the whole; 0: the policy's waits */
    uint64_t                    keep;       /* most bytes of body kept; longer: WEIR_LIMIT. 0: the body is dropped */
    const weir_exchange_policy *policy;     /* NULL: the defaults */
    uint64_t                    peer;       /* as in weir_exchange_options */
    const weir_log             *log;        /* NULL: the worker's */
    weir_str                    tls_name;   /* as in weir_exchange_options; absent: host */
} weir_fetch_options;

/* Start it; done(data, result, reply) once, from the loop; reply is NULL unless result is WEIR_OK, and lives until done
 * returns, with its body. What cannot be sent is WEIR_INVALID: a target or field that is none, or a field that is the server's
 * to say (Host, Content-Length, Transfer-Encoding, Connection, Expect). Ends with owner. */
WEIR_API void weir_fetch(weir_pool *owner, const weir_fetch_options *o,
                         void (*done)(void *data, int result, const weir_reply *reply), void *data);

/* ---- Peers. ------------------------------------------------------------------------------------------------------- */
enum weir_peer_flag {
    WEIR_PEER_DOWN      = 1u << 0, /* marked so by configuration or weir_peer_set_down */
    WEIR_PEER_FAILED    = 1u << 1, /* max_fails reached, and no success since; tried again once a fail_timeout */
    WEIR_PEER_BACKUP    = 1u << 2,
    WEIR_PEER_DRAIN     = 1u << 3, /* only requests that are bound to it */
    WEIR_PEER_UNHEALTHY = 1u << 4, /* active checks say so */
    WEIR_PEER_UNKNOWN   = 1u << 5, /* active checks have not said yet, and are mandatory */
    WEIR_PEER_EJECTED   = 1u << 6  /* an outlier, left out for a while */
};

typedef struct weir_peer { /* server-allocated, in shared memory when the group has a zone; prefix */
    weir_str name;      /* as configured: "app1.example:8080" */
    weir_str addr;      /* resolved: "192.0.2.10:8080" */
    weir_str route;     /* route=, for sticky; absent: none */
    uint64_t id;        /* the same as long as name and addr are: for consistent hashing and cookies */
    uint32_t weight;    /* as configured, 1 at least */
    uint32_t max_conns; /* 0: no limit */
    uint32_t active;    /* exchanges under way, by all workers if the group has a zone */
    uint32_t flags;     /* WEIR_PEER_* */
    uint32_t fails;
    uint32_t ewma_us;      /* time to the response head, moving average */
    uint32_t ewma_last_us; /* the same to the response's last byte */
    uint32_t share;        /* thousandths of its weight it may carry now: below 1000 while it starts slowly */
} weir_peer;

/* How many peers, and the i-th. Both change only between callbacks; generation tells when the set changed. */
WEIR_API uint32_t weir_upstream_count(const weir_upstream *u);
WEIR_API const weir_peer *weir_upstream_peer(const weir_upstream *u, uint32_t i);
WEIR_API uint64_t weir_upstream_generation(const weir_upstream *u);

/* Change a peer by id, in all workers if the group has a zone. WEIR_ABSENT: no such. */
WEIR_API int weir_peer_set_down(weir_upstream *u, uint64_t id, bool down);
WEIR_API int weir_peer_set_drain(weir_upstream *u, uint64_t id, bool drain);
WEIR_API int weir_peer_set_health(weir_upstream *u, uint64_t id, bool healthy);

/* ---- Load balancing: a method that a module adds. ----------------------------------------------------------------- */
typedef struct weir_attempt { /* server-allocated; prefix. One an exchange */
    weir_request *r;      /* NULL for background fetches */
    uint32_t      number; /* 0 for the first try, then 1, ... */
    uint32_t      pass;   /* 0: among the primary peers, 1: among the backups */
    void         *state;  /* the method's, for this exchange; starts NULL, lives as long as it */
    weir_pool    *pool;   /* of this exchange */
} weir_attempt;

/* May peer i be picked for this attempt? Not when it is down, failed, busy (max_conns), tried before, or of the other pass. */
WEIR_API bool weir_peer_usable(const weir_upstream *u, const weir_attempt *a, uint32_t i);

/* Whose turn it is by weighted round robin among the usable peers that `among` takes in: for methods that find several as
 * good. UINT32_MAX: none. */
WEIR_API uint32_t weir_peer_turn(const weir_upstream *u, const weir_attempt *a, bool (*among)(const void *data, uint32_t i),
                                 const void *data);

/* For methods that draw a number: the weights of all peers of the attempt's pass, usable or not, and the peer in whose part of
 * that sum w lies; UINT32_MAX: in nobody's. As long as the set of peers is the same, so is the answer. */
WEIR_API uint64_t weir_peer_weights(const weir_upstream *u, const weir_attempt *a);
WEIR_API uint32_t weir_peer_by_weight(const weir_upstream *u, const weir_attempt *a, uint64_t w);

typedef struct weir_balancer { /* constant */
    uint32_t size; /* sizeof(weir_balancer) */
    uint32_t flags; /* 0 */
    /* Choose peer *i. WEIR_OK; WEIR_NEXT: no opinion: weighted round robin decides. The server checks that *i is usable, or,
     * for a request bound to it (`bound` set), that it can be used at all (drain and another pass do not matter). */
    int (*pick)(const weir_upstream *u, void *group, weir_attempt *a, uint32_t *i, bool *bound);
    /* The peer that was picked in the end has answered with a head; fields may be added to a's request's response (a cookie).
     * May be NULL. */
    void (*answered)(const weir_upstream *u, void *group, weir_attempt *a, uint32_t i, const weir_reply *reply);
    /* The exchange with peer i is over: WEIR_OK, WEIR_ABSENT (given up for a reason that is not the peer's), or how it failed.
     * Not called for a peer that was taken out of the group meanwhile. May be NULL. */
    void (*done)(const weir_upstream *u, void *group, weir_attempt *a, uint32_t i, int result);
} weir_balancer;

/* In the setter of a WEIR_IN_UPSTREAM directive: this group picks its peers by b. beside: on top of the group's method, asked first
 * (sticky); otherwise it is the method, of which there can be one. group is the method's own. */
WEIR_API int weir_upstream_balance(weir_conf *cf, const weir_balancer *b, void *group, bool beside);

/* In such a setter: the group the directive stands in. */
WEIR_API weir_upstream *weir_upstream_here(weir_conf *cf);

#if UINTPTR_MAX == UINT64_MAX
WEIR_ASSERT(offsetof(weir_peer, ewma_us) == 76 && sizeof(weir_balancer) == 32, "layout");
#endif

WEIR_END
#endif
