/* geo/atlas.c - from networks in any order to places in order. */
#include "atlas.h"

#include <stdlib.h>

void
atlas_add(struct atlas *a, weir_pool *pool, const struct span *s, weir_str text, weir_str value)
{
    if (a->n == a->room) {
        size_t room = 2 * a->room + 16;
        struct entry *entries = weir_alloc(pool, room * sizeof(*entries));
        if (a->n != 0) {
            memcpy(entries, a->entries, a->n * sizeof(*entries));
        }
        a->entries = entries;
        a->room = room;
    }
    a->entries[a->n] = (struct entry){ *s, text, value, (uint32_t)a->n };
    a->n++;
}

/* By family, start, larger ones first, order in the file. */
static int
compare(const void *x, const void *y)
{
    const struct entry *a = x;
    const struct entry *b = y;
    int order = (int)a->span.from.v6 - (int)b->span.from.v6;

    order = order != 0 ? order : address_compare(&a->span.from, &b->span.from);
    order = order != 0 ? order : address_compare(&b->span.until, &a->span.until);
    return order != 0 ? order : a->order < b->order ? -1 : 1;
}

static bool
same_span(const struct entry *a, const struct entry *b)
{
    return a->span.from.v6 == b->span.from.v6 &&
           address_compare(&a->span.from, &b->span.from) == 0 &&
           address_compare(&a->span.until, &b->span.until) == 0;
}

/* Of equal ones the last holds, and what it deletes is gone. */
static void
drop_doubled(weir_conf *cf, struct atlas *a)
{
    struct entry before = { .order = UINT32_MAX };
    size_t kept = 0;

    for (size_t i = 0; i < a->n; i++) {
        struct entry now = a->entries[i];
        bool doubled = i != 0 && same_span(&before, &now) && before.value.data != NULL;
        if (now.value.data == NULL && !doubled) {
            weir_conf_warn(cf, "no network \"%.*s\" to delete", WEIR_FMT(now.text));
        } else if (now.value.data != NULL && doubled) {
            weir_conf_warn(cf, "duplicate network \"%.*s\", value: \"%.*s\", old value: \"%.*s\"",
                           WEIR_FMT(now.text), WEIR_FMT(now.value), WEIR_FMT(before.value));
        }
        kept -= doubled;
        if (now.value.data != NULL) {
            a->entries[kept++] = now;
        }
        before = now;
    }
    a->n = kept;
}

static void
put(struct places *p, const struct address *from, weir_str value)
{
    struct place *last = p->n != 0 ? &p->at[p->n - 1] : NULL;

    if (last != NULL && address_compare(&last->from, from) == 0) {
        last->value = value;
        return;
    }
    if (last == NULL || !weir_str_eq(last->value, value)) {
        p->at[p->n++] = (struct place){ *from, value };
    }
}

/* The spans that the one being put is in, innermost last. */
struct open {
    const struct entry **at;
    size_t n;
    weir_str otherwise;
};

static void
close_last(struct places *p, struct open *open)
{
    struct address next = open->at[--open->n]->span.until;

    if (address_next(&next)) {
        put(p, &next, open->n != 0 ? open->at[open->n - 1]->value : open->otherwise);
    }
}

static int
settle_family(weir_conf *cf, struct places *p, const struct entry *e, size_t n, struct open *open)
{
    struct address first = { 0, 0, n != 0 && e->span.from.v6 };

    p->at = weir_alloc(weir_conf_pool(cf), (2 * n + 1) * sizeof(p->at[0]));
    put(p, &first, open->otherwise);
    for (size_t i = 0; i < n; i++, e++) {
        while (open->n != 0 &&
               address_compare(&open->at[open->n - 1]->span.until, &e->span.from) < 0) {
            close_last(p, open);
        }
        if (open->n != 0 &&
            address_compare(&open->at[open->n - 1]->span.until, &e->span.until) < 0) {
            return weir_conf_error(cf, "range \"%.*s\" overlaps \"%.*s\"", WEIR_FMT(e->text),
                                   WEIR_FMT(open->at[open->n - 1]->text));
        }
        open->at[open->n++] = e;
        put(p, &e->span.from, e->value);
    }
    while (open->n != 0) {
        close_last(p, open);
    }
    return WEIR_OK;
}

int
atlas_settle(weir_conf *cf, struct atlas *a, weir_str otherwise)
{
    size_t n_v4 = 0;

    if (a->n > 1) {
        qsort(a->entries, a->n, sizeof(a->entries[0]), compare);
    }
    drop_doubled(cf, a);
    while (n_v4 < a->n && !a->entries[n_v4].span.from.v6) {
        n_v4++;
    }
    struct open open = { .otherwise = otherwise };
    open.at = weir_alloc(weir_conf_pool(cf), (a->n + 1) * sizeof(open.at[0]));
    int rc = settle_family(cf, &a->v4, a->entries, n_v4, &open);
    if (rc == WEIR_OK) {
        rc = settle_family(cf, &a->v6, a->entries + n_v4, a->n - n_v4, &open);
    }
    return rc;
}

weir_str
atlas_find(const struct atlas *a, const struct address *address)
{
    const struct places *p = address->v6 ? &a->v6 : &a->v4;
    size_t low = 0;
    size_t high = p->n;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (address_compare(&p->at[middle].from, address) <= 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return p->at[low].value;
}
