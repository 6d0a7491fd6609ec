/* proxy - passes requests on to other servers and their replies back: proxy_pass and what belongs
 * to it.
 *
 * Here are the tables and the two content hooks; proxy.h says which file does what.
 */
#include "conf.h"

weir_metric *proxy_replies, *proxy_failures, *proxy_tunnels, *proxy_spooled;

/* ---- Hooks. ---- */

static bool
wanted(const void *conf)
{
    return ((const proxy_conf *)conf)->pass != NULL;
}

/* Bring the body, send. */
int
proxied_fetch(weir_request *r, void *data)
{
    struct proxied *p = data;

    p->cached = p->conf->cache != NULL && p->conf->cache->request(r, &p->change);
    return body_up_begin(p);
}

static bool
asks_cache(const struct proxied *p)
{
    return p->conf->cache != NULL && !p->is_upgrade &&
           p->conf->cache->wanted(p->r, WEIR_CACHE_PROXY);
}

static const weir_cache_source source = { .size = sizeof(source),
                                          .fetch = proxied_fetch,
                                          .sets = request_sets };

/* Begin: find out where to, ask the cache, fetch. */
static int
send_request(weir_request *r, const void *conf)
{
    const proxy_conf *c = conf;
    struct proxied *p;
    int rc;

    if (weir_ctx(r) != NULL) {
        return WEIR_NEXT;
    }
    if (forwards_are_over(r, c)) {
        (void)weir_out_set(r, WEIR_STR("Allow"),
                           WEIR_STR("GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"));
        return weir_respond(r, 200, (weir_str){ NULL, 0 }, WEIR_STR(""));
    }
    p = weir_ctx_make(r, sizeof(*p));
    p->r = r;
    p->conf = c;
    rc = target_find(r, c->pass, &p->to);
    if (rc != WEIR_OK) {
        return rc;
    }
    if (c->ignore_client_abort) {
        (void)weir_outlive_client(r, WEIR_IGNORES);
    }
    p->asks_upgrade = p->is_upgrade = upgrade_wanted(r, c);
    if (r->method == WEIR_CONNECT && !p->asks_upgrade && !c->head.sets_upgrade) {
        return 501;
    }
    if (asks_cache(p)) {
        rc = c->cache->open(r, WEIR_CACHE_PROXY, &source, p);
        if (rc != WEIR_NEXT) {
            return rc;
        }
    }
    return proxied_fetch(r, p);
}

/* The reply's head has come: answer. */
static int
answer(weir_request *r, const void *conf)
{
    struct proxied *p = weir_ctx(r);

    (void)conf;
    return p != NULL && p->reply != NULL && p->x != NULL ? reply_answer(p) : WEIR_NEXT;
}

/* For weir -M: who is asked, and for what. */
static void
explain(weir_request *r, const void *conf, uint32_t phase, weir_explain *to)
{
    const struct target *t = ((const proxy_conf *)conf)->pass;
    const weir_cache *cache = ((const proxy_conf *)conf)->cache;
    weir_str uri;

    (void)phase;
    weir_explain_verdict(to, WEIR_DONE);
    if (t->value != NULL) {
        weir_str url = weir_value_get(r, t->value), unknown = weir_explain_unknown(to);
        if (unknown.data != NULL) {
            weir_explain_say(to, "proxy_pass: who is asked is unknown: depends on $%.*s",
                             WEIR_FMT(unknown));
        } else {
            weir_explain_say(to, "proxy_pass: asks %.*s", WEIR_FMT(url));
        }
        return;
    }
    uri = target_uri(r, t, &t->known);
    weir_explain_say(to, "proxy_pass: asks \"%.*s\" for %.*s%s",
                     WEIR_FMT(weir_upstream_name(t->known.to)), WEIR_FMT(uri),
                     t->known.tls ? " over TLS" : "");
    for (uint32_t i = 0; i < weir_upstream_count(t->known.to); i++) {
        const weir_peer *peer = weir_upstream_peer(t->known.to, i);
        weir_explain_say(to, "%s %.*s (%.*s), weight %u",
                         peer->flags & WEIR_PEER_BACKUP ? "backup" : "server", WEIR_FMT(peer->addr),
                         WEIR_FMT(peer->name), (unsigned)peer->weight);
    }
    if (cache != NULL && cache->wanted(r, WEIR_CACHE_PROXY)) {
        cache->explain(r, WEIR_CACHE_PROXY, to);
    }
}

/* ---- Tables. ---- */

static const weir_name versions[] = { { "1.0", 10 }, { "1.1", 11 }, { "2", 20 }, { NULL, 0 } };

