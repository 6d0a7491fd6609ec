/* net/transport.c - the plain transport: system calls, with -EAGAIN told apart and nothing else.
 *
 * recv() and send() of the C library are points where a thread may be cancelled, which none of ours is; as soon as a process has
 * threads, that is 50 instructions of each call, two of them atomic. So the calls of every request are made without them.
 */
#include "net/transport.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/conn.h"

static ssize_t
plain_recv(struct wr_conn *c, void *to, size_t room)
{
    ssize_t n;

    do {
        n = syscall(SYS_recvfrom, c->io.fd, to, room, 0, NULL, NULL);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        c->can_read = errno != EAGAIN && c->can_read;
        return -errno;
    }
    if (n != 0 && (size_t)n < room) { /* the socket is empty: the next byte makes an edge */
        c->can_read = false;
    }
    return n;
}

static WR_APART ssize_t
send_pieces(int fd, const struct iovec *pieces, int n_pieces, int flags)
{
    struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)pieces,
                        .msg_iovlen = (size_t)n_pieces };

    return sendmsg(fd, &m, flags);
}

static ssize_t
plain_send(struct wr_conn *c, const struct iovec *pieces, int n_pieces, bool more)
{
    int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    ssize_t n;

    do {
        n = n_pieces == 1 ? syscall(SYS_sendto, c->io.fd, pieces->iov_base, pieces->iov_len, flags, NULL, 0)
                          : send_pieces(c->io.fd, pieces, n_pieces, flags);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        c->can_write = errno != EAGAIN && c->can_write;
        return -errno;
    }
    return n;
}

static ssize_t
plain_send_file(struct wr_conn *c, int fd, int64_t offset, size_t len, bool more)
{
    off_t at = (off_t)offset;
    ssize_t n;

    (void)more;
    do {
        n = sendfile(c->io.fd, fd, &at, len);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        c->can_write = errno != EAGAIN && c->can_write;
        return -errno;
    }
    return n;
}

const struct wr_transport wr_transport_plain = { .name = "plain",
                                                 .recv = plain_recv,
                                                 .send = plain_send,
                                                 .send_file = plain_send_file };
