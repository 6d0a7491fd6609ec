/* net/resolve.h - addresses of names, asked for in the event loop and remembered.
 *
 * A wr_resolver is made while a configuration is read, one for each `resolver` statement and one for
 * the system's settings. The first question in a worker opens what it needs there: a c-ares channel
 * and a cache. Questions for one name are joined; an answer lives as long as it says, or `valid`.
 * Who asks holds a handle that an owner pool ends, so no answer can reach a dead request. Whatever a
 * name server sends is hostile: c-ares matches and parses it, and only counted addresses of names
 * that pass the grammar of hosts come out.
 */
#ifndef WR_NET_RESOLVE_H
#define WR_NET_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "base/list.h"
#include "base/vec.h"
#include "net/addr.h"

struct wr_resolve_live; /* resolve_live.h: what a worker has of a resolver */
struct wr_resolve_wait; /* the handle of a question */

#define WR_RESOLVER_TAG WR_TAG('r', 's', 'l', 'v')

enum {
    WR_RESOLVE_ADDRS_MAX = 256,  /* addresses of one answer; the others are left out */
    WR_RESOLVE_CNAMES_MAX = 8,   /* a longer chain of aliases is no answer */
    WR_RESOLVE_TARGETS_MAX = 128, /* records of an SRV answer that are followed, the best first */
    WR_RESOLVE_SERVERS_MAX = 16, /* name servers of one resolver */
    WR_RESOLVE_NAME = 256,       /* room for a name and its zero */
    WR_RESOLVE_NAMES = 1024,     /* names= of a resolver that says nothing */
    WR_RESOLVE_WAITING = 4096    /* and waiting= */
};

enum {
    WR_RESOLVE_NONE_MS = 10 * 1000,    /* that there is no such name is believed for so long */
    WR_RESOLVE_FAILED_MS = 1000,       /* a failure is not asked for again before */
    WR_RESOLVE_TTL_MAX_MS = 86400 * 1000 /* no answer is believed for longer */
};

enum wr_resolve_kind {
    WR_RESOLVE_ADDRS, /* A and AAAA */
    WR_RESOLVE_SRV    /* SRV, and the addresses of its targets  [RFC 2782] */
};

/* How a question ended. The numbers are those that stand in nginx's log lines. */
enum wr_resolve_code {
    WR_RESOLVE_FOUND = 0,
    WR_RESOLVE_FORMAT = 1,  /* an answer that is none, too many aliases */
    WR_RESOLVE_SERVER = 2,  /* no name server that could tell */
    WR_RESOLVE_NONE = 3,    /* no such name, or no address of it */
    WR_RESOLVE_REFUSED = 5,
    WR_RESOLVE_TIMEOUT = 110,
    WR_RESOLVE_BAD_NAME = 200, /* weir's: not asked, it is no host's name */
    WR_RESOLVE_LIMIT = 201     /* weir's: not asked, names= or waiting= is reached */
};

/* What a name stands for: one place to connect to. */
struct wr_resolved_addr {
    union wr_peer_addr addr; /* its port is 0 but for SRV */
    uint16_t priority;       /* of the SRV record, lower first; else 0 */
    uint16_t weight;
};

/* An answer; never changed once it is made. */
struct wr_resolved {
    enum wr_resolve_code code;
    uint32_t refs;     /* the resolver's own */
    uint64_t until_ms; /* when it is to be asked for again; wr_clock.now_ms */
    uint32_t count;    /* with WR_RESOLVE_FOUND: 1..WR_RESOLVE_ADDRS_MAX, else 0 */
    struct wr_resolved_addr at[]; /* for SRV by priority */
};

/* What is counted: by wr_resolver.count. */
enum wr_resolve_event {
    WR_RESOLVE_ASKED,       /* a question to name servers */
    WR_RESOLVE_FROM_CACHE,  /* one that needed none */
    WR_RESOLVE_JOINED,      /* one that waits for another's answer */
    WR_RESOLVE_FROM_HOSTS,  /* answered by /etc/hosts */
    WR_RESOLVE_GOT_FOUND,   /* how questions ended */
    WR_RESOLVE_GOT_NONE,
    WR_RESOLVE_GOT_FAILURE,
    WR_RESOLVE_GOT_TIMEOUT,
    WR_RESOLVE_DENIED,      /* a bad name or a limit */
    WR_RESOLVE_EVENTS
};

struct wr_resolver {
    uint32_t tag;
    bool ipv4, ipv6;         /* the kinds of addresses that are asked for */
    struct wr_vec servers;   /* struct wr_addr; none: the system's, with its search list */
    uint64_t valid_ms;       /* in place of what answers say; 0: as they say */
    uint32_t names_max;      /* most names that are remembered, or asked for, at a time */
    uint32_t waiting_max;    /* most questions that wait */
    const char *hosts;       /* the file asked before any name server */
    void (*count)(enum wr_resolve_event what); /* NULL: nobody wants to know */
    struct wr_resolve_live *live; /* the worker's; NULL until the first question */
};

/* The system's resolver, in pool: /etc/resolv.conf and /etc/hosts. */
struct wr_resolver *wr_resolver_create(weir_pool *pool);

/* Give up what this process has of it. Nobody who waits is told; answers are forgotten. */
void wr_resolver_close(struct wr_resolver *r);

/* Called from the loop, never inside wr_resolve_ask; a is valid until it returns. */
typedef void (*wr_resolve_fn)(void *data, const struct wr_resolved *a);

/*
 * Ask for what name stands for. To be called in a process with a loop.
 *
 * owner       when it ends, the question ends with it and fn is not called
 * name        a host's name, in any case, without port; for SRV "_service._proto.host"
 * timeout_ms  after so long fn is told WR_RESOLVE_TIMEOUT; 0: as long as the name servers may take,
 *             which is about half a minute for each
 *
 * A handle, good until fn is called or owner ends; never NULL.
 */
struct wr_resolve_wait *wr_resolve_ask(struct wr_resolver *r, weir_pool *owner,
                                       enum wr_resolve_kind kind, weir_str name,
                                       uint64_t timeout_ms, wr_resolve_fn fn, void *data);

/* The same for those who ask again at intervals of their own: that there was no such name, or a
 * failure, is not remembered against them. */
struct wr_resolve_wait *wr_resolve_again(struct wr_resolver *r, weir_pool *owner,
                                         enum wr_resolve_kind kind, weir_str name,
                                         uint64_t timeout_ms, wr_resolve_fn fn, void *data);

/* fn is not to be called any more. */
void wr_resolve_cancel(struct wr_resolve_wait *w);

/* The answer that is known already and still good, or NULL. Valid until the loop's next turn. */
const struct wr_resolved *wr_resolve_known(struct wr_resolver *r, enum wr_resolve_kind kind,
                                           weir_str name);

/* "3: Host not found", in nginx's words. */
const char *wr_resolve_words(enum wr_resolve_code code);

/*
 * The form in which a name is asked for and remembered: lower case, no dot at the end.
 *
 * to  room for WR_RESOLVE_NAME bytes; gets a zero behind it
 *
 * Its length, or 0 if it is no host's name: labels of 1..63 letters, digits, '-' and '_' that neither
 * begin nor end with '-', 253 bytes at most, the last label not only digits. [RFC 1123 2.1] '_' is
 * what SRV and container names have.
 */
size_t wr_resolve_name(weir_str name, char *to);

/* The place to connect to; port is for those that have none of their own. */
void wr_resolved_place(const struct wr_resolved_addr *from, uint16_t port, struct wr_addr *to);

#endif
