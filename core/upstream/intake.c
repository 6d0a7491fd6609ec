/* upstream/intake.c - the blocks of a worker, who refers to them, and reading into them. */
#include "upstream/intake.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum {
    SPARES = 2,              /* unused shared blocks that are kept */
    SCRATCH = 64 * 1024,     /* read at once when all blocks are pinned */
    OWN_FIRST = 4096,        /* least memory of its own for a head in pieces */
    BORROWED_MIN = 16 * 1024 /* room in the current block that is worth a read */
};

struct wr_block {
    struct wr_block *next; /* of the spares */
    uint32_t refs;         /* intakes and buffers */
    bool shared;           /* many read into it, one behind the other */
    size_t size, used;
    uint8_t data[];
};

/* This worker's. */
static struct {
    struct wr_block *current; /* read into next; NULL: none yet */
    struct wr_block *spare;
    uint32_t spares, made;
} blocks;

static struct wr_block *
block_create(size_t size, bool shared)
{
    struct wr_block *b = malloc(sizeof(*b) + size);

    WR_ASSERT(b != NULL);
    b->next = NULL;
    b->refs = 0;
    b->shared = shared;
    b->size = size;
    b->used = 0;
    return b;
}

static void
block_unref(void *data)
{
    struct wr_block *b = data;

    if (--b->refs != 0) {
        return;
    }
    b->used = 0;
    if (!b->shared) {
        free(b);
    } else if (b == blocks.current) {
        return;
    } else if (blocks.spares < SPARES) {
        b->next = blocks.spare;
        blocks.spare = b;
        blocks.spares++;
    } else {
        blocks.made--;
        free(b);
    }
}

/* A shared block with room worth a read of `most` bytes; NULL: all are pinned. */
static struct wr_block *
borrow(size_t most)
{
    struct wr_block *b = blocks.current;

    if (b != NULL && b->size - b->used >= WR_MIN(most, (size_t)BORROWED_MIN)) {
        return b;
    }
    b = blocks.spare;
    if (b != NULL) {
        blocks.spare = b->next;
        blocks.spares--;
    } else if (blocks.made < WR_INTAKE_BLOCKS) {
        b = block_create(WR_INTAKE_BLOCK, true);
        blocks.made++;
    } else {
        return NULL;
    }
    blocks.current = b; /* the one before comes back when nobody refers to it */
    return b;
}

static void
refer(struct wr_intake *in, struct wr_block *b, uint8_t *at, size_t len)
{
    b->refs++;
    *in = (struct wr_intake){ .block = b, .at = at, .len = len };
}

/* All blocks are pinned: read aside, and keep what came in memory of its size. */
static ssize_t
read_aside(struct wr_intake *in, struct wr_conn *c, size_t most)
{
    static uint8_t scratch[SCRATCH];
    ssize_t n = wr_conn_recv(c, scratch, WR_MIN(most, sizeof(scratch)));
    struct wr_block *b;

    if (n > 0) {
        b = block_create((size_t)n, false);
        b->used = (size_t)n;
        memcpy(b->data, scratch, (size_t)n);
        refer(in, b, b->data, (size_t)n);
    }
    return n;
}

/* Bytes of which more are needed before they can be used: they move to memory of their own, so
 * that a peer that goes slowly pins nobody else's. */
static ssize_t
read_behind(struct wr_intake *in, struct wr_conn *c, size_t most)
{
    struct wr_block *b = in->block;
    ssize_t n;

    if (b == NULL || b->shared || b->size == b->used) {
        size_t len = in->len;
        b = block_create(WR_MAX((size_t)OWN_FIRST, len * 2), false);
        memcpy(b->data, in->at, len);
        b->used = len;
        wr_intake_drop(in);
        refer(in, b, b->data, len);
    }
    n = wr_conn_recv(c, b->data + b->used, WR_MIN(most, b->size - b->used));
    if (n > 0) {
        b->used += (size_t)n;
        in->len += (size_t)n;
    }
    return n;
}

ssize_t
wr_intake_read(struct wr_intake *in, struct wr_conn *c, size_t most)
{
    struct wr_block *b;
    uint8_t *to;
    ssize_t n;

    if (in->len != 0) {
        return read_behind(in, c, most);
    }
    wr_intake_drop(in);
    b = borrow(most);
    if (b == NULL) {
        return read_aside(in, c, most);
    }
    to = b->data + b->used;
    n = wr_conn_recv(c, to, WR_MIN(most, b->size - b->used));
    if (n > 0) {
        b->used += (size_t)n;
        refer(in, b, to, (size_t)n);
    }
    return n;
}

void
wr_intake_skip(struct wr_intake *in, size_t n)
{
    WR_ASSERT(n <= in->len);
    in->at += n;
    in->len -= n;
}

void
wr_intake_drop(struct wr_intake *in)
{
    struct wr_block *b = in->block;

    *in = (struct wr_intake){ .block = NULL };
    if (b != NULL) {
        block_unref(b);
    }
}

uint8_t *
wr_intake_settle(struct wr_intake *in, weir_pool *pool, size_t before)
{
    size_t len = in->len;
    uint8_t *to = weir_alloc(pool, before + len);

    memcpy(to, in->at - before, before + len);
    wr_intake_drop(in);
    *in = (struct wr_intake){ .pool = pool, .at = to + before, .len = len };
    return to;
}

weir_buf *
wr_intake_buf(const struct wr_intake *in, weir_pool *pool, const uint8_t *from, size_t n)
{
    weir_str bytes = { (const char *)from, n };

    if (in->block != NULL) {
        in->block->refs++;
        return weir_buf_extern(pool, bytes, block_unref, in->block);
    }
    return pool == in->pool ? weir_buf_ref(pool, bytes) : weir_buf_copy(pool, bytes);
}
