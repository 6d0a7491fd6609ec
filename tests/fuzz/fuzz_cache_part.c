/* Content-Range, Range and the places of stored parts: whatever the numbers are, what is accepted lies in
 * its bounds, comes back as it was written, and what is missing and what is stored make one run. The
 * first 32 bytes are a note, a length and a wish; the rest is a field's text. */
#include <string.h>

#include "base/assert.h"
#include "base/pool.h"

#include "../modules/cache/list.c"
#include "../modules/cache/part.c"
#include "../modules/cache/trailers.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_bounds(const struct part *p)
{
    WR_ASSERT(p->here.first <= p->here.last && p->here.last < p->complete);
    WR_ASSERT(p->complete <= PART_COMPLETE_MAX && span_bytes(p->here) <= p->complete);
}

static void
check_lack(const struct part *p, struct span wanted)
{
    struct span missing;
    bool behind;

    if (span_holds(p->here, wanted) || !part_lacks(p, wanted, &missing, &behind)) {
        return;
    }
    WR_ASSERT(missing.first <= missing.last && missing.last < p->complete);
    WR_ASSERT(behind ? missing.first == p->here.last + 1 && missing.last == wanted.last
                     : missing.last + 1 == p->here.first && missing.first == wanted.first);
    WR_ASSERT(behind ? wanted.first >= p->here.first : wanted.last <= p->here.last);
}

static void
check_content_range(weir_pool *pool, weir_str text, uint64_t complete)
{
    struct part p, again;
    struct span s;

    if (part_parse(text, &p)) {
        check_bounds(&p);
        WR_ASSERT(part_parse(part_print(pool, p.here, p.complete), &again));
        WR_ASSERT(memcmp(&p, &again, sizeof(p)) == 0);
    }
    complete = complete % PART_COMPLETE_MAX + 1;
    if (span_resolve(text, complete, &s) != WISH_NONE) {
        WR_ASSERT(s.first <= s.last && s.last < complete);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store_meta m = { .note = { (const char *)data, PART_NOTE } };
    weir_str rest, name, value;
    struct span wanted;
    struct part p;
    weir_pool *pool;

    if (size < 40) {
        return 0;
    }
    memcpy(&m.length, data + 16, 8);
    memcpy(&wanted, data + 24, 16);
    if (part_of(&m, &p) == PART_IS) {
        uint8_t note[PART_NOTE];
        check_bounds(&p);
        WR_ASSERT(span_bytes(p.here) == (uint64_t)m.length);
        part_write(note, p.here.first, p.complete);
        WR_ASSERT(memcmp(note, data, PART_NOTE) == 0);
        wanted.first %= p.complete;
        wanted.last = wanted.first + wanted.last % (p.complete - wanted.first);
        check_lack(&p, wanted);
    }
    pool = wr_pool_create("fuzz", NULL);
    rest = (weir_str){ (const char *)data + 40, size - 40 };
    check_content_range(pool, rest, wanted.last);
    while (trailers_next(&rest, &name, &value)) {
        WR_ASSERT(name.len != 0);
    }
    wr_pool_destroy(&pool);
    return 0;
}
