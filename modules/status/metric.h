/* metric.h - one metric with its numbers, and the ways to write it. Pure: status.c reads the
 * numbers.
 */
#ifndef STATUS_METRIC_H
#define STATUS_METRIC_H

#include <cjson/cJSON.h>
#include <weir/log.h>
#include <weir/text.h>

struct metric {
    const char *name; /* as exported */
    const weir_metric_def *def;
    const uint64_t *cells; /* one; or one a label value; or a histogram's: one a bound, those
                              beyond the last, the sum */
    uint32_t n;            /* how many cells */
};

/* HELP, TYPE and samples in Prometheus' text format 0.0.4. */
void metric_prometheus(weir_text *t, const struct metric *m);

/* One number of a series, with HELP and TYPE if `first` of its name. */
void series_prometheus(weir_text *t, const weir_series *s, bool first);

/* Add it to the object, to the list under its name. False: no memory. */
bool series_json(cJSON *to, const weir_series *s);

/* Add it to the object, under its name. False: no memory. */
bool metric_json(cJSON *to, const struct metric *m);

#endif
