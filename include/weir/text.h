/* weir/text.h - pieces of text: cutting and looking at strings, the shapes that fields have, numbers and codes as text, and
 * a builder with a limit.
 *
 * Nothing here needs a zero at the end of a string, depends on a locale, or changes the bytes it looks at: what is cut from a
 * string is a view of it. All functions may be called from any thread; a builder, by whoever may use its pool.
 */
#ifndef WEIR_TEXT_H
#define WEIR_TEXT_H

#include "base.h"

WEIR_BEGIN

/* ---- Bytes. ------------------------------------------------------------------------------------------------------- */

/* A letter of ASCII in lower case, another byte as it is. [any thread] */
static inline uint8_t weir_lower(uint8_t c)
{
    return (uint8_t)(c | ((uint8_t)(c - 'A') < 26 ? 0x20 : 0));
}

/* Is c a letter of ASCII; a decimal digit? [any thread] */
static inline bool weir_is_letter(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26;
}
static inline bool weir_is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

/* 0..15 for a hexadecimal digit, -1 for another byte. [any thread] */
static inline int weir_hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (uint8_t)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* ---- Strings. ----------------------------------------------------------------------------------------------------- */

/* s from byte `from` (at most s.len) for at most len bytes. Of an absent s: absent. [any thread] */
static inline weir_str weir_str_cut(weir_str s, size_t from, size_t len)
{
    from = from < s.len ? from : s.len;
    s.data = from != 0 ? s.data + from : s.data;
    s.len = len < s.len - from ? len : s.len - from;
    return s;
}

/* Where c stands first, or s.len. [any thread] */
static inline size_t weir_str_find(weir_str s, char c)
{
    const char *at = s.len != 0 ? (const char *)memchr(s.data, c, s.len) : NULL;

    return at != NULL ? (size_t)(at - s.data) : s.len;
}

