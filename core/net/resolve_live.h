/* net/resolve_live.h - what a worker has of a resolver: the cache with those who wait, and the
 * channel to the name servers. Private to net/resolve*.c. */
#ifndef WR_NET_RESOLVE_LIVE_H
#define WR_NET_RESOLVE_LIVE_H

#define CARES_NO_DEPRECATED /* what 1.18 has, later versions call old */
#include <ares.h>

#include "base/list.h"
#include "base/pool.h"
#include "event/loop.h"
#include "net/hosts.h"
#include "net/resolve.h"

enum { WR_RESOLVE_BUCKETS = 1024 };

struct wr_resolve_srv; /* resolve_srv.c: an SRV answer whose targets are being asked for */

/* A name of one kind: its last answer, and who waits for the next. */
struct wr_resolve_entry {
    struct wr_list use;            /* in by_use */
    struct wr_resolve_entry *next; /* in its bucket */
    struct wr_resolver *resolver;
    struct wr_list waiters; /* struct wr_resolve_wait */
    struct wr_task tell;
    struct wr_resolved *answer; /* NULL: none yet */
    struct wr_resolve_srv *srv; /* NULL: not at work */
    enum wr_resolve_kind kind;
    bool asking;
    bool recalled; /* its question was taken back */
    bool telling; /* its waiters are being told */
    uint16_t name_len;
    char name[]; /* as wr_resolve_name makes it, zero-terminated */
};

struct wr_resolve_wait {
    uint32_t tag;
    struct wr_list link; /* in its entry's waiters; alone when the answer is its own */
    struct wr_list all;  /* in the worker's */
    struct wr_owned owned;
    struct wr_timer timer;
    struct wr_task task; /* tells an answer of its own: denied, or too late */
    struct wr_resolver *resolver;
    struct wr_resolved *own;
    wr_resolve_fn fn;
    void *data;
};

struct wr_resolve_live {
    struct wr_resolver *of;
    struct wr_resolve_entry *buckets[WR_RESOLVE_BUCKETS];
    struct wr_list by_use; /* entries, the least recently used first */
    uint32_t count;        /* of them */
    uint32_t asking;       /* of which so many wait for name servers */
    struct wr_list waits;  /* handles: struct wr_resolve_wait */
    uint32_t waiting;      /* so many */
    bool closing;
    bool recalling; /* questions are being taken back */
    struct weir_pool *pool; /* owns the resolver's own questions: targets of SRV records */
    struct wr_hosts hosts;
    /* The channel: resolve_channel.c */
    ares_channel channel; /* NULL: not open */
    struct wr_list sockets;
    struct wr_timer timer;
    struct stat conf; /* /etc/resolv.conf as the channel read it */
    bool v4, v6;        /* which addresses it is asked for */
};

/* ---- resolve.c ---- */

/* Room for an answer of at most `count` addresses, none in it yet. */
struct wr_resolved *wr_resolved_create(enum wr_resolve_code code, uint32_t count);
void wr_resolved_unref(struct wr_resolved **a);

/* The answer to e's question has come, and is taken. Who waits is told by the loop. */
void wr_resolve_complete(struct wr_resolve_entry *e, struct wr_resolved *answer);

/* The same without addresses. */
void wr_resolve_fail(struct wr_resolve_entry *e, enum wr_resolve_code code);

void wr_resolve_count(const struct wr_resolver *r, enum wr_resolve_event what);

/* ---- resolve_wait.c ---- */

struct wr_resolve_wait *wr_resolve_wait_create(struct wr_resolver *r, weir_pool *owner,
                                               wr_resolve_fn fn, void *data);

/* w is over; then its fn is called with a. */
void wr_resolve_wait_tell(struct wr_resolve_wait *w, const struct wr_resolved *a);

/* w gets an answer without addresses, from the loop. */
struct wr_resolve_wait *wr_resolve_wait_deny(struct wr_resolve_wait *w, enum wr_resolve_code code);

/* Those who wait stay with their owners, and hear nothing. */
void wr_resolve_wait_leave(struct wr_resolve_live *live);

/* ---- resolve_channel.c ---- */

/* A channel to the system's name servers, or, when live is given, to those of its resolver, its
 * sockets watched by the loop. */
bool wr_resolve_channel_init(ares_channel *channel, struct wr_resolve_live *live);

/* Does this machine speak IPv6 with others? If not, the system's own answers hold no such
 * addresses, as those of getaddrinfo(AI_ADDRCONFIG) would not. */
bool wr_resolve_speaks_v6(void);

/* Open the channel, or look if its settings are still those of the system's file. */
bool wr_resolve_channel_open(struct wr_resolver *r);
void wr_resolve_channel_close(struct wr_resolve_live *live);

/* Ask name servers. Every path leads to wr_resolve_complete(e), now or later; or, for the records of
 * an SRV question, to wr_resolve_srv_answered. */
void wr_resolve_channel_ask(struct wr_resolve_entry *e);

/* Take all questions back that name servers have not answered: their entries are `recalled`, and not told. */
void wr_resolve_channel_recall(struct wr_resolve_live *live);

/* ---- resolve_srv.c ---- */

/* The bytes of an answer have come. */
void wr_resolve_srv_answered(struct wr_resolve_entry *e, const uint8_t *bytes, size_t len);

/* e is being freed. */
void wr_resolve_srv_drop(struct wr_resolve_entry *e);

#endif
