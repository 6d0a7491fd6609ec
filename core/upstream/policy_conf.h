/* upstream/policy_conf.h - the rows of upstream{} about what workers share, who waits, who is left
 * out, and what is tried again. */
#ifndef WR_UPSTREAM_POLICY_CONF_H
#define WR_UPSTREAM_POLICY_CONF_H

#include <weir/conf.h>

int wr_policy_set_zone(weir_conf *cf, const weir_directive *row, void *field);
int wr_policy_set_queue(weir_conf *cf, const weir_directive *row, void *field);
int wr_policy_set_outlier(weir_conf *cf, const weir_directive *row, void *field);
int wr_policy_set_budget(weir_conf *cf, const weir_directive *row, void *field);

#endif
