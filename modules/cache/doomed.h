/* cache/doomed.h - files whose entries are gone: they are unlinked by a thread, those that came
 * first before others. What a writer has not given its name yet stays on the list until it has. */
#ifndef CACHE_DOOMED_H
#define CACHE_DOOMED_H

#include "shared.h"

struct doomed {
    struct doomed *next; /* as in an entry, the hash too: see doomed_add_entry */
    uint64_t hash[2];
    uint64_t file;                /* only if it has this number; 0: whatever it is */
    uint64_t number;              /* root.doomed_count when it came */
    uint32_t writer, writer_turn; /* may still name it; SHARED_SLOTS: nobody */
    bool temp;                    /* it has not got its name yet */
};

/* Under the lock. False: no room; the loader finds it at the next start, as a stray. */
bool doomed_add(struct store *s, const uint64_t hash[2], uint64_t file);
bool doomed_add_temp(struct store *s, uint64_t file);

/* The same for one that this slot's worker may be about to name: it waits for doomed_named, or that
 * worker's end. doomed_named: false if there is none such. */
bool doomed_add_coming(struct store *s, const uint64_t hash[2], uint64_t file, uint32_t writer,
                       uint32_t writer_turn);
bool doomed_named(struct store *s, const uint64_t hash[2], uint64_t file);

/* The same for the file of an entry that is in no list any more, in its memory, which is not freed
 * then: it needs no room. */
void doomed_add_entry(struct store *s, struct entry *e);

/* Are all gone that came while root.doomed_count was this or less? Never, once one could not be
 * unlinked. */
bool doomed_gone(const struct store *s, uint64_t count);

/* Unlink some, if it is time; by the one that has the duty. */
void doomed_go(struct store *s);

#endif
