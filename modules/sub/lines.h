/* sub/lines.h - expressions that are looked for in each line of a body, and what is put in the
 * places of what they match.
 *
 * An expression sees one line, without its end; of a line of more than LINE_MAX bytes pieces of
 * that length, counted from its beginning, as if they were lines. So what comes out is the same
 * however the body is cut, and no more than that is held back.
 */
#ifndef SUB_LINES_H
#define SUB_LINES_H

#include <weir/weir.h>

enum {
    LINE_MAX_BYTES = 16 * 1024,
    LINE_RESULT_MAX = 1 << 20 /* what a line may become; else it stays as it is */
};

struct line_rule { /* of the configuration */
    struct line_rule *next;
    const weir_regex *regex;
    struct line_part *parts; /* what is put in */
    uint32_t n_parts;
    uint32_t first_value; /* place of its texts among those of all rules */
};

struct line_rules {
    struct line_rule *first;
    uint32_t n;
    uint32_t n_values;
};

/* The setter of sub_filter_regex, whose field is a struct line_rules. */
int set_line_rule(weir_conf *cf, const weir_directive *d, void *field);

struct lines { /* of a response */
    weir_request *r;
    const struct line_rules *rules;
    bool once;
    uint32_t live;            /* rules still looked for */
    bool *used;               /* by rule */
    weir_str *values;         /* texts with variables, by part; absent: not asked for yet */
    weir_chain held;          /* from the beginning of a line on */
    size_t seen;              /* bytes of it known to hold no line feed */
    weir_text text[2];        /* a line as it becomes, by turns */
    bool complained;
    uint64_t replaced; /* so far */
};

void lines_init(struct lines *s, weir_request *r, const struct line_rules *rules, bool once);

/* Take what is on in, put on out what is ready. */
void lines_run(struct lines *s, weir_chain *in, weir_chain *out);

#endif
