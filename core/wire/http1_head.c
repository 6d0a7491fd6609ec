/* wire/http1_head.c - the one reader of HTTP/1 heads, for drivers (requests), upstreams (responses)
 * and trailers.
 *
 * It goes through the bytes line by line. A line that is right and complete is never looked at
 * again while the head is incomplete: the resume point moves past it. When a head that came in
 * pieces is complete it is read once more from the start, because the array of fields was lent to
 * others between the calls. What must always hold: every limit cuts the bytes that are looked at
 * before they are looked at, so that a verdict does not depend on how much has come.
 */
#include "wire/http1_head.h"

#include <string.h>
#include <weir/request.h>
#include "base/assert.h"
#include "wire/chars.h"
#include "wire/names.h"
#include "wire/scan.h"

struct reader {
    const char *start;
    const char *stop; /* the bytes there are, at most head_max */
    const char *line; /* first byte of the line being read */
    const char *end;  /* where that line must have ended */
    const struct wr_head_limits *limits;
    struct wr_fault *fault;
    struct wr_head_field *fields;
    uint32_t n_fields;
    uint32_t lines;
    bool in_fields;
    bool full; /* no byte may be added any more: head_max is reached */
    bool response;
};

static struct reader
reader_over(const char *in, size_t len, const struct wr_head_limits *limits, struct wr_fault *fault)
{
    size_t most = limits->head_max;

    return (struct reader){
        .start = in,
        .stop = in + (len < most ? len : most),
        .line = in,
        .limits = limits,
        .fault = fault,
        .full = len >= most,
    };
}

static enum wr_wire
bad(struct reader *r, uint32_t status, const char *reason)
{
    return wr_fault_set(r->fault, r->response ? 502 : status, reason);
}

static inline void
begin_line(struct reader *r, const char *line, uint32_t max)
{
    r->line = line;
    r->end = (size_t)(r->stop - line) > max ? line + max : r->stop;
}

/* The bytes of the line are used up: is that its limit, the head's, or must more come? */
static enum wr_wire
run_out(struct reader *r)
{
    uint32_t max = r->in_fields ? r->limits->field_max : r->limits->line_max;

    if ((size_t)(r->stop - r->line) >= max) {
        return r->in_fields ? bad(r, 431, "header line is too long")
                            : bad(r, 414, "first line is too long");
    }
    if (r->full) {
        return r->in_fields ? bad(r, 431, "head is too long")
                            : bad(r, 414, "first line is too long for the head");
    }
    return WR_MORE;
}

/* The line's end at `at`, or else the fault `other`. */
static inline enum wr_wire
take_line_end(struct reader *r, const char *at, const char **next, const char *other)
{
    if (at == r->end) {
        return run_out(r);
    }
    if (WR_LIKELY(*at == '\r')) {
        if (at + 1 == r->end) {
            return run_out(r);
        }
        if (at[1] != '\n') {
            return bad(r, 400, "CR without LF");
        }
        *next = at + 2;
        return WR_OK;
    }
    if (*at != '\n') {
        return bad(r, 400, other);
    }
    if (!r->limits->bare_lf) {
        return bad(r, 400, "LF without CR");
    }
    *next = at + 1;
    return WR_OK;
}

/* ---- Field lines. ---- */

enum fate { KEEP, DROP, REFUSE };

/* What becomes of a field whose name, up to the colon, is none of the known ones. */
static enum fate
judge_name(const struct reader *r, const char *colon)
{
    bool underscore = false;

    if (colon == r->line) {
        return REFUSE;
    }
    for (const char *at = wr_scan_word(r->line, r->end); at < colon; at++) {
        if (*at == '_') {
            underscore = true;
        } else if (!wr_char_is(*at, WR_CHAR_TOKEN)) {
            return r->limits->ignore_invalid ? DROP : REFUSE;
        }
    }
    return underscore && !r->limits->underscores ? DROP : KEEP;
}

/* The line has no colon after its name; `at` is the byte that stands there instead. */
static enum wr_wire
bad_name(struct reader *r, const char *at)
{
    bool blank = *at == ' ' || *at == '\t';

    if (blank && at == r->line) {
        return bad(r, 400, "header line is folded");
    }
    if (blank) {
        return bad(r, 400, "header name has a blank before the colon");
    }
    if (*at == '\r' || *at == '\n') {
        return bad(r, 400, "header line has no colon");
    }
    return bad(r, 400, "control byte in a header name");
}

