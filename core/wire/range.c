/* wire/range.c - the range set is read once; numbers too large for 64 bits count as the largest, which lies in no file. */
#include "wire/range.h"

#include "base/num.h"
#include "base/str.h"
#include "wire/date.h"
#include "wire/field_list.h"

enum spec {
    SPEC_INSIDE,  /* at least one byte of it exists */
    SPEC_OUTSIDE, /* right, but nothing there */
    SPEC_EMPTY,   /* the last bytes of what has none: satisfiable, yet no range can say so */
    SPEC_BAD
};

/* A position of 1*DIGIT. */
static bool
position(weir_str text, uint64_t *value)
{
    if (text.len == 0) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    if (!weir_parse_number(text, UINT64_MAX, value)) {
        *value = UINT64_MAX;
    }
    return true;
}

/* "-n": the last n bytes. */
static enum spec
suffix(weir_str digits, uint64_t size, struct wr_range *r)
{
    uint64_t n;

    if (!position(digits, &n)) {
        return SPEC_BAD;
    }
    if (n == 0) {
        return SPEC_OUTSIDE;
    }
    if (size == 0) {
        return SPEC_EMPTY;
    }
    *r = (struct wr_range){ n < size ? size - n : 0, size - 1 };
    return SPEC_INSIDE;
}

static enum spec
resolve(weir_str text, uint64_t size, struct wr_range *r)
{
    size_t dash = weir_str_find(text, '-');
    weir_str from = weir_str_cut(text, 0, dash), to = weir_str_cut(text, dash + 1, text.len);
    uint64_t first, last = UINT64_MAX;

    if (dash == text.len) {
        return SPEC_BAD;
    }
    if (from.len == 0) {
        return suffix(to, size, r);
    }
    if (!position(from, &first) || (to.len != 0 && (!position(to, &last) || last < first))) {
        return SPEC_BAD;
    }
    if (first >= size) {
        return SPEC_OUTSIDE;
    }
    *r = (struct wr_range){ first, last < size ? last : size - 1 };
    return SPEC_INSIDE;
}

/* Are both one run of bytes? last is less than the size, so that last + 1 does not wrap. */
static bool
joins(struct wr_range a, struct wr_range b)
{
    return a.first <= b.last + 1 && b.first <= a.last + 1;
}

/* Put r behind the others, joined with those it meets. */
static void
add_joined(struct wr_range *ranges, uint32_t *count, struct wr_range r)
{
    uint32_t place = *count, i = 0;

    while (i < *count) {
        if (!joins(ranges[i], r)) {
            i++;
            continue;
        }
        r.first = r.first < ranges[i].first ? r.first : ranges[i].first;
        r.last = r.last > ranges[i].last ? r.last : ranges[i].last;
        place = i < place ? i : place;
        --*count;
        for (uint32_t k = i; k < *count; k++) {
            ranges[k] = ranges[k + 1];
        }
        i = 0; /* the larger range may meet an earlier one */
    }
    place = place < *count ? place : *count;
    for (uint32_t k = *count; k > place; k--) {
        ranges[k] = ranges[k - 1];
    }
    ranges[place] = r;
    ++*count;
}

enum wr_range_answer
wr_range_parse(weir_str field, uint64_t size, struct wr_range *ranges, uint32_t max,
               uint32_t *count)
{
    static const weir_str unit = { "bytes=", 6 };
    weir_str rest, text;
    uint64_t sum = 0;
    uint32_t inside = 0, joined = 0;
    bool any = false, empty = false;

    if (max == 0 || !weir_str_ieq(weir_str_cut(field, 0, unit.len), unit)) {
        return WR_RANGE_WHOLE;
    }
    rest = weir_str_cut(field, unit.len, field.len);
    while (weir_list_next(&rest, &text)) {
        struct wr_range r = { 0, 0 };
        enum spec spec = resolve(text, size, &r);

        if (spec == SPEC_BAD) {
            return WR_RANGE_WHOLE;
        }
        any = true;
        empty = empty || spec == SPEC_EMPTY;
        if (spec != SPEC_INSIDE) {
            continue;
        }
        if (inside == max || __builtin_add_overflow(sum, wr_range_bytes(r), &sum) || sum > size) {
            return WR_RANGE_WHOLE;
        }
        inside++;
        add_joined(ranges, &joined, r);
    }
    if (inside != 0) {
        *count = joined;
        return WR_RANGE_PARTS;
    }
    return any && !empty ? WR_RANGE_NONE : WR_RANGE_WHOLE;
}

bool
wr_range_if_range(weir_str field, struct wr_etag etag, int64_t last_modified_s, int64_t now_s)
{
    struct wr_etag asked;
    int64_t date_s;

    if (wr_etag_parse(field, &asked)) {
        return wr_etag_is_same(asked, etag, WR_ETAG_STRONG);
    }
    return wr_date_parse(field, now_s, &date_s) && date_s == last_modified_s &&
           last_modified_s < now_s;
}
