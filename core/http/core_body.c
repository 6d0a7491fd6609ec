/* http/core_body.c - core.body: bodies of requests. */
#include "config.h"

#include "base/num.h"
#include "http/core.h"

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

typedef struct wr_body_conf conf;

static const weir_name in_file[] = { { "off", 0 }, { "on", 1 }, { "clean", 2 }, { NULL, 0 } };

static weir_str
absolute(weir_conf *cf, weir_str path)
{
    if (path.len != 0 && path.data[0] == '/') {
        return path;
    }
    return weir_print(cf->pool, "%.*s%.*s", WEIR_FMT(cf->prefix), WEIR_FMT(path));
}

/* client_body_temp_path PATH 1 2: digits of the folders within. */
static int
set_temp_path(weir_conf *cf, const weir_directive *d, void *field)
{
    conf *c = WR_CORE_STRUCT(conf, d, field);

    c->temp_path = absolute(cf, weir_conf_arg(cf, 1));
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t digits = 0;
        if (i + 2 < weir_conf_argc(cf) &&
            (!weir_parse_number(weir_conf_arg(cf, i + 2), 3, &digits) || digits == 0)) {
            return weir_conf_error_at(cf, i + 2, "invalid level \"%.*s\", it must be 1, 2 or 3",
                                      WEIR_FMT(weir_conf_arg(cf, i + 2)));
        }
        c->temp_levels[i] = (uint32_t)digits;
    }
    return WEIR_OK;
}

static const weir_directive rows[] = {
    WEIR_OPT(conf, max_size, SIZE, "client_max_body_size", WHERE, "1m",
             "longest body of a request, longer ones are answered with 413; 0: any"),
    WEIR_OPT(conf, buffer_size, SIZE, "client_body_buffer_size", WHERE, "16k",
             "bytes of a body that are kept in memory; more goes to a temporary file"),
    WEIR_OPT_COMPAT(conf, timeout_ms, MSEC, "client_body_timeout", WHERE, "30s", "60s",
                    "longest wait for more of a body"),
    WEIR_OPT_COMPAT(conf, min_rate, SIZE, "client_body_min_rate", WHERE, "500", "0",
                    "bytes a second of a body that must come after the first 20 s; 0: any"),
    { .name = "client_body_temp_path",
      .help = "folder of temporary files, and the digits of up to three levels of folders within",
      .preset = WR_BODY_TEMP_PATH,
      .where = WHERE,
      .type = WEIR_T_CUSTOM,
      WR_CORE_SPAN(conf, temp_path, temp_levels),
      .min = 1,
      .max = 4,
      .set = set_temp_path },
    WEIR_OPT_NAMES(conf, in_file_only, ENUM, "client_body_in_file_only", WHERE, "off",
                   "write every body to a file; clean: remove it after the request", in_file),
    WEIR_OPT(conf, in_single_buffer, FLAG, "client_body_in_single_buffer", WHERE, "off",
             "keep a body in memory in one piece"),
};

static int
check(weir_conf *cf, void *data)
{
    conf *c = data;

    if (weir_conf_where(cf) == WEIR_IN_MAIN) {
        c->temp_path = absolute(cf, WEIR_STR(WR_BODY_TEMP_PATH));
    }
    if (cf->make_folder != NULL) {
        cf->make_folder(cf, c->temp_path);
    }
    return WEIR_OK;
}

static weir_self self = WR_SELF;

const weir_module wr_core_body = {
    WR_BUILTIN(&self, "core.body"),
    .summary = "bodies of requests",
    .conf_size = sizeof(struct wr_body_conf),
    .directives = WEIR_ITEMS(rows),
    .check = check,
};
