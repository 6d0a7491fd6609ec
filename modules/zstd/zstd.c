/* zstd.c - the directives of zstd, in the names that the known module for nginx gave them.
 *
 * The server holds the offer against the request and its response, and codes the body; coding.c is what it codes with.
 */
#include "coding.h"

typedef struct {
    bool on;
    bool buffers;        /* accepted, not used */
    int64_t level;
    uint64_t min_length; /* bytes */
    weir_strs types;     /* besides text/html */
} zstd_conf;

/* At equal weights zstd goes before gzip and behind br. */
enum { PREFERENCE = 10 };

static int
offer(weir_request *r, const void *conf)
{
    const zstd_conf *c = conf;
    const weir_coding_offer o = {
        .size = sizeof(o),
        .coding = &zstd_coding,
        .shape = { .level = (int32_t)c->level },
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
    return ((const zstd_conf *)conf)->on;
}

static int
check_level(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return weir_conf_between(cf, 1, *(const int64_t *)field, ZSTD_LEVEL_MIN, ZSTD_LEVEL_MAX);
}

enum { BLOCKS = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

static const weir_directive directives[] = {
    WEIR_OPT(zstd_conf, on, FLAG, "zstd", BLOCKS | WEIR_IN_IF, "off",
             "code responses with zstd for clients that accept it"),
    { .name = "zstd_comp_level",
      .help = "from 1, fast, to 19, small",
      .preset = "1",
      .where = BLOCKS,
      .type = WEIR_T_INT,
      WEIR_FIELD_(zstd_conf, level, INT),
      .set = check_level },
    WEIR_OPT(zstd_conf, min_length, SIZE, "zstd_min_length", BLOCKS, "20",
             "shortest response worth coding, bytes"),
    WEIR_OPT(zstd_conf, types, STRS, "zstd_types", BLOCKS, NULL,
             "media types that are coded, besides text/html; * for all"),
    WEIR_OPT_CUSTOM(zstd_conf, buffers, "zstd_buffers", BLOCKS, 2, 2, WEIR_D_NOTHING,
                    weir_set_written, "number and size of output buffers: no effect"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_HEADERS, .rank = WEIR_RANK_ENCODE, .handler = offer, .wanted = wanted },
};

static const weir_interface interfaces[] = { { WEIR_CODING, &zstd_coding } };

WEIR_MODULE("zstd", "1.0", .flags = WEIR_MODULE_ALWAYS, .summary = "the content coding zstd",
            .conf_size = sizeof(zstd_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .interfaces = WEIR_ITEMS(interfaces));
