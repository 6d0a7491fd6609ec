/* geo/atlas.h - what value each address has: networks or ranges, gathered at load and settled into
 * one sorted array a family.
 *
 * The smallest network that an address is in decides, so the array holds the places where the
 * answer changes, and looking up is one search by halves.
 */
#ifndef GEO_ATLAS_H
#define GEO_ATLAS_H

#include "address.h"

/* From this address up to the next place. */
struct place {
    struct address from;
    weir_str value;
};

struct places {
    struct place *at; /* sorted; the first is from the lowest address there is */
    size_t n;
};

struct entry {
    struct span span;
    weir_str text;  /* as it was written */
    weir_str value; /* absent: it was deleted */
    uint32_t order; /* in the file */
};

/* Zeroed: nothing is known. */
struct atlas {
    struct entry *entries; /* while it is read */
    size_t n, room;
    struct places v4, v6;
};

/* Gather one; an absent value takes away an equal span that came before. Texts are borrowed from
 * the configuration. */
void atlas_add(struct atlas *a, weir_pool *pool, const struct span *s, weir_str text,
               weir_str value);

/* Make it ready for look-ups, with this value for what nothing is known of. Doubled networks are
 * warned of. WEIR_ERROR after a reported overlap. */
int atlas_settle(weir_conf *cf, struct atlas *a, weir_str otherwise);

weir_str atlas_find(const struct atlas *a, const struct address *address);

#endif
