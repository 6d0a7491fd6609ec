/* net/buf.h - what weir_buf of the ABI is inside: a view of a counted store.
 *
 * A store is memory or a descriptor with a count of the buffers that refer to it, owned by the pool it was made in: it goes
 * when the count is zero or the pool ends, whichever comes first. Buffers themselves are pool memory, reused within the pool.
 */
#ifndef WR_NET_BUF_H
#define WR_NET_BUF_H

#include <stdint.h>
#include <weir/body.h>

#include "base/pool.h"

struct wr_store {
    struct wr_owned owned; /* by pool */
    weir_pool *pool;
    uint32_t refs;
    size_t bytes; /* of memory at `memory`, counted in pool->held */
    uint8_t *memory;
    int fd; /* to be closed; -1: none */
    void (*release)(void *data);
    void *data;
};

struct wr_buf {
    weir_buf pub;
    struct wr_store *store; /* NULL: bytes live as long as the pool */
    weir_pool *pool;
    int fd; /* a file's; -1: memory */
    int64_t offset;
    weir_request *sub; /* WEIR_BUF_SUB: whose body */
};

static inline struct wr_buf *
wr_buf_of(const weir_buf *b)
{
    return (struct wr_buf *)(uintptr_t)b;
}

/* Take n bytes off the front of b (n <= its length). */
void wr_buf_consume(weir_buf *b, size_t n);

/* A buffer of pool, with nothing in it. */
weir_buf *wr_buf_create(weir_pool *pool);

/* Drop every buffer of the chain. */
void wr_chain_drop(weir_chain *c);

/* Does any buffer of the chain carry the mark? */
bool wr_chain_has(const weir_chain *c, uint32_t flag);

#endif
