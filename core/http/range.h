/* http/range.h - the built-in module that answers Range. */
#ifndef WR_HTTP_RANGE_H
#define WR_HTTP_RANGE_H

#include <stdbool.h>
#include <weir/module.h>
#include <weir/request.h>

extern const weir_module wr_range_module;

/* Does the response offer ranges of bytes? "Accept-Ranges: none" does not. [RFC 9110 14.3] */
bool wr_range_offered(const weir_request *r);

#endif
