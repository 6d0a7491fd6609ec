/* sub - puts texts in the places of others in a body: sub_filter, and sub_filter_regex for
 * expressions.
 *
 * A filter that works on the page as its author sees it. Texts are looked for in the body as a
 * whole (needles.c), then expressions in each line of what that makes (lines.c). What may be the
 * beginning of something is held back until more comes; nothing else is.
 */
#include "lines.h"
#include "needles.h"

struct rule {
    struct rule *next;
    weir_value *text, *with;
};

struct rules {
    struct rule *first;
    uint32_t n;
};

typedef struct {
    struct rules rules;
    struct line_rules lines;
    weir_strs types;
    bool once;
    bool last_modified;
} sub_conf;

struct state {
    struct needles needles;
    const struct rule **rules; /* by needle.rule */
    weir_str *with;            /* likewise; absent: not asked for yet */
    struct lines lines;
};

static weir_metric *responses, *replacements;

/* ---- The head. ---- */

static bool
is_text(const weir_request *r, const sub_conf *c)
{
    const weir_str html = WEIR_STR("text/html");
    const weir_strs always = { &html, 1 };
    const weir_header *h = r->out[WEIR_H_CONTENT_TYPE];
    weir_str type = h != NULL ? h->value : WEIR_STR(""); /* which "*" stands for as well */

    return r->status != 206 && weir_out_is_text(r) &&
           (weir_type_among(type, &always) || weir_type_among(type, &c->types));
}

/* What is looked for in this response. */
static void
collect(weir_request *r, const sub_conf *c, struct state *st)
{
    uint32_t i = 0;

    needles_init(&st->needles, r->pool, c->rules.n);
    st->rules = weir_alloc(r->pool, (c->rules.n + 1) * sizeof(struct rule *));
    st->with = weir_zalloc(r->pool, (c->rules.n + 1) * sizeof(st->with[0]));
    for (const struct rule *rule = c->rules.first; rule != NULL; rule = rule->next, i++) {
        weir_str text = weir_value_get(r, rule->text);
        st->rules[i] = rule;
        if (text.len > NEEDLE_MAX) {
            weir_say(r->log, WARN, "sub_filter: a text of more than %d bytes is not looked for",
                     NEEDLE_MAX);
        } else if (text.len != 0) {
            needles_add(&st->needles, r->pool, text, i);
        }
    }
    lines_init(&st->lines, r, &c->lines, c->once);
}

static int
filter_head(weir_request *r, const void *conf)
{
    const sub_conf *c = conf;
    struct state *st;

    if (!is_text(r, c) || r->out_length == 0) {
        return WEIR_DONE;
    }
    st = weir_ctx_make(r, sizeof(*st));
    collect(r, c, st);
    if (st->needles.live == 0 && st->lines.live == 0) {
        return WEIR_DONE;
    }
    (void)weir_out_length(r, -1);
    if (!c->last_modified) {
        (void)weir_out_remove(r, WEIR_STR("Last-Modified"));
        (void)weir_out_remove(r, WEIR_STR("ETag"));
    }
    weir_count(responses, r->method != WEIR_HEAD && r->status != 304);
    return WEIR_NEXT;
}

/* ---- The body. ---- */

static weir_str
replacement(weir_request *r, struct state *st, uint32_t rule)
{
    weir_str *with = &st->with[rule];

    if (with->data == NULL) {
        *with = weir_value_get(r, st->rules[rule]->with);
        if (with->data == NULL) {
            *with = WEIR_STR("");
        }
    }
    return *with;
}

static void
replace_texts(weir_request *r, const sub_conf *c, struct state *st, weir_chain *in, weir_chain *out)
{
    while (st->needles.live != 0) {
        struct needle *found;
        size_t at;
        int rc = needles_find(&st->needles, in, &at, &found);
        if (rc == WEIR_ABSENT) {
            break;
        }
        weir_chain_move(r->pool, out, in, at);
        if (rc == WEIR_AGAIN) {
            return;
        }
        weir_str with = replacement(r, st, found->rule);
        weir_chain_skip(in, found->text.len);
        if (with.len != 0) {
            weir_chain_push(out, weir_buf_ref(r->pool, with));
        }
        if (c->once) {
            needles_remove(&st->needles, found);
        }
        weir_count(replacements, 1);
    }
    weir_chain_take(out, in);
}

static int
filter_body(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    const sub_conf *c = conf;
    struct state *st = weir_ctx(r);
    weir_chain texts = { NULL, NULL };
    uint64_t before = st->lines.replaced;

    replace_texts(r, c, st, in, &texts);
    lines_run(&st->lines, &texts, out);
    weir_count(replacements, st->lines.replaced - before);
    return WEIR_NEXT;
}

/* ---- Settings. ---- */

static int
set_rule(weir_conf *cf, const weir_directive *d, void *field)
{
    struct rules *rules = field;
    struct rule *rule = weir_zalloc(weir_conf_pool(cf), sizeof(*rule)), **at = &rules->first;

    (void)d;
    if (weir_conf_arg(cf, 1).len == 0) {
        return weir_conf_error_at(cf, 1, "empty search pattern");
    }
    if (weir_conf_arg(cf, 1).len > NEEDLE_MAX) {
        return weir_conf_error_at(cf, 1, "the text is longer than %d bytes", NEEDLE_MAX);
    }
    rule->text = weir_value_compile(cf, weir_conf_arg(cf, 1));
    rule->with = weir_value_compile(cf, weir_conf_arg(cf, 2));
    if (rule->text == NULL || rule->with == NULL) {
        return WEIR_ERROR;
    }
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = rule;
    rules->n++;
    return WEIR_OK;
}

static bool
wanted(const void *conf)
{
    const sub_conf *c = conf;

    return c->rules.n != 0 || c->lines.n != 0;
}

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(sub_conf, rules, "sub_filter", WHERE, 2, 2, WEIR_D_MANY, set_rule,
                    "put one text in the place of another"),
    WEIR_OPT_CUSTOM(sub_conf, lines, "sub_filter_regex", WHERE, 2, 3, WEIR_D_MANY, set_line_rule,
                    "put a text in the place of what an expression matches in a line"),
    WEIR_OPT(sub_conf, types, STRS, "sub_filter_types", WHERE, NULL,
             "media types of what is changed, besides text/html; * for all"),
    WEIR_OPT(sub_conf, once, FLAG, "sub_filter_once", WHERE, "on",
             "replace each text once in a body only"),
    WEIR_OPT(sub_conf, last_modified, FLAG, "sub_filter_last_modified", WHERE, "off",
             "keep Last-Modified, and ETag as a weak one"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_HEADERS, .handler = filter_head, .wanted = wanted },
    { .phase = WEIR_PHASE_BODY, .body = filter_body, .wanted = wanted, .flags = WEIR_HOOK_TEXT },
};

static const weir_metric_def metrics[] = {
    { .name = "responses_total",
      .help = "responses that were searched",
      .handle = &responses,
      .type = WEIR_COUNTER },
    { .name = "replacements_total",
      .help = "texts that were replaced",
      .handle = &replacements,
      .type = WEIR_COUNTER },
};

WEIR_MODULE("sub", "1.0", .summary = "puts texts in the places of others in bodies",
            .conf_size = sizeof(sub_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .metrics = WEIR_ITEMS(metrics));
