/* redis_access - lets a request in when Redis knows its key.
 *
 *     upstream sessions { server 127.0.0.1:6379; }
 *     redis_access_zone seen:1m;    # in http: answers are remembered for redis_access_ttl
 *     location /app { redis_access sessions; redis_access_key "session:$cookie_sid"; }
 *
 * Access phase, asynchronous: takes a ticket, writes EXISTS to a kept-alive connection, resumes
 * with the answer. If the client goes away meanwhile, the stream (owned by the request's pool) is
 * closed and nothing is called any more.
 */
#include <weir/weir.h>

typedef struct {
    weir_upstream *redis;
    weir_value *key;
    weir_zone *zone;
    uint64_t ttl;
    uint64_t timeout;
    weir_map *seen; /* made in check() from zone */
} access_conf;

typedef struct {
    weir_request *r;
    weir_ticket *ticket;
    weir_str key;
} access_state;

enum { ALLOWED, DENIED, FAILED };
static weir_metric *decisions;

static int
verdict(bool known)
{
    weir_count_at(decisions, known ? ALLOWED : DENIED, 1);
    return known ? WEIR_DONE : 403;
}

/* RESP answers ":1\r\n" or ":0\r\n"; "-ERR ...\r\n" when something is wrong. */
static size_t
received(weir_stream *s, void *data, weir_str bytes)
{
    access_state *st = data;
    const access_conf *c = weir_loc_conf(st->r);
    const char *end = memchr(bytes.data, '\n', bytes.len);
    int rc = WEIR_ERROR;

    if (end == NULL) {
        return 0; /* not a whole line yet: comes again with more */
    }

    if (bytes.data[0] == ':') {
        uint8_t known = bytes.data[1] == '1';
        if (c->seen != NULL) {
            weir_map_put(c->seen, st->key, &known, c->ttl);
        }
        rc = verdict(known);
        weir_stream_keep(s, 8); /* closes it if there is more than this line */
    } else {
        weir_say(st->r->log, ERROR, "redis says %.*s", (int)(end - bytes.data), bytes.data);
        weir_count_at(decisions, FAILED, 1);
        weir_stream_close(s);
    }
    weir_resume(st->ticket, rc);
    return (size_t)(end - bytes.data) + 1;
}

static void
closed(weir_stream *s, void *data, int result)
{
    access_state *st = data;
    (void)s;
    weir_say(st->r->log, ERROR, "redis connection failed (%d)", result);
    weir_count_at(decisions, FAILED, 1);
    weir_resume(st->ticket, result == WEIR_TIMEOUT ? 504 : 502);
}

static int
access_handler(weir_request *r, const void *conf)
{
    const access_conf *c = conf;
    weir_stream_options o = { .size = sizeof(o),
                              .to = c->redis,
                              .protocol = "redis",
                              .connect_ms = c->timeout,
                              .idle_ms = c->timeout,
                              .received = received,
                              .closed = closed };
    access_state *st = weir_ctx_make(r, sizeof(*st));
    uint8_t known;

    st->r = r;
    st->key = weir_value_get(r, c->key);
    if (st->key.len == 0) {
        return verdict(false);
    }
    if (c->seen != NULL && weir_map_get(c->seen, st->key, &known) == WEIR_OK) {
        return verdict(known);
    }

    st->ticket = weir_suspend(r, 0, NULL, NULL);
    weir_stream_write(weir_stream_open(r->pool, &o, st),
                      weir_print(r->pool, "*2\r\n$6\r\nEXISTS\r\n$%zu\r\n%.*s\r\n", st->key.len,
                                 WEIR_FMT(st->key)));
    return WEIR_AGAIN;
}

static bool
wanted(const void *conf)
{
    return ((const access_conf *)conf)->redis != NULL;
}

static int
check(weir_conf *cf, void *conf)
{
    access_conf *c = conf;
    if (c->redis != NULL && c->key == NULL) {
        return weir_conf_error(cf, "redis_access needs redis_access_key");
    }
    if (c->zone != NULL &&
        (c->seen = weir_map_claim(cf, c->zone, "demo.redis-access/1", sizeof(uint8_t))) == NULL) {
        return WEIR_ERROR;
    }
    return WEIR_OK;
}

static const weir_directive directives[] = {
    WEIR_OPT(access_conf, redis, UPSTREAM, "redis_access", WEIR_IN_ANY, NULL, "the Redis to ask"),
    WEIR_OPT(access_conf, key, VALUE, "redis_access_key", WEIR_IN_ANY, NULL,
             "the key that must exist"),
    WEIR_OPT(access_conf, zone, ZONE, "redis_access_zone", WEIR_IN_HTTP, NULL,
             "name:size of the zone for answers"),
    WEIR_OPT(access_conf, ttl, MSEC, "redis_access_ttl", WEIR_IN_ANY, "5s",
             "how long an answer is remembered"),
    WEIR_OPT(access_conf, timeout, MSEC, "redis_access_timeout", WEIR_IN_ANY, "250ms",
             "how long Redis may take"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_ACCESS, .handler = access_handler, .wanted = wanted },
};

static const char *const outcomes[] = { "allowed", "denied", "failed" };
static const weir_metric_def metrics[] = {
    { .name = "decisions_total",
      .help = "what was decided",
      .handle = &decisions,
      .type = WEIR_COUNTER,
      .n = 3,
      .label = "outcome",
      .values = outcomes },
};

WEIR_MODULE("demo.redis-access", "1.0", .summary = "access by the existence of a Redis key",
            .conf_size = sizeof(access_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .metrics = WEIR_ITEMS(metrics), .check = check);
