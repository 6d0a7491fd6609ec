/* wire/http1_head.c - request lines and status lines, and the three kinds of head.
 *
 * A line that is right and complete is never looked at again while the head is incomplete: the
 * resume point moves past it. When a head that came in pieces is complete it is read once more from
 * the start, because the array of fields was lent to others between the calls.
 */
#include "wire/http1_head.h"

#include <string.h>
#include <weir/request.h>
#include "base/assert.h"
#include "wire/chars.h"
#include "wire/http1_ordinary.h"
#include "wire/http1_reader.h"
#include "wire/names.h"

/* ---- First lines. ---- */

/* "HTTP/1.x": *at is moved past it. Versions that are well-formed but not 1.x are a 505. */
static enum wr_wire
read_version(struct wr_reader *r, const char **at, uint32_t *version)
{
    static const char form[] = "HTTP/1.1"; /* a digit stands for any digit */
    const char *from = *at;

    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        if (from + i == r->end) {
            return wr_reader_run_out(r);
        }
        bool right = form[i] == '1' ? wr_char_is(from[i], WR_CHAR_DIGIT) : from[i] == form[i];
        if (!right) {
            return wr_reader_bad(r, 400, "malformed HTTP version");
        }
    }
    if (from[5] == '0') {
        return wr_reader_bad(r, 400, "HTTP/0.x is not spoken here");
    }
    if (from[5] != '1') {
        return wr_reader_bad(r, 505, "major HTTP version is not 1");
    }
    *version = from[7] == '0' ? 10 : 11;
    *at = from + 8;
    return WR_OK;
}

static enum wr_wire
bad_method(struct wr_reader *r, const char *at)
{
    if (at != r->line) {
        return wr_reader_bad(r, 400, "method is not a token");
    }
    if (*at == '\r' || *at == '\n') {
        return wr_reader_bad(r, 400, "too many empty lines before the request");
    }
    return wr_reader_bad(r, 400, *at == 0x16 ? "TLS handshake where HTTP is spoken" : "no method");
}

static enum wr_wire
bad_target(struct wr_reader *r, const char *at, bool empty)
{
    uint8_t c = (uint8_t)*at;

    if (c == '\r' || c == '\n') {
        return wr_reader_bad(r, 400, "request line has no HTTP version");
    }
    if (c == ' ' && empty) {
        return wr_reader_bad(r, 400, "more than one blank before the target");
    }
    if (c == '#') {
        return wr_reader_bad(r, 400, "fragment in the request target");
    }
    return wr_reader_bad(r, 400,
                         c > 0x7e ? "byte over 7e in the request target"
                                  : "control byte in the request target");
}

/* r->line past the empty lines that old clients send between requests. [RFC 9112 2.2] */
static enum wr_wire
skip_empty_lines(struct wr_reader *r)
{
    for (uint32_t n = 0; n < r->limits->empty_max; n++) {
        wr_reader_begin_line(r, r->line, r->limits->line_max);
        if (r->line == r->end || (*r->line != '\r' && *r->line != '\n')) {
            return WR_OK;
        }
        enum wr_wire rc = wr_reader_take_line_end(r, r->line, &r->line, "");
        if (rc != WR_OK) {
            return rc;
        }
    }
    return WR_OK;
}

