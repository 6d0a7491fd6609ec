/* cache/damage.h - files that are not what was written. */
#ifndef CACHE_DAMAGE_H
#define CACHE_DAMAGE_H

#include "shared.h"

/* The file of that name and number (0: whatever it is) is damaged: logged, taken out of the index,
 * unlinked. Without the lock. */
void damage_found(struct store *s, const uint64_t hash[2], uint64_t file);

#endif
