/* cache/tagged.h - which tags were purged lately: a response that was being fetched then has not
 * said its tags, and is held against them when it does. All under the lock.
 */
#ifndef CACHE_TAGGED_H
#define CACHE_TAGGED_H

#include "shared.h"

/* A purge by this tag begins. */
void tagged_note(struct store *s, uint64_t tag, bool soft);

enum tagged {
    TAGGED_NOT,
    TAGGED_SOFTLY, /* it is stale */
    TAGGED_GONE
};

/* Was one of these tags purged since root.clock was `born`? If there were too many purges since
 * then to tell, it was. */
enum tagged tagged_since(const struct root *r, uint64_t born, const uint64_t *tags, uint32_t n);

#endif
