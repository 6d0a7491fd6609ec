/* cors - what pages of other origins may do: cors_*, timing_allow_origin, fetch_metadata.
 *
 * Before access control a hook answers preflights, which browsers send without credentials, and
 * turns away what the isolation policy does not admit; a header filter, behind those that add
 * fields, says on every answer who may read it (answer.c). origins.c knows the lists, isolation.c
 * the policy.
 */
#include "cors.h"

weir_metric *cors_requests;
static weir_metric *cors_preflights, *cors_isolated;

/* ---- Requests. ---- */

static int
admit(weir_request *r, const cors_conf *c)
{
    weir_str origin = cors_origin_of(r);
    bool report = c->isolation.mode == ISOLATION_REPORT;

    if (isolation_admits(r, &c->isolation, origin.len != 0 && origins_have(&c->origins, origin))) {
        return WEIR_NEXT;
    }
    weir_count_at(cors_isolated, report ? 1 : 0, 1);
    weir_log_line(r->log, report ? WEIR_LOG_WARN : WEIR_LOG_INFO,
                  "fetch_metadata: a request of another site%s",
                  report ? " would be refused" : " is refused");
    return report ? WEIR_NEXT : 403;
}

static int
screen(weir_request *r, const void *conf)
{
    const cors_conf *c = conf;

    if (!c->pass && origins_any(&c->origins) && cors_is_preflight(r)) {
        weir_count_at(cors_preflights,
                      origins_have(&c->origins, cors_origin_of(r)) ? CORS_ALLOWED : CORS_REFUSED,
                      1);
        return weir_respond(r, 204, WEIR_STR(""), WEIR_STR(""));
    }
    return c->isolation.mode != ISOLATION_OFF ? admit(r, c) : WEIR_NEXT;
}

static bool
wants_requests(const void *conf)
{
    const cors_conf *c = conf;

    return c->isolation.mode != ISOLATION_OFF || (!c->pass && origins_any(&c->origins));
}

static bool
wants_head(const void *conf)
{
    const cors_conf *c = conf;

    return c->isolation.mode == ISOLATION_ON || c->timing_text.len != 0 || origins_any(&c->origins);
}

/* ---- Settings. ---- */

static int
check_tokens(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    (void)field;
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        if (!weir_is_token(weir_conf_arg(cf, i))) {
            return weir_conf_error_at(cf, i, "\"%.*s\" is not a token",
                                      WEIR_FMT(weir_conf_arg(cf, i)));
        }
    }
    return WEIR_OK;
}

static int
check_timing(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    (void)field;
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);
        if (!origin_is_valid(word) && !weir_str_eq(word, WEIR_STR("*")) &&
            !weir_str_eq(word, WEIR_STR("off"))) {
            return weir_conf_error_at(
                cf, i, "invalid origin \"%.*s\", it must be like \"https://www.example.com\"",
                WEIR_FMT(word));
        }
        if (origin_has_usual_port(word)) {
            return weir_conf_error_at(
                cf, i, "no browser names the port in \"%.*s\": it is the scheme's own",
                WEIR_FMT(word));
        }
    }
    return WEIR_OK;
}

static bool
has_word(const weir_strs *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++) {
        if (weir_str_eq(words->at[i], weir_str_c(word))) {
            return true;
        }
    }
    return false;
}

/* The words as one list; absent when there are none, or they are "off". */
static weir_str
listed(weir_conf *cf, const weir_strs *words)
{
    weir_str text = { NULL, 0 };

    for (size_t i = 0; i < words->count && !has_word(words, "off"); i++) {
        text = weir_print(weir_conf_pool(cf), "%.*s%s%.*s", WEIR_FMT(text), i != 0 ? ", " : "",
                          WEIR_FMT(words->at[i]));
    }
    return text;
}

/* With credentials "*" stands for itself in lists, and "null" for every sandboxed page there is. */
static int
check_credentials(weir_conf *cf, const cors_conf *c)
{
    if (c->origins.any || c->origins.null) {
        return weir_conf_error(cf,
                               "\"cors_credentials on\" with \"cors_origin %s\": every site "
                               "could act in the name of the user",
                               c->origins.any ? "*" : "null");
    }
    if (has_word(&c->methods, "*") || has_word(&c->headers, "*") || has_word(&c->expose, "*")) {
        return weir_conf_error(cf,
                               "\"cors_credentials on\": \"*\" in cors_methods, cors_headers and "
                               "cors_expose means nothing to browsers then");
    }
    return WEIR_OK;
}

