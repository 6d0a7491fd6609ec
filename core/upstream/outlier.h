/* upstream/outlier.h - peers that answer with nothing but errors are left out for a while, never more
 * of them than a part of the group. */
#ifndef WR_UPSTREAM_OUTLIER_H
#define WR_UPSTREAM_OUTLIER_H

#include "upstream/group.h"

/* An exchange with p has ended; error: it failed, or the answer's status was 500 or more. */
void wr_outlier_note(weir_upstream *u, struct wr_group_peer *p, bool error, const weir_log *log);

/* Is p left out? Its time over, it is not. */
bool wr_outlier_out(struct wr_group_peer *p);

#endif
