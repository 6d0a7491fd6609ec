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
    bool secure; /* nobody between the peers can read or change the bytes */
    /* Those below may be NULL. */
    /* Say "no more from us" in the protocol's own words; the descriptor's sending side is shut right after. */
    void (*shut)(struct wr_conn *c);
    /* Say goodbye, unless the connection is reset; the descriptor is closed right after. */
    void (*close)(struct wr_conn *c, bool reset);
    /* Give up transport_state: it is closed, and nobody asks about it any more. */
    void (*end)(struct wr_conn *c);
    /* The descriptor takes bytes again: send what the protocol itself still had to say. */
    void (*flush)(struct wr_conn *c);
    /* Go on with what has to be said before the first byte: 0 when it is over (then read: more may have come with its end),
     * -EAGAIN, -EPROTONOSUPPORT when the peer does not speak this protocol (what it said is read plainly from then on), or
     * -errno: close. */
    int (*handshake)(struct wr_conn *c);
    /* What was agreed to be spoken above, "h2"; NULL: nothing in particular. After the handshake. */
    const char *(*protocol)(const struct wr_conn *c);
    /* Has the peer said nothing that was not read, not even goodbye? For a connection that is to be used once more. NULL:
     * the descriptor is asked. */
    bool (*quiet)(struct wr_conn *c);
};

extern const struct wr_transport wr_transport_plain;

#endif
