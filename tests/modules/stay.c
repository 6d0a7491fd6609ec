/* stay - a module for tests: going on with a function, an end that waits, a course taken once more.
 *
 *     twice on;      waits 20 ms, goes on with a function that waits again, then 200 "twice"
 *     late on;       200 "late" at once, with X-Ended: what the last such request did at its end;
 * its end waits 50 ms again on;      200 with what a subrequest by the same course says: path,
 * query, data, capture tagged on;     200 "tagged" with ETag "t" and Last-Modified, unless
 * preconditions say otherwise
 */
#include <weir/weir.h>

typedef struct {
    bool twice, late, again, tagged;
    weir_value *says;
} stay_conf;

typedef struct {
    weir_request *r;
    weir_ticket *ticket;
    unsigned steps;
    weir_str found;
} stay_state;

static unsigned ended; /* how many late requests have come to their end */

/* ---- twice. ---- */

static int step(weir_request *r, void *data);

static void
go_on(void *data)
{
    stay_state *s = data;
    weir_ticket *ticket = s->ticket;

    if (weir_resume_with(ticket, step, s) != WEIR_OK) {
        weir_say(s->r->log, ERROR, "the ticket was not taken");
    }
    if (weir_resume_with(ticket, step, s) != WEIR_CLOSED) {
        weir_say(s->r->log, ERROR, "a ticket was taken twice");
    }
}

static int
step(weir_request *r, void *data)
{
    stay_state *s = data;

    if (s->steps++ == 2) {
        return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("twice"));
    }
    s->ticket = weir_suspend(r, 0, NULL, NULL);
    (void)weir_timer_start(r->pool, 20, go_on, s);
    return s->ticket != NULL ? WEIR_AGAIN : 500;
}

/* ---- late. ---- */

static void
note_end(void *data)
{
    (void)data;
    ended++;
}

static void
let_go(void *data)
{
    weir_let_go(((stay_state *)data)->r);
}

static int
late(weir_request *r, stay_state *s)
{
    (void)weir_out_set(r, WEIR_STR("X-Ended"), weir_print(r->pool, "%u", ended));
    weir_on_end(r->pool, note_end, NULL);
    weir_hold(r, NULL, NULL);
    (void)weir_timer_start(r->pool, 50, let_go, s);
    return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("late"));
}

/* ---- again. ---- */

static int
found(weir_request *r, void *data)
{
    return weir_respond(r, 200, WEIR_STR("text/plain"), ((stay_state *)data)->found);
}

static void
sub_done(weir_request *r, void *data, int result, weir_request *sub, weir_chain *body)
{
    stay_state *s = data;

    (void)sub;
    s->found = result == WEIR_OK ? weir_dup(r->pool, weir_chain_str(r->pool, body, 4096))
                                 : WEIR_STR("failed");
    (void)weir_resume_with(s->ticket, found, s);
}

static int
again(weir_request *r, const stay_conf *c, stay_state *s)
{
    weir_sub_options o = { .size = sizeof(o), .keep = 4096, .flags = WEIR_SUB_AGAIN };
    const stay_state *mine = weir_sub_data(r, sub_done);

    if (mine != NULL) {
        return weir_respond(r, 200, WEIR_STR("text/plain"),
                            weir_print(r->pool, "%.*s|%.*s|%u|%.*s", WEIR_FMT(r->path),
                                       WEIR_FMT(r->args), mine->steps,
                                       WEIR_FMT(weir_value_get(r, c->says))));
    }
    s->steps = 42;
    s->ticket = weir_suspend(r, 0, NULL, NULL);
    return weir_subrequest(r, &o, sub_done, s) == WEIR_OK ? WEIR_AGAIN : 500;
}

/* ---- tagged. ---- */

static int
tagged(weir_request *r)
{
    int rc = weir_precondition(r, WEIR_STR("\"t\""), 784111777);

    if (rc != WEIR_NEXT) {
        return rc == 304 ? weir_respond(r, 304, WEIR_STR(""), WEIR_STR("")) : rc;
    }
    return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("tagged"));
}

static int
content(weir_request *r, const void *conf)
{
    const stay_conf *c = conf;
    stay_state *s = weir_ctx_make(r, sizeof(*s));

    s->r = r;
    return c->twice    ? step(r, s)
           : c->late   ? late(r, s)
           : c->again  ? again(r, c, s)
           : c->tagged ? tagged(r)
                       : WEIR_NEXT;
}

static const weir_directive directives[] = {
    WEIR_OPT(stay_conf, twice, FLAG, "twice", WEIR_IN_ANY, "off", "wait twice"),
    WEIR_OPT(stay_conf, late, FLAG, "late", WEIR_IN_ANY, "off", "end late"),
    WEIR_OPT(stay_conf, again, FLAG, "again", WEIR_IN_ANY, "off", "take the course once more"),
    WEIR_OPT(stay_conf, tagged, FLAG, "tagged", WEIR_IN_ANY, "off", "answer with validators"),
    WEIR_OPT(stay_conf, says, VALUE, "says", WEIR_IN_ANY, "", "what the subrequest says"),
};

static const weir_hook hooks[] = { { .phase = WEIR_PHASE_CONTENT,
                                     .rank = WEIR_RANK_EARLY,
                                     .handler = content,
                                     .flags = WEIR_HOOK_SUBREQUESTS } };

WEIR_MODULE("stay", "1", .conf_size = sizeof(stay_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks));
