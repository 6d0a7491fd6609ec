/* gzip.c - the gzip content coding as a response filter: its directives and tables.
 *
 * filter.c has the hooks, rules.c the questions they ask, compressor.h the library underneath.
 */
#include "gzip.h"
#include "rules.h"

static bool
wanted(const void *conf)
{
    return ((const gzip_conf *)conf)->on;
}

static int
check_level(weir_conf *cf, const weir_directive *d, void *field)
{
    int64_t level = *(const int64_t *)field;

    (void)d;
    return level >= 1 && level <= 9 ? WEIR_OK
                                    : weir_conf_error_at(cf, 1, "value must be between 1 and 9");
}

/* A power of two from least to most. */
static int
check_power(weir_conf *cf, uint64_t value, uint64_t least, uint64_t most)
{
    if (value >= least && value <= most && (value & (value - 1)) == 0) {
        return WEIR_OK;
    }
    return weir_conf_error_at(cf, 1, "value must be a power of two from %llu to %lluk",
                              (unsigned long long)least, (unsigned long long)(most >> 10));
}

static int
check_window(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return check_power(cf, *(const uint64_t *)field, 512, 32 << 10);
}

static int
check_hash(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return check_power(cf, *(const uint64_t *)field, 512, 128 << 10);
}

/* gzip_buffers number size */
static int
set_buffers(weir_conf *cf, const weir_directive *d, void *field)
{
    struct gzip_buffers *b = field;
    uint64_t number;
    uint64_t size;

    (void)d;
    if (weir_parse_size(weir_conf_arg(cf, 1), &number) != WEIR_OK || number == 0 ||
        number > UINT32_MAX) {
        return weir_conf_error_at(cf, 1, "invalid number of buffers");
    }
    if (weir_parse_size(weir_conf_arg(cf, 2), &size) != WEIR_OK || size == 0 ||
        size > GZIP_OUTPUT_SIZE_MAX) {
        return weir_conf_error_at(cf, 2, "invalid buffer size, it must be from 1 to 1m");
    }
    b->number = (uint32_t)number;
    b->size = size;
    return WEIR_OK;
}

/* gzip_disable regex ...; the field is zero at the first one of a block. */
static int
set_disable(weir_conf *cf, const weir_directive *d, void *field)
{
    struct gzip_disabled **at = field;

    (void)d;
    if (*at == NULL) {
        *at = weir_zalloc(weir_conf_pool(cf), sizeof(**at));
    }
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);
        struct gzip_agent *a;

        if (weir_str_eq(word, WEIR_STR("msie6"))) {
            (*at)->old_msie = true;
            continue;
        }
        if (weir_str_eq(word, WEIR_STR("degradation"))) {
            continue;
        }
        a = weir_zalloc(weir_conf_pool(cf), sizeof(*a));
        a->regex = weir_regex_compile(cf, word, WEIR_REGEX_ICASE);
        if (a->regex == NULL) {
            return WEIR_ERROR;
        }
        a->next = (*at)->agents;
        (*at)->agents = a;
    }
    return WEIR_OK;
}

static int
check(weir_conf *cf, void *conf)
{
    gzip_conf *c = conf;

    if (c->buffers.pool == NULL) {
        c->buffers.pool = weir_zalloc(weir_conf_pool(cf), sizeof(*c->buffers.pool));
    }
    return WEIR_OK;
}

static void
worker_stop(const void *conf)
{
    compressor_pool_empty(((const gzip_conf *)conf)->buffers.pool);
}

static const weir_name versions[] = { { "1.0", 10 }, { "1.1", 11 }, { NULL, 0 } };

static const weir_name proxied[] = {
    { "off", GZIP_PROXIED_OFF },           { "expired", GZIP_PROXIED_EXPIRED },
    { "no-cache", GZIP_PROXIED_NO_CACHE }, { "no-store", GZIP_PROXIED_NO_STORE },
    { "private", GZIP_PROXIED_PRIVATE },   { "no_last_modified", GZIP_PROXIED_NO_LAST_MODIFIED },
    { "no_etag", GZIP_PROXIED_NO_ETAG },   { "auth", GZIP_PROXIED_AUTH },
    { "any", GZIP_PROXIED_ANY },           { NULL, 0 },
};

