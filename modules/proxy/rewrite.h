/* proxy/rewrite.h - rules "what is there, what takes its place" for fields of replies. */
#ifndef PROXY_REWRITE_H
#define PROXY_REWRITE_H

#include "proxy.h"

struct rewrite_rule {
    struct rewrite_rule *next;
    const weir_regex *regex; /* matched against the whole; NULL: */
    weir_value *pattern;     /* text that it begins with, or is */
    weir_value *replacement;
};

/* Put a rule of the directive's words 1 and 2 behind the others: word 1 is a regular expression if
 * it begins with '~', its case not counting with "~*" or WEIR_REGEX_ICASE in flags. WEIR_OK, or a
 * reported error. */
int rewrite_add(weir_conf *cf, struct rewrites *to, uint32_t flags);

/* Put the replacement in for the first `len` bytes of the text behind `at` in value. */
weir_str rewrite_put(weir_request *r, weir_str value, size_t at, size_t len, weir_str replacement);

/* Change what is in value from `at` on as the rules say: by the first whose text it begins with, or
 * whose expression it matches. False: none of them. */
bool rewrite_prefix(weir_request *r, const struct rewrites *rules, weir_str *value, size_t at);

#endif
