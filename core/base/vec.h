/* base/vec.h - an array that grows, in a pool: for things collected while reading a configuration or a request.
 *
 * Growing doubles the room and leaves the old room to the pool, so at most half of what a vec took is waste. An element may
 * move when another is added: keep indexes, or pointers only after the last add.
 */
#ifndef WR_BASE_VEC_H
#define WR_BASE_VEC_H

#include <stddef.h>
#include <stdint.h>
#include <weir/base.h>

#include "base/assert.h"

struct wr_vec {
    struct weir_pool *pool;
    void *data;
    size_t count; /* elements in use */
    size_t room;  /* elements that fit before it grows */
    size_t size;  /* bytes of one element */
};

/* Make v empty; it takes memory at the first add. size: bytes of one element, not 0. */
void wr_vec_init(struct wr_vec *v, struct weir_pool *pool, size_t size);
#define wr_vec_init_of(v, pool, T) wr_vec_init((v), (pool), sizeof(T))

/* One more element at the end, zeroed. */
void *wr_vec_add(struct wr_vec *v);

/* Keep the first `count` elements only; the room stays. */
static inline void
wr_vec_cut(struct wr_vec *v, size_t count)
{
    WR_ASSERT(count <= v->count);
    v->count = count;
}

/* Element i, which exists. */
static inline void *
wr_vec_item(const struct wr_vec *v, size_t i)
{
    WR_ASSERT(i < v->count);
    return (char *)v->data + i * v->size;
}

/* The same with its type: wr_vec_at(&v, struct wr_listen, 3)->port */
#define wr_vec_at(v, T, i) ((T *)wr_vec_item((v), (i)))

/* All elements as the ABI passes them; good until the next add. */
static inline weir_items
wr_vec_items(const struct wr_vec *v)
{
    WR_ASSERT(v->count <= UINT32_MAX && v->size <= UINT32_MAX);
    return (weir_items){ v->data, (uint32_t)v->count, (uint32_t)v->size };
}

/* for WR_VEC_EACH(struct wr_listen, l, &v) { ... }, nothing added meanwhile */
#define WR_VEC_EACH(T, at, v)                                                                      \
    for (__typeof__(T) *at = (v)->data, *at##_end = at == NULL ? NULL : at + (v)->count;           \
         at != at##_end; at++)

#endif
