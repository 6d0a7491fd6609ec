/* wire/http1_reader.h - what the readers of first lines (http1_head.c) and of field lines
 * (http1_fields.c) share: where they are in the bytes, what limits them, how a line ends. For those
 * two files only.
 *
 * What must always hold: every limit cuts the bytes before they are looked at, so that a verdict
 * does not depend on how much has come.
 */
#ifndef WR_WIRE_HTTP1_READER_H
#define WR_WIRE_HTTP1_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/assert.h"
#include "wire/fault.h"
#include "wire/http1_head.h"
#include "wire/scan.h"

struct wr_reader {
    const char *start;
    const char *stop; /* the bytes there are, at most head_max */
    const char *line; /* first byte of the line being read */
    const char *end;  /* where that line must have ended */
    const struct wr_head_limits *limits;
    struct wr_fault *fault;
    struct wr_head_field *fields;
    struct wr_head_marks marks;
    uint32_t n_fields;
    uint32_t lines;
    bool in_fields;
    bool full; /* no byte may be added any more: head_max is reached */
    bool response;
};

static inline struct wr_reader
wr_reader_over(const char *in, size_t len, const struct wr_head_limits *limits,
               struct wr_fault *fault)
{
    size_t most = limits->head_max;

    return (struct wr_reader){
        .start = in,
        .stop = in + (len < most ? len : most),
        .line = in,
        .limits = limits,
        .fault = fault,
        .full = len >= most,
    };
}

static inline enum wr_wire
wr_reader_bad(struct wr_reader *r, uint32_t status, const char *reason)
{
    return wr_fault_set(r->fault, r->response ? 502 : status, reason);
}

static inline void
wr_reader_begin_line(struct wr_reader *r, const char *line, uint32_t max)
{
    r->line = line;
    r->end = (size_t)(r->stop - line) > max ? line + max : r->stop;
}

/* The bytes of the line are used up: is that its limit, the head's, or must more come? */
static inline enum wr_wire
wr_reader_run_out(struct wr_reader *r)
{
    uint32_t max = r->in_fields ? r->limits->field_max : r->limits->line_max;

    if ((size_t)(r->stop - r->line) >= max) {
        return r->in_fields ? wr_reader_bad(r, 431, "header line is too long")
                            : wr_reader_bad(r, 414, "first line is too long");
    }
    if (r->full) {
        return r->in_fields ? wr_reader_bad(r, 431, "head is too long")
                            : wr_reader_bad(r, 414, "first line is too long for the head");
    }
    return WR_MORE;
}

/* The line's end at `at`, or else the fault `other`. */
static inline enum wr_wire
wr_reader_take_line_end(struct wr_reader *r, const char *at, const char **next, const char *other)
{
    if (at == r->end) {
        return wr_reader_run_out(r);
    }
    if (WR_LIKELY(*at == '\r')) {
        if (at + 1 == r->end) {
            return wr_reader_run_out(r);
        }
        if (at[1] != '\n') {
            return wr_reader_bad(r, 400, "CR without LF");
        }
        *next = at + 2;
        return WR_OK;
    }
    if (*at != '\n') {
        return wr_reader_bad(r, 400, other);
    }
    if (!r->limits->bare_lf) {
        return wr_reader_bad(r, 400, "LF without CR");
    }
    *next = at + 1;
    return WR_OK;
}

/* The value from `at` on: its end goes to *value_end (blanks not yet trimmed), the next line's
 * start to *next. */
static inline enum wr_wire
wr_reader_value(struct wr_reader *r, const char *at, const char **value_end, const char **next)
{
    at = wr_scan_value(at, r->end);
    while (WR_UNLIKELY(at < r->end && *at == '\t')) {
        at = wr_scan_value(at + 1, r->end);
    }
    *value_end = at;
    return wr_reader_take_line_end(r, at, next, "control byte in a header value");
}

/* Read field lines from r->line to the empty line into r->fields; on WR_OK r->line is past it, on
 * WR_MORE at the line that is incomplete. */
enum wr_wire wr_reader_fields(struct wr_reader *r);

#endif