static inline const char *
scan_any_target(const struct wr_reader *r, const char *at)
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
read_method(struct wr_reader *r, const char **at, struct wr_request_head *out)
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
            return wr_reader_run_out(r);
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
read_request_line(struct wr_reader *r, struct wr_request_head *out)
{
    const char *at = r->line;
    enum wr_wire rc;

    if (at < r->stop && (*at == '\r' || *at == '\n') && (rc = skip_empty_lines(r)) != WR_OK) {
        return rc;
    }
    wr_reader_begin_line(r, r->line, r->limits->line_max);
    if ((rc = read_method(r, &at, out)) != WR_OK) {
        return rc;
    }
    const char *target = at + 1;
    at = scan_any_target(r, target);
    if (at == r->end) {
        return wr_reader_run_out(r);
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
    return wr_reader_take_line_end(r, at, &r->line, "bytes after the HTTP version");
}

/* Three digits. [RFC 9112 4] */
static enum wr_wire
read_status(struct wr_reader *r, const char **at, uint32_t *status)
{
    const char *from = *at;
    uint32_t n = 0;

    for (size_t i = 0; i < 3; i++) {
        if (from + i == r->end) {
            return wr_reader_run_out(r);
        }
        if (!wr_char_is(from[i], WR_CHAR_DIGIT)) {
            return wr_reader_bad(r, 502, "status is not three digits");
        }
        n = n * 10 + (uint32_t)(from[i] - '0');
    }
    if (n < 100 || n > 599) {
        return wr_reader_bad(r, 502, "status is not in 100..599");
    }
    *status = n;
    *at = from + 3;
    return WR_OK;
}

/* The status line; on WR_OK r->line is at the first field line. [RFC 9112 4] */
static enum wr_wire
read_status_line(struct wr_reader *r, struct wr_response_head *out)
{
    const char *at = r->line;
    const char *reason_end;
    enum wr_wire rc;

    wr_reader_begin_line(r, at, r->limits->line_max);
    if (r->end - at >= 8 && memcmp(at, "HTTP/1.1", 8) == 0) {
        out->version = 11;
        at += 8;
    } else if ((rc = read_version(r, &at, &out->version)) != WR_OK) {
        return rc;
    }
    if (at == r->end) {
        return wr_reader_run_out(r);
    }
    if (*at++ != ' ') {
        return wr_reader_bad(r, 502, "no blank after the HTTP version");
    }
    if ((rc = read_status(r, &at, &out->status)) != WR_OK) {
        return rc;
    }
    if (at == r->end) {
        return wr_reader_run_out(r);
    }
    if (*at != ' ') {
        out->reason_at = (uint32_t)(at - r->start);
        out->reason_len = 0;
        return wr_reader_take_line_end(r, at, &r->line, "status is not three digits");
    }
    at++;
    if ((rc = wr_reader_value(r, at, &reason_end, &r->line)) != WR_OK) {
        return rc;
    }
    out->reason_at = (uint32_t)(at - r->start);
    out->reason_len = (uint32_t)(reason_end - at);
    return WR_OK;
}

/* ---- The three kinds of head. ---- */

/* The field lines from r->line on. An incomplete head keeps its resume point, a complete one forgets
 * it. */
static inline enum wr_wire
read_fields(struct wr_reader *r, struct wr_head_scan *scan, struct wr_head_field *fields)
{
    r->fields = fields;
    enum wr_wire rc = wr_reader_fields(r);
    if (rc == WR_MORE) {
        scan->at = (uint32_t)(r->line - r->start);
        scan->lines = r->lines;
    } else if (rc == WR_OK) {
        *scan = (struct wr_head_scan){ 0 };
    }
    return rc;
}

/* Read a head that came in pieces from the resume point on, in a copy of the reader: what it finds
 * is for nobody. WR_OK: the head is complete, or nothing was read of it yet; read it from the
 * start. */
static inline enum wr_wire
read_on(const struct wr_reader *r, struct wr_head_scan *scan, struct wr_head_field *fields)
{
    struct wr_reader rest;

    if (WR_LIKELY(scan->at == 0)) {
        return WR_OK;
    }
    rest = *r;
    rest.line = r->start + scan->at;
    rest.lines = scan->lines;
    WR_ASSERT(rest.line <= rest.stop);
    return read_fields(&rest, scan, fields);
}

/* A GET of HTTP/1.1 that is there as a whole and has ordinary lines only, as nearly all are. False:
 * the full reader has to look, from the start. */
static bool
read_ordinary_request(const char *in, size_t len, const struct wr_head_limits *limits,
                      struct wr_request_head *out)
{
    const char *stop = in + WR_MIN(len, limits->head_max);
    const char *target = in + 4;
    struct wr_head_marks marks = { 0 };
    uint32_t n = 0;

    if (len < 2 * WR_SCAN_RUN_UP || stop - in < WR_SCAN_RUN_UP || memcmp(in, "GET ", 4) != 0) {
        return false;
    }
    const char *at = wr_scan_target(target, stop);
    if (stop - at < 13 || at == target || memcmp(at, " HTTP/1.1\r\n", 11) != 0 ||
        at - in > (ptrdiff_t)limits->line_max - 11) {
        return false;
    }
    const char *line = at + 11;
    const char *end = stop - line > limits->field_max ? line + limits->field_max : stop;
    line = wr_ordinary_lines(in, line, end, out->fields, &n, limits->fields_max, &marks);
    if (end - line < 2 || memcmp(line, "\r\n", 2) != 0) {
        return false;
    }
    *out = (struct wr_request_head){
        .method = WEIR_GET,
        .method_len = 3,
        .target_at = 4,
        .target_len = (uint32_t)(at - target),
        .version = 11,
        .bytes = (uint32_t)(line + 2 - in),
        .n_fields = n,
        .marks = marks,
        .fields = out->fields,
    };
    return true;
}

/* Any request head: the one reader that gives verdicts. */
static enum wr_wire
read_any_request(const char *in, size_t len, struct wr_head_scan *scan,
                 const struct wr_head_limits *limits, struct wr_request_head *out,
                 struct wr_fault *fault)
{
    struct wr_reader r = wr_reader_over(in, len, limits, fault);
    struct wr_request_head head = { .fields = out->fields };
    enum wr_wire rc;

    if ((rc = read_on(&r, scan, out->fields)) != WR_OK ||
        (rc = read_request_line(&r, &head)) != WR_OK ||
        (rc = read_fields(&r, scan, out->fields)) != WR_OK) {
        return rc;
    }
    head.bytes = (uint32_t)(r.line - in);
    head.n_fields = r.n_fields;
    head.marks = r.marks;
    *out = head;
    return WR_OK;
}

enum wr_wire
wr_http1_request_head(const char *in, size_t len, struct wr_head_scan *scan,
                      const struct wr_head_limits *limits, struct wr_request_head *out,
                      struct wr_fault *fault)
{
    if (WR_LIKELY(scan->at == 0 && read_ordinary_request(in, len, limits, out))) {
        return WR_OK;
    }
    return read_any_request(in, len, scan, limits, out, fault);
}

enum wr_wire
wr_http1_response_head(const char *in, size_t len, struct wr_head_scan *scan,
                       const struct wr_head_limits *limits, struct wr_response_head *out,
                       struct wr_fault *fault)
{
    struct wr_reader r = wr_reader_over(in, len, limits, fault);
    struct wr_response_head head = { .fields = out->fields };
    enum wr_wire rc;

    r.response = true;
    if ((rc = read_on(&r, scan, out->fields)) != WR_OK ||
        (rc = read_status_line(&r, &head)) != WR_OK ||
        (rc = read_fields(&r, scan, out->fields)) != WR_OK) {
        return rc;
    }
    head.bytes = (uint32_t)(r.line - in);
    head.n_fields = r.n_fields;
    head.marks = r.marks;
    *out = head;
    return WR_OK;
}

enum wr_wire
wr_http1_section(const char *in, size_t len, struct wr_head_scan *scan,
                 const struct wr_head_limits *limits, struct wr_head_section *out,
                 struct wr_fault *fault)
{
    struct wr_reader r = wr_reader_over(in, len, limits, fault);
    enum wr_wire rc;

    if ((rc = read_on(&r, scan, out->fields)) != WR_OK ||
        (rc = read_fields(&r, scan, out->fields)) != WR_OK) {
        return rc;
    }
    out->bytes = (uint32_t)(r.line - in);
    out->n_fields = r.n_fields;
    return WR_OK;
}
