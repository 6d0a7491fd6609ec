/* headers/added.h - the fields that add_header and add_trailer put on answers, and how inner blocks
 * inherit them.
 */
#ifndef HEADERS_ADDED_H
#define HEADERS_ADDED_H

#include <weir/weir.h>

enum inherit_rule {
    INHERIT_ON = 0,   /* a block that adds fields of its own loses the outer ones */
    INHERIT_OFF = 1,  /* none comes from outside */
    INHERIT_MERGE = 2 /* the outer ones follow the block's own */
};

struct field {
    weir_str name;
    weir_value *value;
    bool always; /* whatever the status */
    bool single; /* replaces a field of the name: two of them would contradict each other */
};

struct field_node {
    struct field_node *next;
    struct field field;
};

/* What stands in one block, in its order; empty again at the first directive of an inner block. */
struct field_list {
    struct field_node *first;
    struct field_node *last;
    uint32_t count;
};

struct added {
    struct field_list own;
    const struct field_node *seen; /* own.first of the block that made `fields` */
    const struct field *fields;    /* what holds here */
    uint32_t count;
    uint32_t rule; /* enum inherit_rule; inherited itself */
};

/* The setters of add_header and add_trailer; field is a struct field_list. */
int set_add_header(weir_conf *cf, const weir_directive *d, void *field);
int set_add_trailer(weir_conf *cf, const weir_directive *d, void *field);

/* Make `fields` of one block, once its directives are read; a starts as the outer block's. */
void added_settle(weir_conf *cf, struct added *a);

/* Is there one whose value depends on the request? */
bool added_varies(const struct added *a);

#endif
