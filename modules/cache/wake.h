/* cache/wake.h - telling other workers that something they wait for has moved.
 *
 * A wake says "look", and nothing more: a lost one cannot be (who waits is noted before it looks
 * for the last time), a false one costs a look. A worker has a datagram socket with a name that
 * cannot be guessed; the death of a worker that others wait for is told by the system.
 */
#ifndef CACHE_WAKE_H
#define CACHE_WAKE_H

#include "shared.h"

/* Somebody in this worker who waits: look() is called from the loop, once a time it is armed; it
 * may arm itself again. */
struct watch {
    struct watch *next, *before;
    uint64_t round; /* of looking, in which it was armed */
    bool armed;
    void (*look)(struct watch *w);
};

bool wake_open(struct store *s);
void wake_close(struct store *s);

/* look() is to be called when b moves. After this, look whether it has moved already. */
void wake_arm(struct store *s, struct watch *w, struct body *b);
/* look() is to be called soon. */
void wake_soon(struct store *s, struct watch *w);
void wake_disarm(struct store *s, struct watch *w);

/* All who wait for b look. */
void wake_watchers(struct store *s, struct body *b);

/* All who wait in that worker look. */
void wake_slot(struct store *s, uint32_t slot);

/* Nobody is left in this worker who waits: the duty's tick need not look for deaths. */
void wake_look_for_deaths(struct store *s);

#endif
