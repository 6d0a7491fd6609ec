/* cache/pass.c - which keys had a response lately that was not stored. */
#include "pass.h"

enum { PLACES = 4096 }; /* a power of two; a later key takes the place of an earlier one */

static struct {
    uint64_t hash, until_ms;
} noted[PLACES];

void
pass_note(const struct store_key *key)
{
    size_t i = key->hash[0] & (PLACES - 1);

    noted[i].hash = key->hash[1];
    noted[i].until_ms = weir_now() + PASS_MS;
}

bool
pass_is_noted(const struct store_key *key)
{
    size_t i = key->hash[0] & (PLACES - 1);

    return noted[i].hash == key->hash[1] && noted[i].until_ms > weir_now();
}

void
pass_forget(const struct store_key *key)
{
    if (pass_is_noted(key)) {
        noted[key->hash[0] & (PLACES - 1)].until_ms = 0;
    }
}
