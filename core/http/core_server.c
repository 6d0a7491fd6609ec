/* http/core_server.c - core.server: what holds for a connection before a location is known. */
#include "base/assert.h"
#include "base/num.h"
#include "http/core.h"

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER };

/* large_client_header_buffers 4 8k: two fields. */
static int
set_large_buffers(weir_conf *cf, const weir_directive *d, void *field)
{
    struct wr_server_conf *c = WR_CORE_STRUCT(struct wr_server_conf, d, field);
    uint64_t n, size;

    if (!weir_parse_number(weir_conf_arg(cf, 1), UINT16_MAX, &n) || n == 0) {
        return weir_conf_error_at(cf, 1, "\"%s\" directive invalid number", d->name);
    }
    if (weir_parse_size(weir_conf_arg(cf, 2), &size) != WEIR_OK || size == 0 || size > UINT32_MAX) {
        return weir_conf_error_at(cf, 2, "\"%s\" directive invalid value", d->name);
    }
    c->large_buffers = (uint32_t)n;
    c->large_buffer_size = size;
    return WEIR_OK;
}

static int
at_least_one(weir_conf *cf, const weir_directive *d, void *field)
{
    return *(int64_t *)field >= 1 ? WEIR_OK
                                  : weir_conf_error_at(cf, 1, "\"%s\" must be at least 1", d->name);
}

static const weir_directive rows[] = {
    WEIR_OPT_COMPAT(struct wr_server_conf, header_timeout_ms, MSEC, "client_header_timeout", WHERE,
                    "20s", "60s", "time in which the whole request head must have come"),
    WEIR_OPT(struct wr_server_conf, header_buffer_size, SIZE, "client_header_buffer_size", WHERE,
             "1k", "bytes of a request head that are read without a large buffer"),
    { .name = "large_client_header_buffers",
      .help =
          "how many large buffers a request head may fill, and the size of one: the longest line",
      .preset = "4 8k",
      .where = WHERE,
      .type = WEIR_T_CUSTOM,
      WR_CORE_SPAN(struct wr_server_conf, large_buffers, large_buffer_size),
      .min = 2,
      .max = 2,
      .set = set_large_buffers },
    { .name = "max_headers",
      .help = "most header lines of a request; more are answered with 431",
      .preset = "200",
      .compat = "1000",
      .where = WHERE,
      .type = WEIR_T_INT,
      WEIR_FIELD_(struct wr_server_conf, max_headers, INT),
      .set = at_least_one },
    WEIR_OPT(struct wr_server_conf, ignore_invalid_headers, FLAG, "ignore_invalid_headers", WHERE,
             "on", "drop header lines with invalid names instead of refusing the request"),
    WEIR_OPT(struct wr_server_conf, underscores_in_headers, FLAG, "underscores_in_headers", WHERE,
             "off", "take underscores in header names for valid"),
    WEIR_OPT(struct wr_server_conf, merge_slashes, FLAG, "merge_slashes", WHERE, "on",
             "make several slashes in a path one"),
    WEIR_OPT_COMPAT(struct wr_server_conf, encoded_slash, FLAG, "encoded_slash", WHERE, "off", "on",
                    "take %2f in a path for a slash; off: answer 400"),
    WEIR_OPT_COMPAT(struct wr_server_conf, bare_lf, FLAG, "bare_lf", WHERE, "off", "on",
                    "take a line feed alone for the end of a line of a request head"),
    WEIR_OPT(struct wr_server_conf, background_max, INT, "background_requests", WEIR_IN_HTTP, "512",
             "most requests of a worker that work on without their clients"),
    WEIR_OPT(struct wr_server_conf, background_ms, MSEC, "background_timeout", WHERE, "1h",
             "longest that a request works on without its client; 0: no limit"),
};

static int
check(weir_conf *cf, void *conf)
{
    struct wr_server_conf *c = conf;

    if (weir_conf_where(cf) == WEIR_IN_MAIN) {
        c->large_buffers = 4;
        c->large_buffer_size = 8192;
    }
    return WEIR_OK;
}

static weir_self self = WR_SELF;

const weir_module wr_core_server = {
    WR_BUILTIN(&self, "core.server"),
    .summary = "connections and request heads",
    .conf_size = sizeof(struct wr_server_conf),
    .directives = WEIR_ITEMS(rows),
    .check = check,
};
