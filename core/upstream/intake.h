/* upstream/intake.h - bytes that a peer has sent and nobody has used yet.
 *
 * A worker reads from all peers into large blocks that are counted: what has been read is handed on
 * as buffers that refer to the block, and a block nobody refers to is read into again. A slow
 * reader can pin no more than a few of them: past that, what was read is copied to memory of its
 * own size.
 */
#ifndef WR_UPSTREAM_INTAKE_H
#define WR_UPSTREAM_INTAKE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <weir/body.h>

#include "net/conn.h"

enum {
    WR_INTAKE_BLOCK = 256 * 1024, /* bytes of a shared block, and most of one read */
    WR_INTAKE_BLOCKS = 16         /* shared blocks of a worker */
};

struct wr_block;

/* All zero is an empty one. */
struct wr_intake {
    struct wr_block *block; /* counted; NULL: the bytes are pool's */
    weir_pool *pool;        /* while block is NULL */
    uint8_t *at;
    size_t len;
};

/* Read once, at most `most` bytes behind those there are. As wr_conn_recv. */
ssize_t wr_intake_read(struct wr_intake *in, struct wr_conn *c, size_t most);

/* The first n bytes, n <= len, are done with. */
void wr_intake_skip(struct wr_intake *in, size_t n);

/* Forget the rest. */
void wr_intake_drop(struct wr_intake *in);

/* Have the bytes, and `before` bytes in front of them, in memory of pool: answers where those
 * begin. For what is small or has to stay. */
uint8_t *wr_intake_settle(struct wr_intake *in, weir_pool *pool, size_t before);

/* A buffer of pool over n bytes of the intake at `from`, which may be done with since it was read
 * last. */
weir_buf *wr_intake_buf(const struct wr_intake *in, weir_pool *pool, const uint8_t *from, size_t n);

#endif
