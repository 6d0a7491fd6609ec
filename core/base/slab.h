/* base/slab.h - an allocator inside a given piece of (shared) memory: bounded, checked, and whole again after a crash.
 *
 * Memory is cut into pages of 4096 bytes. A page holds slots of one size up to 2048, or begins a run of pages. What is used
 * is written in one table, each change of it a single store; lists for speed are made from the table again by
 * wr_slab_repair, so a process that dies in any function here costs at most the one piece it was handling.
 * Nothing here locks: the caller does. Addresses are absolute: every process must have the memory at the same place.
 */
#ifndef WR_BASE_SLAB_H
#define WR_BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr_slab; /* lies at the beginning of its memory */

enum { WR_SLAB_PAGE = 4096, WR_SLAB_SIZE_MIN = 4 * WR_SLAB_PAGE };

/* Make an empty allocator of the size bytes at `at` (aligned to 16, at least WR_SLAB_SIZE_MIN; at most 8 TiB). */
struct wr_slab *wr_slab_create(void *at, size_t size);

/* Forget all that was allocated. */
void wr_slab_reset(struct wr_slab *s);

/* size bytes (at least 1), zeroed, aligned to 16, or NULL when no place of that size is free. */
void *wr_slab_alloc(struct wr_slab *s, size_t size);

/* Give p back. False, and nothing changed, when p is not what wr_slab_alloc gave or was freed already. */
bool wr_slab_free(struct wr_slab *s, void *p);

/* After a process died inside: make the lists from the table of pages again. */
void wr_slab_repair(struct wr_slab *s);

/* Bytes that can be handed out in all, and bytes in use (slots and runs, rounding included). */
size_t wr_slab_size(const struct wr_slab *s);
size_t wr_slab_used(const struct wr_slab *s);

#endif
