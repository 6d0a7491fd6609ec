/* upstream/upstream_series.h - what is counted of groups with a zone and their peers, as series. */
#ifndef WR_UPSTREAM_UPSTREAM_SERIES_H
#define WR_UPSTREAM_UPSTREAM_SERIES_H

#include <weir/log.h>

#include "upstream/upstream_names.h"

extern const weir_series_source wr_upstream_series;

/* This worker's groups from now on; NULL: none. */
void wr_upstream_series_of(const struct wr_upstream_conf *top);

#endif