static const weir_name forwarded[] = {
    { "off", FORWARDED_OFF }, { "x", FORWARDED_X }, { "rfc7239", FORWARDED_RFC7239 }, { NULL, 0 }
};

static const weir_name ignored[] = { { "X-Accel-Redirect", IGNORE_ACCEL_REDIRECT },
                                     { "X-Accel-Expires", IGNORE_ACCEL_EXPIRES },
                                     { "X-Accel-Limit-Rate", IGNORE_ACCEL_LIMIT_RATE },
                                     { "X-Accel-Buffering", IGNORE_ACCEL_BUFFERING },
                                     { "X-Accel-Charset", IGNORE_ACCEL_CHARSET },
                                     { "Expires", IGNORE_EXPIRES },
                                     { "Cache-Control", IGNORE_CACHE_CONTROL },
                                     { "Set-Cookie", IGNORE_SET_COOKIE },
                                     { "Vary", IGNORE_VARY },
                                     { NULL, 0 } };

enum {
    BLOCKS = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION,
    PASSES = WEIR_IN_LOCATION | WEIR_IN_IF | WEIR_IN_LIMIT_EXCEPT
};

#define OPT(f, X, name, preset, help) WEIR_OPT(proxy_conf, f, X, name, BLOCKS, preset, help)
#define SAFE(f, X, name, preset, compat, help)                                                     \
    WEIR_OPT_COMPAT(proxy_conf, f, X, name, BLOCKS, preset, compat, help)
#define OWN(f, name, min, max, flags, set, help)                                                   \
    WEIR_OPT_CUSTOM(proxy_conf, f, name, BLOCKS, min, max, flags, set, help)

/* A typed row whose value is looked at once more. */
#define CHECKED(f, X, name_, preset_, help_, names_, set_)                                         \
    {                                                                                              \
        .name = name_, .help = help_, .preset = preset_, .where = BLOCKS, .type = WEIR_T_##X,      \
        WEIR_FIELD_(proxy_conf, f, X), .names = names_, .set = set_                                \
    }

/* A list of so many words. */
#define WORDS(f, name_, min_, max_, flags_, help_)                                                 \
    {                                                                                              \
        .name = name_, .help = help_, .where = BLOCKS, .type = WEIR_T_STRS,                        \
        WEIR_FIELD_(proxy_conf, f, STRS), .min = min_, .max = max_, .flags = flags_                \
    }

