/* http/core_http.c - core.http: the rows that open blocks and name servers, what nginx has and weir has no need of, and the
 * list of this layer's modules. */
#include "base/str.h"
#include "http/build.h"
#include "http/core.h"
#include "http/core_ssl.h"
#include "http/core_ssl_variables.h"
#include "http/metrics.h"
#include "http/range.h"
#include "http/variable.h"

enum {
    HS = WEIR_IN_HTTP | WEIR_IN_SERVER,
    HSL = HS | WEIR_IN_LOCATION
};

/* ---- Rows that fill the server or the order of hooks. ---- */

static int
set_hook_order(weir_conf *cf, const weir_directive *d, void *field)
{
    uint32_t phase = wr_order_phase_parse(weir_conf_arg(cf, 1)), n = weir_conf_argc(cf) - 2;
    weir_str *names = wr_pool_array(cf->pool, weir_str, n);
    struct wr_order_wish *wish;

    (void)d;
    (void)field;
    if (phase == 0) {
        return weir_conf_error_at(cf, 1, "there is no phase \"%.*s\"", WEIR_FMT(weir_conf_arg(cf, 1)));
    }
    for (uint32_t i = 0; i < n; i++) {
        names[i] = weir_conf_arg(cf, i + 2);
    }
    wish = wr_vec_add(&wr_build_of(cf)->wishes);
    *wish = (struct wr_order_wish){ .phase = phase, .names = names, .n = n };
    return WEIR_OK;
}

/* conf/include has put the sites' statements right behind this one. */
static int
accept_sites(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)cf;
    (void)d;
    (void)field;
    return WEIR_OK;
}

/* A CUSTOM row without a field of its own. */
#define ROW(name_, where_, min_, max_, flags_, set_, help_)                                        \
    { .name = name_, .help = help_, .where = where_, .type = WEIR_T_CUSTOM, .min = min_, .max = max_,  \
      .flags = flags_, .set = set_ }

static const weir_directive rows[] = {
    ROW("server", WEIR_IN_HTTP, 0, 0, WEIR_D_BLOCK | WEIR_D_MANY | WR_D_SCOPE, wr_server_block,
        "a site: names, addresses and locations"),
    ROW("location", WEIR_IN_SERVER | WEIR_IN_LOCATION, 1, 2,
        WEIR_D_BLOCK | WEIR_D_MANY | WR_D_SCOPE, wr_location_block,
        "settings for paths: a prefix, = exact, ^~ prefix without regular expressions, "
        "~ or ~* regular expression, @name"),
    ROW("limit_except", WEIR_IN_LOCATION, 1, 0, WEIR_D_BLOCK | WR_D_SCOPE, wr_limit_except_block,
        "settings for all methods but these; GET means HEAD, too"),
    ROW("listen", WEIR_IN_SERVER, 1, 0, WEIR_D_MANY, wr_listen_set,
        "address, port or unix:path that the server answers at"),
    ROW("server_name", WEIR_IN_SERVER, 1, 0, WEIR_D_MANY, wr_server_name_set,
        "host names of the server: exact, *.wildcard, wildcard.*, ~regular expression"),
    ROW("sites", WEIR_IN_HTTP, 1, 1, WEIR_D_MANY, accept_sites,
        "glob of files, a site each: a fault in one of them costs that site alone"),
    ROW("hook_order", WEIR_IN_HTTP, 3, 0, WEIR_D_MANY, set_hook_order,
        "phase, then modules in the order in which their hooks are to run"),
    ROW("lint_ignore", HSL | WEIR_IN_IF, 1, 0, WEIR_D_MANY, wr_lint_ignore,
        "warnings of weir -t that are not wanted here"),

    WR_CORE_NOTHING("aio", HSL, "weir reads files without it"),
    WR_CORE_NOTHING("aio_write", HSL, "weir writes files without it"),
    WR_CORE_NOTHING("client_body_early_read", HS, "bodies are read when a module asks for them"),
    WR_CORE_NOTHING("connection_pool_size", HS, "connections need no pool"),
    WR_CORE_NOTHING("directio", HSL, "files go through the system's cache"),
    WR_CORE_NOTHING("directio_alignment", HSL, "files go through the system's cache"),
    WR_CORE_NOTHING("http3", HS, "HTTP/3 is not served"),
    WR_CORE_NOTHING("http3_hq", HS, "HTTP/3 is not served"),
    WR_CORE_NOTHING("http3_max_concurrent_streams", HS, "HTTP/3 is not served"),
    WR_CORE_NOTHING("http3_stream_buffer_size", HS, "HTTP/3 is not served"),
    WR_CORE_NOTHING("msie_padding", HSL, "such browsers are gone"),
    WR_CORE_NOTHING("msie_refresh", HSL, "such browsers are gone"),
    WR_CORE_NOTHING("open_file_cache_events", HSL, "files are looked at again when their time is over"),
    WR_CORE_NOTHING("output_buffers", HSL, "buffers are shared by all answers"),
    WR_CORE_NOTHING("post_action", HSL | WEIR_IN_IF, "nginx does not document it either"),
    WR_CORE_NOTHING("postpone_output", HSL, "output is gathered over a turn of the event loop"),
    WR_CORE_NOTHING("quic_active_connection_id_limit", HS, "HTTP/3 is not served"),
    WR_CORE_NOTHING("quic_gso", HS, "HTTP/3 is not served"),
    WR_CORE_NOTHING("quic_host_key", HS, "HTTP/3 is not served"),
    WR_CORE_NOTHING("quic_retry", HS, "HTTP/3 is not served"),
    WR_CORE_NOTHING("read_ahead", HSL, "the system decides"),
    WR_CORE_NOTHING("request_pool_size", HS, "request memory grows as it is needed"),
    WR_CORE_NOTHING("send_lowat", HSL, "not for this system"),
    WR_CORE_NOTHING("server_names_hash_bucket_size", WEIR_IN_HTTP, "tables find their own size"),
    WR_CORE_NOTHING("server_names_hash_max_size", WEIR_IN_HTTP, "tables find their own size"),
    WR_CORE_NOTHING("subrequest_output_buffer_size", HSL, "subrequests say how much they keep"),
    WR_CORE_NOTHING("types_hash_bucket_size", HSL, "tables find their own size"),
    WR_CORE_NOTHING("types_hash_max_size", HSL, "tables find their own size"),
    WR_CORE_NOTHING("variables_hash_bucket_size", WEIR_IN_HTTP, "tables find their own size"),
    WR_CORE_NOTHING("variables_hash_max_size", WEIR_IN_HTTP, "tables find their own size"),
};

static weir_self self = WR_SELF;

const weir_module wr_core_http = {
    WR_BUILTIN(&self, "core.http"),
    .summary = "servers, locations and the order of hooks",
    .directives = WEIR_ITEMS(rows),
};

const weir_module *const wr_http_builtin[] = {
    &wr_core_server, &wr_core_location, &wr_core_files,           &wr_core_body,
    &wr_core_http2,  &wr_core_coding, &wr_core_http,     &wr_core_variables_module, &wr_range_module,
    &wr_metrics_module, &wr_core_ssl, &wr_core_ssl_variables_module,
    &wr_core_https,
};
const uint32_t wr_http_builtin_count = sizeof(wr_http_builtin) / sizeof(wr_http_builtin[0]);
