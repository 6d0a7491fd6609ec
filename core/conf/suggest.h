/* conf/suggest.h - "did you mean": the known word nearest to a mistyped one. */
#ifndef WR_CONF_SUGGEST_H
#define WR_CONF_SUGGEST_H

#include <stdint.h>
#include <weir/base.h>

struct wr_suggest {
    weir_str word;
    const char *best;  /* NULL: none was near enough */
    uint32_t distance; /* of best; without one: the first distance that is too far */
};

/* Begin looking for what `word` was meant to be. Words longer than 64 bytes get no suggestion. */
void wr_suggest_init(struct wr_suggest *s, weir_str word);

/* Consider name, which must stay as long as s is used. The first of several equally near ones is
 * kept. */
void wr_suggest_add(struct wr_suggest *s, const char *name);

/* How many insertions, deletions, replacements and swaps of neighbours make a into b; more than max
 * counts as max + 1. Both at most 64 bytes. */
uint32_t wr_suggest_distance(weir_str a, weir_str b, uint32_t max);

#endif
