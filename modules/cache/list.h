/* cache/list.h - reading field values: parameters and numbers.
 *
 * Readers take a rest and move it on. None of them looks past the bytes that it is given.
 */
#ifndef CACHE_LIST_H
#define CACHE_LIST_H

#include <weir/text.h>

/* Part a member at its first '=' outside quotes: name, and value as sent, both trimmed; the value
 * is absent without '='. */
void list_part(weir_str member, weir_str *name, weir_str *value);

/* Decimal digits and nothing else; more than max is max. */
bool number_read(weir_str s, uint64_t max, uint64_t *n);

#endif
