/* proxy/proxy.h - what the files of the proxy share: a location's settings, and one proxied
 * request.
 *
 * A request's course: target.c says where it goes, request.c writes the head that is sent,
 * body_up.c brings the client's body, an exchange (<weir/upstream.h>) carries both and brings the
 * reply, reply.c makes the answer's head of it (redirect.c, cookies.c, accel.c), body_down.c its
 * body (spool.c for slow clients), upgrade.c a tunnel.
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include <weir/cache.h>
#include <weir/weir.h>

enum { TEXT_MAX = 1 << 20 }; /* bytes: of a head, of a URI */

/* ---- Settings. ---- */

/* Where a request goes. */
struct destination {
    weir_upstream *to;
    bool tls;
    weir_str host; /* $proxy_host: host, and port where it is not the scheme's own */
    weir_str port; /* $proxy_port */
    weir_str uri;  /* behind the authority; absent: none was written */
};

/* proxy_pass. */
struct target {
    weir_str text;     /* as written */
    weir_value *value; /* with variables: all of it; NULL: known is it */
    struct destination known;
    weir_str location; /* the part of a path that known.uri takes the place of */
    uint32_t location_kind;
};

/* proxy_set_header, in the order of the file. */
struct set_header {
    struct set_header *next;
    weir_str name;
    weir_value *value;
};

/* A step of writing a head: a constant run of lines, or one line with a value. */
struct head_step {
    weir_str text;     /* the lines; or "Name: " */
    weir_value *value; /* NULL: text is all */
    uint32_t id;       /* of the name, WEIR_H_*; 0 for others */
};

/* What request.c made of the settings of one block. */
struct head_template {
    const struct head_step *steps;
    uint32_t n_steps;
    uint64_t dropped;        /* fields of the client's, by 1 << WEIR_H_*, that are not passed on */
    weir_strs dropped_names; /* and those without id */
    bool sets_connection, sets_upgrade, sets_te;
    bool names_upgrade; /* the Upgrade that is set is the same for every request */
    bool forwarded; /* a Forwarded of ours goes with it */
};

struct rewrite_rule; /* rewrite.h */
struct cookie_flags; /* cookies.c */

/* proxy_redirect, proxy_cookie_domain, proxy_cookie_path: their rules, first match first. */
struct rewrites {
    const struct rewrite_rule *first;
    bool off;
    bool standard; /* proxy_redirect default stands there */
    bool written;
};

struct cookie_flag_rules {
    const struct cookie_flags *first;
    bool off;
};

struct bind {
    weir_value *address; /* NULL: off */
    bool transparent;
};

struct retry {
    uint32_t on; /* WEIR_RETRY_* */
    bool written;
};

struct buffers {
    uint32_t number;
    uint64_t size;
};

struct temp_folder {
    weir_str path;
    uint32_t levels[3];
};

/* proxy_ssl_certificate_cache. */
struct certificate_cache {
    uint64_t max; /* 0: off */
    uint64_t inactive_ms, valid_ms;
};

/* proxy_ignore_headers. */
enum ignored {
    IGNORE_ACCEL_REDIRECT = 1 << 0,
    IGNORE_ACCEL_EXPIRES = 1 << 1,
    IGNORE_ACCEL_LIMIT_RATE = 1 << 2,
    IGNORE_ACCEL_BUFFERING = 1 << 3,
    IGNORE_ACCEL_CHARSET = 1 << 4,
    IGNORE_EXPIRES = 1 << 5,
    IGNORE_CACHE_CONTROL = 1 << 6,
    IGNORE_SET_COOKIE = 1 << 7,
    IGNORE_VARY = 1 << 8
};

enum forwarded { FORWARDED_OFF, FORWARDED_X, FORWARDED_RFC7239 };

enum { STORE_OFF, STORE_ON, STORE_PATH };

struct store_conf {
    uint32_t mode;    /* STORE_* */
    weir_value *path; /* STORE_PATH */
};