#define NOTHING(f, X, name_, help_)                                                                \
    {                                                                                              \
        .name = name_, .help = help_, .where = BLOCKS, .type = WEIR_T_##X,                         \
        WEIR_FIELD_(proxy_conf, f, X), .flags = WEIR_D_NOTHING                                     \
    }

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(proxy_conf, pass, "proxy_pass", PASSES, 1, 1, WEIR_D_CONTENT, set_pass,
                    "pass requests on to this server, and its replies back"),

    /* The request. */
    CHECKED(http_version, ENUM, "proxy_http_version", "1.1",
            "the HTTP that is spoken to the upstream", versions, check_version),
    OWN(set_headers, "proxy_set_header", 2, 2, WEIR_D_MANY, set_set_header,
        "a field of the request that is sent, in place of the client's; empty: none"),
    OPT(body, VALUE, "proxy_set_body", NULL, "the body that is sent, in place of the client's"),
    OPT(method, VALUE, "proxy_method", NULL, "the method that is sent, in place of the client's"),
    OPT(pass_headers, FLAG, "proxy_pass_request_headers", "on", "pass the client's fields on"),
    OPT(pass_body, FLAG, "proxy_pass_request_body", "on", "pass the client's body on"),
    OPT(request_buffering, FLAG, "proxy_request_buffering", "on",
        "read a body whole before it is sent"),
    SAFE(via, FLAG, "proxy_via", "on", "off", "name this server in the Via field of requests"),
    WEIR_OPT_NAMES(proxy_conf, forwarded, ENUM, "proxy_forwarded", BLOCKS, "off",
                   "tell the upstream who asked: by X-Forwarded-For and its like, or by Forwarded",
                   forwarded),
    SAFE(upgrade, FLAG, "proxy_upgrade", "on", "off",
         "pass a client's wish for an upgrade (WebSocket) on"),
    OPT(pass_trailers, FLAG, "proxy_pass_trailers", "off", "pass trailers on"),
    OPT(ignore_client_abort, FLAG, "proxy_ignore_client_abort", "off",
        "go on with a request whose client has gone"),
    OWN(early_hints, "early_hints", 1, 0, 0, weir_set_values,
        "pass 103 replies on when none of these is empty or 0"),

    /* The reply. */
    WORDS(hide, "proxy_hide_header", 1, 1, WEIR_D_MANY, "a field of replies that is not passed on"),
    WORDS(pass_fields, "proxy_pass_header", 1, 1, WEIR_D_MANY,
          "a field of replies that is passed on, although it is not by default"),
    WEIR_OPT_NAMES(proxy_conf, ignored, BITS, "proxy_ignore_headers", BLOCKS, NULL,
                   "fields of replies that have no effect here", ignored),
    SAFE(accel, FLAG, "proxy_accel", "off", "on",
         "obey X-Accel-Redirect and its like: the upstream is trusted"),
    SAFE(loose, FLAG, "proxy_loose_replies", "off", "on",
         "take replies whose lines end in a line feed alone, and drop fields whose names are none"),
    OPT(intercept_errors, FLAG, "proxy_intercept_errors", "off",
        "answer replies of 300 and more by error_page"),
    OPT(force_ranges, FLAG, "proxy_force_ranges", "off",
        "answer Range here, whatever the upstream can do"),
    OWN(redirects, "proxy_redirect", 1, 2, WEIR_D_MANY, set_redirect,
        "text in Location and Refresh of replies, and what takes its place"),
    OWN(cookie_domains, "proxy_cookie_domain", 1, 2, WEIR_D_MANY, set_cookie_rule,
        "a domain of cookies in replies, and what takes its place"),
    OWN(cookie_paths, "proxy_cookie_path", 1, 2, WEIR_D_MANY, set_cookie_rule,
        "the beginning of a path of cookies in replies, and what takes its place"),
    OWN(cookie_flags, "proxy_cookie_flags", 1, 0, WEIR_D_MANY, set_cookie_flags,
        "flags that a cookie in replies gets or loses"),

    /* Its body. */
    OPT(buffering, FLAG, "proxy_buffering", "on", "read replies ahead of slow clients"),
    OWN(buffers, "proxy_buffers", 2, 2, 0, set_buffers,
        "number and size of buffers for reading ahead"),
    OPT(buffer_size, SIZE, "proxy_buffer_size", "8k", "longest head of a reply"),
    OPT(busy_size, SIZE, "proxy_busy_buffers_size", "0",
        "checked against the other sizes: no other effect"),
    OPT(file_max, SIZE, "proxy_max_temp_file_size", "1024m",
        "bytes of a reply that are put aside in a file for a slow client; 0: none"),
    OPT(file_write_size, SIZE, "proxy_temp_file_write_size", "0",
        "checked against the other sizes: no other effect"),
    OWN(temp, "proxy_temp_path", 1, 4, 0, set_temp_path, "folder of temporary files"),
    CHECKED(limit_rate, VALUE, "proxy_limit_rate", NULL,
            "bytes a second of a reply that are read from the upstream", NULL, check_rate),
    OWN(store, "proxy_store", 1, 1, 0, set_store, "keep replies as files"),
    OWN(store_access, "proxy_store_access", 1, 3, 0, set_store_access,
        "who may read and write those files"),

    /* The exchange. */
    OWN(retry, "proxy_next_upstream", 1, 0, 0, set_next_upstream,
        "when another server of the group is tried"),
    CHECKED(tries, INT, "proxy_next_upstream_tries", "0", "most servers tried; 0: all", NULL,
            check_positive),
    OPT(tries_ms, MSEC, "proxy_next_upstream_timeout", "0",
        "no server is tried later than this; 0: no limit"),
    OPT(connect_ms, MSEC, "proxy_connect_timeout", "60s", "longest wait for a connection"),
    OPT(send_ms, MSEC, "proxy_send_timeout", "60s",
        "longest time between two writes to the upstream"),
    OPT(read_ms, MSEC, "proxy_read_timeout", "60s",
        "longest time between two reads from the upstream, or of silence in a tunnel"),
    OWN(bind, "proxy_bind", 1, 2, 0, set_bind, "local address that connections come from"),
    OPT(socket_keepalive, FLAG, "proxy_socket_keepalive", "off",
        "have the system probe connections (SO_KEEPALIVE)"),
    CHECKED(rcvbuf, SIZE, "proxy_socket_rcvbuf", "0",
            "the socket's receive buffer (SO_RCVBUF); 0: the system sizes it", NULL,
            check_socket_size),
    CHECKED(sndbuf, SIZE, "proxy_socket_sndbuf", "0",
            "the socket's send buffer (SO_SNDBUF); 0: the system sizes it", NULL,
            check_socket_size),
    NOTHING(send_lowat, SIZE, "proxy_send_lowat", "of other systems: no effect"),
    NOTHING(hash_size, INT, "proxy_headers_hash_max_size", "no hash is made: no effect"),
    NOTHING(hash_bucket, INT, "proxy_headers_hash_bucket_size", "no hash is made: no effect"),

    /* TLS. */
    SAFE(ssl_verify, FLAG, "proxy_ssl_verify", "on", "off", "verify the upstream's certificate"),
    CHECKED(ssl_depth, INT, "proxy_ssl_verify_depth", "1",
            "most certificates between it and the authority's", NULL, check_positive),
    SAFE(ssl_server_name, FLAG, "proxy_ssl_server_name", "on", "off", "send the name by SNI"),
    OPT(ssl_name, VALUE, "proxy_ssl_name", NULL,
        "name that the certificate has to be for; default: $proxy_host"),
    OPT(ssl_session_reuse, FLAG, "proxy_ssl_session_reuse", "on", "resume TLS sessions"),
    WORDS(ssl_protocols, "proxy_ssl_protocols", 1, 0, 0, "versions of TLS: TLSv1.2 TLSv1.3"),
    OPT(ssl_ciphers, STR, "proxy_ssl_ciphers", NULL, "ciphers that are offered"),
    WORDS(ssl_certificate, "proxy_ssl_certificate", 1, 1, WEIR_D_MANY, "file of our certificate"),
    WORDS(ssl_certificate_key, "proxy_ssl_certificate_key", 1, 1, WEIR_D_MANY, "file of its key"),
    OPT(ssl_password_file, PATH, "proxy_ssl_password_file", NULL, "file of passphrases of keys"),
    OPT(ssl_trusted, PATH, "proxy_ssl_trusted_certificate", NULL,
        "file of authorities; default: the system's"),
    OPT(ssl_crl, PATH, "proxy_ssl_crl", NULL, "file of revoked certificates"),
    WORDS(ssl_conf_commands, "proxy_ssl_conf_command", 2, 2, WEIR_D_MANY,
          "a command of OpenSSL's, and its value"),
    OWN(ssl_cache, "proxy_ssl_certificate_cache", 1, 3, 0, set_certificate_cache,
        "how many certificates of names with variables are kept"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT,
      .rank = WEIR_RANK_EARLY,
      .handler = send_request,
      .wanted = wanted,
      .flags = WEIR_HOOK_SUBREQUESTS },
    { .phase = WEIR_PHASE_CONTENT,
      .rank = WEIR_RANK_EARLY + 1,
      .handler = answer,
      .wanted = wanted,
      .flags = WEIR_HOOK_SUBREQUESTS },
};