/* Does s begin with prefix? [any thread] */
static inline bool weir_str_starts(weir_str s, weir_str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

/* The same, letters of ASCII compared without case. [any thread] */
static inline bool weir_str_istarts(weir_str s, weir_str prefix)
{
    return weir_str_ieq(weir_str_cut(s, 0, prefix.len), prefix);
}

/* Does s begin with prefix? If so, *rest is what follows, else it is untouched. For words as NAME=VALUE. [any thread] */
static inline bool weir_str_after(weir_str s, weir_str prefix, weir_str *rest)
{
    if (!weir_str_starts(s, prefix)) {
        return false;
    }
    *rest = weir_str_cut(s, prefix.len, s.len);
    return true;
}

/* Does s end with tail? [any thread] */
static inline bool weir_str_ends(weir_str s, weir_str tail)
{
    return s.len >= tail.len && (tail.len == 0 || memcmp(s.data + (s.len - tail.len), tail.data, tail.len) == 0);
}

/* s without spaces and tabs at either end. [any thread] */
static inline weir_str weir_str_trim(weir_str s)
{
    while (s.len != 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }
    while (s.len != 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

/* Is s one of these, letters of ASCII compared without case? words ends with NULL. [any thread] */
static inline bool weir_str_is_among(weir_str s, const char *const *words)
{
    while (*words != NULL && !weir_str_ieq(s, weir_str_c(*words))) {
        words++;
    }
    return *words != NULL;
}

/* What stands before the first divider; *rest goes behind it, and is absent when there is none. So every part is seen, empty
 * ones as well: `while (rest.data != NULL) { part = weir_str_split(&rest, ';'); ... }`. [any thread] */
static inline weir_str weir_str_split(weir_str *rest, char divider)
{
    size_t   n = weir_str_find(*rest, divider);
    weir_str part = { rest->data, n };

    if (n == rest->len) {
        rest->data = NULL;
        rest->len = 0;
    } else {
        *rest = weir_str_cut(*rest, n + 1, rest->len);
    }
    return part;
}

/* The next part of *rest that is not empty, without blanks around it, and *rest moved behind it; false at the end. For parts
 * that know no quotes. [any thread] */
WEIR_API bool weir_str_next(weir_str *rest, char divider, weir_str *part);

/* Does a variable's value count as true, as in `if=`: neither empty nor "0"? [any thread] */
static inline bool weir_str_is_true(weir_str s)
{
    return s.len > 1 || (s.len == 1 && s.data[0] != '0');
}

/* The whole of s as a decimal number of at most max: digits, and nothing else. False (and *n untouched) for anything else,
 * "" too. [any thread] */
WEIR_API bool weir_parse_number(weir_str s, uint64_t max, uint64_t *n);

/* A copy of s in the pool with its letters in lower case, zero-terminated as by weir_dup. */
WEIR_API weir_str weir_dup_lower(weir_pool *pool, weir_str s);

/* ---- Fields. ------------------------------------------------------------------------------------------------------ */

/* May it be a field's name, a method, a cookie's name: a token? Not "". [RFC 9110 5.6.2] [any thread] */
WEIR_API bool weir_is_token(weir_str s);

/* May it be (part of) a field's value: no control bytes but the tab? "" may. [RFC 9110 5.5] [any thread] */
WEIR_API bool weir_is_field_value(weir_str s);

/* Where a quoted string begins that does not end, or s.len. [RFC 9110 5.6.4] [any thread] */
static inline size_t weir_str_open_quote(weir_str s)
{
    size_t open = s.len;

    for (size_t i = weir_str_find(s, '"'); i < s.len; i++) {
        if (s.data[i] == '"') {
            open = open == s.len ? i : s.len;
        } else if (s.data[i] == '\\' && open != s.len) {
            i++;
        }
    }
    return open;
}

/* The next member of *rest, a list parted by commas, that is not empty, without blanks around it; false at the end. A comma in
 * a quoted string parts nothing, and one that does not end goes on to the end of the list. [RFC 9110 5.6.1] [any thread] */
WEIR_API bool weir_list_next(weir_str *rest, weir_str *member);

/* Does the list name the token (letters of either case are the same), parameters apart? For Connection, Vary,
 * Cache-Control. [any thread] */
WEIR_API bool weir_list_has(weir_str list, weir_str token);

/* The next cookie of *rest, the value of a Cookie field: blanks around name and value gone, quotes kept, nothing decoded. One
 * without '=' has no name, as browsers have it; empty ones are passed over. False at the end. [RFC 6265 4.2] [any thread] */
WEIR_API bool weir_cookie_next(weir_str *rest, weir_str *name, weir_str *value);

/* The next attribute of *rest, what stands behind the pair of a Set-Cookie field: as above, but one without '=' is a name, and
 * its value absent. [RFC 6265 4.1] [any thread] */
WEIR_API bool weir_attribute_next(weir_str *rest, weir_str *name, weir_str *value);

/* ---- A text that is built once, in one pass, up to a limit. ------------------------------------------------------------
 * What would pass the limit is left out, and `full` says so; whoever builds looks once, at the end. It grows by doubling,
 * in memory of its pool that is given back with the pool. The struct is frozen: code of modules is made of it. */
typedef struct weir_text {
    weir_pool *pool; /* NULL: it does not grow */
    char      *data;
    size_t     len;
    size_t     room; /* bytes at data */
    size_t     max;  /* the limit: bytes of the whole text */
    bool       full; /* something was left out */
} weir_text;

/* A text in the pool, with room for about `room` bytes at first and for max in the end. Its view is never absent. */
static inline weir_text weir_text_begin(weir_pool *pool, size_t room, size_t max)
{
    weir_text t = { pool, NULL, 0, room < max ? room : max, max, false };

    t.data = (char *)weir_alloc(pool, t.room != 0 ? t.room : 1);
    return t;
}

/* A text in `room` bytes of the caller's at data. */
static inline weir_text weir_text_over(void *data, size_t room)
{
    weir_text t = { NULL, (char *)data, 0, room, room, false };

    return t;
}

/* Make room for `more` bytes behind what is there. False: the limit would be passed, or there is no memory; it is full. */
WEIR_API bool weir_text_grow(weir_text *t, size_t more);

/* Append s: all of it, or nothing where it does not fit. */
static inline void weir_text_add(weir_text *t, weir_str s)
{
    if ((s.len <= t->room - t->len || weir_text_grow(t, s.len)) && s.len != 0) {
        memcpy(t->data + t->len, s.data, s.len);
        t->len += s.len;
    }
}

/* Append one byte. */
static inline void weir_text_add_byte(weir_text *t, char c)
{
    if (t->len < t->room || weir_text_grow(t, 1)) {
        t->data[t->len++] = c;
    }
}

/* Append s with its letters in lower case. */
WEIR_API void weir_text_add_lower(weir_text *t, weir_str s);

/* Append "; name", and "=value" unless that is absent: an attribute of a cookie, a parameter of a field's value. */
WEIR_API void weir_text_add_attribute(weir_text *t, weir_str name, weir_str value);

/* Append a number in decimal; in hexadecimal, lower case, without zeros in front. */
WEIR_API void weir_text_add_number(weir_text *t, uint64_t n);
WEIR_API void weir_text_add_hex(weir_text *t, uint64_t n);

/* Append c as %XX, upper case. [RFC 3986 2.1] */
WEIR_API void weir_text_add_percent(weir_text *t, uint8_t c);

/* printf behind what is there: all of it or nothing. It needs a byte more of the limit than it prints. */
WEIR_API void weir_text_print(weir_text *t, const char *fmt, ...) WEIR_PRINTF(2, 3);

/* Append bytes as two hexadecimal digits each, lower case. */
WEIR_API void weir_hex_encode(weir_text *t, weir_str bytes);

/* Append the bytes that s, two digits each in either case, stands for. False, and nothing appended: s is not that, or does not
 * fit. */
WEIR_API bool weir_hex_decode(weir_text *t, weir_str s);

/* Append bytes as base64 with padding [RFC 4648 4]; as base64url, without [RFC 4648 5]. */
WEIR_API void weir_base64_encode(weir_text *t, weir_str bytes);
WEIR_API void weir_base64url_encode(weir_text *t, weir_str bytes);

/*
 * Append the bytes that s stands for, in base64 with padding and in base64url without.
 *
 * False, and nothing appended: s is not that, or does not fit. One value has one spelling: bits behind the last byte that are
 * not zero are refused.
 */
WEIR_API bool weir_base64_decode(weir_text *t, weir_str s);
WEIR_API bool weir_base64url_decode(weir_text *t, weir_str s);

/* What has been built. */
static inline weir_str weir_text_view(const weir_text *t)
{
    weir_str s = { t->data, t->len };

    return s;
}

#if UINTPTR_MAX == UINT64_MAX
WEIR_ASSERT(sizeof(weir_text) == 48, "built with layout-changing flags");
#endif

WEIR_END
#endif
