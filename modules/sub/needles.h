/* sub/needles.h - texts that are looked for together in a body, letters of either case being the
 * same, and put others in their places.
 *
 * The body comes as a chain that is cut anywhere; where it is cut makes no difference.
 */
#ifndef SUB_NEEDLES_H
#define SUB_NEEDLES_H

#include <weir/weir.h>

enum { NEEDLE_MAX = 4096 }; /* bytes of one: what may have to be held back */

struct needle {
    weir_str text; /* in lower case; empty: not looked for any more */
    uint32_t rule; /* which of the caller's */
    uint32_t next; /* place + 1 of the next that begins with the same byte; 0: none */
};

struct needles {
    struct needle *at;
    uint32_t n;
    uint32_t live; /* how many are looked for */
    uint32_t
        first[256]; /* place + 1 of the first that begins with this byte, either case; 0: none */
    int only;       /* the one byte that all begin with, if it has no case; else -1 */
};

/* Room for n. */
void needles_init(struct needles *s, weir_pool *pool, uint32_t n);

/* Look for text, too, which is copied. Of two that begin at one place the one added first counts.
 * Not empty, nor longer than NEEDLE_MAX. */
void needles_add(struct needles *s, weir_pool *pool, weir_str text, uint32_t rule);

/* Do not look for this one any more. */
void needles_remove(struct needles *s, struct needle *needle);

/* As weir_chain_find: WEIR_OK, *at and *found say where which begins; WEIR_AGAIN: one may begin at
 * *at, wait for more; WEIR_ABSENT. */
int needles_find(const struct needles *s, const weir_chain *c, size_t *at, struct needle **found);

#endif
