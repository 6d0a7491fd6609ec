/* csp/reports.h - what browsers send when a page did what its policy does not allow: JSON of two
 * shapes to one struct. Pure, but for the memory of the parser, which is bounded by the length of
 * the text.
 */
#ifndef CSP_REPORTS_H
#define CSP_REPORTS_H

#include <weir/text.h>

enum {
    REPORTS_MAX = 32,       /* of one body */
    REPORT_DEPTH_MAX = 32,  /* of its JSON */
    REPORT_TEXT_MAX = 1024, /* bytes of a string that are used */
    REPORT_SAMPLE_MAX = 256,
    REPORT_POLICY_MAX = 8192
};

/* One violation. Strings are empty where the report has none; addresses are without query and
 * fragment, which are nobody's business.
 */
struct violation {
    weir_str document, directive, blocked, source, sample, disposition;
    weir_str policy; /* the one that was violated */
    int64_t line, column, status;
};

struct report_counts {
    uint32_t violations; /* that were given to fn */
    uint32_t others;     /* reports of other kinds, or without what makes one */
    uint32_t dropped;    /* past REPORTS_MAX */
};

/*
 * Read a body of application/csp-report, {"csp-report":{...}} [CSP3 5.3], or of
 * application/reports+json, a list of
 * {"type":"csp-violation","body":{...}} [Reporting API 3.1].
 *
 * fn  called for each violation, whose strings end when it returns
 *
 * false: it is neither, or nested too deeply.
 */
bool reports_read(weir_str json, void (*fn)(void *data, const struct violation *v), void *data,
                  struct report_counts *counts);

#endif
