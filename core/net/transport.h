/* net/transport.h - how bytes get in and out of a connection: plain here, TLS in core/tls. */
#ifndef WR_NET_TRANSPORT_H
#define WR_NET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct wr_conn;

struct wr_transport {
    const char *name; /* "plain", "tls" */
    /* Bytes read (> 0), 0 at the peer's end, -EAGAIN, or -errno. Clears c->can_read when there is no more for now. */
    ssize_t (*recv)(struct wr_conn *c, void *to, size_t room);
    /* Bytes taken of the n pieces, -EAGAIN, or -errno. more: something follows at once. Clears c->can_write when full. */
    ssize_t (*send)(struct wr_conn *c, const struct iovec *pieces, int n, bool more);
    /* The same for len bytes of a file from offset; NULL: not possible, read them into memory. */
    ssize_t (*send_file)(struct wr_conn *c, int fd, int64_t offset, size_t len, bool more);
    /* Say goodbye if the protocol has a word for it; the descriptor is closed right after. May be NULL. */
    void (*close)(struct wr_conn *c);
};

extern const struct wr_transport wr_transport_plain;

#endif
