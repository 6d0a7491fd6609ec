/* http/core_variables.c - the table of the core's own variables, and what their functions share.
 *
 * Nearly all are fresh: what they stand for may change in the course of a request, and to look it up again costs no more than
 * to keep it. The few that cost something and stay the same are computed once.
 */
#include "http/core_variables.h"

#include "base/assert.h"
#include "base/num.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "http/variable.h"
#include "module/registry.h"
#include "wire/names.h"

enum {
    LEAF = WR_VAR_LEAF | WEIR_VAR_FRESH,
    PLAIN = LEAF | WR_VAR_PLAIN,
    FAMILY = LEAF | WEIR_VAR_PREFIX,
    ONCE = 0,
    DEEP = WEIR_VAR_FRESH, /* evaluates values of the configuration */
    LATER = WEIR_VAR_LATER
};

static const weir_variable table[] = {
    { "arg_", FAMILY, wr_var_arg },
    { "args", LEAF, wr_var_args },
    { "binary_remote_addr", LEAF, wr_var_binary_remote_addr },
    { "body_bytes_sent", PLAIN | LATER, wr_var_body_bytes_sent },
    { "bytes_sent", PLAIN | LATER, wr_var_bytes_sent },
    { "connection", PLAIN | LATER, wr_var_connection },
    { "connection_requests", PLAIN | LATER, wr_var_connection_requests },
    { "connection_time", PLAIN | LATER, wr_var_connection_time },
    { "connections_active", LEAF | LATER, wr_var_connections_active },
    { "connections_reading", LEAF | LATER, wr_var_connections_reading },
    { "connections_waiting", LEAF | LATER, wr_var_connections_waiting },
    { "connections_writing", LEAF | LATER, wr_var_connections_writing },
    { "content_length", LEAF, wr_var_content_length },
    { "content_type", LEAF, wr_var_content_type },
    /* Fields of the request may change on its way: what they are is asked anew. */
    { "cookie_", FAMILY | WEIR_VAR_FRESH, wr_var_cookie_name },
    { "document_root", DEEP, wr_var_document_root },
    { "document_uri", LEAF, wr_var_uri },
    { "host", LEAF, wr_var_host },
    { "hostname", ONCE, wr_var_hostname },
    { "http2", LEAF, wr_var_http2 },
    { "http3", LEAF, wr_var_http3 },
    { "http_", FAMILY | WEIR_VAR_FRESH, wr_var_http_name },
    { "https", LEAF, wr_var_https },
    { "is_args", LEAF, wr_var_is_args },
    { "is_request_port", LEAF, wr_var_is_request_port },
    { "limit_rate", DEEP, wr_var_limit_rate },
    { "msec", PLAIN | LATER, wr_var_msec },
    { "nginx_version", LEAF, wr_var_nginx_version },
    { "pid", PLAIN | LATER, wr_var_pid },
    { "pipe", PLAIN | LATER, wr_var_pipe },
    { "proxy_protocol_addr", LEAF | LATER, wr_var_proxy_protocol_addr },
    { "proxy_protocol_port", LEAF | LATER, wr_var_proxy_protocol_port },
    { "proxy_protocol_server_addr", LEAF | LATER, wr_var_proxy_protocol_server_addr },
    { "proxy_protocol_server_port", LEAF | LATER, wr_var_proxy_protocol_server_port },
    { "proxy_protocol_tlv_", FAMILY | LATER, wr_var_proxy_protocol_tlv },
    { "query_string", LEAF, wr_var_args },
    { "realpath_root", DEEP, wr_var_realpath_root },
    { "remote_addr", PLAIN, wr_var_remote_addr },
    { "remote_port", PLAIN | LATER, wr_var_remote_port },
    { "remote_user", LEAF, wr_var_remote_user },
    { "request", LEAF, wr_var_request },
    { "request_body", LEAF | LATER, wr_var_request_body },
    { "request_body_file", LEAF | LATER, wr_var_request_body_file },
    { "request_completion", PLAIN | LATER, wr_var_request_completion },
    { "request_filename", DEEP, wr_var_request_filename },
    { "request_id", PLAIN | LATER, wr_var_request_id },
    { "request_length", PLAIN | LATER, wr_var_request_length },
    { "request_method", LEAF, wr_var_request_method },
    { "request_port", LEAF, wr_var_request_port },
    { "request_time", PLAIN | LATER, wr_var_request_time },
    { "request_uri", LEAF, wr_var_request_uri },
    { "scheme", PLAIN, wr_var_scheme },
    { "sent_http_", FAMILY | LATER, wr_var_sent_http_name },
    { "sent_http_connection", LEAF | LATER, wr_var_sent_http_connection },
    { "sent_http_content_length", LEAF | LATER, wr_var_sent_http_content_length },
    { "sent_http_keep_alive", LEAF | LATER, wr_var_sent_http_keep_alive },
    { "sent_http_transfer_encoding", LEAF | LATER, wr_var_sent_http_transfer_encoding },
    { "sent_trailer_", FAMILY | LATER, wr_var_sent_trailer_name },
    { "server_addr", ONCE, wr_var_server_addr },
    { "server_name", LEAF, wr_var_server_name },
    { "server_port", PLAIN, wr_var_server_port },
    { "server_protocol", PLAIN, wr_var_server_protocol },
    { "status", PLAIN | LATER, wr_var_status },
    { "tcpinfo_rcv_space", LEAF | LATER, wr_var_tcpinfo },
    { "tcpinfo_rtt", LEAF | LATER, wr_var_tcpinfo },
    { "tcpinfo_rttvar", LEAF | LATER, wr_var_tcpinfo },
    { "tcpinfo_snd_cwnd", LEAF | LATER, wr_var_tcpinfo },
    { "time_iso8601", PLAIN | LATER, wr_var_time_iso8601 },
    { "time_local", PLAIN | LATER, wr_var_time_local },
    { "trailer_", FAMILY | LATER, wr_var_trailer_name },
    { "uri", LEAF, wr_var_uri },
    { "weir_version", LEAF, wr_var_weir_version },
};

