/* base/vec.c - the growing of arrays; see the header. */
#include "base/vec.h"

#include <string.h>

#include "base/num.h"
#include "base/pool.h"

void
wr_vec_init(struct wr_vec *v, struct weir_pool *pool, size_t size)
{
    WR_ASSERT(size != 0);
    *v = (struct wr_vec){ .pool = pool, .size = size };
}

static void
vec_grow(struct wr_vec *v)
{
    size_t room = v->room != 0 ? v->room : 4;
    void *data;

    WR_ASSERT(v->room == 0 || wr_num_mul(room, 2, &room));
    data = wr_pool_array_of(v->pool, room, v->size);
    if (v->count != 0) {
        memcpy(data, v->data, v->count * v->size);
    }
    v->data = data;
    v->room = room;
}

void *
wr_vec_add(struct wr_vec *v)
{
    if (v->count == v->room) {
        vec_grow(v);
    }
    v->count++;
    return memset(wr_vec_item(v, v->count - 1), 0, v->size);
}
