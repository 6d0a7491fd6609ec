/* upstream/upstream_variables.h - $upstream_*: what became of a request's tries at other servers.
 */
#ifndef WR_UPSTREAM_UPSTREAM_VARIABLES_H
#define WR_UPSTREAM_UPSTREAM_VARIABLES_H

#include <weir/conf.h>

enum { WR_UPSTREAM_VARIABLES = 11 };

/* For the table of core.upstream. */
extern const weir_variable wr_upstream_variables[WR_UPSTREAM_VARIABLES];

#endif
