/* process/channel.h - between the master and a worker: short messages, with a descriptor where
 * there is one to hand over.
 *
 * A pair of sockets a worker. Its end also tells either side that the other one is gone.
 */
#ifndef WR_PROCESS_CHANNEL_H
#define WR_PROCESS_CHANNEL_H

#include <stdint.h>

enum wr_message_kind {
    WR_MESSAGE_READY = 1,   /* worker: serving */
    WR_MESSAGE_REPLACE = 2, /* worker: start another in my place, I am too large */
    WR_MESSAGE_LOG = 3,     /* master: log `value` is this descriptor now */
    WR_MESSAGE_CERTIFICATE = 5, /* master: certificate `value` is what this descriptor holds now */
    WR_MESSAGE_LAST = 4     /* master: nobody listens after you: take what waits before you leave */
};

struct wr_message {
    uint32_t kind;
    uint32_t value;
};

/* Two ends, non-blocking. 0 or -errno. */
int wr_channel_open(int ends[2]);

/* pass: a descriptor to hand over, or -1. 0 or -errno. */
int wr_channel_send(int fd, struct wr_message m, int pass);

/* One message; *passed is a descriptor that is the caller's now, or -1. 0, -EAGAIN, -EPIPE when the
 * other side is gone, or another -errno. */
int wr_channel_receive(int fd, struct wr_message *m, int *passed);

#endif
