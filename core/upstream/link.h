/* upstream/link.h - a connection to a peer: made or taken from those put aside, used by one at a
 * time, put aside again.
 *
 * Idle links hang on the group, by protocol, newest first; a byte or an end that comes while
 * nobody uses a link closes it. What is said over a link is its user's business.
 */
#ifndef WR_UPSTREAM_LINK_H
#define WR_UPSTREAM_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "net/conn.h"
#include "net/connect.h"
#include "upstream/group.h"

struct wr_link;
struct wr_tls_client;

/* What the user of a link is told, from the loop only. */
struct wr_link_ops {
    void (*ready)(void *user);   /* can_read or can_write has become true, or connecting is over */
    void (*expired)(void *user); /* the deadline has passed */
    void (*drop)(void *user);    /* the worker ends: close it now */
};

struct wr_link {
    struct wr_conn conn; /* first */
    weir_upstream *group;
    struct wr_group_peer *peer; /* held */
    const char *protocol;
    struct wr_addr from; /* where it was made to come from; len 0: the system chose */
    const struct wr_link_ops *ops;
    void *user;           /* NULL: idle */
    struct wr_idle *idle; /* where it is put aside */
    struct wr_list place; /* in idle */
    uint64_t uses;        /* before this one; 0: it is new, and connecting */
};

/* What kind of link is wanted. Idle links serve only those who want the same kind. */
struct wr_link_want {
    const char *protocol; /* zero-terminated */
    struct wr_tls_client *tls; /* NULL: a plain one; a new one is plain until its user begins TLS */
    weir_str tls_name, tls_identity;
    bool fresh;           /* a new one in any case */
    bool sure; /* an idle one only after a look that it has not ended in this very turn */
    struct wr_connect_from from;
};

/*
 * A link to peer p: an idle one, or a new one that connects. Its user sets the deadline.
 *
 * 0 with l; or -errno: refused at once, -EMFILE when this process has no place for it.
 */
int wr_link_open(weir_upstream *u, struct wr_group_peer *p, const struct wr_link_want *want,
                 const struct wr_link_ops *ops, void *user, struct wr_link **l);

void wr_link_close(struct wr_link *l);

/* Put it aside for the next user of its protocol, of whose links `keep` stay at most; or close it
 * if there is a reason. */
void wr_link_keep(struct wr_link *l, uint32_t keep);

/* Close all idle links of the group, or those to one of its peers. */
void wr_link_close_idle(weir_upstream *u);
void wr_link_close_peer(weir_upstream *u, const struct wr_group_peer *p);

#endif
