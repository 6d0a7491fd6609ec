/* cache/doomed.h - files whose entries are gone: they are unlinked by a thread. */
#ifndef CACHE_DOOMED_H
#define CACHE_DOOMED_H

#include "shared.h"

struct doomed {
    struct doomed *next;
    uint64_t hash[2];
    uint64_t file; /* only if it has this number; 0: whatever it is */
    bool temp;     /* it has not got its name yet */
};

/* Under the lock. */
void doomed_add(struct store *s, const uint64_t hash[2], uint64_t file);
void doomed_add_temp(struct store *s, uint64_t file);

/* Unlink some, if it is time; by the one that has the duty. */
void doomed_go(struct store *s);

#endif
