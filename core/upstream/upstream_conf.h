/* upstream/upstream_conf.h - upstream{} blocks, and the values of WEIR_T_UPSTREAM directives.
 *
 * The groups of a configuration are found by name from any block, also before their upstream{} was
 * read: what is no group at the end is an address. They hang on the main context's struct of the
 * built-in module below.
 */
#ifndef WR_UPSTREAM_UPSTREAM_CONF_H
#define WR_UPSTREAM_UPSTREAM_CONF_H

#include <weir/module.h>

#include "conf/bind.h"

/* Built-in module "core.upstream". Its init() makes addresses of the names that no upstream{} has.
 */
extern const weir_module wr_upstream_module;

struct wr_group_server;
struct wr_map;

/* For weir_conf.make_upstream: the group or address called text. WEIR_OK, or WEIR_ERROR after a
 * report. */
int wr_upstream_make(struct weir_conf *cf, weir_str text, weir_upstream **field);

/* A server of u that has a host is looked up in its manner, by the resolver of the block. */
void wr_upstream_look_up(const struct wr_scope *scope, weir_upstream *u, struct wr_group_server *s);

/* At the end of the load: the groups by name. What no upstream{} has becomes an address; hosts are
 * looked up. False after reports. A host that is not found is only warned of: workers go on asking. */
bool wr_upstream_load(struct weir_conf *cf, const struct wr_map *names);

#endif
