/* process/channel.c - messages over a pair of sockets that keep their borders. */
#include "process/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"

/* Room for one descriptor, aligned as the system wants it. */
union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
};

int
wr_channel_open(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0
               ? 0
               : -errno;
}

int
wr_channel_send(int fd, struct wr_message m, int pass)
{
    struct iovec bytes = { &m, sizeof(m) };
    union control control;
    struct msghdr h = { .msg_iov = &bytes, .msg_iovlen = 1 };

    memset(&control, 0, sizeof(control));
    if (pass >= 0) {
        h.msg_control = control.room;
        h.msg_controllen = sizeof(control.room);
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.head), &pass, sizeof(pass));
    }
    return sendmsg(fd, &h, MSG_NOSIGNAL) == (ssize_t)sizeof(m) ? 0 : -errno;
}

int
wr_channel_receive(int fd, struct wr_message *m, int *passed)
{
    struct wr_message found;
    struct iovec bytes = { &found, sizeof(found) };
    union control control;
    struct msghdr h = { .msg_iov = &bytes,
                        .msg_iovlen = 1,
                        .msg_control = control.room,
                        .msg_controllen = sizeof(control.room) };
    const struct cmsghdr *c;
    ssize_t n = recvmsg(fd, &h, MSG_CMSG_CLOEXEC);

    *passed = -1;
    if (n < 0) {
        return errno == ECONNRESET ? -EPIPE : -errno;
    }
    if (n == 0) {
        return -EPIPE;
    }
    c = CMSG_FIRSTHDR(&h);
    if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof(int))) {
        memcpy(passed, CMSG_DATA(c), sizeof(*passed));
    }
    if (n != (ssize_t)sizeof(found)) {
        if (*passed >= 0) {
            (void)close(*passed);
            *passed = -1;
        }
        return -EPROTO;
    }
    *m = found;
    return 0;
}
