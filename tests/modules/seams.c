/* seams - a module for tests: a body as it comes, interim answers, tunnels, a client that may go.
 *
 *     piecewise on;   answers with the body, passed on piece by piece; the query's `hold=N` leaves
 * the first N pieces where they are, and looks again in the next turn hints on;       a 103 with a
 * Link, then 200 "ok" tunnel on;      a 101 for `Upgrade: echo`, then what comes goes back, in
 * upper case; "bye" ends it from our side outlive on;     waits 200 ms, then 200 "ok", whether the
 * client stays or not
 */
#include <weir/weir.h>

typedef struct {
    bool piecewise, hints, tunnel, outlive;
} seams_conf;

typedef struct {
    weir_chain back; /* to be answered */
    unsigned hold;
    weir_ticket *ticket; /* the source's, or the hook's; NULL: it does not wait */
    bool done;
    int result;
} seams_state;

static void
wake(seams_state *s, int rc)
{
    weir_ticket *t = s->ticket;

    s->ticket = NULL;
    if (t != NULL) {
        weir_resume(t, rc);
    }
}

/* ---- piecewise. ---- */

static int
give_back(weir_request *r, void *data, weir_chain *out, size_t want)
{
    seams_state *s = data;
    bool had = s->back.head != NULL;

    (void)want;
    weir_chain_take(out, &s->back);
    if (s->done) {
        return s->result == WEIR_DONE ? WEIR_DONE : WEIR_ERROR;
    }
    if (had) {
        weir_stream_body_go(r);
        return WEIR_NEXT;
    }
    s->ticket = weir_suspend(r, 0, NULL, NULL);
    return WEIR_AGAIN;
}

static void
piece(weir_request *r, void *data, int result, weir_chain *body)
{
    seams_state *s = data;

    if (s->hold != 0 && result == WEIR_NEXT) {
        s->hold--;
        weir_stream_body_go(r);
        return;
    }
    if (s->back.head != NULL) {
        return; /* the client of the answer is behind: the body waits */
    }
    weir_chain_take(&s->back, body);
    s->done = result != WEIR_NEXT;
    s->result = result;
    wake(s, WEIR_NEXT);
}

static int
piecewise(weir_request *r)
{
    seams_state *s = weir_ctx_make(r, sizeof(*s));
    weir_str hold = weir_arg(r, WEIR_STR("hold"));

    s->hold = hold.len != 0 ? (unsigned)(hold.data[0] - '0') : 0;
    if (weir_stream_body(r, 0, piece, s) != WEIR_OK) {
        return 500;
    }
    if (weir_stream_body(r, 0, piece, s) != WEIR_INVALID) {
        return 500;
    }
    return weir_respond_from(r, 200, give_back, s);
}

/* ---- hints. ---- */

static int
hints(weir_request *r)
{
    weir_header link = { .name = WEIR_STR("Link"),
                         .value = WEIR_STR("</a.css>; rel=preload"),
                         .id = WEIR_H_LINK };
    weir_header bad = { .name = WEIR_STR("Connection"),
                        .value = WEIR_STR("x"),
                        .id = WEIR_H_CONNECTION };

    if (weir_out_interim(r, 200, &link) != WEIR_INVALID ||
        weir_out_interim(r, 103, &bad) != WEIR_INVALID) {
        return 500;
    }
    if (weir_out_interim(r, 103, &link) != (r->version >= 11 ? WEIR_OK : WEIR_INVALID)) {
        return 500;
    }
    return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("ok"));
}

/* ---- tunnel. ---- */

static void
tunnel_piece(weir_request *r, void *data, int result, weir_chain *body)
{
    seams_state *s = data;
    weir_str bye = WEIR_STR("bye");
    size_t at;

    for (weir_buf *b = body->head; b != NULL; b = b->next) {
        uint8_t *bytes = weir_buf_own(r->pool, b);
        for (size_t i = 0; i < b->len; i++) {
            bytes[i] = (uint8_t)(bytes[i] >= 'a' && bytes[i] <= 'z' && b->len > 3 ? bytes[i] - 32
                                                                                  : bytes[i]);
        }
    }
    if (weir_chain_find(body, bye, &at) == WEIR_OK) {
        result = WEIR_DONE;
    }
    weir_chain_take(&s->back, body);
    s->done = result != WEIR_NEXT;
    s->result = result;
    wake(s, WEIR_NEXT);
}

static int
tunnel(weir_request *r)
{
    seams_state *s = weir_ctx_make(r, sizeof(*s));
    int rc;

    if (r->in[WEIR_H_UPGRADE] == NULL) {
        return 426;
    }
    weir_out_set(r, WEIR_STR("Upgrade"), r->in[WEIR_H_UPGRADE]->value);
    rc = weir_respond_from(r, 101, give_back, s);
    if (rc == WEIR_DONE) {
        weir_stream_body(r, 0, tunnel_piece, s);
    }
    return rc == WEIR_DONE ? rc : 400;
}

/* ---- outlive. ---- */

static void
time_over(void *data)
{
    wake(data, WEIR_NEXT);
}

static int
outlive(weir_request *r)
{
    seams_state *s = weir_ctx(r);

    s = weir_ctx_make(r, sizeof(*s));
    (void)weir_outlive_client(r, WEIR_IGNORES);
    s->ticket = weir_suspend(r, 0, NULL, NULL);
    weir_timer_start(r->pool, 200, time_over, s);
    return WEIR_AGAIN;
}

static int
outlived(weir_request *r)
{
    weir_say(r->log, NOTICE, "the request outlived its wait");
    return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("ok"));
}

static int
answer(weir_request *r, const void *conf)
{
    const seams_conf *c = conf;

    return c->piecewise ? piecewise(r) : c->hints ? hints(r) : c->tunnel ? tunnel(r) : outlived(r);
}

static int
first(weir_request *r, const void *conf)
{
    return ((const seams_conf *)conf)->outlive ? outlive(r) : WEIR_NEXT;
}

static bool
wanted(const void *conf)
{
    const seams_conf *c = conf;

    return c->piecewise || c->hints || c->tunnel || c->outlive;
}

static const weir_directive directives[] = {
    WEIR_OPT(seams_conf, piecewise, FLAG, "piecewise", WEIR_IN_LOCATION, "off",
             "the body as it comes"),
    WEIR_OPT(seams_conf, hints, FLAG, "hints", WEIR_IN_LOCATION, "off", "a 103 before the answer"),
    WEIR_OPT(seams_conf, tunnel, FLAG, "tunnel", WEIR_IN_LOCATION, "off", "switch to an echo"),
    WEIR_OPT(seams_conf, outlive, FLAG, "outlive", WEIR_IN_LOCATION, "off",
             "answer late in any case"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT, .rank = WEIR_RANK_EARLY, .handler = first, .wanted = wanted },
    { .phase = WEIR_PHASE_CONTENT, .rank = WEIR_RANK_NORMAL, .handler = answer, .wanted = wanted },
};

WEIR_MODULE("test.seams", "1.0", .summary = "tries what a proxy needs",
            .conf_size = sizeof(seams_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks));
