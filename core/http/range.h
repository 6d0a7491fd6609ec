/* http/range.h - the built-in module that answers Range. */
#ifndef WR_HTTP_RANGE_H
#define WR_HTTP_RANGE_H

#include <weir/module.h>

extern const weir_module wr_range_module;

#endif
