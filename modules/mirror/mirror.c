/* mirror - sends a copy of each request elsewhere, and drops the answers: mirror, mirror_request_body.
 *
 * A hook right before the content. Copies are subrequests in the background: neither the answer nor the client's next request
 * waits for them. The body is read whole first, so that both can have it.
 */
#include <weir/weir.h>

/* One mirror. */
struct copy {
    struct copy *next;
    weir_str path;
};

struct copies {
    struct copy *first;
    bool off;
};

typedef struct {
    struct copies copies;
    bool body;
} mirror_conf;

enum outcome { ANSWERED, FAILED };

static const char *const outcomes[] = { "answered", "failed" };
static weir_metric *requests;

static void
answered(weir_request *r, void *data, int result, weir_request *sub, weir_chain *body)
{
    (void)r;
    (void)data;
    (void)body;
    weir_count_at(requests, result == WEIR_OK && sub->status < 500 ? ANSWERED : FAILED, 1);
}

static void
send_copies(weir_request *r, const mirror_conf *c, weir_chain *body)
{
    for (const struct copy *m = c->copies.first; m != NULL; m = m->next) {
        weir_sub_options o = { .size = sizeof(o),
                               .method = r->method,
                               .target = m->path,
                               .body = body,
                               .flags = WEIR_SUB_HEAD | WEIR_SUB_BACKGROUND };
        if (r->args.data != NULL) {
            o.target = weir_print(r->pool, "%.*s?%.*s", WEIR_FMT(m->path), WEIR_FMT(r->args));
        }
        if (weir_subrequest(r, &o, answered, NULL) != WEIR_OK) {
            weir_count_at(requests, FAILED, 1);
        }
    }
}

static int
body_came(weir_request *r, void *data, int result, weir_chain *body)
{
    if (result != WEIR_OK) {
        return weir_body_status(result);
    }
    send_copies(r, data, body);
    return WEIR_NEXT;
}

static int
mirror(weir_request *r, const void *conf)
{
    const mirror_conf *c = conf;

    if (c->body && r->flags & WEIR_R_HAS_BODY) {
        return weir_read_body(r, 0, body_came, (void *)(uintptr_t)c);
    }
    send_copies(r, c, NULL);
    return WEIR_NEXT;
}

/* ---- Configuration. ---- */

static bool
wanted(const void *conf)
{
    return ((const mirror_conf *)conf)->copies.first != NULL;
}

static int
set_copy(weir_conf *cf, const weir_directive *d, void *field)
{
    struct copies *c = field;
    struct copy **at = &c->first;
    weir_str path = weir_conf_arg(cf, 1);
    bool off = weir_str_eq(path, WEIR_STR("off"));

    (void)d;
    if (c->off || (off && c->first != NULL)) {
        return weir_conf_error(cf, "\"mirror\" directive is duplicate");
    }
    c->off = off;
    if (off) {
        return WEIR_OK;
    }
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = weir_zalloc(weir_conf_pool(cf), sizeof(**at));
    (*at)->path = path;
    return WEIR_OK;
}

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(mirror_conf, copies, "mirror", WHERE, 1, 1, WEIR_D_MANY, set_copy,
                    "path of a location that gets a copy of each request; off: none does"),
    WEIR_OPT(mirror_conf, body, FLAG, "mirror_request_body", WHERE, "on",
             "whether copies have the request's body, which is then read first"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_PRECONTENT, .handler = mirror, .wanted = wanted, .after = "try_files" },
};

static const weir_metric_def metrics[] = {
    { .name = "requests_total",
      .help = "copies of requests, by what became of them",
      .handle = &requests,
      .type = WEIR_COUNTER,
      .n = 2,
      .label = "result",
      .values = outcomes },
};

WEIR_MODULE("mirror", "1.0", .summary = "sends a copy of each request elsewhere",
            .conf_size = sizeof(mirror_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .metrics = WEIR_ITEMS(metrics));