static int
check(weir_conf *cf, void *conf)
{
    cors_conf *c = conf;

    c->methods_text = listed(cf, &c->methods);
    c->headers_text = listed(cf, &c->headers);
    c->expose_text = listed(cf, &c->expose);
    c->timing_text = listed(cf, &c->timing);
    c->max_age_text =
        weir_print(weir_conf_pool(cf), "%llu", (unsigned long long)c->max_age_ms / 1000);
    return c->credentials && origins_any(&c->origins) ? check_credentials(cf, c) : WEIR_OK;
}

/* ---- Tables. ---- */

static const weir_name isolation_modes[] = {
    { "off", ISOLATION_OFF }, { "on", ISOLATION_ON }, { "report", ISOLATION_REPORT }, { NULL, 0 }
};

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

/* A list of words that are looked at once more. */
#define LIST(f, name_, help_, set_)                                                                \
    {                                                                                              \
        .name = name_, .help = help_, .where = WHERE, .type = WEIR_T_STRS,                         \
        WEIR_FIELD_(cors_conf, f, STRS), .set = set_                                               \
    }

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(
        cors_conf, origins, "cors_origin", WHERE, 1, 0, WEIR_D_MANY, set_origins,
        "origins whose pages may read answers: exact, https://*.example.com, ~regex, *"),
    LIST(methods, "cors_methods", "methods they may use besides GET, HEAD and POST", check_tokens),
    LIST(headers, "cors_headers", "request fields they may set", check_tokens),
    LIST(expose, "cors_expose", "response fields they may read", check_tokens),
    WEIR_OPT(cors_conf, credentials, FLAG, "cors_credentials", WHERE, "off",
             "let them send cookies and read what comes back"),
    WEIR_OPT(cors_conf, max_age_ms, MSEC, "cors_max_age", WHERE, "5s",
             "how long a browser may remember the answer to a preflight"),
    WEIR_OPT(cors_conf, private_network, FLAG, "cors_private_network", WHERE, "off",
             "let public pages in, though this is a private network"),
    WEIR_OPT(cors_conf, pass, FLAG, "cors_pass_preflight", WHERE, "off",
             "let the application answer preflights"),
    WEIR_OPT(cors_conf, keep, FLAG, "cors_keep", WHERE, "off",
             "leave answers alone that name an allowed origin themselves"),
    LIST(timing, "timing_allow_origin", "origins that may see how long answers took; * for all",
         check_timing),
    WEIR_OPT_NAMES(cors_conf, isolation.mode, ENUM, "fetch_metadata", WHERE, "off",
                   "refuse what pages of other sites load, as browsers tell; report: only say so",
                   isolation_modes),
    WEIR_OPT_CUSTOM(cors_conf, isolation.exceptions, "fetch_metadata_allow", WHERE, 1, 3,
                    WEIR_D_MANY, set_isolation_exception,
                    "requests that are let in: site=, mode=, dest= as the browser says"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_PREACCESS,
      .rank = WEIR_RANK_LATE,
      .handler = screen,
      .wanted = wants_requests },
    { .phase = WEIR_PHASE_HEADERS,
      .rank = WEIR_RANK_LATE,
      .handler = cors_headers,
      .wanted = wants_head },
};

static const char *const results[] = { "allowed", "refused" };
static const char *const isolated[] = { "refused", "reported" };

static const weir_metric_def metrics[] = {
    { .name = "requests_total",
      .help = "requests with an Origin",
      .handle = &cors_requests,
      .type = WEIR_COUNTER,
      .n = 2,
      .label = "result",
      .values = results },
    { .name = "preflights_total",
      .help = "preflights answered",
      .handle = &cors_preflights,
      .type = WEIR_COUNTER,
      .n = 2,
      .label = "result",
      .values = results },
    { .name = "fetch_metadata_total",
      .help = "requests of other sites that the isolation policy does not admit",
      .handle = &cors_isolated,
      .type = WEIR_COUNTER,
      .n = 2,
      .label = "result",
      .values = isolated },
};

WEIR_MODULE("cors", "1.0",
            .summary = "what pages of other origins may do, and who may load from here",
            .conf_size = sizeof(cors_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .metrics = WEIR_ITEMS(metrics), .check = check);
