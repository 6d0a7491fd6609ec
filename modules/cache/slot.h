/* cache/slot.h - a worker's place in the zone, and the ledger of what it holds.
 *
 * Whatever a worker holds is in its ledger, so that another can give it back when the worker was
 * killed. Giving back is put off until the lock is taken anyway.
 */
#ifndef CACHE_SLOT_H
#define CACHE_SLOT_H

#include "shared.h"

/* Take a slot, giving back what a dead worker left in it. False: none is free. */
bool slot_take(struct store *s);
void slot_leave(struct store *s);

/* A mark on `what`; NULL: the zone is full. Under the lock. It does not count the reference. */
struct mark *slot_mark(struct store *s, uint32_t kind, void *what, struct body *body);

/* Let there be a free mark, if room can be made: so that a section need not stop half-way for one.
 * Under the lock, at its beginning. */
void slot_prepare(struct store *s);

/* Give a mark back: later, without the lock; or now, under it. */
void slot_release(struct store *s, struct mark *m);
void slot_release_now(struct store *s, struct mark *m);

/* What was put off. Under the lock; from shared_lock. */
void slot_give_back(struct store *s);

/* Is the worker of this slot dead? Then all it held is given back, and true. */
bool slot_bury(struct store *s, uint32_t slot);

/* The least place of all who read o; UINT64_MAX: nobody does. Under the lock. */
uint64_t slot_least(const struct store *s, const struct object *o);

#endif
