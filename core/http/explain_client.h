/* http/explain_client.h - a request and a connection that nobody has made, for `weir -M URL`. */
#ifndef WR_HTTP_EXPLAIN_CLIENT_H
#define WR_HTTP_EXPLAIN_CLIENT_H

#include "http/request.h"
#include "http/vhost.h"
#include "net/conn.h"
#include "net/listen.h"

struct wr_question;

/* Lives as long as its request. */
struct wr_explain_client {
    struct wr_listen listen;
    struct wr_conn conn;
};

/* A request in pool with the question's method, fields and client, at the endpoint; host and path are still to be set.
 * NULL: a field, method or address is none; said. */
struct wr_request *wr_explain_client_init(struct wr_explain_client *c, struct weir_pool *pool,
                                          const struct wr_http *http, const struct wr_endpoint *e,
                                          const struct wr_question *q, weir_str authority);

#endif