typedef struct {
    struct target *pass; /* NULL: nothing is proxied here */
    /* The request. */
    uint32_t http_version; /* 10, 11 */
    struct set_header *set_headers;
    weir_value *body;   /* proxy_set_body; NULL: the client's */
    weir_value *method; /* NULL: the client's */
    bool pass_headers, pass_body;
    bool request_buffering;
    bool via;
    uint32_t forwarded; /* enum forwarded */
    bool upgrade;
    bool pass_trailers;
    bool ignore_client_abort;
    weir_values early_hints; /* conditions */
    /* The reply. */
    weir_strs hide, pass_fields;
    uint32_t ignored; /* enum ignored, or-ed */
    bool accel;
    bool loose; /* lines of a head may end in LF alone */
    bool intercept_errors;
    bool force_ranges;
    struct rewrites redirects, cookie_domains, cookie_paths;
    struct cookie_flag_rules cookie_flags;
    /* Its body. */
    bool buffering;
    struct buffers buffers;
    uint64_t buffer_size, busy_size, file_write_size, file_max;
    struct temp_folder temp;
    weir_value *limit_rate; /* NULL: none */
    struct store_conf store;
    uint32_t store_access; /* mode bits */
    /* The exchange. */
    struct retry retry;
    int64_t tries;
    uint64_t tries_ms, connect_ms, send_ms, read_ms;
    struct bind bind;
    bool socket_keepalive;
    uint64_t send_lowat, rcvbuf, sndbuf;
    int64_t hash_size, hash_bucket;
    /* TLS. */
    bool ssl_verify, ssl_server_name, ssl_session_reuse;
    int64_t ssl_depth;
    weir_value *ssl_name;
    weir_strs ssl_certificate, ssl_certificate_key, ssl_protocols, ssl_conf_commands;
    weir_str ssl_password_file, ssl_trusted, ssl_crl, ssl_ciphers;
    struct certificate_cache ssl_cache;
    /* Made in check(). */
    const weir_cache *cache; /* NULL: there is none */
    weir_str standard_from, standard_to; /* what proxy_pass says of redirects; absent: nothing */
    int32_t limit_rate_var;
    struct head_template head;
    uint64_t hidden;        /* fields of replies, by 1 << WEIR_H_*, that are not passed on */
    weir_strs hidden_names; /* and those without id */
    uint64_t asked;         /* fields that may be changed, in the same way */
    uint64_t asked_lengths; /* and without id, by 1 << length & 63 of the name: hidden ones, too */
    weir_exchange_policy plain, tls;
} proxy_conf;

/* ---- One proxied request. ---- */

/* What its ticket stands for. */
enum awaited { AWAIT_NOTHING, AWAIT_REPLY, AWAIT_BODY };

struct spool; /* spool.h */
struct store; /* store.c */

struct proxied {
    weir_request *r;
    const proxy_conf *conf;
    struct destination to;
    weir_exchange *x; /* NULL: not begun, or given up */
    const weir_reply *reply;
    bool has_accel; /* it has an X-Accel-* */
    weir_ticket *ticket;
    uint8_t awaited;   /* enum awaited */
    bool asks_upgrade; /* the client's wish for an upgrade is passed on without being told to */
    bool is_upgrade;   /* the request that is sent asks for one */
    /* The body going up. */
    int64_t up_length; /* -1: not known */
    bool up_chunked;   /* sent in chunks */
    bool up_frames;    /* the chunks are ours, for the sake of trailers */
    bool up_stuck;     /* the exchange has enough for now */
    bool up_over;
    bool streams; /* it is sent as it comes */
    /* The body coming down. */
    bool buffering;
    bool flushes;     /* each piece is sent on at once: filters hold nothing back */
    bool ended;       /* all has come from the upstream, or it broke off: */
    int result;       /* WEIR_DONE, or how */
    weir_chain ahead; /* read ahead of the client */
    uint64_t ahead_bytes;
    struct spool *spool;     /* NULL: nothing was written to a file */
    weir_timer *ahead_timer; /* NULL: not needed yet */
    uint64_t
        behind_since; /* weir_now() when the memory for reading ahead was full first; 0: never */
    uint64_t rate;    /* proxy_limit_rate, bytes a second; 0: none */
    uint64_t rate_since;
    uint64_t taken; /* bytes read from the upstream */
    weir_timer *rate_timer;
    struct store *store;
    /* The cache. */
    weir_cache_request change; /* what the request that is sent differs in */
    bool cached;               /* it hears of the reply, */
    bool kept;                 /* and has taken its body */
    bool anew;                 /* the request was sent a second time, from the hook that answers */
};

extern weir_metric *proxy_replies, *proxy_failures, *proxy_tunnels, *proxy_spooled;

/* target.c */
int set_pass(weir_conf *cf, const weir_directive *d, void *field);
/* Where r goes: WEIR_OK, or a status to answer with. */
int target_find(weir_request *r, const struct target *t, struct destination *to);
/* Path and query that are asked for there; absent after a logged error. */
weir_str target_uri(weir_request *r, const struct target *t, const struct destination *to);

