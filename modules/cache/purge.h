/* cache/purge.h - purges: of one key at once; of many by a ban that finds heed at once, and a walk
 * that makes it true. */
#ifndef CACHE_PURGE_H
#define CACHE_PURGE_H

#include "shared.h"

/* A purge that a crash has interrupted, done as one that is asked for at this moment. Under the lock. */
void purge_again(struct store *s, const struct store_match *m);

/* Walk on, a little, for workers that are gone. True: there is more to walk now. */
bool purge_go_on(struct store *s);

#endif
