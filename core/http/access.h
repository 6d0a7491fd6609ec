/* http/access.h - the ACCESS phase: what its hooks say, what `satisfy` makes of it, and how long a refusal waits. */
#ifndef WR_HTTP_ACCESS_H
#define WR_HTTP_ACCESS_H

#include "http/request.h"

/* An access hook returned rc. What the phase is to do: WEIR_NEXT (the next hook), WEIR_DONE (r is let in), WEIR_AGAIN (r waits),
 * or a status to answer with. */
int wr_access_heard(struct wr_request *r, int rc);

/* All access hooks have run. WEIR_NEXT: r is let in; WEIR_AGAIN: r waits; else the status that refuses it. */
int wr_access_over(struct wr_request *r);

#endif
