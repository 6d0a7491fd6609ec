/* http/core_variables.h - the functions behind the core's own variables, by concern, and what they share.
 *
 * All have the shape of weir_variable.get; core_variables.c has the table that names them. What they answer is a view of the
 * request or in its pool; absent stands for nginx's "not found", which logs show as "-".
 */
#ifndef WR_HTTP_CORE_VARIABLES_H
#define WR_HTTP_CORE_VARIABLES_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/request.h>

#include "wire/field_value.h"

#define WR_VAR_GET(name_) weir_str wr_var_##name_(weir_request *r, const void *conf, weir_str name)

/* core_variables_request.c: the head as it came. */
WR_VAR_GET(arg);
WR_VAR_GET(args);
WR_VAR_GET(content_length);
WR_VAR_GET(content_type);
WR_VAR_GET(cookie_name);
WR_VAR_GET(host);
WR_VAR_GET(http_name);
WR_VAR_GET(is_args);
WR_VAR_GET(is_request_port);
WR_VAR_GET(remote_user);
WR_VAR_GET(request);
WR_VAR_GET(request_body);
WR_VAR_GET(request_body_file);
WR_VAR_GET(request_id);
WR_VAR_GET(request_length);
WR_VAR_GET(request_method);
WR_VAR_GET(request_port);
WR_VAR_GET(request_uri);
WR_VAR_GET(server_protocol);
WR_VAR_GET(trailer_name);
WR_VAR_GET(uri);

/* core_variables_connection.c: both ends of the connection, and what a PROXY header said. */
WR_VAR_GET(binary_remote_addr);
WR_VAR_GET(connection);
WR_VAR_GET(connection_requests);
WR_VAR_GET(connection_time);
WR_VAR_GET(http2);
WR_VAR_GET(http3);
WR_VAR_GET(https);
WR_VAR_GET(pipe);
WR_VAR_GET(proxy_protocol_addr);
WR_VAR_GET(proxy_protocol_port);
WR_VAR_GET(proxy_protocol_server_addr);
WR_VAR_GET(proxy_protocol_server_port);
WR_VAR_GET(proxy_protocol_tlv);
WR_VAR_GET(remote_addr);
WR_VAR_GET(remote_port);
WR_VAR_GET(scheme);
WR_VAR_GET(server_addr);
WR_VAR_GET(server_port);
WR_VAR_GET(tcpinfo);

/* core_variables_response.c: the answer so far. */
WR_VAR_GET(body_bytes_sent);
WR_VAR_GET(bytes_sent);
WR_VAR_GET(limit_rate);
WR_VAR_GET(request_completion);
WR_VAR_GET(request_time);
WR_VAR_GET(sent_http_connection);
WR_VAR_GET(sent_http_content_length);
WR_VAR_GET(sent_http_keep_alive);
WR_VAR_GET(sent_http_name);
WR_VAR_GET(sent_http_transfer_encoding);
WR_VAR_GET(sent_trailer_name);
WR_VAR_GET(status);

/* core_variables_server.c: the server's block, files, clock and process. */
WR_VAR_GET(connections_active);
WR_VAR_GET(connections_reading);
WR_VAR_GET(connections_waiting);
WR_VAR_GET(connections_writing);
WR_VAR_GET(document_root);
WR_VAR_GET(hostname);
WR_VAR_GET(msec);
WR_VAR_GET(nginx_version);
WR_VAR_GET(pid);
WR_VAR_GET(realpath_root);
WR_VAR_GET(request_filename);
WR_VAR_GET(server_name);
WR_VAR_GET(time_iso8601);
WR_VAR_GET(time_local);
WR_VAR_GET(weir_version);

/* ---- What they share. ---- */

/* value in decimal. */
weir_str wr_var_number(weir_pool *pool, uint64_t value);

/* ms as seconds: "12.034". */
weir_str wr_var_seconds(weir_pool *pool, uint64_t ms);

/* The first cookie called name of all lines; fold: in letters of either case. */
weir_str wr_var_cookie(const weir_request *r, weir_str name, bool fold);

#endif