enum { BLOCKS = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

/* A typed row whose value is looked at once more. */
#define CHECKED(f, X, name_, preset_, help_, set_)                                                 \
    {                                                                                              \
        .name = name_, .help = help_, .preset = preset_, .where = BLOCKS, .type = WEIR_T_##X,      \
        WEIR_FIELD_(gzip_conf, f, X), .set = set_                                                  \
    }

static const weir_directive directives[] = {
    WEIR_OPT(gzip_conf, on, FLAG, "gzip",
             WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION | WEIR_IN_IF, "off",
             "code responses with gzip for clients that accept it"),
    WEIR_OPT_CUSTOM(gzip_conf, buffers, "gzip_buffers", BLOCKS, 2, 2, 0, set_buffers,
                    "number and size of output buffers"),
    CHECKED(level, INT, "gzip_comp_level", "1", "from 1, fast, to 9, small", check_level),
    WEIR_OPT_CUSTOM(gzip_conf, disabled, "gzip_disable", BLOCKS, 1, 0, WEIR_D_MANY,
                    set_disable, "no gzip for a User-Agent that matches one of these"),
    WEIR_OPT_NAMES(gzip_conf, http_version, ENUM, "gzip_http_version", BLOCKS, "1.1",
                   "lowest version of a request that gets gzip", versions),
    WEIR_OPT(gzip_conf, min_length, SIZE, "gzip_min_length", BLOCKS, "20",
             "shortest response worth coding, bytes"),
    WEIR_OPT_NAMES(gzip_conf, proxied, BITS, "gzip_proxied", BLOCKS, "off",
                   "which responses to proxies (requests with Via) are coded", proxied),
    WEIR_OPT(gzip_conf, types, STRS, "gzip_types", BLOCKS, NULL,
             "media types that are coded, besides text/html; * for all"),
    WEIR_OPT_COMPAT(gzip_conf, vary, FLAG, "gzip_vary", BLOCKS, "on", "off",
                    "send Vary: Accept-Encoding wherever gzip could apply"),
    CHECKED(window, SIZE, "gzip_window", "32k", "how far back to look, bytes", check_window),
    CHECKED(hash, SIZE, "gzip_hash", "64k", "size of the search table, bytes", check_hash),
    { .name = "gzip_no_buffer",
      .help = "nothing is held back for want of a full buffer: no effect",
      .preset = "off",
      .where = BLOCKS,
      .type = WEIR_T_FLAG,
      .flags = WEIR_D_NOTHING,
      WEIR_FIELD_(gzip_conf, no_buffer, FLAG) },
    { .name = "postpone_gzipping",
      .help = "compressors are kept ready: no effect",
      .preset = "0",
      .where = BLOCKS,
      .type = WEIR_T_SIZE,
      .flags = WEIR_D_NOTHING,
      WEIR_FIELD_(gzip_conf, postpone, SIZE) },
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_HEADERS,
      .rank = WEIR_RANK_ENCODE,
      .handler = gzip_headers,
      .wanted = wanted },
    { .phase = WEIR_PHASE_BODY, .rank = WEIR_RANK_ENCODE, .body = gzip_body, .wanted = wanted },
};

static const weir_variable variables[] = {
    { .name = "gzip_ratio", .flags = WEIR_VAR_FRESH | WEIR_VAR_LATER, .get = gzip_ratio },
};

static const weir_metric_def metrics[] = {
    { .name = "bytes_in_total",
      .help = "bytes of responses before gzip",
      .handle = &gzip_bytes_in,
      .type = WEIR_COUNTER },
    { .name = "bytes_out_total",
      .help = "bytes of responses after gzip",
      .handle = &gzip_bytes_out,
      .type = WEIR_COUNTER },
    { .name = "responses_total",
      .help = "responses coded with gzip",
      .handle = &gzip_responses,
      .type = WEIR_COUNTER },
};

WEIR_MODULE("gzip", "1.0", .summary = "the gzip content coding for responses",
            .conf_size = sizeof(gzip_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .variables = WEIR_ITEMS(variables),
            .metrics = WEIR_ITEMS(metrics), .check = check, .worker_stop = worker_stop);
