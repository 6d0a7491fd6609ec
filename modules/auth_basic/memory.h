/* memory.h - credentials that were right a moment ago, so that a slow hash is not paid at every request.
 *
 * What is kept is a keyed sum of hash, name and password: nothing that could be read back, and nothing that fits once the
 * hash in the password file is another. The key is the worker's own and never leaves it.
 */
#ifndef AUTH_BASIC_MEMORY_H
#define AUTH_BASIC_MEMORY_H

#include <weir/base.h>

enum { MEMORY_PLACES = 1024, MARK_SIZE = 32 };

struct memory; /* a worker's; of fixed size */

struct memory *memory_create(weir_pool *pool);

/* What these credentials are remembered by. False: it could not be computed. */
bool memory_mark(const struct memory *m, weir_str hash, weir_str user, weir_str password,
                 uint8_t mark[MARK_SIZE]);

/* Were they right, and is that not too long ago? now: weir_now(). */
bool memory_has(const struct memory *m, const uint8_t mark[MARK_SIZE], uint64_t now);

/* They are; until: when to forget it. Takes the place of the one that would be forgotten first. */
void memory_add(struct memory *m, const uint8_t mark[MARK_SIZE], uint64_t until);

#endif
