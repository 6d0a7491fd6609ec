/* http/http.h - the http block of one generation: servers, endpoints, variables, hooks; made whole before it serves. */
#ifndef WR_HTTP_HTTP_H
#define WR_HTTP_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "conf/bind.h"
#include "http/plan.h"
#include "http/vhost.h"
#include "module/order.h"
#include "module/registry.h"
#include "net/listen.h"

#define WR_HTTP_TAG WR_TAG('h', 't', 't', 'p')

struct wr_vars;  /* variable.h */
struct wr_build; /* build.h: what is known only while it is made */

struct wr_http {
    uint32_t tag;
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
    struct wr_build *build;       /* from wr_http_create to the end of wr_http_finish */
};

/* What cf->owner points to begins with this: the layer above embeds it at the start of its generation. */
struct wr_http_home {
    struct wr_http *http;
};

/* Built-in modules of this layer, in slot order from WR_SLOT_SERVER on. */
extern const weir_module *const wr_http_builtin[];
extern const uint32_t wr_http_builtin_count;

/* A fresh, empty one for the configuration that cf reads, put into the wr_http_home that cf->owner points to; the types whose
 * values need it (VALUE, ZONE) get their functions in cf. After the registry is prepared, before wr_scope_create_main. */
struct wr_http *wr_http_create(struct weir_conf *cf, const struct wr_registry *registry);
struct wr_http *wr_http_of(const struct weir_conf *cf);

/* The setter of the `http` row, which stands in the main context: a WR_D_SCOPE row of the layer above. field is not used. */
int wr_http_block(weir_conf *cf, const weir_directive *d, void *field);

/* After the main context is bound: resolve hooks, make plans, names and endpoints, warn of traps, run init() of every module,
 * check variables. False after errors in cf->diag, also those that were there before. */
bool wr_http_finish(struct weir_conf *cf, struct wr_http *http);

/* What the drivers do for connections: HTTP/1 takes them in, HTTP/2 takes over those that speak it (wr_endpoint.http2). */
struct wr_http_drivers {
    void (*accepted)(struct wr_listen *l, int fd, const union wr_peer_addr *peer);
    void (*http2)(struct wr_conn *c, const char *bytes, size_t len);
};

/* In a worker: give listens and endpoints the drivers, then worker_start of every module; and worker_stop, last first. */
bool wr_http_worker_start(const struct wr_http *http, const struct wr_http_drivers *drivers);
void wr_http_worker_stop(const struct wr_http *http);

/* The request that `weir -M URL` is asked about. */
struct wr_question {
    weir_str target;           /* a URL, or a path; absent: what modules there are is asked */
    weir_str host;             /* of a path; absent: none */
    weir_str method;           /* absent: GET */
    weir_str client;           /* an address; absent: 127.0.0.1 */
    const char *const *fields; /* "Name: value" */
    uint32_t n_fields;
};

/* `weir -M`: modules, or how a request would run; text or JSON to fd. False: no such server, bad URL, field or address; said.
 * What variables are computed from is changed for good: nothing can be served after it. */
bool wr_http_explain(const struct wr_http *http, const struct wr_question *q, bool json, int fd);

#endif
