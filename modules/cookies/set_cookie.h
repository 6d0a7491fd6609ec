/* cookies/set_cookie.h - a Set-Cookie line taken apart as browsers do it, and put together again.
 * Pure. [RFC 6265bis 5.6]
 */
#ifndef COOKIES_SET_COOKIE_H
#define COOKIES_SET_COOKIE_H

#include <weir/text.h>

enum {
    COOKIE_PAIR_MAX = 4096,      /* bytes of name and value; a longer cookie no browser takes */
    COOKIE_ATTRIBUTE_MAX = 1024, /* of an attribute's value; a longer one does not count */
    SET_COOKIE_MAX = 1 << 20     /* of a line that is written */
};

enum cookie_attribute {
    COOKIE_EXPIRES,
    COOKIE_MAX_AGE,
    COOKIE_DOMAIN,
    COOKIE_PATH,
    COOKIE_SECURE,
    COOKIE_HTTPONLY,
    COOKIE_SAMESITE,
    COOKIE_PARTITIONED,
    COOKIE_ATTRIBUTES /* how many; stands for any other, too */
};

struct set_cookie {
    weir_str name, value;           /* a cookie without a name has an empty one */
    weir_str attributes;            /* all that stands behind the first ';' */
    weir_str at[COOKIE_ATTRIBUTES]; /* the last of each; absent: there is none */
};

/* What becomes of an attribute. */
enum cookie_action { COOKIE_KEEP = 0, COOKIE_SET = 1, COOKIE_REMOVE = 2 };

/* A line as it shall be. */
struct set_cookie_change {
    weir_str name, value;
    uint8_t action[COOKIE_ATTRIBUTES]; /* enum cookie_action */
    weir_str set[COOKIE_ATTRIBUTES];   /* values of those that are SET; empty for flags */
};

/* Take a field's value apart, as views of it. False: a browser ignores the line. */
bool set_cookie_parse(weir_str field, struct set_cookie *c);

/* Does the browser forget this cookie when it reads the line? now: seconds since 1970. */
bool set_cookie_expired(const struct set_cookie *c, int64_t now);

/* A cookie-date as seconds since 1970; false if it is none. [RFC 6265bis 5.1.1] */
bool cookie_date_parse(weir_str s, int64_t *seconds);

/* The line, changed: attributes that are kept in their order and spelling, then those that are set.
 * Absent: it would be longer than SET_COOKIE_MAX. */
weir_str set_cookie_write(weir_pool *pool, const struct set_cookie *c,
                          const struct set_cookie_change *change);

/* Would it read as a name and a value, written without a name in front? */
bool cookie_needs_equals(weir_str value);

/* May it be (part of) an attribute's value? */
bool cookie_value_is_plain(weir_str s);

#endif
