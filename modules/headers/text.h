/* headers/text.h - names, values and lists as fields have them. Pure. */
#ifndef HEADERS_TEXT_H
#define HEADERS_TEXT_H

#include <weir/base.h>

/* Is name one of these? names ends with NULL; case does not matter. */
bool field_is_among(weir_str name, const char *const *names);

/* May it be a field's name? [RFC 9110 5.6.2] */
bool field_is_token(weir_str s);

/* May it be part of a field's value? [RFC 9110 5.5] */
bool field_is_one_line(weir_str s);

/* Take the next member off a comma-separated list; false: there is none. A comma in quotes is part of a member; empty members
 * are passed over. [RFC 9110 5.6.1] */
bool list_next(weir_str *list, weir_str *member);

/* Is member one of the list's? Case does not matter. */
bool list_has(weir_str list, weir_str member);

#endif
