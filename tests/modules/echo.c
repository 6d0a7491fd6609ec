/* echo - a module for tests: reads the request body whole and answers with "LENGTH:BODY".
 *
 * With it the framing of a body shows: what was taken for body comes back, and what follows is the next request.
 */
#include <weir/weir.h>

typedef struct {
    bool on;
} echo_conf;

typedef struct {
    weir_chain body;
} echo_state;

static int
source(weir_request *r, void *data, weir_chain *out, size_t want)
{
    echo_state *s = data;

    (void)want;
    weir_chain_push(out, weir_buf_ref(r->pool, weir_print(r->pool, "%llu:",
        (unsigned long long)weir_chain_len(&s->body))));
    weir_chain_take(out, &s->body);
    return WEIR_DONE;
}

static int
answer(weir_request *r, void *data, int result, weir_chain *body)
{
    echo_state *s = data;

    if (result != WEIR_OK) {
        return weir_body_status(result);
    }
    weir_chain_take(&s->body, body);
    return weir_respond_from(r, 200, source, s);
}

static int
echo(weir_request *r, const void *conf)
{
    (void)conf;
    return weir_read_body(r, 0, answer, weir_ctx_make(r, sizeof(echo_state)));
}

static bool
wanted(const void *conf)
{
    return ((const echo_conf *)conf)->on;
}

static const weir_directive directives[] = {
    WEIR_OPT(echo_conf, on, FLAG, "echo", WEIR_IN_LOCATION, "off", "answer with the body of the request"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT, .handler = echo, .wanted = wanted },
};

WEIR_MODULE("test.echo", "1.0", .summary = "answers with the body", .conf_size = sizeof(echo_conf),
            .directives = WEIR_ITEMS(directives), .hooks = WEIR_ITEMS(hooks));
