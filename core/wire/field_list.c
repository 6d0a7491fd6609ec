/* wire/field_list.c - one scan finds a separator outside of quotes; the rest is cutting and
 * trimming. */
#include "wire/field_list.h"

#include "base/str.h"

/* find_unquoted from the first '"' on. */
static size_t
find_behind_quotes(weir_str s, char c, size_t quote)
{
    bool quoted = false;

    for (size_t i = quote; i < s.len; i++) {
        if (quoted && s.data[i] == '\\') {
            i++;
        } else if (s.data[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && s.data[i] == c) {
            return i;
        }
    }
    return s.len;
}

/* Where c stands first outside of quoted strings, or s.len. Elements are a few bytes long: a loop
 * is quicker than memchr.  [RFC 9110 5.6.4] */
static inline size_t
find_unquoted(weir_str s, char c)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == c) {
            return i;
        }
        if (s.data[i] == '"') {
            return find_behind_quotes(s, c, i);
        }
    }
    return s.len;
}

/* The part of *rest before c, trimmed; *rest goes behind c. */
static weir_str
take_part(weir_str *rest, char c)
{
    size_t n = find_unquoted(*rest, c);
    weir_str part = weir_str_trim(weir_str_cut(*rest, 0, n));

    *rest = weir_str_cut(*rest, n < rest->len ? n + 1 : n, rest->len);
    return part;
}

bool
weir_list_next(weir_str *rest, weir_str *element)
{
    while (rest->len != 0) {
        weir_str part = take_part(rest, ',');
        if (part.len != 0) {
            *element = part;
            return true;
        }
    }
    return false;
}

bool
weir_list_has(weir_str list, weir_str token)
{
    weir_str element, params;

    while (weir_list_next(&list, &element)) {
        if (weir_str_ieq(wr_field_head(element, &params), token)) {
            return true;
        }
    }
    return false;
}

weir_str
wr_field_head(weir_str element, weir_str *params)
{
    weir_str head = take_part(&element, ';');

    *params = element;
    return head;
}

bool
wr_field_param_next(weir_str *params, weir_str *name, weir_str *value)
{
    while (params->len != 0) {
        weir_str part = take_part(params, ';');
        size_t equals = weir_str_find(part, '=');

        if (part.len != 0) {
            *name = weir_str_cut(part, 0, equals);
            *value = equals < part.len ? weir_str_cut(part, equals + 1, part.len)
                                       : (weir_str){ NULL, 0 };
            return true;
        }
    }
    return false;
}
