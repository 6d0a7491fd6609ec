/* wire/precondition.h - conditional requests: should the method act, or is the client up to date, or out of step? */
#ifndef WR_WIRE_PRECONDITION_H
#define WR_WIRE_PRECONDITION_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "wire/etag.h"

/* What counts as "not modified since": the directive if_modified_since. */
enum wr_precondition_since {
    WR_SINCE_EXACT,  /* the client's date is the very Last-Modified: nginx's default */
    WR_SINCE_BEFORE, /* it is that or later: the RFC's */
    WR_SINCE_OFF     /* If-Modified-Since is not looked at */
};

enum wr_precondition {
    WR_PRECONDITION_HOLDS,        /* go on; Range and If-Range are next */
    WR_PRECONDITION_NOT_MODIFIED, /* answer 304 */
    WR_PRECONDITION_FAILED        /* answer 412 */
};

/* The fields of a request; absent when it has none, lines of one name joined by commas. */
struct wr_precondition_fields {
    weir_str if_match;
    weir_str if_none_match;
    weir_str if_modified_since;
    weir_str if_unmodified_since;
};

/* What is there now. */
struct wr_precondition_state {
    bool exists;             /* false for a PUT that would create */
    struct wr_etag etag;     /* opaque absent: none */
    int64_t last_modified_s; /* seconds since 1970; negative: not known */
};

/*
 * Evaluate in the order that the RFC gives; for a request that would otherwise be answered 2xx.
 *
 * reads  the method is GET or HEAD: where those get 304, others get 412
 * now_s  seconds since 1970, for two-digit years
 *
 * A date that cannot be read, or a time not known here, makes its field as if it were not sent; a tag list that cannot be
 * read lists nothing.  [RFC 9110 13.2.2]
 */
enum wr_precondition wr_precondition_check(const struct wr_precondition_fields *fields,
                                           const struct wr_precondition_state *now, bool reads,
                                           enum wr_precondition_since since, int64_t now_s);

#endif
