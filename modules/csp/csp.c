/* csp - Content-Security-Policy: structured policies, a nonce for each page, sums of inline
 * scripts.
 *
 * filter.c has the filters, collect.c the place for reports, reports.c and learn.c what is made of
 * them, policy.c and grammar.c the configuration, scanner.c and elements.c the HTML, hashes.c the
 * sums.
 */
#include "csp.h"

/* What tags are marked with where csp_marker says nothing. */
static const struct scan_marker usual_marker = { .name = { "data-weir-nonce", 15 } };

static const char *const tag_outcomes[] = { "stamped", "refused", "hidden" };

/* ---- Variables. ---- */

static weir_str
nonce_variable(weir_request *r, const void *conf, weir_str name)
{
    (void)conf;
    (void)name;
    return csp_nonce(r);
}

static weir_str
script_hashes(weir_request *r, const void *conf, weir_str name)
{
    const struct page_hashes *found = csp_state_of(r)->found;

    (void)conf;
    (void)name;
    return found != NULL ? found->scripts : WEIR_STR("");
}

static weir_str
style_hashes(weir_request *r, const void *conf, weir_str name)
{
    const struct page_hashes *found = csp_state_of(r)->found;

    (void)conf;
    (void)name;
    return found != NULL ? found->styles : WEIR_STR("");
}

/* ---- Configuration. ---- */

enum { MARKER_NAME_MAX = 64 }; /* bytes */

static bool
is_token(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.data[i];
        if (!weir_is_letter(c) && !weir_is_digit(c) && c != '-' && c != '_' && c != '.' &&
            c != '~') {
            return false;
        }
    }
    return s.len != 0;
}

/* csp_marker NAME [VALUE] | off */
static int
set_marker(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_str name = weir_conf_arg(cf, 1), value = weir_conf_arg(cf, 2);
    struct marker_setting *setting = field;
    struct scan_marker *m = weir_zalloc(weir_conf_pool(cf), sizeof(*m));
    weir_text lower = weir_text_begin(weir_conf_pool(cf), name.len, MARKER_NAME_MAX);

    (void)d;
    *setting =
        (struct marker_setting){ .off = weir_str_eq(name, WEIR_STR("off")) && value.data == NULL };
    if (setting->off) {
        return WEIR_OK;
    }
    if (!is_token(name) || name.len > MARKER_NAME_MAX || weir_str_ieq(name, WEIR_STR("nonce"))) {
        return weir_conf_error_at(cf, 1, "\"%.*s\" cannot be the name of a marker", WEIR_FMT(name));
    }
    if (value.data != NULL && (!is_token(value) || value.len < 8 || value.len > 128)) {
        return weir_conf_error_at(
            cf, 2,
            "the marker's value must be 8 to 128 letters, digits, \"-\", \"_\", "
            "\".\" and \"~\"");
    }
    weir_text_add_lower(&lower, name);
    *m = (struct scan_marker){ .name = weir_text_view(&lower), .value = value };
    setting->marker = m;
    return WEIR_OK;
}

static int
check_header_name(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_str name = *(const weir_str *)field;

    (void)d;
    return name.len == 0 || is_token(name)
               ? WEIR_OK
               : weir_conf_error_at(cf, 1, "\"%.*s\" cannot be a field name", WEIR_FMT(name));
}

static int
check(weir_conf *cf, void *conf)
{
    csp_conf *c = conf;
    int rc;

    policy_merge(&c->enforced.settled, &c->enforced.own);
    policy_merge(&c->reported.settled, &c->reported.own);
    rc = policy_compile(cf, &c->enforced.settled, c->hashes.on, &c->enforced.values);
    if (rc == WEIR_OK) {
        rc = policy_compile(cf, &c->reported.settled, c->hashes.on, &c->reported.values);
    }
    c->enforced.values.meta = c->meta ? c->enforced.values.meta : NULL;
    c->stamps = NULL;
    if (!c->marker.off && (c->enforced.values.has_nonce || c->reported.values.has_nonce)) {
        c->stamps = c->marker.marker != NULL ? c->marker.marker : &usual_marker;
    }
    return rc;
}

static bool
wants_request(const void *conf)
{
    const csp_conf *c = conf;

    return c->nonce_header.len != 0 || csp_changes_pages(c);
}

static bool
wants_head(const void *conf)
{
    const csp_conf *c = conf;

    return c->enforced.values.page != NULL || c->reported.values.page != NULL ||
           c->upstream != UPSTREAM_KEEP;
}

static bool
wants_body(const void *conf)
{
    return csp_changes_pages(conf);
}

static int
answer(weir_request *r, const void *conf)
{
    return collect(r, &((const csp_conf *)conf)->collector);
}

static bool
wants_reports(const void *conf)
{
    return ((const csp_conf *)conf)->collector.log.file != NULL;
}

static const weir_name upstream_policies[] = { { "keep", UPSTREAM_KEEP },
                                               { "replace", UPSTREAM_REPLACE },
                                               { NULL, 0 } };

