/* gzip.c - nginx's gzip directives: which responses are offered to be coded so.
 *
 * The server holds the offer against the request and its response, and codes the body; coding.c is what it codes with.
 */
#include "gzip.h"

/* Smaller output buffers than this have no use, larger ones no sense. */
enum { BUFFER_SIZE_MAX = 1 << 20 };

/* A regular expression of gzip_disable. */
struct agent {
    struct agent *next;
    const weir_regex *regex;
};

struct disabled {
    struct agent *agents;
    bool old_msie;
};

typedef struct {
    bool on;
    bool vary;
    bool no_buffer;        /* accepted, not used */
    bool buffers;          /* likewise */
    uint64_t postpone;     /* likewise */
    int64_t level;         /* 1 to 9 */
    uint64_t min_length;   /* bytes */
    uint64_t window;       /* bytes, a power of two */
    uint64_t hash;         /* bytes, a power of two */
    uint32_t http_version; /* 10 or 11 */
    uint32_t proxied;      /* WEIR_CODING_PROXIED_* */
    weir_strs types;       /* besides text/html */
    struct disabled *disabled; /* NULL: none */
} gzip_conf;

/* ---- The offer. ---- */

static bool
agent_suits(weir_request *r, const void *data)
{
    const struct disabled *d = data;
    const weir_header *agent = r->in[WEIR_H_USER_AGENT];

    if (d == NULL || agent == NULL) {
        return true;
    }
    if (d->old_msie && gzip_old_msie(agent->value)) {
        return false;
    }
    for (const struct agent *a = d->agents; a != NULL; a = a->next) {
        if (weir_regex_match(r, a->regex, agent->value) == WEIR_OK) {
            return false;
        }
    }
    return true;
}

static int
offer(weir_request *r, const void *conf)
{
    const gzip_conf *c = conf;
    const weir_coding_offer o = {
        .size = sizeof(o),
        .flags = c->vary ? 0 : WEIR_CODING_NO_VARY,
        .coding = &gzip_coding,
        .shape = { .level = (int32_t)c->level,
                   .window_bits = __builtin_ctzll(c->window),
                   .memory = __builtin_ctzll(c->hash) - 8 },
        .min_length = c->min_length,
        .types = &c->types,
        .http_version = c->http_version,
        .proxied = c->proxied,
        .suits = agent_suits,
        .data = c->disabled,
    };

    weir_encode(r, &o);
    return WEIR_NEXT;
}

/* $gzip_ratio: how many times smaller the response has become. */
static weir_str
ratio(weir_request *r, const void *conf, weir_str name)
{
    weir_str text = { NULL, 0 };
    uint64_t in, out;
    char *to;

    (void)conf;
    (void)name;
    if (weir_encoded(r, &gzip_coding, &in, &out) == WEIR_OK && out != 0) {
        to = weir_alloc(r->pool, 24);
        text.len = gzip_ratio_text(in, out, to, 24);
        text.data = to;
    }
    return text;
}

/* ---- Directives. ---- */

static bool
wanted(const void *conf)
{
    return ((const gzip_conf *)conf)->on;
}

static int
check_level(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return weir_conf_between(cf, 1, *(const int64_t *)field, 1, 9);
}

/* A power of two from least to most. */
static int
check_power(weir_conf *cf, uint64_t value, uint64_t most)
{
    if (value >= 512 && value <= most && (value & (value - 1)) == 0) {
        return WEIR_OK;
    }
    return weir_conf_error_at(cf, 1, "value must be a power of two from 512 to %lluk",
                              (unsigned long long)(most >> 10));
}

static int
check_window(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return check_power(cf, *(const uint64_t *)field, 32 << 10);
}

static int
check_hash(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return check_power(cf, *(const uint64_t *)field, 128 << 10);
}

/* gzip_buffers number size: the server bounds what is under way. */
static int
set_buffers(weir_conf *cf, const weir_directive *d, void *field)
{
    uint64_t number;
    uint64_t size;

    (void)d;
    if (weir_parse_size(weir_conf_arg(cf, 1), &number) != WEIR_OK || number == 0 ||
        number > UINT32_MAX) {
        return weir_conf_error_at(cf, 1, "invalid number of buffers");
    }
    if (weir_parse_size(weir_conf_arg(cf, 2), &size) != WEIR_OK || size == 0 ||
        size > BUFFER_SIZE_MAX) {
        return weir_conf_error_at(cf, 2, "invalid buffer size, it must be from 1 to 1m");
    }
    *(bool *)field = true;
    return WEIR_OK;
}

/* gzip_disable regex ...; the field is zero at the first one of a block. */
static int
set_disable(weir_conf *cf, const weir_directive *d, void *field)
{
    struct disabled **at = field;

    (void)d;
    if (*at == NULL) {
        *at = weir_zalloc(weir_conf_pool(cf), sizeof(**at));
    }
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);
        struct agent *a;

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

static const weir_name versions[] = { { "1.0", 10 }, { "1.1", 11 }, { NULL, 0 } };

static const weir_name proxied[] = {
    { "off", WEIR_CODING_PROXIED_OFF },           { "expired", WEIR_CODING_PROXIED_EXPIRED },
    { "no-cache", WEIR_CODING_PROXIED_NO_CACHE }, { "no-store", WEIR_CODING_PROXIED_NO_STORE },
    { "private", WEIR_CODING_PROXIED_PRIVATE },   { "no_last_modified", WEIR_CODING_PROXIED_NO_LAST_MODIFIED },
    { "no_etag", WEIR_CODING_PROXIED_NO_ETAG },   { "auth", WEIR_CODING_PROXIED_AUTH },
    { "any", WEIR_CODING_PROXIED_ANY },           { NULL, 0 },
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
    WEIR_OPT_CUSTOM(gzip_conf, buffers, "gzip_buffers", BLOCKS, 2, 2, WEIR_D_NOTHING, set_buffers,
                    "number and size of output buffers: no effect"),
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
    { .phase = WEIR_PHASE_HEADERS, .rank = WEIR_RANK_ENCODE, .handler = offer, .wanted = wanted },
};

static const weir_variable variables[] = {
    { .name = "gzip_ratio", .flags = WEIR_VAR_FRESH | WEIR_VAR_LATER, .get = ratio },
};

static const weir_interface interfaces[] = {
    { WEIR_CODING, &gzip_coding },
    { WEIR_CODING, &gzip_coding_deflate },
};

WEIR_MODULE("gzip", "1.0", .flags = WEIR_MODULE_ALWAYS,
            .summary = "the content codings gzip and deflate", .conf_size = sizeof(gzip_conf),
            .directives = WEIR_ITEMS(directives), .hooks = WEIR_ITEMS(hooks),
            .variables = WEIR_ITEMS(variables), .interfaces = WEIR_ITEMS(interfaces));