/* request.c */
bool request_sets(weir_request *r, void *data, weir_str name, weir_str *value); /* weir_cache_source */
int set_set_header(weir_conf *cf, const weir_directive *d, void *field);
int head_compile(weir_conf *cf, proxy_conf *c);
/* The head to send: absent after a logged error. */
weir_str head_write(struct proxied *p);

/* forwarded.c: fields about the client and the way a request went. */
void forwarded_write(weir_text *to, struct proxied *p);
void via_write(weir_text *to, weir_request *r);
weir_str add_x_forwarded_for(weir_request *r);
/* Max-Forwards of OPTIONS: has the request come to its end here? */
bool forwards_are_over(weir_request *r, const proxy_conf *c);
/* Is the client's field one that its Connection names? */
bool is_nominated(const weir_request *r, const weir_header *h);

/* body_up.c: begin with the body as the settings say; what the hook answers. */
int body_up_begin(struct proxied *p);
void body_up_writable(struct proxied *p);

/* chunks.c: frame what is on body as a chunk; last: and end with the request's trailers. */
void chunks_frame(struct proxied *p, weir_chain *body, bool last);
/* Are there trailers of r that may be passed on? Its body has come to its end. */
bool chunks_trail(const weir_request *r);

/* send.c: the exchange. */
int send_begin(struct proxied *p, weir_chain *body);
void send_give_up(struct proxied *p);
/* Wait for what; WEIR_AGAIN, or 500. And the end of waiting: the hook, or the source, is taken to
 * have answered rc. */
int proxied_wait(struct proxied *p, enum awaited what);
void proxied_wake(struct proxied *p, int rc);

/* proxy.c: ask the cache how, and send. */
int proxied_fetch(weir_request *r, void *data);

/* reply.c: answer with p's reply; what the hook answers. */
int reply_answer(struct proxied *p);
int reply_compile(weir_conf *cf, proxy_conf *c);

/* redirect.c, cookies.c: fields of replies, rewritten; the value itself if no rule wants it
 * changed. */
int set_redirect(weir_conf *cf, const weir_directive *d, void *field);
int redirect_compile(weir_conf *cf, proxy_conf *c);
weir_str redirect_rewrite(weir_request *r, const proxy_conf *c, weir_str value, bool *changed);
weir_str refresh_rewrite(weir_request *r, const proxy_conf *c, weir_str value);
int set_cookie_rule(weir_conf *cf, const weir_directive *d, void *field);
int set_cookie_flags(weir_conf *cf, const weir_directive *d, void *field);
weir_str cookie_rewrite(weir_request *r, const proxy_conf *c, weir_str value);

/* accel.c: X-Accel-*. WEIR_NEXT: nothing that answers instead. accel_note comes before the others. */
void accel_note(struct proxied *p);
int accel_obey(struct proxied *p);
weir_str accel_header(const struct proxied *p, weir_str name, uint32_t ignored);

/* body_down.c */
int body_down_answer(struct proxied *p, uint32_t status);
void body_down_readable(struct proxied *p);

/* upgrade.c */
bool upgrade_wanted(const weir_request *r, const proxy_conf *c);
int upgrade_answer(struct proxied *p);

/* store.c */
int set_store(weir_conf *cf, const weir_directive *d, void *field);
int set_store_access(weir_conf *cf, const weir_directive *d, void *field);
bool store_is_outdone(weir_conf *cf);
void store_begin(struct proxied *p);
void store_add(struct proxied *p, const weir_chain *c, const weir_buf *after);
void store_end(struct proxied *p);

/* ssl.c: the policy for https, made of the settings. */
int set_certificate_cache(weir_conf *cf, const weir_directive *d, void *field);
int ssl_compile(weir_conf *cf, proxy_conf *c);
weir_str ssl_name(struct proxied *p);

/* variables.c */
weir_str var_proxy_host(weir_request *r, const void *conf, weir_str name);
weir_str var_proxy_port(weir_request *r, const void *conf, weir_str name);
weir_str var_add_x_forwarded_for(weir_request *r, const void *conf, weir_str name);
weir_str var_body_length(weir_request *r, const void *conf, weir_str name);
weir_str var_chunked(weir_request *r, const void *conf, weir_str name);
weir_str var_add_via(weir_request *r, const void *conf, weir_str name);

#endif