static inline bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The value from `at` on: its end goes to *value_end (blanks not yet trimmed), the next line's
 * start to *next. */
static inline enum wr_wire
read_value(struct reader *r, const char *at, const char **value_end, const char **next)
{
    at = wr_scan_value(at, r->end);
    while (WR_UNLIKELY(at < r->end && *at == '\t')) {
        at = wr_scan_value(at + 1, r->end);
    }
    *value_end = at;
    return take_line_end(r, at, next, "control byte in a header value");
}

/* One field line, whose name ends at `colon`. */
static inline enum wr_wire
read_field(struct reader *r, const char *colon, const char **next)
{
    weir_str name = { r->line, (size_t)(colon - r->line) };
    uint32_t id = wr_name_id(name);
    enum fate fate = KEEP;
    const char *value = colon + 1;
    const char *value_end;

    if (id == WEIR_H_OTHER && (fate = judge_name(r, colon)) == REFUSE) {
        return bad(r, 400, "header name is not a token");
    }
    while (value < r->end && is_blank(*value)) {
        value++;
    }
    enum wr_wire rc = read_value(r, value, &value_end, next);
    if (rc != WR_OK) {
        return rc;
    }
    while (value_end > value && is_blank(value_end[-1])) {
        value_end--;
    }
    r->lines++;
    if (fate == KEEP) {
        r->fields[r->n_fields++] = (struct wr_head_field){
            .name_at = (uint32_t)(r->line - r->start),
            .name_len = (uint32_t)name.len,
            .value_at = (uint32_t)(value - r->start),
            .value_len = (uint32_t)(value_end - value),
            .id = id,
        };
    }
    return WR_OK;
}

/* Field lines from r->line to the empty line; on WR_OK r->line is past it, on WR_MORE at the
 * incomplete line. */
static enum wr_wire
read_fields(struct reader *r)
{
    const char *next = r->line;
    uint32_t field_max = r->limits->field_max;
    uint32_t fields_max = r->limits->fields_max;

    r->in_fields = true;
    for (;;) {
        begin_line(r, next, field_max);
        const char *at = wr_scan_name(next, r->end);
        if (at == r->end) {
            return run_out(r);
        }
        if (at == r->line && (*at == '\r' || *at == '\n')) {
            enum wr_wire rc = take_line_end(r, at, &next, "");
            r->line = rc == WR_OK ? next : r->line;
            return rc;
        }
        if (r->lines == fields_max) {
            return bad(r, 431, "too many header lines");
        }
        if (WR_UNLIKELY(*at != ':')) {
            return bad_name(r, at);
        }
        enum wr_wire rc = read_field(r, at, &next);
        if (rc != WR_OK) {
            return rc;
        }
    }
}

/* ---- First lines. ---- */

/* "HTTP/1.x": *at is moved past it. Versions that are well-formed but not 1.x are a 505. */
static enum wr_wire
read_version(struct reader *r, const char **at, uint32_t *version)
{
    static const char form[] = "HTTP/1.1"; /* a digit stands for any digit */
    const char *from = *at;

    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        if (from + i == r->end) {
            return run_out(r);
        }
        bool right = form[i] == '1' ? wr_char_is(from[i], WR_CHAR_DIGIT) : from[i] == form[i];
        if (!right) {
            return bad(r, 400, "malformed HTTP version");
        }
    }
    if (from[5] == '0') {
        return bad(r, 400, "HTTP/0.x is not spoken here");
    }
    if (from[5] != '1') {
        return bad(r, 505, "major HTTP version is not 1");
    }
    *version = from[7] == '0' ? 10 : 11;
    *at = from + 8;
    return WR_OK;
}

static enum wr_wire
bad_method(struct reader *r, const char *at)
{
    if (at != r->line) {
        return bad(r, 400, "method is not a token");
    }
    if (*at == '\r' || *at == '\n') {
        return bad(r, 400, "too many empty lines before the request");
    }
    return bad(r, 400, *at == 0x16 ? "TLS handshake where HTTP is spoken" : "no method");
}

