/* headers/explain.h - the fields that weir -M tells of. */
#ifndef HEADERS_EXPLAIN_H
#define HEADERS_EXPLAIN_H

#include "added.h"
#include "rules.h"

/* A line for each field; what: "add_header". */
void explain_added(weir_request *r, const char *what, const struct settled *fields,
                   weir_explain *to);

/* A line for each rule of `header` or `request_header`; they are not carried out. */
void explain_rules(weir_request *r, const struct all_rules *rules, weir_explain *to);

#endif