static const weir_variable variables[] = {
    { .name = "proxy_host", .flags = WEIR_VAR_FRESH | WEIR_VAR_LEAF, .get = var_proxy_host },
    { .name = "proxy_port", .flags = WEIR_VAR_FRESH, .get = var_proxy_port },
    { .name = "proxy_add_x_forwarded_for",
      .flags = WEIR_VAR_FRESH,
      .get = var_add_x_forwarded_for },
    { .name = "proxy_add_via", .flags = WEIR_VAR_FRESH, .get = var_add_via },
    { .name = "proxy_internal_body_length", .flags = WEIR_VAR_FRESH, .get = var_body_length },
    { .name = "proxy_internal_chunked", .flags = WEIR_VAR_FRESH, .get = var_chunked },
};

static const char *const classes[] = { "1xx", "2xx", "3xx", "4xx", "5xx" };
static const char *const failures[] = { "timeout", "busy", "absent", "invalid", "error" };

static const weir_metric_def metrics[] = {
    { .name = "replies_total",
      .help = "replies of upstreams by the class of their status",
      .handle = &proxy_replies,
      .type = WEIR_COUNTER,
      .n = 5,
      .label = "class",
      .values = classes },
    { .name = "failures_total",
      .help = "requests that no upstream replied to, by reason",
      .handle = &proxy_failures,
      .type = WEIR_COUNTER,
      .n = 5,
      .label = "reason",
      .values = failures },
    { .name = "tunnels_total",
      .help = "requests that became tunnels",
      .handle = &proxy_tunnels,
      .type = WEIR_COUNTER },
    { .name = "spooled_bytes_total",
      .help = "bytes of replies put aside in files for slow clients",
      .handle = &proxy_spooled,
      .type = WEIR_COUNTER },
};

WEIR_MODULE("proxy", "1.0", .summary = "passes requests on to other servers",
            .conf_size = sizeof(proxy_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .variables = WEIR_ITEMS(variables),
            .metrics = WEIR_ITEMS(metrics), .check = proxy_check, .explain = explain);