enum {
    OWN = WEIR_D_MANY | WEIR_D_LOCAL,
    BLOCKS = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION
};

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(
        csp_conf, enforced.own, "csp", WEIR_IN_ANY, 1, 0, OWN, set_policy_line,
        "a directive of the Content-Security-Policy, or off: no policy of outer blocks"),
    WEIR_OPT_CUSTOM(csp_conf, enforced.settled, "csp_policy", WEIR_IN_ANY, 1, 1, 0, set_policy_text,
                    "the whole policy as one text"),
    WEIR_OPT_CUSTOM(csp_conf, reported.own, "csp_report_only", WEIR_IN_ANY, 1, 0, OWN,
                    set_report_only_line, "as csp, of the policy that only reports"),
    WEIR_OPT_CUSTOM(csp_conf, reported.settled, "csp_report_only_policy", WEIR_IN_ANY, 1, 1, 0,
                    set_policy_text, "as csp_policy, of the policy that only reports"),
    WEIR_OPT(csp_conf, meta, FLAG, "csp_meta", WEIR_IN_ANY, "off",
             "write the enforced policy into the head of pages, too"),
    WEIR_OPT_NAMES(csp_conf, upstream, ENUM, "csp_upstream", WEIR_IN_ANY, "keep",
                   "whether policies that the answer has already hold, too", upstream_policies),
    { .name = "csp_nonce_header",
      .help = "field by which upstreams are told the nonce; \"\": none",
      .preset = "\"\"",
      .where = WEIR_IN_ANY,
      .type = WEIR_T_STR,
      WEIR_FIELD_(csp_conf, nonce_header, STR),
      .set = check_header_name },
    WEIR_OPT_CUSTOM(csp_conf, marker, "csp_marker", WEIR_IN_ANY, 1, 2, 0, set_marker,
                    "attribute in place of which script, style and link tags get the nonce; off"),
    WEIR_OPT_CUSTOM(csp_conf, hashes, "csp_hashes", WEIR_IN_ANY, 1, 2, 0, set_hashes,
                    "add the sums of the inline scripts and styles of pages that are files"),
    WEIR_OPT_CUSTOM(csp_conf, collector.log, "csp_report", WEIR_IN_LOCATION, 1, 1,
                    WEIR_D_LOCAL | WEIR_D_CONTENT, set_report,
                    "answer reports of violations, and write them to this file"),
    { .name = "csp_report_max_size",
      .help = "longest body of reports, bytes",
      .preset = "64k",
      .where = BLOCKS,
      .type = WEIR_T_SIZE,
      WEIR_FIELD_(csp_conf, collector.max, SIZE),
      .set = check_max },
    { .name = "csp_report_rate",
      .help = "bodies of reports that are taken a second; 0: any number",
      .preset = "20",
      .where = BLOCKS,
      .type = WEIR_T_INT,
      WEIR_FIELD_(csp_conf, collector.rate, INT),
      .set = check_rate },
    WEIR_OPT(csp_conf, collector.repeat_ms, MSEC, "csp_report_repeat", BLOCKS, "1h",
             "how long a report that was written is not written again"),
    WEIR_OPT_CUSTOM(csp_conf, collector.learn, "csp_learn", BLOCKS, 1, 1, 0, set_learn,
                    "write the policy that would have let pass what was reported to this file"),
};

/* The page as its author made it, all that joins it included; behind `headers`, whose Cache-Control
 * counts. */
static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT, .handler = answer, .wanted = wants_reports },
    { .phase = WEIR_PHASE_PREACCESS,
      .handler = csp_request,
      .wanted = wants_request,
      .after = "headers" },
    { .phase = WEIR_PHASE_HEADERS,
      .handler = csp_headers,
      .wanted = wants_head,
      .after = "addition charset headers proxy ssi sub" },
    { .phase = WEIR_PHASE_BODY,
      .body = csp_body,
      .wanted = wants_body,
      .flags = WEIR_HOOK_TEXT,
      .after = "addition charset headers proxy ssi sub" },
};

static const weir_variable variables[] = {
    { .name = "csp_nonce", .flags = WEIR_VAR_FRESH, .get = nonce_variable },
    { .name = "csp_script_hashes", .flags = WEIR_VAR_FRESH, .get = script_hashes },
    { .name = "csp_style_hashes", .flags = WEIR_VAR_FRESH, .get = style_hashes },
};

static const weir_metric_def metrics[] = {
    { .name = "tags_total",
      .help = "marked tags of pages: stamped with the nonce, refused, or no tags: their secret was "
              "hidden",
      .handle = &csp_tags,
      .type = WEIR_COUNTER,
      .n = TAG_OUTCOMES,
      .label = "result",
      .values = tag_outcomes },
    { .name = "reports_total",
      .help = "what became of violations and of bodies that report them",
      .handle = &csp_reports,
      .type = WEIR_COUNTER,
      .n = COLLECT_OUTCOMES,
      .label = "result",
      .values = collect_outcomes },
    { .name = "pages_total",
      .help = "pages sent with a nonce",
      .handle = &csp_pages,
      .type = WEIR_COUNTER },
};

WEIR_MODULE("csp", "1.0", .flags = WEIR_MODULE_STATE_STAYS,
            .summary = "Content-Security-Policy: policies, nonces, hashes",
            .conf_size = sizeof(csp_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .variables = WEIR_ITEMS(variables),
            .metrics = WEIR_ITEMS(metrics), .check = check, .explain = csp_explain);
