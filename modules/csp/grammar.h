/* csp/grammar.h - the directives of Content Security Policy and what may stand in them. Pure.
 * [CSP3 2.3, 6] */
#ifndef CSP_GRAMMAR_H
#define CSP_GRAMMAR_H

#include <weir/text.h>

enum csp_directive {
    CSP_DEFAULT_SRC,
    CSP_SCRIPT_SRC,
    CSP_SCRIPT_SRC_ELEM,
    CSP_STYLE_SRC,
    CSP_STYLE_SRC_ELEM,
    CSP_OTHER_DIRECTIVES, /* and as many as the table of grammar.c has */
    CSP_DIRECTIVES_MAX = 32
};

/* The directive's name; absent past the last. */
weir_str grammar_name(uint32_t directive);

/* Which it is, CSP_DIRECTIVES_MAX: none. Case does not matter. */
uint32_t grammar_find(weir_str name);

/* The directive that was meant, or NULL; and the same of a keyword without its quotes. */
const char *grammar_suggest(weir_str name);
const char *grammar_suggest_keyword(weir_str word);

/* Is word, which has no quotes, a keyword or a nonce or a hash: what has to have quotes? */
bool grammar_is_keyword(uint32_t directive, weir_str word);

/* Does it mean nothing in a report-only policy? */
bool grammar_only_enforced(uint32_t directive);

/* Does it mean something in a policy that stands in the page itself? [CSP3 3.3] */
bool grammar_works_in_meta(uint32_t directive);

/*
 * May word, as it stands in the policy, be one of the directive's n words?
 *
 * NULL, or what is wrong, as the end of a sentence about it. A word with a variable in it is
 * believed.
 */
const char *grammar_fault(uint32_t directive, weir_str word, uint32_t n);

/* May the directive have n words at all? The same answers. */
const char *grammar_count_fault(uint32_t directive, uint32_t n);

#endif
