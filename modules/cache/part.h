/* cache/part.h - spans of a representation: what Range, Content-Range and a stored part's note say,
 * and which bytes are missing. [RFC 9110 14; RFC 9111 3.3, 3.4]
 *
 * Pure. All numbers are of a peer, or of a file: whatever they are, nothing here wraps, and what is
 * accepted holds first <= last < complete <= PART_COMPLETE_MAX.
 */
#ifndef CACHE_PART_H
#define CACHE_PART_H

#include <weir/request.h>

#include "store.h"

#define PART_COMPLETE_MAX ((uint64_t)INT64_MAX / 4)

enum { PART_NOTE = 16 }; /* bytes */

struct span {
    uint64_t first, last; /* both are in it */
};

/* A run of bytes of a representation that has `complete`. */
struct part {
    struct span here;
    uint64_t complete;
};

static inline uint64_t
span_bytes(struct span s)
{
    return s.last - s.first + 1;
}

static inline bool
span_holds(struct span outer, struct span inner)
{
    return outer.first <= inner.first && inner.last <= outer.last;
}

static inline bool
part_is_whole(const struct part *p)
{
    return p->here.first == 0 && p->here.last == p->complete - 1;
}

/* Content-Range of a 206: "bytes 0-99/1000". False: another unit, a complete length that is not
 * known, or no sense. [RFC 9110 14.4] */
bool part_parse(weir_str content_range, struct part *p);
/* And as text. */
weir_str part_print(weir_pool *pool, struct span s, uint64_t complete);

/* Is a Range one span of bytes, whatever the length it is of? */
bool span_is_asked(weir_str range);

enum span_wish {
    WISH_WHOLE, /* no Range, several spans, or what is none */
    WISH_SPAN,
    WISH_NONE /* it lies behind the end */
};

/* Which bytes does a Range ask for, of `complete`? The whole is a span, too. [RFC 9110 14.1.2] */
enum span_wish span_resolve(weir_str range, uint64_t complete, struct span *to);

/* A part's place, in so many bytes of a stored head's note. */
void part_write(uint8_t note[PART_NOTE], uint64_t first, uint64_t complete);

enum part_kind {
    PART_NOT,
    PART_IS,
    PART_BROKEN /* a head that makes no sense: use nothing of it */
};

/* Is what is stored with this head a part? */
enum part_kind part_of(const struct store_meta *m, struct part *p);

/* May p grow by one run of bytes at one end so that it has `wanted`, which it has not? Then which
 * are missing, and whether behind p or in front of it. */
bool part_lacks(const struct part *p, struct span wanted, struct span *missing, bool *behind);

/* An entity-tag that says that bytes are the same, and not only their meaning; and stands there
 * once. [RFC 9110 8.8.3.2] */
bool part_is_strong(const weir_header *etag);

/* Does If-Range let Range count, for what has this tag, and was changed then (negative: not known)
 * and came then? [RFC 9110 13.1.5, 8.8.2.2] */
bool part_if_range(weir_str if_range, weir_str etag, int64_t modified, int64_t came);

#endif
