/* upstream/tries.h - what became of each try of a request's exchanges, for $upstream_* and the
 * log. */
#ifndef WR_UPSTREAM_TRIES_H
#define WR_UPSTREAM_TRIES_H

#include <stdint.h>
#include <weir/upstream.h>

struct wr_group_tally; /* tally.h */

/* One try at one peer. Times are milliseconds from its beginning, -1: not so far. */
struct wr_try {
    struct wr_try *next;
    weir_str addr;
    uint32_t status; /* of the response, or what stands for the failure; 0: not so far */
    uint64_t began_ms;
    int64_t connect_ms, head_ms, response_ms;
    uint64_t sent, received; /* bytes on the connection */
    uint64_t body;           /* bytes of the body */
};

/* The tries of one exchange. */
struct wr_tried {
    struct wr_tried *next; /* of the request's next exchange */
    struct wr_try *first, *last;
    const weir_reply *reply;     /* NULL: none so far */
    const weir_header *trailers; /* NULL: none */
    struct wr_group_tally *tally; /* where tries are counted; NULL: nowhere */
};

/* What hangs on a request at core.upstream, through its internal redirects. */
struct wr_tries {
    struct wr_tried *first, *last;
    const weir_header *stored; /* of the response that answers in place of a peer's; NULL: none */
    weir_str cached;           /* what a cache did; absent: none was asked */
};

/* A new exchange on behalf of r (NULL: nobody), in memory. */
struct wr_tried *wr_tries_begin(weir_request *r, weir_pool *memory);

/* One more try, at addr. */
struct wr_try *wr_tries_add(struct wr_tried *t, weir_pool *memory, weir_str addr);

/* The last one is over, if there is one; status where it has none yet. */
void wr_tries_end(const struct wr_tried *tried, uint32_t status);

/* Those of r; NULL: none. */
const struct wr_tries *wr_tries_of(const weir_request *r);

#endif
