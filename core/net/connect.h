/* net/connect.h - beginning a connection to another server without waiting for it. */
#ifndef WR_NET_CONNECT_H
#define WR_NET_CONNECT_H

#include <stddef.h>

#include "net/addr.h"
#include "net/conn.h"

/* How our end of a connection is to be. All zero: as the system does it. */
struct wr_connect_from {
    const struct wr_addr *addr; /* where to come from; NULL: the system chooses */
    bool transparent;           /* addr need not be ours */
    bool keepalive;             /* SO_KEEPALIVE */
    uint32_t rcvbuf, sndbuf;    /* bytes, SO_RCVBUF and SO_SNDBUF; 0: the system sizes them */
};

/*
 * Begin a connection to addr, in a record of `size` zeroed bytes that begins with struct wr_conn.
 *
 * from  NULL: as the system does it
 * ops   ready is called, from the loop and not before this returns, when it is decided: ask
 *       wr_connect_result there
 * c     out: set on 0
 *
 * 0, or -errno: refused at once; -EMFILE when there is no descriptor or worker_connections is
 * reached. No deadline is set.
 */
int wr_connect_begin(const struct wr_addr *addr, const struct wr_connect_from *from, size_t size,
                     const struct wr_conn_ops *ops, struct wr_conn **c);

/* How it went: 0 connected, -EINPROGRESS not decided yet, else -errno: close it. */
int wr_connect_result(const struct wr_conn *c);

/* Has the other side said nothing that we have not read, not even goodbye? For a connection that is
 * to be used once more. */
bool wr_connect_quiet(struct wr_conn *c);

#endif
