/* net/listen.h - listening sockets: opened by the master, kept over reloads and binary upgrades, accepted from by workers. */
#ifndef WR_NET_LISTEN_H
#define WR_NET_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "event/loop.h"
#include "net/addr.h"

struct wr_conn;

/* What `listen` says about a socket. Set-ness is kept, because two `listen` lines of one address must agree. */
struct wr_listen_options {
    int backlog;           /* 511 */
    int rcvbuf, sndbuf;    /* bytes; 0: the system's */
    int fastopen;          /* queue length; 0: off */
    bool reuseport;        /* a socket a worker */
    bool deferred;         /* TCP_DEFER_ACCEPT */
    bool ipv6only;         /* default on */
    bool bind;             /* a socket of its own although *:port is listened at */
    bool keepalive, keepalive_set; /* SO_KEEPALIVE */
    int keep_idle, keep_interval, keep_count; /* seconds, seconds, probes; 0: the system's */
    mode_t unix_mode;      /* of a unix socket's file: 0666 as nginx */
};

/* One listening socket of one generation. */
struct wr_listen {
    struct wr_listen *next;
    struct wr_addr addr;
    struct wr_listen_options options;
    int *fds;          /* one, or one a worker with reuseport */
    uint32_t n_fds;
    bool multi_accept; /* accept until there is none more; else one an event */
    bool inherited;    /* taken over from the previous generation or binary */
    /* A connection has come: takes fd. Set by the http layer. */
    void (*accepted)(struct wr_listen *l, int fd, const union wr_peer_addr *peer);
    void *owner; /* the http layer's: which servers are here */
    struct wr_io io; /* a worker's */
    uint32_t burst;  /* accept.c: connections taken at the last event */
    uint64_t last_turn; /* of the loop, when that was */
};

/*
 * Open the sockets of every entry of `want`: an fd of `have` (the previous generation's, or those of the environment) with the
 * same address is taken over, options that can be changed on it are; the rest is bound and listened at. n_workers: for
 * reuseport. tolerate_in_use: for -t, an address in use is fine.
 *
 * True, or false with err when one cannot be had; then nothing of `have` was closed and what was opened is closed again.
 */
bool wr_listen_open_all(struct wr_listen *want, const struct wr_listen *have, uint32_t n_workers,
                        bool tolerate_in_use, struct wr_err *err);

/* Close those of `have` that `want` did not take over. remove_unix_files: also remove the files of those that are unix sockets;
 * not in a worker, whose copy of a descriptor is not the last. */
void wr_listen_close_unused(struct wr_listen *have, const struct wr_listen *want,
                            bool remove_unix_files);
void wr_listen_close_all(struct wr_listen *have, bool remove_unix_files);

/* "4;5:6;" - descriptors for the environment of a new binary (WEIR, as nginx's NGINX variable), and the way back: their
 * addresses are asked from the system. */
void wr_listen_export(const struct wr_listen *list, struct wr_strbuf *to);
struct wr_listen *wr_listen_import(weir_pool *pool, weir_str text, struct wr_err *err);

/* In a worker: start and stop accepting. Accepting pauses by itself, for 100 ms at a time, when descriptors run out, and while
 * the connection limit is reached and no idle connection can be closed. worker: which of a reuseport's sockets is ours. */
void wr_listen_start(struct wr_listen *list, uint32_t worker);
void wr_listen_stop(struct wr_listen *list);

/* Before the last copies of the sockets are closed: take the connections that wait at them, which would be reset. */
void wr_listen_drain(struct wr_listen *list);

#endif