static weir_self self = WR_SELF;

const weir_module wr_core_variables_module = {
    WR_BUILTIN(&self, "core.variables"),
    .summary = "variables of the request, its connection and its answer",
    .variables = WEIR_ITEMS(table),
};

/* ---- Those that `set` changes. ---- */

static void
assign_args(struct wr_request *r, weir_str value)
{
    r->pub.args = value;
    r->pub.flags |= WEIR_R_REWRITTEN;
}

static void
assign_limit_rate(struct wr_request *r, weir_str value)
{
    struct wr_request *main = wr_request_of(r->pub.main);
    uint64_t bytes;

    if (weir_parse_size(value, &bytes) != WEIR_OK) {
        wr_say(&r->log, ERROR, "invalid $limit_rate \"%.*s\"", WEIR_FMT(value));
        return;
    }
    main->limit_rate = bytes;
    main->has_limit_rate = true;
}

wr_var_assign
wr_core_variable_assign(weir_str name)
{
    if (weir_str_eq(name, WEIR_STR("args"))) {
        return assign_args;
    }
    return weir_str_eq(name, WEIR_STR("limit_rate")) ? assign_limit_rate : NULL;
}

uint32_t
wr_core_variable_field(weir_str name)
{
    uint32_t id;

    if (!weir_str_starts(name, WEIR_STR("http_"))) {
        return 0;
    }
    id = wr_field_value_id(weir_str_cut(name, 5, name.len));
    /* Lines of Cookie are joined otherwise, and HTTP/2 has no Host. */
    return id != WEIR_H_COOKIE && id != WEIR_H_HOST ? id : 0;
}

/* ---- Shared. ---- */

weir_str
wr_var_number(weir_pool *pool, uint64_t value)
{
    char *to = wr_pool_alloc(pool, 20);

    return (weir_str){ to, wr_num_format(to, value) };
}

weir_str
wr_var_seconds(weir_pool *pool, uint64_t ms)
{
    struct wr_strbuf b = wr_strbuf_over(wr_pool_alloc(pool, 24), 24);
    uint32_t part = (uint32_t)(ms % 1000);
    char digits[4] = { '.', (char)('0' + part / 100), (char)('0' + part / 10 % 10),
                       (char)('0' + part % 10) };

    wr_strbuf_num(&b, ms / 1000);
    wr_strbuf_bytes(&b, digits, sizeof(digits));
    return wr_strbuf_view(&b);
}
