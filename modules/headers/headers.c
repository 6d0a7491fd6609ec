/* headers - puts fields on answers: add_header, add_trailer, expires; changes those of answers and requests: header,
 * request_header.
 *
 * A header filter, before the filters that code the body. `expires` comes first, so that add_header
 * can add to the Cache-Control that it makes, and `header` last. Trailers with variables are known only when the last
 * byte of the body is: a body filter that passes everything on sets them then.
 */
#include "added.h"
#include "explain.h"
#include "expires.h"
#include "rules.h"

struct expires {
    struct expires_rule rule;
    bool modified;     /* the word stood there: for values known later */
    weir_value *value; /* NULL: rule holds for every request */
    weir_str max_age;  /* of such a rule from now on, "max-age=60" */
};

typedef struct {
    struct added headers;
    struct added trailers;
    struct expires expires;
    struct rules answer, request;
} headers_conf;

/* Without `always`, fields go on answers that carry what was asked for, or lead to it. */
static bool
is_usual(uint32_t status)
{
    switch (status) {
    case 200:
    case 201:
    case 204:
    case 206:
    case 301:
    case 302:
    case 303:
    case 304:
    case 307:
    case 308:
        return true;
    default:
        return false;
    }
}

static weir_str
print_max_age(weir_pool *pool, int64_t seconds)
{
    return weir_print(pool, "max-age=%lld", (long long)seconds);
}

static weir_str
cache_control(weir_request *r, const struct expires *e, int64_t max_age)
{
    if (max_age < 0) {
        return WEIR_STR("no-cache");
    }
    return e->max_age.data != NULL && max_age == e->rule.seconds ? e->max_age
                                                                 : print_max_age(r->pool, max_age);
}

static void
set_expires_fields(weir_request *r, const struct expires *e)
{
    struct expires_rule rule = e->rule;
    int64_t modified = -1;

    if (e->value != NULL &&
        expires_parse(weir_value_get(r, e->value), e->modified, &rule) != NULL) {
        return;
    }
    if (rule.kind == EXPIRES_OFF) {
        return;
    }
    if (rule.kind == EXPIRES_MODIFIED && r->out[WEIR_H_LAST_MODIFIED] != NULL &&
        weir_parse_date(r->out[WEIR_H_LAST_MODIFIED]->value, &modified) != WEIR_OK) {
        modified = -1;
    }
    struct expires_times t = expires_at(rule, weir_wall_clock(), modified);
    weir_out_set(r, WEIR_STR("Expires"), weir_print_date(r->pool, t.at));
    weir_out_set(r, WEIR_STR("Cache-Control"), cache_control(r, e, t.max_age));
}

static void
add_field(weir_request *r, const struct field *f)
{
    weir_str value = weir_value_get(r, f->value);

    if (value.len == 0) {
        if (f->removes) {
            weir_out_remove(r, f->name);
        }
        return;
    }
    int rc = f->single ? weir_out_set(r, f->name, value) : weir_out_add(r, f->name, value);
    if (rc == WEIR_INVALID) {
        weir_say(r->log, WARN, "add_header: the value of \"%.*s\" holds a line break: not sent",
                 WEIR_FMT(f->name));
    }
}

static void
add_fields(weir_request *r, const struct settled *s, bool usual)
{
    const struct field *f = s->fields, *end = f + s->count;

    while (f < end) {
        bool wanted = usual || f->always;
        if (f->run == NULL) {
            if (wanted) {
                add_field(r, f);
            }
            f++;
            continue;
        }
        if (wanted) {
            (void)weir_out_pass(r, f->run, 0, 0, NULL, NULL);
        }
        f += f->run_length;
    }
}

/* Announce the trailers; those with variables get their values at the end of the body. */
static bool
announce_trailers(weir_request *r, const struct settled *trailers, bool usual)
{
    bool varies = false;

    for (uint32_t i = 0; i < trailers->count; i++) {
        const struct field *f = &trailers->fields[i];
        if (f->always || usual) {
            bool constant = f->value->constant.data != NULL;
            weir_out_trailer(r, f->name, constant ? f->value->constant : WEIR_STR(""));
            varies = varies || !constant;
        }
    }
    return varies;
}

static int
filter_head(weir_request *r, const void *conf)
{
    const headers_conf *c = conf;
    bool usual = is_usual(r->status);

    if (usual) {
        set_expires_fields(r, &c->expires);
    }
    add_fields(r, &c->headers.settled, usual);
    rules_apply_out(r, &c->answer.all);
    return announce_trailers(r, &c->trailers.settled, usual) ? WEIR_NEXT : WEIR_DONE;
}

static int
filter_body(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    const headers_conf *c = conf;
    bool usual = is_usual(r->status);

    if (in->tail != NULL && (in->tail->flags & WEIR_BUF_LAST)) {
        for (uint32_t i = 0; i < c->trailers.settled.count; i++) {
            const struct field *f = &c->trailers.settled.fields[i];
            if ((usual || f->always) && f->value->constant.data == NULL) {
                weir_out_trailer(r, f->name, weir_value_get(r, f->value));
            }
        }
    }
    weir_chain_take(out, in);
    return WEIR_NEXT;
}

