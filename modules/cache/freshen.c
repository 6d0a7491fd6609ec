/* cache/freshen.c - bringing a stored response's fields up to date. */
#include "freshen.h"

#include "list.h"

static const uint64_t kept_ids = UINT64_C(1) << WEIR_H_CONTENT_LENGTH |
                                 UINT64_C(1) << WEIR_H_CONTENT_ENCODING |
                                 UINT64_C(1) << WEIR_H_CONTENT_RANGE | UINT64_C(1) << WEIR_H_ETAG;

static bool
is_same_name(const weir_header *a, const weir_header *b)
{
    return a->id == b->id && (a->id != WEIR_H_OTHER || weir_str_ieq(a->name, b->name));
}

void
field_add(weir_pool *pool, struct field_list *list, const weir_header *h)
{
    weir_header *copy = weir_alloc(pool, sizeof(*copy)), *last = NULL;

    *copy = (weir_header){ .name = h->name, .value = h->value, .id = h->id, .flags = h->flags };
    for (weir_header *other = list->first; other != NULL;
         other = (weir_header *)(uintptr_t)other->next) {
        if (is_same_name(other, copy)) {
            last = other;
        }
    }
    if (last != NULL) {
        last->same = copy;
    }
    if (list->last != NULL) {
        list->last->next = copy;
    } else {
        list->first = copy;
    }
    list->last = copy;
    list->count++;
}

static const weir_header *
find(const weir_header *list, const weir_header *like)
{
    while (list != NULL && !is_same_name(list, like)) {
        list = list->next;
    }
    return list;
}

static weir_str
opaque(weir_str etag)
{
    return weir_str_starts(etag, WEIR_STR("W/")) ? weir_str_cut(etag, 2, SIZE_MAX) : etag;
}

/* Does newer's line count for a stored response? */
static bool
counts(const weir_header *h, uint64_t skip)
{
    return h->id != WEIR_H_OTHER ? ((skip | kept_ids) >> h->id & 1) == 0
                                 : !weir_str_ieq(h->name, WEIR_STR("Content-MD5"));
}

struct field_list
freshen_merge(weir_pool *pool, const weir_header *stored, const weir_header *newer, uint64_t skip)
{
    struct field_list list = { 0 };

    for (const weir_header *h = stored; h != NULL; h = h->next) {
        const weir_header *by = find(newer, h);
        if (by == NULL || !counts(by, skip)) {
            field_add(pool, &list, h);
        }
    }
    for (const weir_header *h = newer; h != NULL; h = h->next) {
        if (counts(h, skip)) {
            field_add(pool, &list, h);
        }
    }
    return list;
}

/* Are the lines of one name the same? Each its first one, or NULL. */
static bool
says_the_same(const weir_header *a, const weir_header *b)
{
    while (a != NULL && b != NULL && weir_str_eq(a->value, b->value)) {
        a = a->same;
        b = b->same;
    }
    return a == NULL && b == NULL;
}

bool
freshen_changes(const weir_header *stored, const weir_header *newer, uint64_t skip)
{
    const uint64_t apart = skip | UINT64_C(1) << WEIR_H_DATE;

    for (const weir_header *h = newer; h != NULL; h = h->next) {
        if (counts(h, apart) && !says_the_same(find(stored, h), find(newer, h))) {
            return true;
        }
    }
    return false;
}

const weir_header *
field_by_id(const weir_header *list, uint32_t id)
{
    while (list != NULL && list->id != id) {
        list = list->next;
    }
    return list;
}

bool
freshen_agrees(const weir_header *stored, int64_t stored_length, const weir_header *newer)
{
    const weir_header *a = field_by_id(stored, WEIR_H_ETAG), *b = field_by_id(newer, WEIR_H_ETAG);
    const weir_header *length = field_by_id(newer, WEIR_H_CONTENT_LENGTH);
    uint64_t n;

    if (b != NULL && (a == NULL || !weir_str_eq(opaque(a->value), opaque(b->value)))) {
        return false;
    }
    a = field_by_id(stored, WEIR_H_LAST_MODIFIED);
    b = field_by_id(newer, WEIR_H_LAST_MODIFIED);
    if (b != NULL && (a == NULL || !weir_str_eq(a->value, b->value))) {
        return false;
    }
    return length == NULL || stored_length < 0 ||
           (number_read(length->value, INT64_MAX, &n) && (int64_t)n == stored_length);
}
