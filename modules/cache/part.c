/* cache/part.c - spans of bytes: read, printed, compared. */
#include "part.h"

#include "list.h"
#include "little.h"

/* ---- Texts. ---- */

static bool
take(weir_str *in, weir_str word)
{
    if (!weir_str_starts(*in, word)) {
        return false;
    }
    *in = weir_str_cut(*in, word.len, SIZE_MAX);
    return true;
}

/* Digits, at least one; more than 64 bits is the largest. */
static bool
take_number(weir_str *in, uint64_t *n)
{
    size_t digits = 0;

    while (digits < in->len && in->data[digits] >= '0' && in->data[digits] <= '9') {
        digits++;
    }
    if (digits == 0 || !number_read(weir_str_cut(*in, 0, digits), UINT64_MAX, n)) {
        return false;
    }
    *in = weir_str_cut(*in, digits, SIZE_MAX);
    return true;
}

static bool
take_unit(weir_str *in, char end)
{
    weir_str unit = weir_str_cut(*in, 0, 5);

    if (!weir_str_ieq(unit, WEIR_STR("bytes")) || in->len < 6 || in->data[5] != end) {
        return false;
    }
    *in = weir_str_cut(*in, 6, SIZE_MAX);
    return true;
}

bool
part_parse(weir_str in, struct part *p)
{
    struct part q;

    if (!take_unit(&in, ' ') || !take_number(&in, &q.here.first) || !take(&in, WEIR_STR("-")) ||
        !take_number(&in, &q.here.last) || !take(&in, WEIR_STR("/")) ||
        !take_number(&in, &q.complete) || in.len != 0 || q.here.first > q.here.last ||
        q.here.last >= q.complete || q.complete > PART_COMPLETE_MAX) {
        return false;
    }
    *p = q;
    return true;
}

weir_str
part_print(weir_pool *pool, struct span s, uint64_t complete)
{
    return weir_print(pool, "bytes %llu-%llu/%llu", (unsigned long long)s.first,
                      (unsigned long long)s.last, (unsigned long long)complete);
}

/* "-n", "n-" or "n-m" behind "bytes="; suffix: the first form, its number in `last`. */
static bool
take_spec(weir_str in, uint64_t *first, uint64_t *last, bool *suffix)
{
    *first = 0;
    *last = UINT64_MAX;
    if (!take_unit(&in, '=')) {
        return false;
    }
    in = weir_str_trim(in);
    *suffix = take(&in, WEIR_STR("-"));
    if (*suffix) {
        return take_number(&in, last) && in.len == 0;
    }
    if (!take_number(&in, first) || !take(&in, WEIR_STR("-"))) {
        return false;
    }
    return in.len == 0 || (take_number(&in, last) && in.len == 0 && *first <= *last);
}

bool
span_is_asked(weir_str range)
{
    uint64_t first, last;
    bool suffix;

    return take_spec(range, &first, &last, &suffix);
}

enum span_wish
span_resolve(weir_str range, uint64_t complete, struct span *to)
{
    uint64_t first, last;
    bool suffix;

    *to = (struct span){ 0, complete - 1 };
    if (!take_spec(range, &first, &last, &suffix)) {
        return WISH_WHOLE;
    }
    if (suffix ? last == 0 : first >= complete) {
        return WISH_NONE;
    }
    if (suffix) {
        to->first = last < complete ? complete - last : 0;
    } else {
        to->first = first;
        to->last = last < complete ? last : complete - 1;
    }
    return WISH_SPAN;
}

/* ---- Stored heads. ---- */

void
part_write(uint8_t note[PART_NOTE], uint64_t first, uint64_t complete)
{
    little_put(note, first, 8);
    little_put(note + 8, complete, 8);
}

enum part_kind
part_of(const struct store_meta *m, struct part *p)
{
    uint64_t first, complete, length = (uint64_t)m->length;

    if (m->note.len < PART_NOTE) {
        return PART_NOT;
    }
    first = little_get((const uint8_t *)m->note.data, 8);
    complete = little_get((const uint8_t *)m->note.data + 8, 8);
    if (complete == 0) { /* of a response whose length was not known */
        return first == 0 ? PART_NOT : PART_BROKEN;
    }
    if (m->length <= 0 || complete > PART_COMPLETE_MAX || length > complete ||
        first > complete - length) {
        return PART_BROKEN;
    }
    *p = (struct part){ { first, first + length - 1 }, complete };
    return part_is_whole(p) ? PART_NOT : PART_IS;
}

bool
part_lacks(const struct part *p, struct span wanted, struct span *missing, bool *behind)
{
    struct span here = p->here;

    if (wanted.last > here.last && wanted.first >= here.first && wanted.first <= here.last + 1) {
        *missing = (struct span){ here.last + 1, wanted.last };
        *behind = true;
        return true;
    }
    if (wanted.first < here.first && wanted.last <= here.last && wanted.last + 1 >= here.first) {
        *missing = (struct span){ wanted.first, here.first - 1 };
        *behind = false;
        return true;
    }
    return false;
}

/* ---- Validators. ---- */

bool
part_is_strong(const weir_header *etag)
{
    return etag != NULL && etag->same == NULL && etag->value.len >= 2 &&
           etag->value.data[0] == '"' && etag->value.data[etag->value.len - 1] == '"';
}

bool
part_if_range(weir_str if_range, weir_str etag, int64_t modified, int64_t came)
{
    int64_t when;

    if (if_range.len != 0 && if_range.data[0] == '"') {
        return weir_str_eq(if_range, etag);
    }
    return weir_parse_date(if_range, &when) == WEIR_OK && when == modified && came > modified + 1;
}
