/* upstream/exchange_metrics.c - cells of what is counted, and where they stand. */
#include "upstream/exchange_metrics.h"

#include <weir/base.h>

static weir_metric *exchanges, *retries, *links;

enum { ANSWERED, BROKEN, TIMEOUT, INVALID, ABSENT, BUSY, FAILED };

static uint32_t
place_of(int result)
{
    switch (result) {
    case WEIR_OK:
        return ANSWERED;
    case WEIR_CLOSED:
        return BROKEN;
    case WEIR_TIMEOUT:
        return TIMEOUT;
    case WEIR_INVALID:
        return INVALID;
    case WEIR_ABSENT:
        return ABSENT;
    case WEIR_LIMIT:
        return BUSY;
    default:
        return FAILED;
    }
}

void
wr_count_exchange(int result)
{
    if (exchanges != NULL) {
        weir_count_at(exchanges, place_of(result), 1);
    }
}

void
wr_count_retry(void)
{
    if (retries != NULL) {
        weir_count(retries, 1);
    }
}

void
wr_count_link(bool reused)
{
    if (links != NULL) {
        weir_count_at(links, reused ? 1 : 0, 1);
    }
}

static const char *const results[] = { "answered", "broken", "timeout", "invalid",
                                       "absent",   "busy",   "failed" };
static const char *const origins[] = { "made", "reused" };

const weir_metric_def wr_exchange_metrics[WR_EXCHANGE_METRICS] = {
    { .name = "upstream_exchanges_total",
      .help = "requests to other servers, by how they ended",
      .handle = &exchanges,
      .type = WEIR_COUNTER,
      .n = sizeof(results) / sizeof(results[0]),
      .label = "result",
      .values = results },
    { .name = "upstream_retries_total",
      .help = "tries at another server after one that failed",
      .handle = &retries,
      .type = WEIR_COUNTER },
    { .name = "upstream_connections_total",
      .help = "connections that requests to other servers went over",
      .handle = &links,
      .type = WEIR_COUNTER,
      .n = 2,
      .label = "origin",
      .values = origins },
};
