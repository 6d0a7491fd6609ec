/* http/http.h - the http block of one generation: servers, endpoints, variables, hooks; made whole before it serves. */
#ifndef WR_HTTP_HTTP_H
#define WR_HTTP_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/bind.h"
#include "http/plan.h"
#include "http/vhost.h"
#include "module/order.h"
#include "module/registry.h"
#include "net/listen.h"

struct wr_vars; /* variable.h */

struct wr_http {
    struct weir_pool *pool;
    const struct wr_registry *registry;
    struct wr_order order;
    struct wr_planner *planner;
    struct wr_vars *vars;
    struct wr_scope *scope;       /* of the http block */
    struct wr_server **servers;
    uint32_t n_servers;
    struct wr_endpoint *endpoints;
    uint32_t n_endpoints;
    struct wr_listen *listens;    /* what has to be listened at; the process layer opens them */
    weir_str prefix;              /* what relative roots are relative to; ends in '/' */
    uint32_t n_slots;             /* length of conf and ctx vectors */
    bool compat_nginx;
};

/* Built-in modules of this layer, in slot order from WR_SLOT_SERVER on. */
extern const weir_module *const wr_http_builtin[];
extern const uint32_t wr_http_builtin_count;

/* A fresh, empty one for the configuration that cf reads; cf->owner must lead to it by wr_http_of. Before binding. */
struct wr_http *wr_http_create(struct weir_conf *cf, const struct wr_registry *registry);
struct wr_http *wr_http_of(const struct weir_conf *cf);

/* After the main context is bound: resolve hooks, make plans, names and endpoints, check variables, run init() of every module.
 * False after errors in cf->diag. */
bool wr_http_finish(struct weir_conf *cf, struct wr_http *http);

/* In a worker: set `accepted` of every listen, worker_start of every module; and worker_stop. */
bool wr_http_worker_start(const struct wr_http *http);
void wr_http_worker_stop(const struct wr_http *http);

/* `weir -M`: modules, or with a target how a request for it would run; text or JSON to fd. False: no such server, bad URL. */
bool wr_http_explain(const struct wr_http *http, weir_str target, weir_str host, bool json, int fd);

#endif
