/* auth_request - lets in whom a subrequest lets in: auth_request, auth_request_set.
 *
 * An access hook, after those that know the answer themselves. It asks another location of this server, usually one that
 * passes on to a service, and waits. 2xx allows; 401 and 403 deny; anything else is a mistake, and nobody comes in.
 */
#include <weir/weir.h>

enum { LONGEST_MS = 24 * 60 * 60 * 1000 }; /* the subrequest has time limits of its own */

/* One auth_request_set. */
struct assignment {
    struct assignment *next;
    int32_t var;
    weir_str name;
    weir_value *value;
};

typedef struct {
    weir_str target; /* "off": nobody is asked */
    struct assignment *assignments;
} auth_request_conf;

enum outcome { ALLOWED, DENIED, FAILED };

static const char *const outcomes[] = { "allowed", "denied", "failed" };
static weir_metric *requests;

/* A question that is under way. */
struct question {
    const auth_request_conf *conf;
    weir_ticket *ticket;
};

/* The values are the subrequest's, and the variables the client's request's: they are there after internal redirects. */
static void
assign(weir_request *r, weir_request *sub, const struct assignment *list)
{
    for (const struct assignment *a = list; a != NULL; a = a->next) {
        weir_str value = weir_value_get(sub, a->value);
        (void)weir_var_set(r, a->var, weir_dup(r->main->pool, value));
    }
}

/* The questions that the service asks the client are now ours. */
static void
pass_challenges(weir_request *r, const weir_request *sub)
{
    for (const weir_header *h = sub->out[WEIR_H_WWW_AUTHENTICATE]; h != NULL; h = h->same) {
        (void)weir_out_add(r, WEIR_STR("WWW-Authenticate"), weir_dup(r->pool, h->value));
    }
}

static int
judge(weir_request *r, const weir_request *sub)
{
    uint32_t status = sub->status;

    if (status == 401 || status == 403) {
        if (status == 401) {
            pass_challenges(r, sub);
        }
        weir_count_at(requests, DENIED, 1);
        return (int)status;
    }
    if (status >= 200 && status < 300) {
        weir_count_at(requests, ALLOWED, 1);
        return WEIR_DONE;
    }
    weir_count_at(requests, FAILED, 1);
    weir_say(r->log, ERROR, "auth request unexpected status: %u", status);
    return 500;
}

static void
answered(weir_request *r, void *data, int result, weir_request *sub, weir_chain *body)
{
    const struct question *q = data;

    (void)result; /* what counts is the status, whatever became of the body behind it */
    (void)body;
    assign(r, sub, q->conf->assignments);
    (void)weir_resume(q->ticket, judge(r, sub));
}

static int
ask(weir_request *r, const void *conf)
{
    struct question *q = weir_alloc(r->pool, sizeof(*q));
    weir_sub_options o = { .size = sizeof(o), .flags = WEIR_SUB_HEAD };

    q->conf = conf;
    q->ticket = weir_suspend(r, LONGEST_MS, NULL, NULL);
    o.target = q->conf->target;
    return weir_subrequest(r, &o, answered, q) == WEIR_OK ? WEIR_AGAIN : 500;
}

/* For weir -M, which asks nobody. */
static void
explain(weir_request *r, const void *conf, uint32_t phase, weir_explain *to)
{
    const auth_request_conf *c = conf;

    (void)phase;
    weir_explain_say(to, "what %.*s answers decides", WEIR_FMT(c->target));
    for (const struct assignment *a = c->assignments; a != NULL; a = a->next) {
        weir_explain_lose(to, r, a->var, a->name);
    }
    weir_explain_verdict(to, WEIR_AGAIN);
}

/* ---- Configuration. ---- */

static bool
wanted(const void *conf)
{
    return !weir_str_eq(((const auth_request_conf *)conf)->target, WEIR_STR("off"));
}

static int
set_assignment(weir_conf *cf, const weir_directive *d, void *field)
{
    struct assignment **at = field, *a = weir_zalloc(weir_conf_pool(cf), sizeof(*a));

    (void)d;
    a->name = weir_conf_variable(cf, 1);
    if (a->name.data == NULL) {
        return WEIR_ERROR;
    }
    a->var = weir_var_declare(cf, a->name);
    a->value = weir_value_compile(cf, weir_conf_arg(cf, 2));
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = a;
    return a->var >= 0 && a->value != NULL ? WEIR_OK : WEIR_ERROR;
}

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

static const weir_directive directives[] = {
    WEIR_OPT(auth_request_conf, target, STR, "auth_request", WHERE, "off",
             "path that a subrequest asks whether to let a request in; off: nobody is asked"),
    WEIR_OPT_CUSTOM(auth_request_conf, assignments, "auth_request_set", WHERE, 2, 2, WEIR_D_MANY,
                    set_assignment, "variable to be set to what the subrequest makes of a value"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_ACCESS,
      .rank = WEIR_RANK_LATE,
      .handler = ask,
      .wanted = wanted,
      .after = "access auth_basic" },
};

static const weir_metric_def metrics[] = {
    { .name = "requests_total",
      .help = "requests that were asked about, by the answer",
      .handle = &requests,
      .type = WEIR_COUNTER,
      .n = 3,
      .label = "result",
      .values = outcomes },
};

WEIR_MODULE("auth_request", "1.0", .summary = "lets in whom a subrequest lets in",
            .conf_size = sizeof(auth_request_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .metrics = WEIR_ITEMS(metrics), .explain = explain);
