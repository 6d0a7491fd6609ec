/* cache/object.h - a response in shared memory: its head, and its body in blocks or in a file. All
 * under the lock, but for what only the filler does to what it alone has.
 */
#ifndef CACHE_OBJECT_H
#define CACHE_OBJECT_H

#include "shared.h"

/* A new one that e's filler fills; e->fill holds it. NULL: no room. */
struct object *object_make_fill(struct store *s, struct entry *e);

/* One with another head and the body of o; nobody holds it yet. NULL: no room. */
struct object *object_make_like(struct store *s, struct object *o, const struct store_meta *meta);

/* One whose body is a file's, its fields given as pairs; nobody holds it yet. NULL: no room. */
struct object *object_make_file(struct store *s, const struct store_meta *meta,
                                const weir_pair *fields, uint32_t n, const uint64_t hash[2]);

void object_ref(struct store *s, struct object *o);
void object_unref(struct store *s, struct object *o);

/* Give it its head: a copy of meta. False: no room. */
bool object_set_head(struct store *s, struct object *o, const struct store_meta *meta);

/* Its filler is gone, or gives up: who reads is cut, who waits looks again. */
void object_break(struct store *s, struct object *o);

/* A reader has left, a pin is given back: blocks may be freed. */
void object_reader_gone(struct store *s, struct object *o);
void object_unpin(struct store *s, struct body *b, struct block *block);

/* Bytes of memory it takes. */
uint64_t object_bytes(const struct object *o);

/* An empty block at the end of b, of `size` bytes or fewer; NULL: no room. */
struct block *object_add_block(struct store *s, struct object *o, uint32_t size);

/* Free the blocks at the beginning that end at or before `upto`. */
void object_trim(struct store *s, struct body *b, uint64_t upto);

#endif