static enum wr_wire
bad_target(struct reader *r, const char *at, bool empty)
{
    uint8_t c = (uint8_t)*at;

    if (c == '\r' || c == '\n') {
        return bad(r, 400, "request line has no HTTP version");
    }
    if (c == ' ' && empty) {
        return bad(r, 400, "more than one blank before the target");
    }
    if (c == '#') {
        return bad(r, 400, "fragment in the request target");
    }
    return bad(r, 400,
               c > 0x7e ? "byte over 7e in the request target"
                        : "control byte in the request target");
}

/* r->line past the empty lines that old clients send between requests. [RFC 9112 2.2] */
static enum wr_wire
skip_empty_lines(struct reader *r)
{
    for (uint32_t n = 0; n < r->limits->empty_max; n++) {
        begin_line(r, r->line, r->limits->line_max);
        if (r->line == r->end || (*r->line != '\r' && *r->line != '\n')) {
            return WR_OK;
        }
        enum wr_wire rc = take_line_end(r, r->line, &r->line, "");
        if (rc != WR_OK) {
            return rc;
        }
    }
    return WR_OK;
}

static inline const char *
scan_any_target(const struct reader *r, const char *at)
{
    if (WR_LIKELY(!r->limits->target_high)) {
        return wr_scan_target(at, r->end);
    }
    while (at < r->end && wr_char_is(*at, WR_CHAR_TARGET_HIGH)) {
        at++;
    }
    return at;
}

/* The method's token at r->line; *at goes to the blank after it. */
static inline enum wr_wire
read_method(struct reader *r, const char **at, struct wr_request_head *out)
{
    const char *end = r->line;

    if (WR_LIKELY(r->end - end >= 4 && memcmp(end, "GET ", 4) == 0)) {
        end += 3;
        out->method = WEIR_GET;
    } else {
        while (end < r->end && wr_char_is(*end, WR_CHAR_TOKEN)) {
            end++;
        }
        if (end == r->end) {
            return run_out(r);
        }
        if (*end != ' ' || end == r->line) {
            return bad_method(r, end);
        }
        out->method = wr_method_id((weir_str){ r->line, (size_t)(end - r->line) });
    }
    out->method_at = (uint32_t)(r->line - r->start);
    out->method_len = (uint32_t)(end - r->line);
    *at = end;
    return WR_OK;
}

/* The request line; on WR_OK r->line is at the first field line. [RFC 9112 3] */
static enum wr_wire
read_request_line(struct reader *r, struct wr_request_head *out)
{
    const char *at = r->line;
    enum wr_wire rc;

    if (at < r->stop && (*at == '\r' || *at == '\n') && (rc = skip_empty_lines(r)) != WR_OK) {
        return rc;
    }
    begin_line(r, r->line, r->limits->line_max);
    if ((rc = read_method(r, &at, out)) != WR_OK) {
        return rc;
    }
    const char *target = at + 1;
    at = scan_any_target(r, target);
    if (at == r->end) {
        return run_out(r);
    }
    if (*at != ' ' || at == target) {
        return bad_target(r, at, at == target);
    }
    out->target_at = (uint32_t)(target - r->start);
    out->target_len = (uint32_t)(at - target);
    at++;
    if (WR_LIKELY(r->end - at >= 10 && memcmp(at, "HTTP/1.1\r\n", 10) == 0)) {
        out->version = 11;
        r->line = at + 10;
        return WR_OK;
    }
    if ((rc = read_version(r, &at, &out->version)) != WR_OK) {
        return rc;
    }
    return take_line_end(r, at, &r->line, "bytes after the HTTP version");
}

/* Three digits. [RFC 9112 4] */
static enum wr_wire
read_status(struct reader *r, const char **at, uint32_t *status)
{
    const char *from = *at;
    uint32_t n = 0;

    for (size_t i = 0; i < 3; i++) {
        if (from + i == r->end) {
            return run_out(r);
        }
        if (!wr_char_is(from[i], WR_CHAR_DIGIT)) {
            return bad(r, 502, "status is not three digits");
        }
        n = n * 10 + (uint32_t)(from[i] - '0');
    }
    if (n < 100 || n > 599) {
        return bad(r, 502, "status is not in 100..599");
    }
    *status = n;
    *at = from + 3;
    return WR_OK;
}

