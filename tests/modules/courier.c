/* courier - a module for tests: passes requests on to an upstream by an exchange, or asks it by a
 * fetch, with as little as that takes.
 *
 * courier NAME: the response streams through. courier_fetch NAME: it comes in one piece, behind
 * "STATUS:"; a failure is "failed N". courier_retry: which failures the next peer is tried after.
 * courier_tls NAME: by TLS, to a server of that name; courier_tls_...: as the options are called.
 */
#include <weir/weir.h>

typedef struct {
    weir_upstream *to, *fetch;
    uint64_t read_ms;
    bool retry;
    bool keep;
    weir_str tls_name;
    bool verify, reuse, sni;
    weir_strs certificate, key, commands;
    weir_str password_file, trusted, crl, protocols, ciphers;
    int64_t depth;
    weir_tls_client *tls;
} courier_conf;

typedef struct {
    weir_exchange *x;
    weir_ticket *ticket;
    weir_request *r;
    weir_chain body;
    weir_exchange_policy policy;
} courier_state;

/* ---- courier. ---- */

static int
source(weir_request *r, void *data, weir_chain *out, size_t want)
{
    courier_state *s = data;

    switch (weir_exchange_read(s->x, r->pool, out, want)) {
    case WEIR_OK:
        return WEIR_NEXT;
    case WEIR_DONE:
        return WEIR_DONE;
    case WEIR_AGAIN:
        s->ticket = weir_suspend(r, 0, NULL, NULL);
        return WEIR_AGAIN;
    default:
        return WEIR_ERROR;
    }
}

static void
head(weir_exchange *x, void *data, const weir_reply *reply)
{
    courier_state *s = data;
    weir_ticket *handler = s->ticket; /* the source may take one of its own at once */
    int rc;

    s->x = x;
    for (const weir_header *h = reply->first; h != NULL; h = h->next) {
        (void)weir_out_add(s->r, h->name, h->value);
    }
    (void)weir_out_length(s->r, reply->length);
    rc = weir_respond_from(s->r, reply->status, source, s);
    (void)weir_resume(handler, rc);
}

static void
readable(weir_exchange *x, void *data)
{
    courier_state *s = data;

    (void)x;
    (void)weir_resume(s->ticket, WEIR_NEXT);
}

static void
failed(weir_exchange *x, void *data, int result)
{
    courier_state *s = data;

    (void)x;
    (void)weir_resume(s->ticket, result == WEIR_TIMEOUT ? 504 : result == WEIR_LIMIT ? 503 : 502);
}

static const weir_exchange_ops ops = { .head = head, .readable = readable, .failed = failed };

static int
start(weir_request *r, const courier_conf *c, courier_state *s)
{
    weir_exchange_options o = { .size = sizeof(o), .to = c->to, .ops = &ops, .data = s, .r = r };

    s->r = r;
    s->policy = (weir_exchange_policy){ .size = sizeof(s->policy),
                                        .retry = c->retry ? UINT32_MAX & ~(uint32_t)WEIR_RETRY_NON_IDEMPOTENT
                                                          : 0u,
                                        .flags = c->keep ? 0u : WEIR_POLICY_NO_KEEP,
                                        .read_ms = c->read_ms,
                                        .connect_ms = c->read_ms,
                                        .tls = c->tls,
                                        .protocol = "http" };
    o.tls_name = c->tls_name;
    o.policy = &s->policy;
    o.method = r->method;
    o.head = weir_print(r->pool, "%.*s %.*s HTTP/1.1\r\nHost: %.*s\r\nContent-Length: %llu\r\n\r\n",
                        WEIR_FMT(r->method_name), WEIR_FMT(r->target),
                        WEIR_FMT(weir_upstream_name(c->to)),
                        (unsigned long long)weir_chain_len(&s->body));
    o.body = &s->body;
    s->ticket = weir_suspend(r, 0, NULL, NULL);
    weir_exchange_start(r->pool, &o);
    return WEIR_AGAIN;
}

/* ---- courier_fetch. ---- */

static void
fetched(void *data, int result, const weir_reply *reply)
{
    courier_state *s = data;
    weir_str body = { "", 0 };

    if (reply != NULL) {
        body = weir_chain_str(s->r->pool, reply->body, 4096);
    }
    body = reply != NULL ? weir_print(s->r->pool, "%u:%.*s", reply->status, WEIR_FMT(body))
                         : weir_print(s->r->pool, "failed %d", result);
    (void)weir_resume(s->ticket, weir_respond(s->r, 200, WEIR_STR("text/plain"), body));
}

