/* upstream/lookup.h - the servers of a group that are named by host: looked up when the
 * configuration is read, and asked for in every worker.
 *
 * A name that does not resolve stops nothing: its server has no peer until it does. What a name is
 * asked for, and when again, is its manner. Peers are changed in place, between callbacks: those
 * whose address stays keep all that is known of them.
 */
#ifndef WR_UPSTREAM_LOOKUP_H
#define WR_UPSTREAM_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "net/resolve.h"
#include "upstream/group.h"

enum {
    WR_LOOKUP_LOAD_MS = 3 * 1000,   /* for all names of a configuration together */
    WR_LOOKUP_LEAST_MS = 1000,      /* between two questions for a name, whatever its answer says */
    WR_LOOKUP_RETRY_MS = 1000,      /* after the first failure; twice as long after each further one */
    WR_LOOKUP_RETRY_MAX_MS = 60 * 1000
};

enum wr_lookup_manner {
    WR_LOOKUP_FIXED,    /* looked up once; again only until it is found */
    WR_LOOKUP_RESOLVED, /* `resolve`: asked for again whenever its answer's time is over */
    WR_LOOKUP_WANTED    /* of a run-time name: asked for when somebody wants it */
};

struct wr_lookups; /* of one group */

/* Somebody who waits for a group's addresses; lives in what waits. All zero: waits for nothing. */
struct wr_lookup_wait {
    struct wr_list link;
    void (*fn)(struct wr_lookup_wait *w);
};

/*
 * The server, one of u's that has a host, is looked up in this manner. While the configuration is
 * read, or, for WANTED, in a worker.
 *
 * r, timeout_ms  who is asked in workers, and how long that may take
 */
void wr_lookup_add(weir_upstream *u, struct wr_group_server *server, enum wr_lookup_manner manner,
                  struct wr_resolver *r, uint64_t timeout_ms);

/* At the end of the load: look up the FIXED names of these n groups by the system's means, all at
 * once, for WR_LOOKUP_LOAD_MS at most. */
void wr_lookup_load(weir_upstream *const *groups, size_t n);

/* Has a server whose name the load did not find: for a warning. NULL: all have been found. */
const struct wr_group_server *wr_lookup_missing(const weir_upstream *u);

/* In a worker: begin to ask for what has to be asked for; and end it. */
void wr_lookup_start(weir_upstream *u, weir_pool *worker);
void wr_lookup_stop(weir_upstream *u);

/* Somebody wants the peers of a WANTED group: ask if the answer's time is over. */
void wr_lookup_want(weir_upstream *u);

/* Are u's peers not known yet, and the answer on its way? Then an exchange waits before it picks. */
bool wr_lookup_pending(const weir_upstream *u);

/* Call fn(w) once from the loop, as soon as they are known or cannot be: within the names' timeouts.
 * It is to pick then, and not to ask again whether something is pending. */
void wr_lookup_wait(weir_upstream *u, struct wr_lookup_wait *w,
                    void (*fn)(struct wr_lookup_wait *w));

/* w waits no longer, if it did. */
void wr_lookup_leave(struct wr_lookup_wait *w);

#endif
