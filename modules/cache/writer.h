/* cache/writer.h - bringing to disk what is in memory alone: whole responses, and newer heads of
 * stored ones. */
#ifndef CACHE_WRITER_H
#define CACHE_WRITER_H

#include "shared.h"

/* Is there something of e to be written, and is it time? Under the lock. */
void writer_look_at(struct store *s, struct entry *e);

/* Would writer_look_at begin nothing now? */
bool writer_is_busy(struct store *s);

/* Append a stale head to the file of that name, whatever number it has. 0 or -errno. In a thread.
 */
int writer_make_stale(const struct store_options *o, const uint64_t hash[2]);

#endif
