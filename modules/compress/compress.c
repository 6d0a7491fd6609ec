/* compress - one directive for all codings: which are used, the ones that are liked best first.
 *
 * It offers each coding that it names for responses of the types that are worth it, at the codec's own middle level; the server
 * weighs them by what the client accepts.
 */
#include <weir/weir.h>

enum { CODINGS_MAX = 8, PREFERENCE = 100 /* before what gzip, brotli and zstd offer themselves */ };

struct codings {
    const weir_coding *at[CODINGS_MAX];
    uint32_t n;
};

typedef struct {
    struct codings codings;
    uint64_t min_length; /* bytes */
    weir_strs types;
} compress_conf;

static int
offer(weir_request *r, const void *conf)
{
    const compress_conf *c = conf;

    for (uint32_t i = 0; i < c->codings.n; i++) {
        const weir_coding_offer o = {
            .size = sizeof(o),
            .coding = c->codings.at[i],
            .shape = c->codings.at[i]->preset,
            .min_length = c->min_length,
            .types = &c->types,
            .proxied = WEIR_CODING_PROXIED_ANY,
            .preference = PREFERENCE - (int32_t)i,
        };
        weir_encode(r, &o);
    }
    return WEIR_NEXT;
}

static bool
wanted(const void *conf)
{
    return ((const compress_conf *)conf)->codings.n != 0;
}

static int
add(weir_conf *cf, uint32_t word, struct codings *to)
{
    weir_str name = weir_conf_arg(cf, word);
    const weir_coding *coding = weir_coding_find(cf, name);

    if (coding == NULL || coding->encoder_open == NULL) {
        return weir_conf_error_at(cf, word, "unknown content coding \"%.*s\"", WEIR_FMT(name));
    }
    for (uint32_t i = 0; i < to->n; i++) {
        if (to->at[i] == coding) {
            return weir_conf_error_at(cf, word, "duplicate content coding \"%.*s\"", WEIR_FMT(name));
        }
    }
    if (to->n == CODINGS_MAX) {
        return weir_conf_error_at(cf, word, "too many content codings");
    }
    to->at[to->n++] = coding;
    return WEIR_OK;
}

/* compress gzip br zstd | off */
static int
set_codings(weir_conf *cf, const weir_directive *d, void *field)
{
    struct codings found = { .n = 0 };

    (void)d;
    if (weir_conf_argc(cf) == 2 && weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("off"))) {
        *(struct codings *)field = found;
        return WEIR_OK;
    }
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        if (add(cf, i, &found) != WEIR_OK) {
            return WEIR_ERROR;
        }
    }
    *(struct codings *)field = found;
    return WEIR_OK;
}

enum { BLOCKS = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

/* What is text by nature, and not compressed already. */
#define TYPES                                                                                      \
    "text/plain text/css text/xml text/javascript text/markdown text/csv text/calendar text/vtt "  \
    "application/javascript application/json application/ld+json application/manifest+json "       \
    "application/xml application/xhtml+xml application/rss+xml application/atom+xml "              \
    "application/wasm application/geo+json application/problem+json application/graphql "          \
    "application/vnd.ms-fontobject font/ttf font/otf image/svg+xml image/bmp image/x-icon"

static const weir_directive directives[] = {
    { .name = "compress",
      .help = "content codings for responses, of equally welcome ones the first; off: none",
      .preset = "off",
      .where = BLOCKS | WEIR_IN_IF,
      .type = WEIR_T_CUSTOM,
      .offset = (uint32_t)offsetof(compress_conf, codings),
      .size = sizeof(struct codings),
      .min = 1,
      .set = set_codings },
    WEIR_OPT(compress_conf, min_length, SIZE, "compress_min_length", BLOCKS, "256",
             "shortest response worth coding, bytes"),
    WEIR_OPT(compress_conf, types, STRS, "compress_types", BLOCKS, TYPES,
             "media types that are coded, besides text/html; * for all"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_HEADERS, .rank = WEIR_RANK_ENCODE, .handler = offer, .wanted = wanted },
};

WEIR_MODULE("compress", "1.0", .summary = "one directive for all content codings",
            .conf_size = sizeof(compress_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks));
