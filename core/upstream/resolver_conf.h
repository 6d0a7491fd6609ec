/* upstream/resolver_conf.h - which resolver a block's names are asked of: `resolver`, `resolver_timeout`.
 *
 * Built-in module "core.resolver", for http, server, location and upstream. Without a `resolver`
 * statement it is the system's.
 */
#ifndef WR_UPSTREAM_RESOLVER_CONF_H
#define WR_UPSTREAM_RESOLVER_CONF_H

#include <stdint.h>
#include <weir/conf.h>
#include <weir/module.h>
#include <weir/request.h>

#include "conf/bind.h"
#include "net/resolve.h"

struct wr_resolver_conf {
    struct wr_resolver *resolver; /* never NULL once it is bound */
    uint64_t timeout_ms;          /* resolver_timeout 30s */
};

extern const weir_module wr_resolver_module;

/* Of a block of settings, once it is bound; and of a request's location. */
const struct wr_resolver_conf *wr_resolver_conf_of(const struct wr_scope *scope);
const struct wr_resolver_conf *wr_resolver_conf(const weir_request *r);

/* For the metrics: groups that run_time.c has more or less; one that it had no place for. */
void wr_resolver_count_group(int64_t change);
void wr_resolver_count_denied_group(void);

#endif