/* The status line; on WR_OK r->line is at the first field line. [RFC 9112 4] */
static enum wr_wire
read_status_line(struct reader *r, struct wr_response_head *out)
{
    const char *at = r->line;
    const char *reason_end;
    enum wr_wire rc;

    begin_line(r, at, r->limits->line_max);
    if ((rc = read_version(r, &at, &out->version)) != WR_OK) {
        return rc;
    }
    if (at == r->end) {
        return run_out(r);
    }
    if (*at++ != ' ') {
        return bad(r, 502, "no blank after the HTTP version");
    }
    if ((rc = read_status(r, &at, &out->status)) != WR_OK) {
        return rc;
    }
    if (at == r->end) {
        return run_out(r);
    }
    if (*at != ' ') {
        out->reason_at = (uint32_t)(at - r->start);
        out->reason_len = 0;
        return take_line_end(r, at, &r->line, "status is not three digits");
    }
    at++;
    if ((rc = read_value(r, at, &reason_end, &r->line)) != WR_OK) {
        return rc;
    }
    out->reason_at = (uint32_t)(at - r->start);
    out->reason_len = (uint32_t)(reason_end - at);
    return WR_OK;
}

/* ---- The three kinds of head. ---- */

/* Go to the resume point, if there is one. */
static bool
resume(struct reader *r, const struct wr_head_scan *scan)
{
    r->line = r->start + scan->at;
    r->lines = scan->lines;
    WR_ASSERT(r->line <= r->stop);
    return scan->at != 0;
}

/* Keep the resume point of an incomplete head; forget it when the head is complete. */
static void
keep(struct wr_head_scan *scan, const struct reader *r, enum wr_wire rc)
{
    if (rc == WR_MORE) {
        scan->at = (uint32_t)(r->line - r->start);
        scan->lines = r->lines;
    } else if (rc == WR_OK) {
        *scan = (struct wr_head_scan){ 0 };
    }
}

enum wr_wire
wr_http1_request_head(const char *in, size_t len, struct wr_head_scan *scan,
                      const struct wr_head_limits *limits, struct wr_request_head *out,
                      struct wr_fault *fault)
{
    struct reader r = reader_over(in, len, limits, fault);
    struct wr_request_head head = { .fields = out->fields };
    bool resumed = resume(&r, scan);
    enum wr_wire rc = resumed ? WR_OK : read_request_line(&r, &head);

    if (rc != WR_OK) {
        return rc;
    }
    r.fields = out->fields;
    rc = read_fields(&r);
    keep(scan, &r, rc);
    if (rc != WR_OK) {
        return rc;
    }
    if (resumed) {
        return wr_http1_request_head(in, len, scan, limits, out, fault);
    }
    head.bytes = (uint32_t)(r.line - in);
    head.n_fields = r.n_fields;
    *out = head;
    return WR_OK;
}

enum wr_wire
wr_http1_response_head(const char *in, size_t len, struct wr_head_scan *scan,
                       const struct wr_head_limits *limits, struct wr_response_head *out,
                       struct wr_fault *fault)
{
    struct reader r = reader_over(in, len, limits, fault);
    struct wr_response_head head = { .fields = out->fields };
    bool resumed = resume(&r, scan);

    r.response = true;
    enum wr_wire rc = resumed ? WR_OK : read_status_line(&r, &head);
    if (rc != WR_OK) {
        return rc;
    }
    r.fields = out->fields;
    rc = read_fields(&r);
    keep(scan, &r, rc);
    if (rc != WR_OK) {
        return rc;
    }
    if (resumed) {
        return wr_http1_response_head(in, len, scan, limits, out, fault);
    }
    head.bytes = (uint32_t)(r.line - in);
    head.n_fields = r.n_fields;
    *out = head;
    return WR_OK;
}

enum wr_wire
wr_http1_section(const char *in, size_t len, struct wr_head_scan *scan,
                 const struct wr_head_limits *limits, struct wr_head_section *out,
                 struct wr_fault *fault)
{
    struct reader r = reader_over(in, len, limits, fault);
    bool resumed = resume(&r, scan);

    r.fields = out->fields;
    enum wr_wire rc = read_fields(&r);
    keep(scan, &r, rc);
    if (rc != WR_OK) {
        return rc;
    }
    if (resumed) {
        return wr_http1_section(in, len, scan, limits, out, fault);
    }
    out->bytes = (uint32_t)(r.line - in);
    out->n_fields = r.n_fields;
    return WR_OK;
}