static bool
wants_head(const void *conf)
{
    const headers_conf *c = conf;

    return c->headers.settled.count > 0 || c->trailers.settled.count > 0 ||
           c->expires.value != NULL || c->expires.rule.kind != EXPIRES_OFF || c->answer.all.count > 0;
}

static int
change_request(weir_request *r, const void *conf)
{
    rules_apply_in(r, &((const headers_conf *)conf)->request.all);
    return WEIR_NEXT;
}

static bool
wants_request(const void *conf)
{
    return ((const headers_conf *)conf)->request.all.count > 0;
}

/* For weir -M. Fields of the request are changed, since what comes behind looks at them. */
static void
explain(weir_request *r, const void *conf, uint32_t phase, weir_explain *to)
{
    const headers_conf *c = conf;

    if (phase == WEIR_PHASE_PREACCESS) {
        explain_rules(r, &c->request.all, to);
        rules_apply_in(r, &c->request.all);
    } else if (phase == WEIR_PHASE_HEADERS) {
        explain_added(r, "add_header", &c->headers.settled, to);
        explain_rules(r, &c->answer.all, to);
        explain_added(r, "add_trailer", &c->trailers.settled, to);
    }
}

static bool
wants_body(const void *conf)
{
    return settled_varies(&((const headers_conf *)conf)->trailers.settled);
}

static int
set_expires(weir_conf *cf, const weir_directive *d, void *field)
{
    struct expires e = { 0 };
    uint32_t last = weir_conf_argc(cf) - 1;
    weir_str text = weir_conf_arg(cf, last);

    (void)d;
    if (last == 2 && !weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("modified"))) {
        return weir_conf_error_at(cf, 1, "invalid parameter \"%.*s\", it must be \"modified\"",
                                  WEIR_FMT(weir_conf_arg(cf, 1)));
    }
    e.modified = last == 2;
    e.value = weir_value_compile(cf, text);
    if (e.value == NULL) {
        return WEIR_ERROR;
    }
    if (e.value->constant.data != NULL) {
        const char *fault = expires_parse(e.value->constant, e.modified, &e.rule);
        if (fault != NULL) {
            return weir_conf_error_at(cf, last, "\"%.*s\" %s", WEIR_FMT(text), fault);
        }
        e.value = NULL;
        e.max_age = print_max_age(weir_conf_pool(cf), e.rule.seconds);
    }
    *(struct expires *)field = e;
    return WEIR_OK;
}

static int
check(weir_conf *cf, void *conf)
{
    headers_conf *c = conf;

    added_settle(cf, &c->headers);
    added_settle(cf, &c->trailers);
    rules_settle(cf, &c->answer);
    rules_settle(cf, &c->request);
    return WEIR_OK;
}

/* Local, so that every inner block has a struct of its own and is settled by the rule it inherits.
 */
enum { OWN = WEIR_D_MANY | WEIR_D_LOCAL };

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(headers_conf, headers.own, "add_header", WEIR_IN_ANY, 2, 3, OWN, set_add_header,
                    "add a field to answers; with `always` whatever the status"),
    WEIR_OPT_CUSTOM(headers_conf, headers.settled, "add_header_inherit", WEIR_IN_ANY, 1, 1, 0,
                    set_inherit, "whether outer add_header lines hold, too"),
    WEIR_OPT_CUSTOM(headers_conf, trailers.own, "add_trailer", WEIR_IN_ANY, 2, 3, OWN,
                    set_add_trailer, "add a field behind the body of answers"),
    WEIR_OPT_CUSTOM(headers_conf, trailers.settled, "add_trailer_inherit", WEIR_IN_ANY, 1, 1, 0,
                    set_inherit, "whether outer add_trailer lines hold, too"),
    WEIR_OPT_CUSTOM(headers_conf, expires, "expires", WEIR_IN_ANY, 1, 2, 0, set_expires,
                    "how long answers may be kept: Expires and Cache-Control"),
    WEIR_OPT_CUSTOM(headers_conf, answer.own, "header", WEIR_IN_ANY, 2, 5, OWN, set_header,
                    "set, append, merge, unset or default a field of answers"),
    WEIR_OPT_CUSTOM(headers_conf, answer.all, "header_inherit", WEIR_IN_ANY, 1, 1, 0,
                    set_rules_inherit, "whether outer header lines hold, too"),
    WEIR_OPT_CUSTOM(headers_conf, request.own, "request_header", WEIR_IN_ANY, 2, 4, OWN,
                    set_request_header, "set, append, merge, unset or default a field of requests"),
    WEIR_OPT_CUSTOM(headers_conf, request.all, "request_header_inherit", WEIR_IN_ANY, 1, 1, 0,
                    set_rules_inherit, "whether outer request_header lines hold, too"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_PREACCESS,
      .rank = WEIR_RANK_EARLY,
      .handler = change_request,
      .wanted = wants_request,
      .after = "realip",
      .flags = WEIR_HOOK_SUBREQUESTS },
    { .phase = WEIR_PHASE_HEADERS, .handler = filter_head, .wanted = wants_head },
    { .phase = WEIR_PHASE_BODY,
      .body = filter_body,
      .wanted = wants_body,
      .flags = WEIR_HOOK_FILES },
};

WEIR_MODULE("headers", "1.0",
            .summary = "fields of answers and requests, and how long answers may be kept",
            .conf_size = sizeof(headers_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .check = check, .explain = explain);
