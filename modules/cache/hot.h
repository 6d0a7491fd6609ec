/* cache/hot.h - responses that this worker answers with again and again, held all the time: finding
 * one of them takes no lock and no keyed hash.
 *
 * A place holds its object by a mark, as a request would. The object is the answer as long as it
 * stands in an entry, which every purge, change and eviction ends at once, for all workers; while a
 * ban is being walked, nothing here is used. Uses are told to the entry once a second (hot_tick),
 * and what was not used since, or stands in no entry, is let go then.
 */
#ifndef CACHE_HOT_H
#define CACHE_HOT_H

#include "shared.h"

enum { HOT_PLACES = 256 };

struct hot {
    struct store *s;
    struct object *o;
    struct mark *mark;
    uint32_t refs; /* handles, and one of its place */
    uint32_t used; /* since the last tick */
    size_t key_len;
    char key[];
};

/* Where a key would be; what is there under this very key, or NULL. */
uint32_t hot_place(weir_str key);
struct hot *hot_at(const struct store *s, uint32_t place, weir_str key);

/* Is it what a find would give? Counted as a use. */
bool hot_use(struct store *s, struct hot *h);

/* Hold o as the answer to key from now on; mark is its own from now on. NULL: no memory. Outside
 * the lock. */
struct hot *hot_keep(struct store *s, weir_str key, struct object *o, struct mark *mark);

/* A handle has ended. Outside the lock. */
void hot_unref(struct hot *h);

/* Once a second, under the lock; and at the end, outside of it. */
void hot_tick(struct store *s);
void hot_drop_all(struct store *s);

#endif
