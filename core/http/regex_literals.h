/* http/regex_literals.h - bytes that stand in every text a regular expression matches, read off the pattern.
 *
 * For skipping an expression without running it, so an answer may only err towards "it may match": any construct that is not
 * surely understood gives no literals at all. Patterns are PCRE2's without options but caseless; nothing here calls it.
 */
#ifndef WR_HTTP_REGEX_LITERALS_H
#define WR_HTTP_REGEX_LITERALS_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "base/pool.h"

/* One of them; n = 0: anything may stand there. */
struct wr_regex_choices {
    weir_str *at;
    uint32_t n;
};

struct wr_regex_literals {
    weir_str start; /* a match begins with the subject, and with these bytes; absent: none */
    weir_str end;   /* the subject ends with these bytes, or these and one line feed; absent: none */
    weir_str part;  /* stands somewhere in the subject; absent: none, or one of the others says more */
    bool fold;      /* letters of either case are the same; then `part` is absent */
    struct wr_regex_choices starts; /* of "^/(a|b)": "/a", "/b"; as start otherwise */
    struct wr_regex_choices ends;   /* of "\\.(?:png|jpg)$": ".png", ".jpg"; as end otherwise */
};

/* Find them; they live in pool. */
void wr_regex_literals_find(struct weir_pool *pool, weir_str pattern, bool fold,
                            struct wr_regex_literals *out);

/* May the expression match subject? */
bool wr_regex_literals_admit(const struct wr_regex_literals *l, weir_str subject);

#endif
