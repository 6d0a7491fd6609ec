/* compressor.c - the pool of compressors: which are kept, which stand in for one another, how many
 * there may be. What a stream does is up to its kind. */
#include "compressor.h"

#include "compressor_kind.h"

static bool
same_shape(const struct compressor_shape *a, const struct compressor_shape *b)
{
    return a->level == b->level && a->window_bits == b->window_bits &&
           a->memory_level == b->memory_level;
}

/* An idle one of that shape, off the list. */
static struct compressor *
find_idle(struct compressor_pool *pool, const struct compressor_shape *shape)
{
    for (struct compressor **at = &pool->idle; *at != NULL; at = &(*at)->next) {
        struct compressor *c = *at;

        if (same_shape(&c->shape, shape)) {
            *at = c->next;
            pool->n_idle--;
            return c;
        }
    }
    return NULL;
}

static struct compressor *
create(const struct compressor_shape *shape)
{
    const struct compressor_kind *kind = compressor_choose(shape);
    struct compressor *c = kind->create(shape);

    if (c != NULL) {
        c->kind = kind;
        c->shape = *shape;
    }
    return c;
}

struct compressor *
compressor_take(struct compressor_pool *pool, const struct compressor_shape *shape)
{
    struct compressor *c;

    if (pool->n_busy >= COMPRESSOR_BUSY_MAX) {
        return NULL;
    }
    c = find_idle(pool, shape);
    if (c == NULL) {
        c = create(shape);
    }
    if (c != NULL) {
        pool->n_busy++;
    }
    return c;
}

void
compressor_give(struct compressor_pool *pool, struct compressor *c)
{
    if (c == NULL) {
        return;
    }
    pool->n_busy--;
    if (pool->n_idle >= COMPRESSOR_IDLE_MAX || !c->kind->restart(c)) {
        c->kind->destroy(c);
        return;
    }
    c->next = pool->idle;
    pool->idle = c;
    pool->n_idle++;
}

enum compressor_result
compressor_run(struct compressor *c, struct compressor_io *io, enum compressor_flush flush)
{
    if (flush == COMPRESSOR_MORE && io->in_len == 0) {
        return COMPRESSOR_OK;
    }
    /* With room to spare the end of a flush can be told from more to come; without it a library
     * would write its mark of five or six bytes at each call. */
    if (flush == COMPRESSOR_SYNC && io->out_len < COMPRESSOR_ROOM_MIN) {
        return COMPRESSOR_FULL;
    }
    return c->kind->run(c, io, flush);
}

size_t
compressor_bound(size_t in_len)
{
    /* deflateBound's figure for the smallest search table, with room for header and trailer. */
    return in_len + (in_len >> 3) + (in_len >> 6) + 64;
}

void
compressor_pool_empty(struct compressor_pool *pool)
{
    while (pool->idle != NULL) {
        struct compressor *c = pool->idle;

        pool->idle = c->next;
        c->kind->destroy(c);
    }
    pool->n_idle = 0;
}
