/* wire/field_list.h - the two shapes that most field values have: lists parted by commas, parameters parted by semicolons.
 *
 * Neither looks into quoted strings for its separator. Readers take a rest and move it on, so that a value is walked once.
 */
#ifndef WR_WIRE_FIELD_LIST_H
#define WR_WIRE_FIELD_LIST_H

#include <stdbool.h>
#include <weir/base.h>
#include <weir/text.h>

/* What stands before the first ';' of an element, without blanks; *params is what follows it. */
weir_str wr_field_head(weir_str element, weir_str *params);

/* The next parameter of *params: its name, and its value as sent, with quotes if it has them; the value is absent when
 * there is no '='. False at the end. No blanks are allowed around '=': they stay in name or value.  [RFC 9110 5.6.6] */
bool wr_field_param_next(weir_str *params, weir_str *name, weir_str *value);

#endif
