/* upstream/exchange_metrics.h - what is counted of exchanges, over all groups. */
#ifndef WR_UPSTREAM_EXCHANGE_METRICS_H
#define WR_UPSTREAM_EXCHANGE_METRICS_H

#include <stdbool.h>
#include <weir/log.h>

enum { WR_EXCHANGE_METRICS = 3 };

/* For the table of core.upstream. */
extern const weir_metric_def wr_exchange_metrics[WR_EXCHANGE_METRICS];

/* An exchange has ended: WEIR_OK, or how it failed. */
void wr_count_exchange(int result);

/* Another peer is asked. */
void wr_count_retry(void);

/* A connection was made, or one that was kept is used again. */
void wr_count_link(bool reused);

#endif
