/* autoindex/escape.h - names as a listing needs them: behind a text that is being built.
 *
 * Names are bytes; what is no UTF-8 cannot stand in XML or JSON and is shown as U+FFFD or \u00NN.
 */
#ifndef AUTOINDEX_ESCAPE_H
#define AUTOINDEX_ESCAPE_H

#include <weir/text.h>

/* As a segment of a relative reference: all but unreserved characters as %NN. [RFC 3986 2.3] */
void escape_uri(weir_text *t, weir_str s);

/* As text of HTML and XML: & < > " ' as entities, control characters as U+FFFD. */
void escape_markup(weir_text *t, weir_str s);

/* As inside a JSON string. [RFC 8259 7] */
void escape_json(weir_text *t, weir_str s);

/* How many characters s has; a byte that is no UTF-8 counts as one. max > 0: stop there, and say in
 * *bytes (if not NULL) how many bytes those are. */
size_t utf8_count(weir_str s, size_t max, size_t *bytes);

#endif
