/* cache/doomed.h - files whose entries are gone: they are unlinked by a thread. */
#ifndef CACHE_DOOMED_H
#define CACHE_DOOMED_H

#include "shared.h"

struct doomed {
    struct doomed *next;
    uint64_t hash[2];
    uint64_t file;
};

/* Under the lock. */
void doomed_add(struct store *s, const uint64_t hash[2], uint64_t file);

#endif
