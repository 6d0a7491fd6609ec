/* autoindex/format.h - one entry of a directory as a line of HTML, XML or JSON.
 *
 * The lines, elements and keys are nginx's, so that what reads its listings reads these. Pure.
 */
#ifndef AUTOINDEX_FORMAT_H
#define AUTOINDEX_FORMAT_H

#include <weir/base.h>

#include "escape.h"

enum list_format { LIST_HTML = 0, LIST_XML = 1, LIST_JSON = 2, LIST_JSONP = 3 };

enum entry_kind { ENTRY_DIRECTORY = 0, ENTRY_FILE = 1, ENTRY_OTHER = 2 };

struct entry {
    weir_str name;
    uint32_t kind;
    int64_t size;  /* bytes */
    int64_t mtime; /* seconds since 1970 */
};

struct list_style {
    uint32_t format; /* enum list_format */
    bool exact_size; /* bytes, else rounded to K, M, G */
    bool local_time; /* else UTC; HTML only */
};

/* No line is longer, of a name of NAME_MAX bytes. */
enum { ENTRY_LINE_MAX = 4096 };

/* Write e's line; the first and the last of a JSON list differ by their commas. */
void entry_format(weir_text *t, const struct entry *e, struct list_style style, bool last);

#endif
