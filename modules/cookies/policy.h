/* cookies/policy.h - cookie_policy: which cookies a line is about, and what it says about them.
 *
 * Of all lines that are about a cookie, the first that speaks of a thing settles it.
 */
#ifndef COOKIES_POLICY_H
#define COOKIES_POLICY_H

#include <weir/weir.h>

#include "set_cookie.h"

enum cookie_guard { COOKIE_UNSAID = 0, COOKIE_PLAIN = 1, COOKIE_SEALED = 2, COOKIE_SIGNED = 3 };

struct cookie_rule {
    struct cookie_rule *next;
    const weir_regex *regex, *folded; /* the second for letters of either case; NULL: text */
    weir_str text;                    /* the name, or what it begins with */
    bool prefix;
    bool defaults; /* attributes that a cookie has itself stay */
    bool drop;
    uint8_t guard;                        /* enum cookie_guard */
    weir_str rename;                      /* what the browser knows it by; absent: nothing said */
    uint8_t action[COOKIE_ATTRIBUTES];    /* enum cookie_action; KEEP: nothing said */
    weir_value *value[COOKIE_ATTRIBUTES]; /* of those that are SET; NULL: a flag */
};

struct cookie_rules {
    struct cookie_rule *first;
    bool written; /* there is a cookie_policy, be it `off` */
};

/* What all lines together say of one cookie. */
struct cookie_verdict {
    bool drop;
    uint8_t guard;
    weir_str rename;
    const struct cookie_rule *by[COOKIE_ATTRIBUTES]; /* who settles the attribute; NULL: nobody */
};

/* The setter of cookie_policy, whose field is a struct cookie_rules. */
int set_cookie_policy(weir_conf *cf, const weir_directive *d, void *field);

/* fold: as if letters of either case were the same. */
void cookie_rules_judge(const struct cookie_rules *rules, weir_str name, bool fold,
                        struct cookie_verdict *v);

/* The name by which the application knows the cookie that a browser calls `name`. Absent: the
 * application's cookie of this very name is called otherwise by browsers, so that it cannot come
 * from there. */
weir_str cookie_rules_inner_name(const struct cookie_rules *rules, weir_str name);

/* Does a line seal or sign? */
bool cookie_rules_guard(const struct cookie_rules *rules);

/* Does a line do anything to the cookies of requests? */
bool cookie_rules_change_requests(const struct cookie_rules *rules);

#endif
