/* module/metric.h - metrics: cells in memory that all processes share, one row of cells for each worker.
 *
 * One region serves for the life of the master. A metric keeps its cells over reloads by its exported name and shape. A
 * worker takes a row and is the only one to write to it, so counting needs no lock; a row that is freed keeps its counters
 * (they are still summed, and the next worker goes on from there) and loses its gauges. Row 0 is the master's.
 */
#ifndef WR_MODULE_METRIC_H
#define WR_MODULE_METRIC_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/log.h>

#include "base/err.h"
#include "module/registry.h"

enum {
    WR_METRICS_ROWS = 512,   /* workers at one time, those of old generations included */
    WR_METRICS_CELLS = 16384 /* of one row; a load that needs more fails */
};

struct wr_metrics; /* the master's, inherited by its workers */

/* One metric of a configuration. */
struct wr_metric_row {
    const char *name; /* as exported */
    const weir_metric_def *def;
    const weir_module *module;
    const struct wr_metric *metric;
};

/* NULL with the reason in err. */
struct wr_metrics *wr_metrics_create(struct wr_err *err);
void wr_metrics_destroy(struct wr_metrics **m);

/*
 * Give every metric of the registry's modules its cells and fill their handles; before init(). reg->metrics lists them.
 * A built-in module's metrics are exported as weir_NAME, a loaded module's as weir_MODULE_NAME.
 *
 * False with the reason in err: two metrics of one exported name, a wrong table, no cells left.
 */
bool wr_metrics_add(struct wr_metrics *m, struct wr_registry *reg, struct wr_err *err);

/* From here on weir_metric_at and weir_metric_read of this process speak of reg's metrics. */
void wr_metrics_use(const struct wr_metrics *m, const struct wr_registry *reg);

/* A row for a new worker, or -EAGAIN when all are taken. May be called by the master before it forks or by the worker. */
int wr_metrics_row_take(struct wr_metrics *m);

/* The worker with that row has ended: zero its gauges, let the next one have it. By the master. */
void wr_metrics_row_free(struct wr_metrics *m, int row);

/* This process is the worker that has taken row: its metrics count there. */
void wr_metrics_worker_start(struct wr_metrics *m, int row);

#endif
