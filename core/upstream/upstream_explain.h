/* upstream/upstream_explain.h - the groups of a configuration and their servers, for `weir -M`. */
#ifndef WR_UPSTREAM_UPSTREAM_EXPLAIN_H
#define WR_UPSTREAM_UPSTREAM_EXPLAIN_H

#include "module/explain.h"

extern const struct wr_explain wr_upstream_explain;

#endif
