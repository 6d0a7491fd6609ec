/* addition - puts what other locations answer in front of and behind a page: add_before_body, add_after_body.
 *
 * A filter that works on the page as its author sees it. It puts a buffer into the body that stands for a subrequest's answer;
 * the server fills it in when its turn comes.
 */
#include <weir/weir.h>

typedef struct {
    weir_str before, after; /* empty: nothing */
    weir_strs types;        /* besides text/html */
} addition_conf;

typedef struct {
    bool begun; /* what comes before the page is on its way */
} addition_state;

static bool
is_page(const weir_request *r, const addition_conf *c)
{
    const weir_str html = WEIR_STR("text/html");
    const weir_strs always = { &html, 1 };
    const weir_header *h = r->out[WEIR_H_CONTENT_TYPE];
    weir_str type = h != NULL ? h->value : WEIR_STR(""); /* which "*" stands for as well */

    return (r->status == 200 || r->status == 304) &&
           (weir_type_among(type, &always) || weir_type_among(type, &c->types));
}

static int
filter_head(weir_request *r, const void *conf)
{
    if (!is_page(r, conf)) {
        return WEIR_DONE;
    }
    (void)weir_out_length(r, -1); /* also of a 304: its tag is that of the 200 */
    return r->status == 200 ? WEIR_NEXT : WEIR_DONE;
}

/* The end of the page is not the end of the body any more. */
static void
move_without_end(weir_request *r, weir_chain *to, weir_chain *from)
{
    weir_buf *b;

    while ((b = weir_chain_pop(from)) != NULL) {
        if (b->flags & WEIR_BUF_LAST) {
            weir_chain_push(to, weir_buf_share(r->pool, b));
            weir_buf_drop(b);
        } else {
            weir_chain_push(to, b);
        }
    }
}

static int
filter_body(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    const addition_conf *c = conf;
    addition_state *st = weir_ctx_make(r, sizeof(*st));
    bool last = in->tail != NULL && in->tail->flags & WEIR_BUF_LAST;

    if (!st->begun && c->before.len != 0) {
        weir_chain_push(out, weir_sub_buf(r, c->before));
    }
    st->begun = true;
    if (!last || c->after.len == 0) {
        weir_chain_take(out, in);
        return WEIR_NEXT;
    }
    move_without_end(r, out, in);
    weir_chain_push(out, weir_sub_buf(r, c->after));
    weir_chain_push(out, weir_buf_mark(r->pool, WEIR_BUF_LAST));
    return WEIR_NEXT;
}

static bool
wanted(const void *conf)
{
    const addition_conf *c = conf;

    return c->before.len != 0 || c->after.len != 0;
}

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

static const weir_directive directives[] = {
    WEIR_OPT(addition_conf, before, STR, "add_before_body", WHERE, "\"\"",
             "path whose answer comes in front of a page; \"\": none"),
    WEIR_OPT(addition_conf, after, STR, "add_after_body", WHERE, "\"\"",
             "path whose answer comes behind a page; \"\": none"),
    WEIR_OPT(addition_conf, types, STRS, "addition_types", WHERE, NULL,
             "media types of what is added to, besides text/html; * for all"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_HEADERS, .handler = filter_head, .wanted = wanted },
    { .phase = WEIR_PHASE_BODY,
      .body = filter_body,
      .wanted = wanted,
      .flags = WEIR_HOOK_FILES | WEIR_HOOK_TEXT },
};

WEIR_MODULE("addition", "1.0", .summary = "puts other pages in front of and behind a page",
            .conf_size = sizeof(addition_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks));
