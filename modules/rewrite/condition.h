/* rewrite/condition.h - what `if` and `when` ask of a request: read once, tested without a copy. */
#ifndef REWRITE_CONDITION_H
#define REWRITE_CONDITION_H

#include <weir/weir.h>

struct condition;

/*
 * Read "( ... )" from the words of the directive, the first of them on.
 *
 * first   the word that begins with "("
 * joined  whether `and`, `or` and `not` may join tests (`when`), or it is one test (`if`)
 *
 * NULL after a reported error.
 */
const struct condition *condition_read(weir_conf *cf, uint32_t first, bool joined);

/*
 * Does it hold for r? 1, 0, or -1 when a regular expression passed its limits (logged; answer 500).
 *
 * A regular expression that was tried leaves its captures: those of the match, or none.
 */
int condition_holds(weir_request *r, const struct condition *c);

enum { CONDITION_UNKNOWN = -2 };

/* The same for weir -M, said as `what (place): ...`; CONDITION_UNKNOWN where nobody can know beforehand. */
int condition_explain(weir_request *r, const struct condition *c, const char *what,
                      weir_place place, weir_explain *to);

#endif
