/* http/regex.h - regular expressions: PCRE2 with its JIT compiler, limits on the work of a match, and captures.
 *
 * What an expression needs at least (a literal at its start or end, a length) is found at load, and a subject without it is
 * passed over without asking PCRE2: of fifty locations, forty-nine.
 */
#ifndef WR_HTTP_REGEX_H
#define WR_HTTP_REGEX_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/conf.h>

#include "base/err.h"
#include "base/pool.h"
#include "http/limits.h"
#include "http/regex_gate.h"

struct wr_request;

/* What groups 0 (all that matched) to 9 matched. The subject is a view: it lives as long as the request. */
struct wr_captures {
    weir_str subject;
    uint32_t n;                              /* groups that are known; 0: nothing has matched */
    uint32_t from[WR_LIMIT_CAPTURES];        /* bytes into the subject; UINT32_MAX: the group took no part */
    uint32_t until[WR_LIMIT_CAPTURES];
};

/* Group i of what matched last; absent when it took no part, or nothing matched. */
static inline weir_str
wr_captures_group(const struct wr_captures *c, uint32_t i)
{
    if (c == NULL || i >= c->n || i >= WR_LIMIT_CAPTURES || c->from[i] == UINT32_MAX) {
        return (weir_str){ NULL, 0 };
    }
    return (weir_str){ c->subject.data + c->from[i], c->until[i] - c->from[i] };
}

/*
 * Compile an expression that belongs to pool.
 *
 * pattern  any bytes
 * flags    WEIR_REGEX_*
 * at       out, when it cannot be compiled: the byte of pattern where
 *
 * NULL with the reason in err.
 */
weir_regex *wr_regex_create(struct weir_pool *pool, weir_str pattern, uint32_t flags,
                            struct wr_err *err, size_t *at);

/* Does it match somewhere in subject? WEIR_OK with the groups in c (may be NULL), WEIR_ABSENT, or WEIR_ERROR with the reason
 * in err: the work of it passed a limit. */
int wr_regex_run(const weir_regex *re, weir_str subject, struct wr_captures *c, struct wr_err *err);

/* The same without the shortcut by literals: what wr_regex_run must agree with. */
int wr_regex_run_fully(const weir_regex *re, weir_str subject, struct wr_captures *c,
                       struct wr_err *err);

/* re's gate: subjects whose key does not open it need not be asked about. */
struct wr_regex_gate wr_regex_gate(const weir_regex *re);

/* weir_regex_match for core's own request: the groups become r's captures, named ones the values of their variables. r NULL:
 * for nobody's sake. */
int wr_regex_match(struct wr_request *r, const weir_regex *re, weir_str subject);

#endif
