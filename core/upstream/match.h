/* upstream/match.h - `match NAME { ... }`: what a response must be like for its server to be well. */
#ifndef WR_UPSTREAM_MATCH_H
#define WR_UPSTREAM_MATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/upstream.h>

#include "base/vec.h"

/* What a `match` block says: all of it must hold. */
struct wr_match {
    weir_str name;
    struct wr_vec statuses; /* struct wr_match_status */
    struct wr_vec fields;   /* struct wr_match_test */
    struct wr_vec bodies;   /* struct wr_match_test, without a name */
};

struct wr_match_status {
    uint32_t from, until; /* both included */
    bool not;
};

enum wr_match_how { WR_MATCH_THERE, WR_MATCH_EQUAL, WR_MATCH_REGEX };

struct wr_match_test {
    enum wr_match_how how;
    bool not;
    weir_str name, value;
    weir_regex *regex;
};

/* Read the block after the statement being bound. NULL after reports. */
struct wr_match *wr_match_read(weir_conf *cf);

/* What holds where no block is named: a status of 200 to 399. */
struct wr_match *wr_match_standard(weir_pool *pool);

/* Does it ask for the body? */
static inline bool
wr_match_wants_body(const struct wr_match *m)
{
    return m->bodies.count != 0;
}

/* NULL: the response is as it must be. Else what is not: "status", "header", "body". */
const char *wr_match_fault(const struct wr_match *m, const weir_reply *reply, weir_str body);

#endif
