/* autoindex/text.h - text written once into a bounded piece of memory, with the escapes a listing
 * needs.
 *
 * Names are bytes; what is no UTF-8 cannot stand in XML or JSON and is shown as U+FFFD or \u00NN.
 */
#ifndef AUTOINDEX_TEXT_H
#define AUTOINDEX_TEXT_H

#include <weir/base.h>

/* What does not fit is left out and sets full: nothing is written from then on. */
struct text {
    char *at;
    char *end;
    bool full;
};

void text_bytes(struct text *t, const char *bytes, size_t len);
void text_string(struct text *t, const char *s);
void text_spaces(struct text *t, size_t count);
void text_print(struct text *t, const char *fmt, ...) WEIR_PRINTF(2, 3);

/* As a segment of a relative reference: all but unreserved characters as %NN. [RFC 3986 2.3] */
void text_uri(struct text *t, weir_str s);

/* As text of HTML and XML: & < > " ' as entities, control characters as U+FFFD. */
void text_markup(struct text *t, weir_str s);

/* As inside a JSON string. [RFC 8259 7] */
void text_json(struct text *t, weir_str s);

/* How many bytes the character at the beginning of s (not empty) has; 0 if it is no UTF-8.
 * [RFC 3629 4] */
size_t utf8_char(weir_str s);

/* How many characters s has; a byte that is no UTF-8 counts as one. max > 0: stop there, and say in
 * *bytes (if not NULL) how many bytes those are. */
size_t utf8_count(weir_str s, size_t max, size_t *bytes);

#endif
