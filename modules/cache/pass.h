/* cache/pass.h - which keys had a response lately that was not stored: nobody waits for another's
 * fetch of such. A worker's own memory of fixed size; what it forgets costs a wait. */
#ifndef CACHE_PASS_H
#define CACHE_PASS_H

#include "store.h"

enum { PASS_MS = 120 * 1000 };

void pass_note(const struct store_key *key);
void pass_forget(const struct store_key *key);
bool pass_is_noted(const struct store_key *key);

#endif
