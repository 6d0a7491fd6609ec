/* http/entry.h - from what a head says to the server and the path that answer it: the same for every protocol. Called by the
 * drivers, between reading a head and wr_request_start. */
#ifndef WR_HTTP_ENTRY_H
#define WR_HTTP_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "http/request.h"
#include "http/vhost.h"

/*
 * Which server is meant.
 *
 * authority  the Host field or :authority as received; absent: there is none
 * host       of an absolute target, which takes authority's place; absent: there is none
 * port       with host; 0: none
 *
 * True, and r belongs to the server, its host and ports set. False: authority is no host. [RFC 9112 3.2.2, RFC 9113 8.3.1]
 */
bool wr_entry_server(struct wr_request *r, const struct wr_endpoint *e, weir_str authority,
                     weir_str host, uint32_t port);

/* Was that authority seen lately, and a server found for it? Then it is a host, and need not be taken apart to know. */
bool wr_entry_knows(const struct wr_endpoint *e, weir_str authority);

/* Set r's path and arguments from a raw path and query, by the rules of its server. query: what a target without a path has;
 * else absent. False with the reason (answer 400). */
bool wr_entry_path(struct wr_request *r, weir_str path, weir_str query, struct wr_err *err);

/* May it run? 0, or the status to refuse it with (its fields are set), and why. Methods that no content of ours answers must
 * not fall through to files. [RFC 9110 9.3.6, 9.3.8] */
uint32_t wr_entry_refusal(struct wr_request *r, const char **why);

/* Run it; what asks about the server as a whole is answered here. [RFC 9110 9.3.7] */
void wr_entry_start(struct wr_request *r);

#endif
