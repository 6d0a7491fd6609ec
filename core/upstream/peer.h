/* upstream/peer.h - one address of a group's server: what is set for it, what is known of it.
 *
 * What is known (struct wr_peer_state) is the worker's own, or lies in the group's zone and is
 * shared by all workers: then it changes by atomic steps, without a lock, and may lose a race
 * where that costs nothing but precision. What a module sees of it comes first.
 */
#ifndef WR_UPSTREAM_PEER_H
#define WR_UPSTREAM_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/upstream.h>

#include "base/list.h"
#include "net/addr.h"

enum { WR_PEER_SHARE_FULL = 1000 };
#define WR_PEER_OUT UINT32_MAX

/* What is known of a group; like wr_peer_state, the worker's own or in the zone. */
struct wr_group_state {
    struct wr_group_state *next; /* in a zone */
    struct wr_peer_state *peers; /* in a zone: all that were ever known, by ->next */
    uint64_t tries_ms;           /* the retry budget: when its second began, */
    uint32_t requests, retries;  /* and what it saw since, older ones fading */
    uint64_t lease_owner;        /* active checks: the worker that makes them, */
    uint64_t lease_set_ms;       /* when its configuration was loaded, */
    uint64_t lease_end_ms;       /* and until when it does unless it says so again */
    uint64_t queued, refused;    /* waited for a peer; were told that all are busy */
    uint32_t name_len;
    char name[];
};

/* What is counted of a peer. */
struct wr_peer_counts {
    uint64_t requests, fails, unavail;
    uint64_t responses[5]; /* by hundreds of their status */
    uint64_t checks, checks_failed, unhealthy;
};

/* A `server` line, or the address that a directive names. */
struct wr_group_server {
    weir_str name;            /* as configured: "app1.example:8080"; may stand for several peers */
    weir_str route;           /* route=; absent: none */
    weir_str service;         /* service=; absent: none */
    weir_str host;            /* the name that is looked up: lookup.h; absent: it is an address */
    uint32_t weight;          /* 1 at least */
    uint32_t max_fails;       /* 0: failures do not matter */
    uint32_t max_conns;       /* 0: no limit */
    uint64_t fail_timeout_ms; /* failures count for so long, and so long it is left out */
    uint64_t slow_start_ms;   /* 0: all of its weight at once */
    uint32_t place;           /* among the group's servers */
    uint16_t port;            /* of name, or the default */
    bool down, backup, drain;
    bool resolve; /* its addresses are asked for while the server runs */
    struct wr_peer_counts *counts; /* the worker's: of its peers, where no zone has them; NULL: not yet */
};

/* What is known of a peer. */
struct wr_peer_state {
    weir_peer pub;
    uint64_t failed_ms;  /* when it failed last; 0: never */
    uint64_t checked_ms; /* when it was last tried after failing */
    uint64_t start_ms;   /* its slow start began; 0: it has started */
    uint64_t ejected_ms; /* left out as an outlier until then */
    uint64_t streak_ms;  /* when the first of its errors in a row came */
    uint32_t streak;     /* errors in a row */
    uint32_t passes;     /* active checks in a row that it passed, or failed */
    uint32_t misses;
    uint32_t users;      /* in a zone: workers that have it */
    uint32_t index;      /* in a zone: its place in every worker's counters */
    uint32_t reserved;
    struct wr_peer_counts counts;
    uint64_t set_ms; /* in a zone: when the configuration was loaded that set it last */
    struct wr_peer_state *next; /* in a zone */
};

struct wr_share; /* share.h */

struct wr_group_peer {
    struct wr_addr addr;
    weir_str name; /* the server's */
    weir_str text; /* the address: "192.0.2.10:8080" */
    const struct wr_group_server *server;
    struct wr_peer_state *state; /* &own, or in the zone */
    struct wr_share *share;      /* the zone's; NULL: state is its own */
    struct wr_list joined;       /* in share */
    uint32_t *active_here;       /* how much of state->pub.active is this worker's */
    int64_t current, effective;  /* of the weighted round robin */
    uint32_t weight;             /* the server's, or what its name's record says */
    uint32_t index;              /* in the group; WR_PEER_OUT: taken out of it */
    uint32_t holds;              /* links and attempts that name it */
    uint32_t own_active;
    uint32_t nth; /* among the group's peers of the same name and address */
    bool backup;
    struct wr_peer_state own;
};

/* A new one with its own state, on the heap, held by nobody; it is not in a zone yet. */
struct wr_group_peer *wr_peer_create(const struct wr_group_server *server,
                                     const struct wr_addr *addr, uint32_t weight, bool backup,
                                     uint32_t nth);

/* Say what the configuration says of p, in state. */
void wr_peer_set(const struct wr_group_peer *p, struct wr_peer_state *state);

/* Keep p's memory; the last one to let go of a peer that is out of its group frees it. */
static inline void
wr_peer_hold(struct wr_group_peer *p)
{
    p->holds++;
}

void wr_peer_release(struct wr_group_peer *p);

/* p is no longer of its group. */
void wr_peer_retire(struct wr_group_peer *p);

/* One exchange more. False: it has max_conns already. */
bool wr_peer_take(struct wr_group_peer *p);

/* One less. */
void wr_peer_give_back(struct wr_group_peer *p);

/* An attempt at p failed, which is the group's only peer or not. True: it is left out from now. */
bool wr_peer_failed(struct wr_group_peer *p, bool alone);

/* p answered. */
void wr_peer_worked(struct wr_group_peer *p);

/* Is it failing, and not yet long enough ago to try it again? */
bool wr_peer_left_out(const struct wr_group_peer *p);

/* It is tried now: one attempt a fail_timeout tells if it is back. */
void wr_peer_tried(struct wr_group_peer *p);

/* It is well again, from now with a slow start. */
void wr_peer_start_slowly(struct wr_group_peer *p);

/* How much of its weight it may carry now, 1..WR_PEER_SHARE_FULL; brings pub.share up to date. */
uint32_t wr_peer_share(struct wr_group_peer *p);

/* One more of p's counts. */
static inline void
wr_peer_count(uint64_t *count)
{
    __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

/* Where p is counted: in the zone, or for its server. */
static inline struct wr_peer_counts *
wr_peer_counts(const struct wr_group_peer *p)
{
    return p->share == NULL && p->server->counts != NULL ? p->server->counts : &p->state->counts;
}

/* WEIR_PEER_* of p now. */
uint32_t wr_peer_flags(const struct wr_group_peer *p);
void wr_peer_flag(struct wr_group_peer *p, uint32_t flags, bool set);

/* Take a sample of a time into a moving average. */
void wr_peer_average(uint32_t *average_us, uint64_t us);

#endif
