/* wire/field_list.h - the two shapes that most field values have: lists parted by commas, parameters parted by semicolons.
 *
 * Neither looks into quoted strings for its separator. Readers take a rest and move it on, so that a value is walked once.
 */
#ifndef WR_WIRE_FIELD_LIST_H
#define WR_WIRE_FIELD_LIST_H

#include <stdbool.h>
#include <weir/base.h>

#include "base/strbuf.h"

/* The next element of *rest that is not empty, without blanks around it; false at the end. A quoted string that does not end
 * goes on to the end of the value.  [RFC 9110 5.6.1.2] */
bool wr_field_list_next(weir_str *rest, weir_str *element);

/* Does the list name token (letters of either case are the same), parameters apart? For Connection, Vary, Cache-Control. */
bool wr_field_list_has(weir_str list, weir_str token);

/* What stands before the first ';' of an element, without blanks; *params is what follows it. */
weir_str wr_field_head(weir_str element, weir_str *params);

/* The next parameter of *params: its name, and its value as sent, with quotes if it has them; the value is absent when
 * there is no '='. False at the end. No blanks are allowed around '=': they stay in name or value.  [RFC 9110 5.6.6] */
bool wr_field_param_next(weir_str *params, weir_str *name, weir_str *value);

/* The value of the first parameter `name` (either case); absent when there is none or it has no value. */
weir_str wr_field_param(weir_str params, weir_str name);

/* Append value without its quotes and with `\x` as x; appended as it is when it is no quoted string. */
void wr_field_unquote(struct wr_strbuf *b, weir_str value);

#endif
