/* upstream/tries.c - the record of tries: made as they begin, in memory that outlives them. */
#include "upstream/tries.h"

#include "base/clock.h"
#include "base/pool.h"
#include "upstream/tally.h"
#include "upstream/upstream_conf.h"

static struct wr_tries **
slot_of(const weir_request *r)
{
    return (struct wr_tries **)&r->ctx[wr_upstream_module.self->slot];
}

static struct wr_tries *
tries_of(weir_request *r)
{
    struct wr_tries **at = slot_of(r);

    if (*at == NULL) {
        *at = wr_pool_zalloc(r->pool, sizeof(**at));
    }
    return *at;
}

void
weir_upstream_stored(weir_request *r, const weir_header *fields)
{
    tries_of(r)->stored = fields;
}

void
weir_upstream_cached(weir_request *r, weir_str word)
{
    tries_of(r)->cached = word;
}

weir_str
weir_upstream_cache_status(const weir_request *r)
{
    const struct wr_tries *all = wr_tries_of(r);

    return all != NULL ? all->cached : (weir_str){ NULL, 0 };
}

struct wr_tried *
wr_tries_begin(weir_request *r, weir_pool *memory)
{
    struct wr_tried *t = wr_pool_zalloc(memory, sizeof(*t));
    struct wr_tries *all;

    if (r == NULL) {
        return t;
    }
    all = tries_of(r);
    all->stored = NULL;
    all->cached = (weir_str){ NULL, 0 };
    if (all->first == NULL) {
        all->first = t;
    } else {
        all->last->next = t;
    }
    all->last = t;
    return t;
}

struct wr_try *
wr_tries_add(struct wr_tried *t, weir_pool *memory, weir_str addr)
{
    struct wr_try *try = wr_pool_zalloc(memory, sizeof(*try));

    try->addr = weir_dup(memory, addr); /* the peer may go before its name is asked for */
    try->began_ms = wr_clock.now_ms;
    try->connect_ms = try->head_ms = try->response_ms = -1;
    if (t->first == NULL) {
        t->first = try;
    } else {
        t->last->next = try;
    }
    t->last = try;
    return try;
}

void
wr_tries_end(const struct wr_tried *tried, uint32_t status)
{
    struct wr_try *t = tried->last;
    bool first;

    if (t == NULL) {
        return;
    }
    first = t->response_ms < 0;
    if (first) {
        t->response_ms = (int64_t)(wr_clock.now_ms - t->began_ms);
    }
    if (t->status == 0) {
        t->status = status;
    }
    if (first) {
        wr_tally_try(tried->tally, t);
    }
}

const struct wr_tries *
wr_tries_of(const weir_request *r)
{
    return *slot_of(r);
}
