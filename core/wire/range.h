/* wire/range.h - byte ranges asked for, resolved against the size of what there is. */
#ifndef WR_WIRE_RANGE_H
#define WR_WIRE_RANGE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "wire/etag.h"

/* first <= last < size */
struct wr_range {
    uint64_t first, last;
};

enum wr_range_answer {
    WR_RANGE_WHOLE, /* answer 200 with everything: no Range, or one to ignore */
    WR_RANGE_PARTS, /* 206 */
    WR_RANGE_NONE   /* 416: not one range lies inside */
};

/*
 * Read a Range field.
 *
 * field   its value; absent is WHOLE
 * size    bytes of the representation
 * ranges  room for max; in the order asked for, ranges that overlap or touch made one at the place of the first
 * max     more ranges than this inside the representation are ignored altogether; 0 ignores every Range
 * count   out, on PARTS: 1..max
 *
 * A field that is not of the grammar, or of another unit, is ignored. So is a set that adds up to more than size, before
 * overlaps are joined: it is an attack or a mistake. The parts' sum is at most size.  [RFC 9110 14.1.2, 14.2, 15.3.7.2]
 */
enum wr_range_answer wr_range_parse(weir_str field, uint64_t size, struct wr_range *ranges,
                                    uint32_t max, uint32_t *count);

/* How many bytes r has. */
static inline uint64_t
wr_range_bytes(struct wr_range r)
{
    return r.last - r.first + 1;
}

/*
 * Does an If-Range field let Range apply?
 *
 * field            an entity-tag or a date
 * etag             of the representation; opaque absent: it has none
 * last_modified_s  seconds since 1970; negative: not known
 * now_s            seconds since 1970
 *
 * A tag must be equal and strong on both sides. A date must be the very Last-Modified, and that more than a second ago, for a
 * file changed twice within a second has one date.  [RFC 9110 13.1.5, 8.8.2.2]
 */
bool wr_range_if_range(weir_str field, struct wr_etag etag, int64_t last_modified_s, int64_t now_s);

#endif
