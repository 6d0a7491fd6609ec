/* cache/recover.h - purges that were under way when all processes ended, done again from what the
 * journal has, before anything is found on the disk. */
#ifndef CACHE_RECOVER_H
#define CACHE_RECOVER_H

#include "shared.h"

/* Once in the life of a zone, by the first worker, before it serves. What concerns single keys is
 * done here and now, what concerns many becomes bans; what cannot be read, or is too much, is a ban
 * of all. Under the lock. */
void recover_settle(struct store *s);

#endif
