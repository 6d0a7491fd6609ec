/* cache/secret.h - the key of the keyed hash: kept in the folder, so that files are found again
 * after a restart. */
#ifndef CACHE_SECRET_H
#define CACHE_SECRET_H

#include "shared.h"

/* Read it from the folder, or make one; once a zone, when the first worker starts. Where that
 * cannot be, the store does without the disk. Blocks. */
void secret_settle(struct store *s);

#endif
