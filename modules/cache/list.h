/* cache/list.h - reading field values: members of lists, parameters, numbers.
 *
 * Readers take a rest and move it on. None of them looks past the bytes that it is given.
 */
#ifndef CACHE_LIST_H
#define CACHE_LIST_H

#include <weir/base.h>

/* The part of s from `from` on, up to `to` if that is within. */
static inline weir_str
str_cut(weir_str s, size_t from, size_t to)
{
    to = to < s.len ? to : s.len;
    from = from < to ? from : to;
    return (weir_str){ s.data + from, to - from };
}

static inline size_t
str_find(weir_str s, char c)
{
    const char *at = s.len != 0 ? memchr(s.data, c, s.len) : NULL;

    return at != NULL ? (size_t)(at - s.data) : s.len;
}

static inline bool
str_starts(weir_str s, weir_str with)
{
    return s.len >= with.len && (with.len == 0 || memcmp(s.data, with.data, with.len) == 0);
}

/* Without blanks around it. */
weir_str str_trim(weir_str s);

/* The next member of a list that is not empty, trimmed; a comma in a quoted string parts nothing.
 * False at the end. [RFC 9110 5.6.1] */
bool list_next(weir_str *rest, weir_str *member);

/* Part a member at its first '=' outside quotes: name, and value as sent, both trimmed; the value
 * is absent without '='. */
void list_part(weir_str member, weir_str *name, weir_str *value);

/* A quoted string without its quotes and escapes, in the pool only if it has escapes; anything else
 * as it is. [RFC 9110 5.6.4] */
weir_str list_unquote(weir_pool *pool, weir_str s);

/* Decimal digits and nothing else; more than max is max. */
bool number_read(weir_str s, uint64_t max, uint64_t *n);

#endif
