/* csp - a fresh Content-Security-Policy nonce for every HTML page.
 *
 *     location / { csp on; csp_policy "script-src 'nonce-$csp_nonce'; object-src 'none'"; }
 *
 * The header filter sends the policy; the body filter puts the nonce in place of every csp_mark in
 * the page, also where a mark is spread over two or more buffers.
 */
#include <weir/weir.h>

enum { NONCE_LEN = 32 };

typedef struct {
    bool on;
    weir_value *policy;
    weir_str mark;
} csp_conf;

static weir_metric *marks;

/* The request's nonce, drawn on first use: the same in the header, in the page, and in what an
 * upstream is sent. */
static weir_str
nonce_of(weir_request *r)
{
    static const char hex[] = "0123456789abcdef";
    weir_str nonce = { weir_ctx(r->main), NONCE_LEN };

    if (nonce.data == NULL) {
        uint8_t raw[NONCE_LEN / 2];
        char *text = weir_ctx_make(r->main, NONCE_LEN);

        weir_random(raw, sizeof(raw));
        for (size_t i = 0; i < NONCE_LEN; i++) {
            text[i] = hex[raw[i / 2] >> (i % 2 ? 0 : 4) & 15];
        }
        nonce.data = text;
    }
    return nonce;
}

static weir_str
nonce_variable(weir_request *r, const void *conf, weir_str name)
{
    (void)conf;
    (void)name;
    return nonce_of(r);
}

static int
csp_headers(weir_request *r, const void *conf)
{
    const csp_conf *c = conf;
    const weir_header *type = r->out[WEIR_H_CONTENT_TYPE];

    if (type == NULL || type->value.len < 9 || memcmp(type->value.data, "text/html", 9) != 0) {
        return WEIR_DONE; /* not a page: the body filter stays out of it, too */
    }
    weir_out_set(r, WEIR_STR("Content-Security-Policy"), weir_value_get(r, c->policy));
    if (r->out[WEIR_H_CONTENT_ENCODING] != NULL) {
        return WEIR_DONE; /* coded already: cannot be searched */
    }
    if (c->mark.len != NONCE_LEN) {
        weir_out_length(r, -1);
    }
    return WEIR_NEXT;
}

static int
csp_body(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    const csp_conf *c = conf;
    size_t at;

    while (weir_chain_find(in, c->mark, &at) == WEIR_OK) {
        weir_chain_move(r->pool, out, in, at);
        weir_chain_skip(in, c->mark.len);
        weir_chain_push(out, weir_buf_ref(r->pool, nonce_of(r)));
        weir_count(marks, 1);
    }
    weir_chain_move(r->pool, out, in, at); /* all, or up to what may be the beginning of a mark */
    return WEIR_NEXT;
}

static bool
wanted(const void *conf)
{
    return ((const csp_conf *)conf)->on;
}

static int
check(weir_conf *cf, void *conf)
{
    csp_conf *c = conf;
    return c->mark.len > 0 ? WEIR_OK : weir_conf_error(cf, "csp_mark must not be empty");
}

static const weir_directive directives[] = {
    WEIR_OPT(csp_conf, on, FLAG, "csp", WEIR_IN_ANY, "off",
             "send a Content-Security-Policy with a nonce"),
    WEIR_OPT(csp_conf, policy, VALUE, "csp_policy", WEIR_IN_ANY, "script-src 'nonce-$csp_nonce'",
             "the policy"),
    WEIR_OPT(csp_conf, mark, STR, "csp_mark", WEIR_IN_ANY, "@@CSP_NONCE@@",
             "what stands for the nonce in pages"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_HEADERS, .handler = csp_headers, .wanted = wanted },
    { .phase = WEIR_PHASE_BODY, .body = csp_body, .wanted = wanted },
};

static const weir_variable variables[] = {
    { .name = "csp_nonce", .get = nonce_variable },
};

static const weir_metric_def metrics[] = {
    { .name = "marks_total",
      .help = "nonces put into pages",
      .handle = &marks,
      .type = WEIR_COUNTER },
};

WEIR_MODULE("demo.csp", "1.0", .summary = "Content-Security-Policy nonces",
            .conf_size = sizeof(csp_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .variables = WEIR_ITEMS(variables),
            .metrics = WEIR_ITEMS(metrics), .check = check);
