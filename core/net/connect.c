/* net/connect.c - the calls that a connection of our own beginning needs and an accepted one does
 * not. */
#include "net/connect.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"

/* Sizes that the system limits as it does: what it makes of them is no failure. */
static void
size_buffers(int fd, const struct wr_connect_from *from)
{
    int rcvbuf = (int)WR_MIN(from->rcvbuf, (uint32_t)INT_MAX);
    int sndbuf = (int)WR_MIN(from->sndbuf, (uint32_t)INT_MAX);

    if (rcvbuf != 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
    }
    if (sndbuf != 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
    }
}

/* Our end of fd. 0 or -errno. */
static int
settle_at(int fd, const struct wr_connect_from *from)
{
    const struct wr_addr *at = from->addr;
    int on = 1;

    if (from->keepalive && setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) != 0) {
        return -errno;
    }
    if (at == NULL) {
        return 0;
    }
    if (from->transparent &&
        setsockopt(fd, at->at.family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP,
                   at->at.family == AF_INET6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, &on,
                   sizeof(on)) != 0) {
        return -errno;
    }
    if (wr_addr_port(at) == 0) { /* the port is chosen by where it goes, when that is known */
        (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    }
    return bind(fd, &at->at.any, at->len) == 0 ? 0 : -errno;
}

int
wr_connect_begin(const struct wr_addr *addr, const struct wr_connect_from *from, size_t size,
                 const struct wr_conn_ops *ops, struct wr_conn **c)
{
    int fd = socket(addr->at.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, rc;
    struct wr_conn *made;

    if (fd < 0) {
        return -errno;
    }
    if (from != NULL) {
        size_buffers(fd, from);
    }
    if (addr->at.family != AF_UNIX) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        rc = from != NULL ? settle_at(fd, from) : 0;
        if (rc != 0) {
            (void)close(fd);
            return rc;
        }
    }
    if (connect(fd, &addr->at.any, addr->len) != 0 && errno != EINPROGRESS) {
        int error = errno;
        (void)close(fd);
        return -error;
    }
    made = wr_conn_open_outgoing(fd, size, ops);
    if (made == NULL) {
        return -EMFILE;
    }
    if (!wr_conn_watch(made)) { /* tells of a connection that was made at once as well */
        wr_conn_close(made, false);
        return -ENOMEM;
    }
    *c = made;
    return 0;
}

int
wr_connect_result(const struct wr_conn *c)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(c->io.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
        return -errno;
    }
    if (error != 0) {
        return -error;
    }
    if (c->gone) {
        return -ECONNRESET;
    }
    return c->can_write ? 0 : -EINPROGRESS;
}

bool
wr_connect_quiet(struct wr_conn *c)
{
    char byte;

    if (c->transport->quiet != NULL) {
        return c->transport->quiet(c);
    }
    return recv(c->io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}
