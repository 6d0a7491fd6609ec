/* headers/rules.h - `header` and `request_header`: changes to the fields of answers and requests.
 *
 * A block's rules follow those of the outer blocks, so that an inner one adds to them and has the last word.
 */
#ifndef HEADERS_RULES_H
#define HEADERS_RULES_H

#include <weir/weir.h>

enum rule_action {
    RULE_SET,     /* the field is this and nothing else; an empty value takes it away */
    RULE_APPEND,  /* one more line */
    RULE_MERGE,   /* the members that are missing join the list */
    RULE_UNSET,   /* there is none */
    RULE_DEFAULT  /* the field is this if there is none */
};

struct status_span {
    struct status_span *next;
    uint32_t from, to;
};

struct rule {
    struct rule *next; /* in the block */
    uint32_t action;   /* enum rule_action */
    weir_str name;
    weir_value *value;                   /* NULL for UNSET */
    weir_value *condition;               /* NULL: always */
    const struct status_span *statuses;  /* NULL: all */
};

/* What stands in this very block: a local setting, empty in every inner block. */
struct own_rules {
    struct rule *first;
    struct rule *last;
    uint32_t count;
};

/* What holds in a block: inherited as one setting, with whether it goes on to inner blocks. */
struct all_rules {
    const struct rule *at;
    uint32_t count;
    bool alone; /* nothing comes from outside */
};

struct rules {
    struct own_rules own;
    struct all_rules all;
};

/* The setters of header and request_header, whose field is a struct own_rules. */
int set_header(weir_conf *cf, const weir_directive *d, void *field);
int set_request_header(weir_conf *cf, const weir_directive *d, void *field);

/* The setter of header_inherit and request_header_inherit, whose field is a struct all_rules. */
int set_rules_inherit(weir_conf *cf, const weir_directive *d, void *field);

/* Settle one block once its directives are read; rules->all is the outer block's until then. */
void rules_settle(weir_conf *cf, struct rules *rules);

/* Change the answer's fields, or the request's. */
void rules_apply_out(weir_request *r, const struct all_rules *rules);
void rules_apply_in(weir_request *r, const struct all_rules *rules);

#endif
