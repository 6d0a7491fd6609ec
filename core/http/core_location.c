/* http/core_location.c - core.location: keeping connections, pacing answers, redirects, error
 * pages. */
#include "base/assert.h"
#include "conf/usage.h"
#include "http/browser.h"
#include "http/core.h"
#include "http/error_page.h"

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION, WHERE_IF = WHERE | WEIR_IN_IF };

typedef struct wr_loc_conf conf;

static const weir_name lingering[] = { { "off", 0 }, { "on", 1 }, { "always", 2 }, { NULL, 0 } };
static const weir_name satisfy[] = { { "all", 0 }, { "any", 1 }, { NULL, 0 } };
static const weir_name tokens[] = { { "off", 0 }, { "on", 1 }, { "build", 2 }, { NULL, 0 } };
static const weir_name browsers[] = {
    { "none", 0 }, { "msie6", WR_BROWSER_MSIE6 }, { "safari", WR_BROWSER_SAFARI }, { NULL, 0 }
};

/* Argument i is not of the type. */
static int
invalid(weir_conf *cf, uint32_t i, const weir_directive *d, uint32_t type)
{
    const weir_directive like = { .type = type };

    wr_diag_error(cf->diag, wr_conf_place(cf->node, i), wr_usage_form(&like),
                  "\"%s\" directive invalid value", d->name);
    return WEIR_ERROR;
}

/* keepalive_timeout 75s 60s: the second is what the Keep-Alive field says, in seconds. */
static int
set_keepalive_timeout(weir_conf *cf, const weir_directive *d, void *field)
{
    conf *c = WR_CORE_STRUCT(conf, d, field);
    uint64_t ms[2] = { 0, 0 };

    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        if (weir_parse_msec(weir_conf_arg(cf, i), &ms[i - 1]) != WEIR_OK) {
            return invalid(cf, i, d, WEIR_T_MSEC);
        }
    }
    c->keepalive_timeout_ms = ms[0];
    c->keepalive_header_s = ms[1] / 1000;
    return WEIR_OK;
}

/* A rate or size that may hold variables: one without must be a size now. */
static int
check_size_value(weir_conf *cf, const weir_directive *d, void *field)
{
    const weir_value *v = *(weir_value **)field;
    uint64_t bytes;

    if (v->constant.data != NULL && weir_parse_size(v->constant, &bytes) != WEIR_OK) {
        return invalid(cf, 1, d, WEIR_T_SIZE);
    }
    return WEIR_OK;
}

static int
not_negative(weir_conf *cf, const weir_directive *d, void *field)
{
    return *(int64_t *)field >= 0
               ? WEIR_OK
               : weir_conf_error_at(cf, 1, "\"%s\" directive invalid number", d->name);
}

static int
set_internal(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)cf;
    (void)d;
    *(bool *)field = true;
    return WEIR_OK;
}

