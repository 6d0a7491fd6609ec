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
    bool always;  /* whatever the status */
    bool single;  /* replaces a field of the name: two of them would contradict each other */
    bool removes; /* an empty value takes a field of the name away */
    /* A run of constant fields that go under one condition is ready to be passed on at once. */
    const weir_header *run; /* this field and those behind it; NULL: it begins none */
    uint32_t run_length;
};

struct field_node {
    struct field_node *next;
    struct field field;
};

/* What stands in this very block, in its order: a local setting, empty in every inner block. */
struct field_list {
    struct field_node *first;
    struct field_node *last;
    uint32_t count;
};

/* What holds in a block: inherited as one setting, the rule and what it has come to outside. */
struct settled {
    const struct field *fields;
    uint32_t count;
    uint32_t rule; /* enum inherit_rule */
};

struct added {
    struct field_list own;
    struct settled settled;
};

/* The setters of add_header and add_trailer, whose field is a struct field_list. */
int set_add_header(weir_conf *cf, const weir_directive *d, void *field);
int set_add_trailer(weir_conf *cf, const weir_directive *d, void *field);

/* The setter of add_header_inherit and add_trailer_inherit, whose field is a struct settled. */
int set_inherit(weir_conf *cf, const weir_directive *d, void *field);

/* Settle one block once its directives are read; a->settled is the outer block's until then. */
void added_settle(weir_conf *cf, struct added *a);

/* Is there one whose value depends on the request? */
bool settled_varies(const struct settled *s);

#endif