static int
fetch(weir_request *r, const courier_conf *c, courier_state *s)
{
    const weir_fetch_options o = { .size = sizeof(o),
                                   .to = c->fetch,
                                   .target = r->target,
                                   .timeout_ms = c->read_ms,
                                   .keep = 4096 };

    s->r = r;
    s->ticket = weir_suspend(r, 0, NULL, NULL);
    weir_fetch(r->pool, &o, fetched, s);
    return WEIR_AGAIN;
}

static int
have_body(weir_request *r, void *data, int result, weir_chain *body)
{
    courier_state *s = data;

    if (result != WEIR_OK) {
        return weir_body_status(result);
    }
    weir_chain_take(&s->body, body);
    return start(r, weir_loc_conf(r), s);
}

static int
courier(weir_request *r, const void *conf)
{
    const courier_conf *c = conf;
    courier_state *s = weir_ctx_make(r, sizeof(*s));

    if (c->fetch != NULL) {
        return fetch(r, c, s);
    }
    return weir_read_body(r, 0, have_body, s);
}

static bool
wanted(const void *conf)
{
    const courier_conf *c = conf;

    return c->to != NULL || c->fetch != NULL;
}

static const weir_directive directives[] = {
    WEIR_OPT(courier_conf, to, UPSTREAM, "courier", WEIR_IN_LOCATION, NULL, "pass requests on"),
    WEIR_OPT(courier_conf, fetch, UPSTREAM, "courier_fetch", WEIR_IN_LOCATION, NULL, "ask by a fetch"),
    WEIR_OPT(courier_conf, read_ms, MSEC, "courier_timeout", WEIR_IN_ANY, "5s", "for each read"),
    WEIR_OPT(courier_conf, retry, FLAG, "courier_retry", WEIR_IN_ANY, "off", "try the next peer"),
    WEIR_OPT(courier_conf, keep, FLAG, "courier_keep", WEIR_IN_ANY, "on", "keep connections"),
    WEIR_OPT(courier_conf, tls_name, STR, "courier_tls", WEIR_IN_ANY, NULL, "speak TLS"),
    WEIR_OPT(courier_conf, verify, FLAG, "courier_tls_verify", WEIR_IN_ANY, "on", "verify"),
    WEIR_OPT(courier_conf, reuse, FLAG, "courier_tls_session_reuse", WEIR_IN_ANY, "on", "sessions"),
    WEIR_OPT(courier_conf, sni, FLAG, "courier_tls_sni", WEIR_IN_ANY, "on", "tell the name"),
    WEIR_OPT(courier_conf, certificate, STRS, "courier_tls_certificate", WEIR_IN_ANY, NULL, "ours"),
    WEIR_OPT(courier_conf, key, STRS, "courier_tls_key", WEIR_IN_ANY, NULL, "its key"),
    WEIR_OPT(courier_conf, password_file, STR, "courier_tls_password", WEIR_IN_ANY, NULL, "words"),
    WEIR_OPT(courier_conf, trusted, STR, "courier_tls_trusted", WEIR_IN_ANY, NULL, "authorities"),
    WEIR_OPT(courier_conf, crl, STR, "courier_tls_crl", WEIR_IN_ANY, NULL, "revoked ones"),
    WEIR_OPT(courier_conf, protocols, STR, "courier_tls_protocols", WEIR_IN_ANY, NULL, "versions"),
    WEIR_OPT(courier_conf, ciphers, STR, "courier_tls_ciphers", WEIR_IN_ANY, NULL, "ciphers"),
    WEIR_OPT(courier_conf, commands, STRS, "courier_tls_commands", WEIR_IN_ANY, NULL, "OpenSSL's"),
    WEIR_OPT(courier_conf, depth, INT, "courier_tls_depth", WEIR_IN_ANY, "0", "of the chain"),
};

static int
check(weir_conf *cf, void *conf)
{
    courier_conf *c = conf;
    weir_tls_client_options o = { .size = sizeof(o),
                                  .depth = (uint32_t)c->depth,
                                  .verify = c->verify,
                                  .session_reuse = c->reuse,
                                  .sni = c->sni,
                                  .certificate = c->certificate,
                                  .key = c->key,
                                  .password_file = c->password_file,
                                  .trusted = c->trusted,
                                  .crl = c->crl,
                                  .protocols = c->protocols,
                                  .ciphers = c->ciphers,
                                  .conf_commands = c->commands };

    if (c->tls_name.data == NULL) {
        return WEIR_OK;
    }
    c->tls = weir_tls_client_make(cf, &o);
    return c->tls != NULL ? WEIR_OK : WEIR_ERROR;
}

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT, .handler = courier, .wanted = wanted },
};

WEIR_MODULE("test.courier", "1.0", .summary = "passes requests on", .conf_size = sizeof(courier_conf),
            .directives = WEIR_ITEMS(directives), .hooks = WEIR_ITEMS(hooks), .check = check);
