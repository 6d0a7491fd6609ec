/* csp/collect.h - the place where browsers send their reports to: csp_report and what goes with it.
 */
#ifndef CSP_COLLECT_H
#define CSP_COLLECT_H

#include <weir/weir.h>

#include "learn.h"

/* Where reports are kept; the map remembers which have been seen, and how many have come. */
struct report_log {
    weir_logfile *file; /* NULL: nobody collects here */
    weir_map *seen;
};

struct collector {
    struct report_log log;
    uint64_t max;       /* bytes of a body */
    int64_t rate;       /* bodies a second, all workers together */
    uint64_t repeat_ms; /* how long one that was seen is not written again */
    struct learn_setting learn;
};

extern weir_metric *csp_reports;

extern const char *const collect_outcomes[];
enum { COLLECT_OUTCOMES = 6 };

/* csp_report FILE | off, and its limits. */
int set_report(weir_conf *cf, const weir_directive *d, void *field);
int check_rate(weir_conf *cf, const weir_directive *d, void *field);
int check_max(weir_conf *cf, const weir_directive *d, void *field);

/* The answer to a report. */
int collect(weir_request *r, const struct collector *c);

#endif
