/* upstream/probe_conf.h - `health_check` in upstream{} or beside what passes requests to a group, and
 * `match` in http. */
#ifndef WR_UPSTREAM_PROBE_CONF_H
#define WR_UPSTREAM_PROBE_CONF_H

#include "upstream/upstream_names.h"

int wr_probe_set_check(weir_conf *cf, const weir_directive *row, void *field);
int wr_probe_set_match(weir_conf *cf, const weir_directive *row, void *field);

/* All is read: find the groups and blocks that were named. WEIR_OK, or WEIR_ERROR after reports. */
int wr_probe_settle(struct weir_conf *cf, const struct wr_upstream_conf *top);

#endif
