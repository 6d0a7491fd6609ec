/* net/conn.h - one connection: descriptor, deadline, transport, and the driver above that is told when something happens.
 *
 * A connection is registered with epoll once, edge-triggered, and only if it outlives its first readiness (a request served
 * right after accept costs no epoll call). can_read and can_write say what is believed until the kernel says EAGAIN. The
 * driver embeds struct wr_conn at the start of its own connection struct. An idle connection owns its record and nothing else.
 */
#ifndef WR_NET_CONN_H
#define WR_NET_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/body.h>

#include "base/log.h"
#include "base/pool.h"
#include "event/loop.h"
#include "net/addr.h"
#include "net/listen.h"
#include "net/proxy_protocol.h"
#include "net/transport.h"

#define WR_CONN_TAG WR_TAG('c', 'o', 'n', 'n')

struct wr_conn;

/* What the layer above is told; called from the loop only, never from inside a call into net. */
struct wr_conn_ops {
    void (*ready)(struct wr_conn *c);   /* can_read or can_write has become true, or the peer has gone (c->gone) */
    void (*expired)(struct wr_conn *c); /* the deadline has passed */
    void (*drop)(struct wr_conn *c);    /* close it now: idle and its place needed, or the worker's time is over */
    void (*quit)(struct wr_conn *c);    /* the worker is leaving: close when idle, finish otherwise */
};

struct wr_conn {
    uint32_t tag;
    bool can_read, can_write;
    bool gone;       /* reset or hung up both ways: nothing can be sent any more */
    bool half_closed; /* the peer has shut down its sending side */
    bool idle;       /* on the list of those that may be dropped */
    bool closed;     /* wr_conn_close was called; the record lives until the turn's end */
    bool outgoing;   /* we began it (net/connect); counted apart from those of clients */
    uint32_t users;  /* who asks about it when it has been closed: wr_conn_ref */
    struct wr_io io;
    struct wr_timer timer;
    const struct wr_conn_ops *ops;
    const struct wr_transport *transport;
    void *transport_state; /* tls */
    void *taken_over; /* of a driver that took it over from the one which embeds this record */
    struct wr_listen *listen;
    struct wr_list link;    /* all connections of the worker, or the idle ones, oldest first */
    struct wr_task task;    /* wr_conn_wake, and its burial */
    uint64_t number;        /* counts up by one from 1, over all of a worker's connections */
    uint64_t requests;      /* begun on it so far */
    struct wr_addr *local;  /* our end's address, once it is closed and has users; NULL: ask the system */
    struct wr_proxy_protocol *proxied; /* what a PROXY header said, its TLVs behind it; NULL: none came */
    uint64_t since_ms;      /* when it was accepted, wr_clock.now_ms */
    weir_chain wait;        /* net/send: bytes the kernel did not take yet */
    uint64_t sent;          /* net/send: bytes the kernel took */
    union wr_peer_addr peer;
};

/* Counters of a worker, for status and limits. */
struct wr_conn_counts {
    uint64_t accepted, handled; /* handled: accepted less those refused at the limit */
    uint32_t open, idle; /* of clients */
    uint32_t outgoing;   /* to other servers */
    uint32_t limit;      /* for open and outgoing together; 0: none */
};
extern struct wr_conn_counts wr_conn_counts;

/* Once a worker: the limit (worker_connections). */
void wr_conn_setup(uint32_t limit);

/*
 * A connection over fd (non-blocking, which it takes), in a record of `size` zeroed bytes that begins with struct wr_conn.
 * NULL when worker_connections is reached and no idle connection could be dropped: fd is closed then.
 * Not yet waited for: call ops->ready(c) or wr_conn_watch.
 */
struct wr_conn *wr_conn_open(int fd, size_t size, const struct wr_conn_ops *ops, struct wr_listen *l,
                             const union wr_peer_addr *peer);

/*
 * The same for a connection that we begin, over a descriptor that connects: neither end is believed to be ready.
 */
struct wr_conn *wr_conn_open_outgoing(int fd, size_t size, const struct wr_conn_ops *ops);

/* Is worker_connections reached? */
static inline bool
wr_conn_full(void)
{
    return wr_conn_counts.limit != 0 &&
           wr_conn_counts.open + wr_conn_counts.outgoing >= wr_conn_counts.limit;
}

/* Close it: at once for the peer, its record at the turn's end. Waiting bytes are dropped. reset: with a RST. */
void wr_conn_close(struct wr_conn *c, bool reset);

/* c's record, and what its transport knows of the peer, stay until wr_conn_unref, although the connection itself may be closed
 * before: for what is said of a client that has gone. */
void wr_conn_ref(struct wr_conn *c);
void wr_conn_unref(struct wr_conn *c);

/* Have epoll tell (once; later calls do nothing). False when that failed: close it. */
bool wr_conn_watch(struct wr_conn *c);

/* Call ops->ready(c) later in this turn, as if something had happened. */
void wr_conn_wake(struct wr_conn *c);

/* The one deadline: in ms from now; 0 clears it. */
void wr_conn_deadline(struct wr_conn *c, uint64_t ms);

/* On or off the list of idle connections, which may be dropped when a place is needed. */
void wr_conn_idle(struct wr_conn *c, bool idle);

/* Read; as transport->recv, and notes the peer's end in half_closed or gone. */
ssize_t wr_conn_recv(struct wr_conn *c, void *to, size_t room);

/* Shut the sending side: "no more from us", for a lingering close. */
void wr_conn_shut(struct wr_conn *c);

/* Drop the oldest idle connections until `want` are gone; answers how many were. */
uint32_t wr_conn_drop_idle(uint32_t want);

/* Tell every connection that the worker is leaving (ops->quit). */
void wr_conn_quit_all(void);

/* Close every connection at once (worker_shutdown_timeout is over), by ops->drop. */
void wr_conn_close_all(void);

/* Keep what a PROXY header said, for as long as the connection lives. */
void wr_conn_proxied(struct wr_conn *c, const struct wr_proxy_protocol *header);

/* A log for what happens on a connection and belongs to no request of it. For wr_conn_say. */
struct wr_conn_log {
    struct wr_log log;
    const struct wr_conn *conn;
};
struct wr_conn_log wr_conn_log(const struct wr_conn *c);

/* One line: the connection's number in front; its client, and the address that it came to, behind. */
#define wr_conn_say(conn_, LEVEL, ...)                                                             \
    do {                                                                                           \
        if (WR_LOG_##LEVEL <= wr_log_process()->pub.level) {                                       \
            const struct wr_conn_log of_ = wr_conn_log(conn_);                                     \
            wr_log_line(&of_.log, WR_LOG_##LEVEL, __VA_ARGS__);                                    \
        }                                                                                          \
    } while (0)

/* Our end's address, asked from the system. False for an error. */
bool wr_conn_local(const struct wr_conn *c, struct wr_addr *addr);

#endif
