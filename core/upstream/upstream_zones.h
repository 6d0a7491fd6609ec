/* upstream/upstream_zones.h - which groups are in which zones. */
#ifndef WR_UPSTREAM_UPSTREAM_ZONES_H
#define WR_UPSTREAM_UPSTREAM_ZONES_H

#include "upstream/upstream_names.h"

/* Have the memory of all zones. WEIR_OK, or WEIR_ERROR after reports. */
int wr_upstream_zones_claim(struct weir_conf *cf, const struct wr_upstream_conf *top);

/* The worker begins, or ends, to share what it knows. */
void wr_upstream_zones_join(const struct wr_upstream_conf *top);
void wr_upstream_zones_leave(const struct wr_upstream_conf *top);

#endif
