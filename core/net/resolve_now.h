/* net/resolve_now.h - names looked up while a configuration is read, all at once, in bounded time.
 * There is no loop then, and no worker is served meanwhile; nothing that serves calls this. */
#ifndef WR_NET_RESOLVE_NOW_H
#define WR_NET_RESOLVE_NOW_H

#include "net/resolve.h"

/* A question and its answer. */
struct wr_resolve_now {
    weir_str name;              /* a host's name */
    struct wr_resolved *answer; /* out: NULL if there was none in time; ended by wr_resolve_now_end */
    bool refused;               /* out: it is no host's name */
};

/*
 * Look up the addresses of n names by /etc/hosts and the system's name servers.
 *
 * at_most_ms  for all of them together
 */
void wr_resolve_now(struct wr_resolve_now *names, size_t n, uint64_t at_most_ms);
void wr_resolve_now_end(struct wr_resolve_now *names, size_t n);

#endif
