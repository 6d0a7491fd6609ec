/* http/regex_choices.h - a group of a pattern that is a plain choice of words: "(php|cgi)", "(?:png|jpe?g)" is none.
 *
 * For regex_literals, and bound by the same rule: what is not surely understood is no choice.
 */
#ifndef WR_HTTP_REGEX_CHOICES_H
#define WR_HTTP_REGEX_CHOICES_H

#include "http/regex_literals.h"

enum { WR_REGEX_CHOICES_MAX = 32 };

/*
 * Read a group whose '(' has been passed.
 *
 * before  bytes that stand in front of the group: each word gets them
 * rest    the pattern behind '('; moved behind ')' on success
 * out     the words, in pool
 *
 * False: it is no such group, or a quantifier follows it.
 */
bool wr_regex_choices_read(struct weir_pool *pool, weir_str before, weir_str *rest,
                           struct wr_regex_choices *out);

#endif
