/* cache/purge.h - purges of many entries: a ban that finds heed at once, and a walk that makes it
 * true. */
#ifndef CACHE_PURGE_H
#define CACHE_PURGE_H

#include "shared.h"

/* Walk on, a little, for workers that are gone. True: there is more to walk now. */
bool purge_go_on(struct store *s);

#endif