static const weir_directive rows[] = {
    { .name = "keepalive_timeout",
      .help =
          "how long an idle connection is kept (0: not at all), and what the Keep-Alive field says",
      .preset = "65s",
      .compat = "75s",
      .where = WHERE,
      .type = WEIR_T_CUSTOM,
      WR_CORE_SPAN(conf, keepalive_timeout_ms, keepalive_header_s),
      .min = 1,
      .max = 2,
      .set = set_keepalive_timeout },
    { .name = "keepalive_requests",
      .help = "most requests over one connection",
      .preset = "1000",
      .where = WHERE,
      .type = WEIR_T_INT,
      WEIR_FIELD_(conf, keepalive_requests, INT),
      .set = not_negative },
    WEIR_OPT(conf, keepalive_time_ms, MSEC, "keepalive_time", WHERE, "1h",
             "a connection older than this is closed after its request"),
    WEIR_OPT_COMPAT(conf, keepalive_min_ms, MSEC, "keepalive_min_timeout", WHERE, "1s", "0",
                    "an idle connection is kept at least this long when the worker leaves"),
    WEIR_OPT_NAMES(conf, keepalive_disable, BITS, "keepalive_disable", WHERE, "msie6",
                   "browsers whose connections are not kept: msie6 after a POST, safari on macOS",
                   browsers),
    WEIR_OPT_NAMES(conf, lingering_close, ENUM, "lingering_close", WHERE, "on",
                   "read what a client still sends before the connection is closed", lingering),
    WEIR_OPT(conf, lingering_time_ms, MSEC, "lingering_time", WHERE, "30s",
             "longest time of a lingering close"),
    WEIR_OPT(conf, lingering_timeout_ms, MSEC, "lingering_timeout", WHERE, "5s",
             "longest wait for more of the client's bytes in a lingering close"),
    WEIR_OPT_COMPAT(conf, send_timeout_ms, MSEC, "send_timeout", WHERE, "30s", "60s",
                    "longest time between two writes that the client took something of"),
    WEIR_OPT_COMPAT(conf, send_min_rate, SIZE, "send_min_rate", WHERE, "240", "0",
                    "bytes a second that a client must take after the first 20 s; 0: any"),
    { .name = "limit_rate",
      .help = "bytes a second of an answer; 0: no limit",
      .preset = "0",
      .where = WHERE_IF,
      .type = WEIR_T_VALUE,
      WEIR_FIELD_(conf, limit_rate, VALUE),
      .set = check_size_value },
    { .name = "limit_rate_after",
      .help = "bytes of an answer before limit_rate begins",
      .preset = "0",
      .where = WHERE_IF,
      .type = WEIR_T_VALUE,
      WEIR_FIELD_(conf, limit_rate_after, VALUE),
      .set = check_size_value },
    WEIR_OPT(conf, tcp_nopush, FLAG, "tcp_nopush", WHERE, "off",
             "send a head together with the beginning of its file"),
    WEIR_OPT(conf, tcp_nodelay, FLAG, "tcp_nodelay", WHERE, "on", "send small pieces at once"),
    WEIR_OPT(conf, reset_timedout, FLAG, "reset_timedout_connection", WHERE, "off",
             "reset connections that timed out, and those closed by status 444"),
    WEIR_OPT(conf, chunked, FLAG, "chunked_transfer_encoding", WHERE, "on",
             "send bodies of unknown length to HTTP/1.1 clients in chunks"),
    WEIR_OPT_NAMES(conf, satisfy, ENUM, "satisfy", WHERE, "all",
                   "whether all access modules must allow a request, or any", satisfy),
    WEIR_OPT(conf, auth_delay_ms, MSEC, "auth_delay", WHERE, "0s",
             "how long an answer to a missing or wrong password is held back"),
    WEIR_OPT_CUSTOM(conf, internal, "internal", WEIR_IN_LOCATION, 0, 0, WEIR_D_LOCAL, set_internal,
                    "the location is for internal redirects only; others get 404"),
    WEIR_OPT(conf, absolute_redirect, FLAG, "absolute_redirect", WHERE, "on",
             "redirects name scheme and host"),
    WEIR_OPT(conf, server_name_in_redirect, FLAG, "server_name_in_redirect", WHERE, "off",
             "redirects name the first server_name in place of the host that was asked for"),
    WEIR_OPT(conf, port_in_redirect, FLAG, "port_in_redirect", WHERE, "on",
             "redirects name the port when it is not the usual one"),
    { .name = "server_tokens",
      .help = "whether the Server field and built-in pages tell the version",
      .preset = "off",
      .compat = "on",
      .where = WHERE,
      .type = WEIR_T_ENUM,
      WEIR_FIELD_(conf, server_tokens, ENUM),
      .names = tokens },
    WEIR_OPT(conf, recursive_error_pages, FLAG, "recursive_error_pages", WHERE, "off",
             "an error page may have an error page"),
    WEIR_OPT(conf, suspend_ms, MSEC, "suspend_timeout", WHERE, "60s",
             "how long a module may wait that names no time of its own; then 504"),
    WEIR_OPT(conf, filter_keep, SIZE, "filter_keep_size", WHERE, "1m",
             "bytes of a body that one filter may hold back"),
    WEIR_OPT(conf, filter_whole, SIZE, "filter_whole_size", WHERE, "8m",
             "longest body for a filter that wants it in one piece, or that is put within another one"),
    WEIR_OPT(conf, log_subrequest, FLAG, "log_subrequest", WHERE, "off",
             "subrequests have lines of their own in the access log"),
    WEIR_OPT_CUSTOM(conf, error_pages, "error_page", WHERE_IF, 2, 0, WEIR_D_MANY, wr_error_page_set,
                    "what is answered in place of the built-in page for these statuses"),
};

static int
check(weir_conf *cf, void *data)
{
    conf *c = data;

    if (weir_conf_where(cf) == WEIR_IN_MAIN) {
        c->keepalive_timeout_ms = cf->compat_nginx ? 75000 : 65000;
    }
    return WEIR_OK;
}

static weir_self self = WR_SELF;

const weir_module wr_core_location = {
    WR_BUILTIN(&self, "core.location"),
    .summary = "connections kept, pace of answers, redirects, error pages",
    .conf_size = sizeof(struct wr_loc_conf),
    .directives = WEIR_ITEMS(rows),
    .check = check,
};
