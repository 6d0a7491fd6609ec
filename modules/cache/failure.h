/* cache/failure.h - fetches that failed, and for which something stale was used: those who waited
 * for one need not fail each for itself, one after the other. What one worker knows; a hint.
 */
#ifndef CACHE_FAILURE_H
#define CACHE_FAILURE_H

#include "store.h"

struct failure {
    uint64_t at_ms; /* weir_now() */
    uint32_t bits;  /* how: enum stale */
    bool gateway;   /* as stale-if-error has it */
};

void failure_note(const struct store_key *key, uint32_t bits, bool gateway);

/* The latest, if it was not before since_ms; NULL: none is known. */
const struct failure *failure_since(const struct store_key *key, uint64_t since_ms);

#endif
