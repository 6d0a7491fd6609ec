/* upstream/budget.h - how many tries may be second ones: when servers fail for want of strength,
 * asking each of them for every request would be the end of the rest. */
#ifndef WR_UPSTREAM_BUDGET_H
#define WR_UPSTREAM_BUDGET_H

#include "upstream/group.h"

enum { WR_BUDGET_PERCENT = 20, WR_BUDGET_MIN = 3 };

/* An exchange with u begins. */
void wr_budget_request(const weir_upstream *u);

/* May an exchange with u try another peer? Counts it if it may. Allowed are budget_percent of the
 * requests of the last seconds, and budget_min a second besides (as many as u has peers, if those are
 * more: all may be asked once). */
bool wr_group_may_retry(const weir_upstream *u);

#endif
