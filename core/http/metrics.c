/* http/metrics.c - cells of the server's own metrics, and the few places that change them. */
#include "http/metrics.h"

#include <weir/log.h>

#include "module/registry.h"

static weir_self self = WR_SELF;
static weir_metric *accepted, *handled, *requests, *connections, *glitches, *calmed;
static weir_metric *background, *background_refused, *background_cut;

void
wr_count_accepted(bool kept)
{
    weir_count(accepted, 1);
    if (kept) {
        weir_count(handled, 1);
        weir_count_at(connections, WR_SHOWN_ACTIVE, 1);
        weir_count_at(connections, WR_SHOWN_READING, 1);
    }
}

void
wr_count_closed(enum wr_shown shown)
{
    weir_count_at(connections, WR_SHOWN_ACTIVE, UINT64_MAX);
    weir_count_at(connections, shown, UINT64_MAX);
}

void
wr_count_request(void)
{
    weir_count(requests, 1);
}

void
wr_count_glitches(uint32_t points)
{
    weir_count(glitches, points);
}

void
wr_count_calmed(void)
{
    weir_count(calmed, 1);
}

void
wr_count_background(int more)
{
    weir_count(background, (uint64_t)(int64_t)more);
}

void
wr_count_background_refused(void)
{
    weir_count(background_refused, 1);
}

void
wr_count_background_cut(void)
{
    weir_count(background_cut, 1);
}

void
wr_count_show(uint8_t *shown, enum wr_shown now)
{
    if (*shown != now) {
        weir_count_at(connections, *shown, UINT64_MAX);
        weir_count_at(connections, now, 1);
        *shown = (uint8_t)now;
    }
}

static const char *const states[] = { "active", "reading", "writing", "waiting" };

static const weir_metric_def defs[] = {
    { .name = "connections_accepted_total",
      .help = "connections accepted",
      .handle = &accepted,
      .type = WEIR_COUNTER },
    { .name = "connections_handled_total",
      .help = "connections accepted and not refused at worker_connections",
      .handle = &handled,
      .type = WEIR_COUNTER },
    { .name = "requests_total",
      .help = "requests begun by clients",
      .handle = &requests,
      .type = WEIR_COUNTER },
    { .name = "http2_glitches_total",
      .help = "useless work that clients made over HTTP/2, in points of http2_max_glitches",
      .handle = &glitches,
      .type = WEIR_COUNTER },
    { .name = "http2_calmed_total",
      .help = "connections that were ended for too much of it",
      .handle = &calmed,
      .type = WEIR_COUNTER },
    { .name = "background_requests",
      .help = "requests that work on without their clients, now",
      .handle = &background,
      .type = WEIR_GAUGE },
    { .name = "background_refused_total",
      .help = "requests that were not let to, for background_requests or want of memory",
      .handle = &background_refused,
      .type = WEIR_COUNTER },
    { .name = "background_cut_total",
      .help = "requests that were cut for background_timeout",
      .handle = &background_cut,
      .type = WEIR_COUNTER },
    { .name = "connections",
      .help = "connections now: all, and by what they wait for",
      .handle = &connections,
      .type = WEIR_GAUGE,
      .n = 4,
      .label = "state",
      .values = states },
};

const weir_module wr_metrics_module = { WR_BUILTIN(&self, "core.connections"),
                                        .summary = "the server's own counters",
                                        .metrics = WEIR_ITEMS(defs) };
