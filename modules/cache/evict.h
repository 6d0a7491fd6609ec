/* cache/evict.h - who leaves when there is no room: S3-FIFO, one for what is in memory and one for
 * the index and the disk.
 *
 * What comes enters a small queue, a tenth of the whole. At its end what was used meanwhile goes on
 * to the main queue, what was not leaves, remembered as a ghost; a ghost that comes again enters
 * the main queue at once. At the end of the main queue what was used goes round again. So a scan of
 * things asked for once passes through the small queue and harms nobody. docs/decisions has the
 * measurements.
 */
#ifndef CACHE_EVICT_H
#define CACHE_EVICT_H

#include "shared.h"

/* e is in the tier from now on, as something new or come again; it is no more. */
void evict_enter(struct store *s, struct entry *e, enum tier tier, uint64_t bytes);
void evict_leave(struct store *s, struct entry *e, enum tier tier);

/* It has another size and keeps its place. */
void evict_resize(struct store *s, struct entry *e, enum tier tier, uint64_t bytes);

/* e was used. */
void evict_used(struct store *s, struct entry *e);

/* Memory for what is about to come: the bounded tiers first, then whatever the zone needs. keep:
 * the entry that must not go. They commit: call them with everything consistent. NULL: no room
 * could be made. */
void *evict_alloc(struct store *s, size_t size, const struct entry *keep);

/* Let there be room for one more entry in the keys' part of the zone. Commits. */
void evict_index(struct store *s);

/* Let memory and disk be within their bounds; at most `steps` entries. True: they are. Commits. */
bool evict_settle(struct store *s, uint32_t steps, const struct entry *keep);

/* Let files of about so many bytes go. Commits. */
void evict_free_disk(struct store *s, uint64_t bytes);

#endif
