/* net/send.h - gathering a connection's output and handing it to the kernel in as few calls as can be.
 *
 * While a connection is being served its output is gathered in memory of the worker: heads and small bodies copied one behind
 * the other, larger pieces by reference. One wr_out_flush at the end of the readiness event sends the answers of all
 * pipelined requests at once. What the kernel does not take is moved to buffers of the connection's own and goes out when it
 * can. Order is always kept. One connection gathers at a time: adding to another flushes the first.
 */
#ifndef WR_NET_SEND_H
#define WR_NET_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <weir/body.h>

#include "net/conn.h"

enum {
    WR_OUT_AREA = 64 * 1024, /* copied bytes a gathering may hold */
    WR_OUT_COPY = 8 * 1024   /* pieces up to this are worth copying rather than referring to */
};

/* Room for `need` bytes (at most WR_OUT_COPY * 2) right behind what was gathered; write there, then wr_out_built. */
char *wr_out_room(struct wr_conn *c, size_t need);
void wr_out_built(struct wr_conn *c, size_t len);

/* Append a copy. */
void wr_out_copy(struct wr_conn *c, const void *bytes, size_t len);

/* Append len bytes by reference; release(data) is called when they have been sent or dropped. release may be NULL: then the
 * bytes must stay until wr_out_pending says false. */
void wr_out_ref(struct wr_conn *c, const void *bytes, size_t len, void (*release)(void *data), void *data);

/* Append all of chain, which is empty afterwards; buffers are dropped (weir_buf_drop) when sent. */
void wr_out_chain(struct wr_conn *c, weir_chain *chain);

/* Hand to the kernel what it takes. 0: all is gone; -EAGAIN: the rest waits for can_write, or for the wake that was asked for
 * after 4 MiB, so that one connection does not keep the others from theirs; else -errno: the connection is
 * broken, what waited was dropped. */
int wr_out_flush(struct wr_conn *c);

/* Is there anything gathered or waiting? */
bool wr_out_pending(const struct wr_conn *c);

/* How many bytes are gathered or wait that the kernel did not take. */
uint64_t wr_out_waiting(const struct wr_conn *c);

/* Forget all of it. */
void wr_out_drop(struct wr_conn *c);

#endif
