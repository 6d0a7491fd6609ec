/* wire/http1_ordinary.h - field lines as nearly every peer sends them: the short path of the
 * readers in http1_head.c and http1_fields.c, and of those two alone.
 *
 * An ordinary line is complete, ends with CRLF, has a name that is known or made of letters, digits
 * and '-', at most one blank before its value, none after it, and a value of 20..7e. Where a line
 * is not, this reader stops and says nothing about it: the full reader alone gives verdicts.
 */
#ifndef WR_WIRE_HTTP1_ORDINARY_H
#define WR_WIRE_HTTP1_ORDINARY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <weir/request.h>
#include "base/assert.h"
#include "wire/http1_head.h"
#include "wire/names.h"
#include "wire/scan.h"

/* Is that the id of a field that struct wr_head_marks is about? */
static inline bool
wr_head_marked(uint32_t id)
{
    const uint64_t ids = UINT64_C(1) << WEIR_H_CONTENT_LENGTH |
                         UINT64_C(1) << WEIR_H_TRANSFER_ENCODING |
                         UINT64_C(1) << WEIR_H_CONNECTION | UINT64_C(1) << WEIR_H_EXPECT |
                         UINT64_C(1) << WEIR_H_HOST;

    _Static_assert(WEIR_H_COUNT_1_0 <= 64, "an id is a bit");
    return (ids >> id & 1) != 0;
}

/* The field that goes to place `at` of the array is one of those. */
static inline void
wr_head_mark(struct wr_head_marks *marks, uint32_t at)
{
    if (marks->n < WR_COUNT(marks->at)) {
        marks->at[marks->n] = at;
    }
    marks->n++;
}

/*
 * Read ordinary lines.
 *
 * start   what offsets count from, WR_SCAN_RUN_UP bytes before stop at least
 * line    the first line
 * stop    no line may end behind it
 * n       fields there are; moved on
 * n_max   fields there may be
 *
 * The first line that is not ordinary: also the empty one.
 */
static inline __attribute__((always_inline)) const char *
wr_ordinary_lines(const char *start, const char *line, const char *stop,
                  struct wr_head_field *fields, uint32_t *n, uint32_t n_max,
                  struct wr_head_marks *marks)
{
    struct wr_head_field *field = fields + *n;
    const struct wr_head_field *last = fields + n_max;

    for (; field < last; field++) {
        const char *colon;
        const char *end = wr_scan_line(line, stop, &colon);
        if (colon >= end || colon == line || end + 1 >= stop || memcmp(end, "\r\n", 2) != 0) {
            break;
        }
        bool blank = colon[1] == ' ';
        const char *value = colon + 1 + blank;
        /* A first or last byte up to ' ' is a blank to trim, or the value is empty. */
        if ((uint8_t)*value <= ' ' || end[-1] == ' ') {
            break;
        }
        size_t len = (size_t)(colon - line);
        struct wr_name_slot slot = wr_name_slot(line, len);
        uint32_t id = slot.id;
        if (slot.len != len || !wr_name_same_visible(line, wr_name_table[id].text, len)) {
            if (wr_scan_word(line, stop) != colon) {
                break;
            }
            id = WEIR_H_OTHER;
        }
        field->name_at = (uint32_t)(line - start);
        field->name_len = (uint32_t)len;
        field->value_at = (uint32_t)(value - start);
        field->value_len = (uint32_t)(end - value);
        field->id = (uint16_t)id;
        field->flags = blank ? WEIR_HEADER_LINE : 0;
        line = end + 2;
        if (wr_head_marked(id)) {
            wr_head_mark(marks, (uint32_t)(field - fields));
        }
    }
    *n = (uint32_t)(field - fields);
    return line;
}

#endif
