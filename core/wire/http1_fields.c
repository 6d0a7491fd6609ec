/* wire/http1_fields.c - header fields and trailers, line by line. [RFC 9112 5]
 *
 * Ordinary lines go through a short path that keeps everything in registers; whatever is not
 * ordinary (a tab, blanks at the value's end, a limit, a mistake, too few bytes) it leaves to the
 * full reader of one line, which alone gives verdicts.
 */
#include "wire/http1_reader.h"

#include <string.h>
#include <weir/request.h>
#include "wire/chars.h"
#include "wire/http1_ordinary.h"
#include "wire/names.h"

/* ---- Field lines. ---- */

enum fate { KEEP, DROP, REFUSE };

/* What becomes of a field whose name, up to the colon, is none of the known ones. */
static enum fate
judge_name(const struct wr_reader *r, const char *colon)
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
bad_name(struct wr_reader *r, const char *at)
{
    bool blank = *at == ' ' || *at == '\t';

    if (blank && at == r->line) {
        return wr_reader_bad(r, 400, "header line is folded");
    }
    if (blank) {
        return wr_reader_bad(r, 400, "header name has a blank before the colon");
    }
    if (*at == '\r' || *at == '\n') {
        return wr_reader_bad(r, 400, "header line has no colon");
    }
    return wr_reader_bad(r, 400, "control byte in a header name");
}

/* One field line, whose name ends at `colon`. */
static inline enum wr_wire
read_field(struct wr_reader *r, const char *colon, const char **next)
{
    const char *line = r->line; /* next may point to r->line */
    weir_str name = { line, (size_t)(colon - line) };
    uint32_t id = wr_name_id(name);
    enum fate fate = KEEP;
    const char *value = colon + 1;
    const char *value_end;

    if (id == WEIR_H_OTHER && (fate = judge_name(r, colon)) == REFUSE) {
        return wr_reader_bad(r, 400, "header name is not a token");
    }
    while (value < r->end && wr_char_is_blank(*value)) {
        value++;
    }
    enum wr_wire rc = wr_reader_value(r, value, &value_end, next);
    if (rc != WR_OK) {
        return rc;
    }
    while (value_end > value && wr_char_is_blank(value_end[-1])) {
        value_end--;
    }
    r->lines++;
    if (fate == KEEP) {
        if (wr_head_marked(id)) {
            wr_head_mark(&r->marks, r->n_fields);
        }
        r->fields[r->n_fields++] = (struct wr_head_field){
            .name_at = (uint32_t)(line - r->start),
            .name_len = (uint32_t)name.len,
            .value_at = (uint32_t)(value - r->start),
            .value_len = (uint32_t)(value_end - value),
            .id = (uint16_t)id,
        };
    }
    return WR_OK;
}

/* Ordinary lines: r->line moves to the first that is not, or is not complete. True when that was
 * the empty line, which is then passed, too. */
static bool
read_ordinary(struct wr_reader *r)
{
    uint32_t before = r->n_fields;
    uint32_t most = before + (r->limits->fields_max - r->lines);

    /* Lines that end before the first one may have to are none of them too long. */
    wr_reader_begin_line(r, r->line, r->limits->field_max);
    if (r->end - r->start < WR_SCAN_RUN_UP) {
        return false;
    }
    r->line =
        wr_ordinary_lines(r->start, r->line, r->end, r->fields, &r->n_fields, most, &r->marks);
    r->lines += r->n_fields - before;
    if (r->stop - r->line < 2 || memcmp(r->line, "\r\n", 2) != 0) {
        return false;
    }
    r->line += 2;
    return true;
}

enum wr_wire
wr_reader_fields(struct wr_reader *r)
{
    enum wr_wire rc;

    r->in_fields = true;
    do {
        if (read_ordinary(r)) {
            return WR_OK;
        }
        wr_reader_begin_line(r, r->line, r->limits->field_max);
        const char *at = wr_scan_name(r->line, r->end);
        if (at == r->end) {
            return wr_reader_run_out(r);
        }
        if (at == r->line && (*at == '\r' || *at == '\n')) {
            return wr_reader_take_line_end(r, at, &r->line, "");
        }
        if (r->lines == r->limits->fields_max) {
            return wr_reader_bad(r, 431, "too many header lines");
        }
        if (*at != ':') {
            return bad_name(r, at);
        }
        rc = read_field(r, at, &r->line);
    } while (rc == WR_OK);
    return rc;
}
