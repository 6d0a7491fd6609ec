/* brotli.c - the directives of br, in the names that the known module for nginx gave them.
 *
 * The server holds the offer against the request and its response, and codes the body; coding.c is what it codes with.
 */
#include "coding.h"

typedef struct {
    bool on;
    bool buffers;        /* accepted, not used */
    int64_t level;       /* 0 to 11 */
    uint64_t window;     /* bytes, a power of two */
    uint64_t min_length; /* bytes */
    weir_strs types;     /* besides text/html */
} brotli_conf;

/* At equal weights br goes before gzip: it is smaller. */
enum { PREFERENCE = 20 };

static int
offer(weir_request *r, const void *conf)
{
    const brotli_conf *c = conf;
    const weir_coding_offer o = {
        .size = sizeof(o),
        .coding = &brotli_coding,
        .shape = { .level = (int32_t)c->level, .window_bits = __builtin_ctzll(c->window) },
        .min_length = c->min_length,
        .types = &c->types,
        .proxied = WEIR_CODING_PROXIED_ANY,
        .preference = PREFERENCE,
    };

    weir_encode(r, &o);
    return WEIR_NEXT;
}

static bool
wanted(const void *conf)
{
    return ((const brotli_conf *)conf)->on;
}

static int
check_level(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return weir_conf_between(cf, 1, *(const int64_t *)field, 0, BROTLI_LEVEL_MAX);
}

static int
check_window(weir_conf *cf, const weir_directive *d, void *field)
{
    uint64_t bytes = *(const uint64_t *)field;

    (void)d;
    if (bytes >= 1u << BROTLI_BITS_MIN && bytes <= 1u << BROTLI_BITS_MAX &&
        (bytes & (bytes - 1)) == 0) {
        return WEIR_OK;
    }
    return weir_conf_error_at(cf, 1, "value must be a power of two from 1k to 16m");
}

enum { BLOCKS = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

static const weir_directive directives[] = {
    WEIR_OPT(brotli_conf, on, FLAG, "brotli", BLOCKS | WEIR_IN_IF, "off",
             "code responses with br for clients that accept it"),
    { .name = "brotli_comp_level",
      .help = "from 0, fast, to 11, small",
      .preset = "6",
      .where = BLOCKS,
      .type = WEIR_T_INT,
      WEIR_FIELD_(brotli_conf, level, INT),
      .set = check_level },
    { .name = "brotli_window",
      .help = "how far back to look, bytes",
      .preset = "512k",
      .where = BLOCKS,
      .type = WEIR_T_SIZE,
      WEIR_FIELD_(brotli_conf, window, SIZE),
      .set = check_window },
    WEIR_OPT(brotli_conf, min_length, SIZE, "brotli_min_length", BLOCKS, "20",
             "shortest response worth coding, bytes"),
    WEIR_OPT(brotli_conf, types, STRS, "brotli_types", BLOCKS, NULL,
             "media types that are coded, besides text/html; * for all"),
    WEIR_OPT_CUSTOM(brotli_conf, buffers, "brotli_buffers", BLOCKS, 2, 2, WEIR_D_NOTHING,
                    weir_set_written, "number and size of output buffers: no effect"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_HEADERS, .rank = WEIR_RANK_ENCODE, .handler = offer, .wanted = wanted },
};

static const weir_interface interfaces[] = { { WEIR_CODING, &brotli_coding } };

WEIR_MODULE("brotli", "1.0", .flags = WEIR_MODULE_ALWAYS, .summary = "the content coding br",
            .conf_size = sizeof(brotli_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .interfaces = WEIR_ITEMS(interfaces));
