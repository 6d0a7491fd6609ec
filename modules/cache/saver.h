/* cache/saver.h - writing the snapshot: now and then by a thread, and at the end at once. */
#ifndef CACHE_SAVER_H
#define CACHE_SAVER_H

#include "shared.h"

/* What a snapshot has to say to be of this secret. */
uint64_t saver_check(const struct store *s);

/* Write one in the background, a part of the index at a time, unless one is being written. */
void saver_go(struct store *s);

/* Write it now, and wait for it. */
void saver_write(struct store *s);

#endif
