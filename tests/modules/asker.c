/* asker - a module for tests: asks the server itself before it answers.
 *
 *     ask URI;        answers with "STATUS FIELD BODY": what a subrequest to URI gave, and its X-Field; the body of the
 *                     request goes with it
 *     ask_first URI;  lets a request in when a subrequest to URI is answered with 2xx, else answers its status
 *     ask_thrice URI; the bodies of three subrequests at once, in order, as one answer
 */
#include <weir/weir.h>

typedef struct {
    weir_value *ask, *first, *thrice;
} asker_conf;

typedef struct {
    weir_ticket *ticket;
    weir_str text;
    int status;
} asker_state;

static void
told(weir_request *r, void *data, int result, weir_request *sub, weir_chain *body)
{
    asker_state *s = data;
    const weir_header *field = weir_out_find(sub, WEIR_STR("X-Field"));
    weir_str said = weir_chain_str(r->pool, body, 1 << 20);
    weir_str none = WEIR_STR("-");

    s->status = (int)sub->status;
    s->text = weir_print(r->pool, "%d %.*s %.*s", result == WEIR_OK ? s->status : result,
                         WEIR_FMT(field != NULL ? field->value : none), WEIR_FMT(said));
    weir_resume(s->ticket, WEIR_NEXT);
}

static int
ask(weir_request *r, weir_str target, weir_chain *body)
{
    asker_state *s = weir_ctx_make(r, sizeof(*s));
    weir_sub_options o = { .size = sizeof(o), .target = target, .body = body, .keep = 1 << 20 };

    if (body != NULL && body->head != NULL && weir_chain_len(body) != 0) {
        o.method = WEIR_POST;
    }
    s->ticket = weir_suspend(r, 0, NULL, NULL);
    return s->ticket != NULL && weir_subrequest(r, &o, told, s) == WEIR_OK ? WEIR_AGAIN : 500;
}

static int
body_came(weir_request *r, void *data, int result, weir_chain *body)
{
    return result == WEIR_OK ? ask(r, weir_value_get(r, data), body) : weir_body_status(result);
}

static int
content(weir_request *r, const void *conf)
{
    const asker_conf *c = conf;

    if (c->ask != NULL) {
        return weir_read_body(r, 0, body_came, (void *)(uintptr_t)c->ask);
    }
    return WEIR_NEXT;
}

static int
give_three(weir_request *r, void *data, weir_chain *out, size_t want)
{
    (void)want;
    for (int i = 0; i < 3; i++) {
        weir_chain_push(out, weir_sub_buf(r, weir_value_get(r, data)));
    }
    return WEIR_DONE;
}

static int
answer(weir_request *r, const void *conf)
{
    const asker_conf *c = conf;
    asker_state *s = weir_ctx(r);

    if (c->thrice != NULL) {
        return weir_respond_from(r, 200, give_three, c->thrice);
    }
    return s != NULL && c->ask != NULL ? weir_respond(r, 200, WEIR_STR("text/plain"), s->text) : WEIR_NEXT;
}

static int
before(weir_request *r, const void *conf)
{
    return ask(r, weir_value_get(r, ((const asker_conf *)conf)->first), NULL);
}

static int
behind(weir_request *r, const void *conf)
{
    const asker_state *s = weir_ctx(r);

    (void)conf;
    return s == NULL || s->status / 100 == 2 ? WEIR_NEXT : s->status;
}

static bool
wants_content(const void *conf)
{
    return ((const asker_conf *)conf)->ask != NULL || ((const asker_conf *)conf)->thrice != NULL;
}

static bool
wants_access(const void *conf)
{
    return ((const asker_conf *)conf)->first != NULL;
}

static const weir_directive directives[] = {
    WEIR_OPT(asker_conf, ask, VALUE, "ask", WEIR_IN_LOCATION, NULL, "answer with what this says"),
    WEIR_OPT(asker_conf, first, VALUE, "ask_first", WEIR_IN_LOCATION, NULL, "ask this whether a request may in"),
    WEIR_OPT(asker_conf, thrice, VALUE, "ask_thrice", WEIR_IN_LOCATION, NULL, "three times what this says"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_ACCESS, .rank = WEIR_RANK_EARLY, .handler = before, .wanted = wants_access },
    { .phase = WEIR_PHASE_ACCESS, .handler = behind, .wanted = wants_access },
    { .phase = WEIR_PHASE_CONTENT, .rank = WEIR_RANK_EARLY, .handler = content, .wanted = wants_content },
    { .phase = WEIR_PHASE_CONTENT, .handler = answer, .wanted = wants_content },
};

WEIR_MODULE("test.asker", "1.0", .summary = "asks the server itself", .conf_size = sizeof(asker_conf),
            .directives = WEIR_ITEMS(directives), .hooks = WEIR_ITEMS(hooks));
