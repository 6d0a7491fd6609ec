/* relay - a module for tests: connects to an upstream and answers with what it says up to its end of line.
 *
 * `relay NAME` names a group or an address when the configuration is read, `relay_at VALUE` when the request comes. 502 when
 * nobody could be reached, 500 when the value is no address.
 */
#include <weir/weir.h>

typedef struct {
    weir_upstream *to;
    weir_value *at;
} relay_conf;

typedef struct {
    weir_request *r;
    weir_ticket *ticket;
    weir_str said;
} relay_state;

static size_t
received(weir_stream *s, void *data, weir_str bytes)
{
    relay_state *state = data;

    if (memchr(bytes.data, '\n', bytes.len) == NULL) {
        return 0;
    }
    state->said = weir_print(state->r->pool, "%.*s %.*s", WEIR_FMT(weir_stream_peer(s)), WEIR_FMT(bytes));
    weir_stream_close(s);
    weir_resume(state->ticket, weir_respond(state->r, 200, WEIR_STR("text/plain"), state->said));
    return bytes.len;
}

static void
closed(weir_stream *s, void *data, int result)
{
    relay_state *state = data;

    (void)s;
    (void)result;
    weir_resume(state->ticket, 502);
}

static int
relay(weir_request *r, const void *data)
{
    const relay_conf *conf = data;
    relay_state *state = weir_ctx_make(r, sizeof(*state));
    weir_upstream *to = conf->to;
    weir_stream_options o = { .size = sizeof(o), .protocol = "relay", .received = received, .closed = closed };

    if (conf->at != NULL) {
        to = weir_upstream_at(r, weir_value_get(r, conf->at), 80);
    }
    if (to == NULL) {
        return 500;
    }
    state->r = r;
    state->ticket = weir_suspend(r, 0, NULL, NULL);
    o.to = to;
    weir_stream_write(weir_stream_open(r->pool, &o, state), WEIR_STR("who\n"));
    return WEIR_AGAIN;
}

static bool
wanted(const void *data)
{
    const relay_conf *conf = data;

    return conf->to != NULL || conf->at != NULL;
}

static const weir_directive directives[] = {
    WEIR_OPT(relay_conf, to, UPSTREAM, "relay", WEIR_IN_LOCATION, NULL, "the upstream that is asked"),
    WEIR_OPT(relay_conf, at, VALUE, "relay_at", WEIR_IN_LOCATION, NULL, "the address that is asked"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT, .handler = relay, .wanted = wanted },
};

WEIR_MODULE("test.relay", "1.0", .summary = "answers with what an upstream says", .conf_size = sizeof(relay_conf),
            .directives = WEIR_ITEMS(directives), .hooks = WEIR_ITEMS(hooks));
