/* cache/failure.c - which keys had a fetch that failed lately. */
#include "failure.h"

enum { PLACES = 1024 }; /* a power of two; a later key takes the place of an earlier one */

static struct {
    uint64_t hash;
    struct failure failure;
} noted[PLACES];

void
failure_note(const struct store_key *key, uint32_t bits, bool gateway)
{
    size_t i = key->hash[0] & (PLACES - 1);

    noted[i].hash = key->hash[1];
    noted[i].failure = (struct failure){ .at_ms = weir_now(), .bits = bits, .gateway = gateway };
}

const struct failure *
failure_since(const struct store_key *key, uint64_t since_ms)
{
    size_t i = key->hash[0] & (PLACES - 1);

    return noted[i].hash == key->hash[1] && noted[i].failure.at_ms >= since_ms ? &noted[i].failure
                                                                               : NULL;
}
