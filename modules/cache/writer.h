/* cache/writer.h - bringing to disk what is in memory alone: whole responses, and newer heads of
 * stored ones. */
#ifndef CACHE_WRITER_H
#define CACHE_WRITER_H

#include "shared.h"

/* Is there something of e to be written, and is it time? Under the lock. */
void writer_look_at(struct store *s, struct entry *e);

#endif
