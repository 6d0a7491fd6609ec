/* base/slab.c - pages, slots in pages, runs of pages; see slab.h.
 *
 * The truth about a page is its `kind` with `pages`, one 64-bit store, and for a page of slots the bits of `used`. The words
 * `next`, `prev` and `count` are derived. A page that is free, or inside a run but not its first, has kind 0; the first and
 * last page of a run of free pages know its length in `free_run`, so that neighbours find it.
 */
#include "base/slab.h"

#include <string.h>

#include "base/assert.h"
#include "base/num.h"

enum {
    TAG = WR_TAG('s', 'l', 'a', 'b'),
    CLASSES = 16,
    SLOT_MIN = 16,
    CLASS_MAX = 2048,
    SLOTS_MAX = WR_SLAB_PAGE / SLOT_MIN,
    WORDS = SLOTS_MAX / 64,
    LENGTHS = 32, /* lists of free runs: by the highest bit of their length */
    TRIES = 8,    /* runs that are looked at before a longer one is cut */
    NONE = -1
};

static const uint16_t class_size[CLASSES] = { 16,  32,  48,  64,  96,  128,  192,  256,
                                              320, 384, 512, 672, 816, 1024, 1360, 2048 };

/* Kinds: 0 free or inside a run, 1 + class a page of slots, RUN the first page of a run. */
enum { FREE = 0, RUN = 255 };

struct page {
    uint64_t used[WORDS]; /* of a page of slots: a bit a slot */
    uint32_t kind;
    uint32_t pages;    /* of a run in use */
    uint32_t free_run; /* first and last page of free ones: how many */
    uint32_t count;    /* slots in use */
    int32_t next, prev;
};

struct wr_slab {
    uint32_t tag;
    uint32_t n;       /* pages */
    uint8_t *data;    /* the first one */
    struct page *pages;
    size_t used;      /* bytes */
    uint8_t class[CLASS_MAX / SLOT_MIN + 1]; /* by how many of the smallest slot a size fills */
    int32_t partial[CLASSES]; /* pages with a free slot */
    int32_t free[LENGTHS];    /* first pages of free runs */
};

/* ---- Lists of pages. ---- */

static void
push(struct wr_slab *s, int32_t *list, uint32_t i)
{
    s->pages[i].next = *list;
    s->pages[i].prev = NONE;
    if (*list != NONE) {
        s->pages[*list].prev = (int32_t)i;
    }
    *list = (int32_t)i;
}

static void
drop(struct wr_slab *s, int32_t *list, uint32_t i)
{
    struct page *p = &s->pages[i];

    if (p->prev != NONE) {
        s->pages[p->prev].next = p->next;
    } else {
        *list = p->next;
    }
    if (p->next != NONE) {
        s->pages[p->next].prev = p->prev;
    }
}

static uint32_t
slots_of(uint32_t class)
{
    return WR_SLAB_PAGE / class_size[class];
}

/* ---- Making it. ---- */

/* All classes' sizes are multiples of the least. */
static void
make_classes(struct wr_slab *s)
{
    uint8_t class = 0;

    for (size_t i = 0; i <= CLASS_MAX / SLOT_MIN; i++) {
        if (i * SLOT_MIN > class_size[class]) {
            class++;
        }
        s->class[i] = class;
    }
}

struct wr_slab *
wr_slab_create(void *at, size_t size)
{
    struct wr_slab *s = at;
    size_t left = size - sizeof(*s) - WR_SLAB_PAGE; /* the first page is brought to a page's address */
    size_t n = left / (WR_SLAB_PAGE + sizeof(struct page));
    uintptr_t data;

    WR_ASSERT((uintptr_t)at % 16 == 0 && size >= WR_SLAB_SIZE_MIN && n <= INT32_MAX);
    s->pages = (struct page *)(void *)(s + 1);
    data = (uintptr_t)(s->pages + n) + WR_SLAB_PAGE - 1;
    data -= data % WR_SLAB_PAGE;
    s->data = (uint8_t *)at + (data - (uintptr_t)at);
    s->n = (uint32_t)n;
    s->tag = TAG;
    make_classes(s);
    wr_slab_reset(s);
    return s;
}

/* The list of free runs of n pages and more, up to twice as many. */
static uint32_t
length_list(uint32_t n)
{
    return 31 - (uint32_t)__builtin_clz(n);
}

/* Take the free run that begins with page i out of its list. */
static void
drop_free(struct wr_slab *s, uint32_t i)
{
    drop(s, &s->free[length_list(s->pages[i].free_run)], i);
}

/* Enter the n pages from i on, which are free, in the list of free runs. */
static void
add_free(struct wr_slab *s, uint32_t i, uint32_t n)
{
    s->pages[i].free_run = n;
    s->pages[i + n - 1].free_run = n;
    push(s, &s->free[length_list(n)], i);
}

static void
empty_lists(struct wr_slab *s)
{
    s->used = 0;
    for (size_t i = 0; i < LENGTHS; i++) {
        s->free[i] = NONE;
    }
    for (size_t i = 0; i < CLASSES; i++) {
        s->partial[i] = NONE;
    }
}

void
wr_slab_reset(struct wr_slab *s)
{
    WR_CHECK(s, TAG);
    memset(s->pages, 0, s->n * sizeof(struct page));
    empty_lists(s);
    add_free(s, 0, s->n);
}

/* A page of slots whose last slot was just freed becomes a free page. */
static void
repair_empty(struct wr_slab *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        struct page *p = &s->pages[i];
        uint64_t any = 0;

        for (size_t w = 0; w < WORDS; w++) {
            any |= p->used[w];
        }
        if (p->kind != FREE && p->kind != RUN && any == 0) {
            p->kind = FREE;
        }
    }
}

/* Enter page i, which holds slots, in the lists again. */
static void
repair_slots(struct wr_slab *s, uint32_t i)
{
    struct page *p = &s->pages[i];
    uint32_t class = p->kind - 1;

    p->count = 0;
    for (size_t w = 0; w < WORDS; w++) {
        p->count += (uint32_t)__builtin_popcountll(p->used[w]);
    }
    s->used += (size_t)p->count * class_size[class];
    if (p->count < slots_of(class)) {
        push(s, &s->partial[class], i);
    }
}

void
wr_slab_repair(struct wr_slab *s)
{
    uint32_t i = 0;

    WR_CHECK(s, TAG);
    empty_lists(s);
    repair_empty(s);
    while (i < s->n) {
        struct page *p = &s->pages[i];
        uint32_t n = 1;

        if (p->kind == FREE) {
            while (i + n < s->n && s->pages[i + n].kind == FREE) {
                n++;
            }
            add_free(s, i, n);
        } else if (p->kind == RUN) {
            n = p->pages;
            WR_ASSERT(n != 0 && n <= s->n - i);
            s->used += (size_t)n * WR_SLAB_PAGE;
        } else {
            WR_ASSERT(p->kind <= CLASSES);
            repair_slots(s, i);
        }
        i += n;
    }
}

/* ---- Runs of pages. ---- */

/* A run of at least n free pages: one of about that length if it is found at once, else any longer one. */
static int32_t
find_pages(const struct wr_slab *s, uint32_t n)
{
    uint32_t list = length_list(n);
    int32_t i = s->free[list];

    for (uint32_t tries = 0; i != NONE && tries < TRIES; tries++) {
        if (s->pages[i].free_run >= n) {
            return i;
        }
        i = s->pages[i].next;
    }
    for (uint32_t longer = list + 1; longer < LENGTHS; longer++) {
        if (s->free[longer] != NONE) {
            return s->free[longer];
        }
    }
    while (i != NONE && s->pages[i].free_run < n) {
        i = s->pages[i].next;
    }
    return i;
}

/* The first of n free pages in a row, taken out of the list, or NONE. */
static int32_t
take_pages(struct wr_slab *s, uint32_t n)
{
    int32_t i = find_pages(s, n);
    uint32_t have;

    if (i == NONE) {
        return NONE;
    }
    have = s->pages[i].free_run;
    drop_free(s, (uint32_t)i);
    if (have > n) {
        add_free(s, (uint32_t)i + n, have - n);
    }
    return i;
}

/* The n pages from i on, whose kinds are FREE by now, join their free neighbours. */
static void
give_pages(struct wr_slab *s, uint32_t i, uint32_t n)
{
    uint32_t end = i + n;

    s->pages[i].kind = FREE;
    if (end < s->n && s->pages[end].kind == FREE) {
        n += s->pages[end].free_run;
        drop_free(s, end);
    }
    if (i > 0 && s->pages[i - 1].kind == FREE && s->pages[i - 1].free_run != 0) {
        uint32_t before = s->pages[i - 1].free_run;
        drop_free(s, i - before);
        i -= before;
        n += before;
    }
    add_free(s, i, n);
}

static void *
alloc_run(struct wr_slab *s, size_t size)
{
    uint32_t n = (uint32_t)((size + WR_SLAB_PAGE - 1) / WR_SLAB_PAGE);
    int32_t i = take_pages(s, n);

    if (i == NONE) {
        return NULL;
    }
    for (uint32_t k = 0; k < n; k++) {
        s->pages[(uint32_t)i + k].free_run = 0;
    }
    s->pages[i].pages = n;
    __atomic_store_n(&s->pages[i].kind, (uint32_t)RUN, __ATOMIC_RELEASE);
    s->used += (size_t)n * WR_SLAB_PAGE;
    return memset(s->data + (size_t)i * WR_SLAB_PAGE, 0, (size_t)n * WR_SLAB_PAGE);
}

/* ---- Slots. ---- */

static uint32_t
class_for(const struct wr_slab *s, size_t size)
{
    return s->class[(size + SLOT_MIN - 1) / SLOT_MIN];
}

/* A page of the class with a free slot. */
static int32_t
page_for(struct wr_slab *s, uint32_t class)
{
    int32_t i = s->partial[class];
    struct page *p;

    if (i != NONE) {
        return i;
    }
    i = take_pages(s, 1);
    if (i == NONE) {
        return NONE;
    }
    p = &s->pages[i];
    memset(p->used, 0, sizeof(p->used));
    p->free_run = 0;
    p->count = 0;
    __atomic_store_n(&p->kind, class + 1, __ATOMIC_RELEASE);
    push(s, &s->partial[class], (uint32_t)i);
    return i;
}

static void *
alloc_slot(struct wr_slab *s, uint32_t class)
{
    int32_t i = page_for(s, class);
    struct page *p;
    uint32_t slot = 0, w = 0;

    if (i == NONE) {
        return NULL;
    }
    p = &s->pages[i];
    while (p->used[w] == UINT64_MAX) {
        w++;
    }
    slot = w * 64 + (uint32_t)__builtin_ctzll(~p->used[w]);
    WR_ASSERT(slot < slots_of(class));
    p->used[w] |= UINT64_C(1) << slot % 64;
    if (++p->count == slots_of(class)) {
        drop(s, &s->partial[class], (uint32_t)i);
    }
    s->used += class_size[class];
    return memset(s->data + (size_t)i * WR_SLAB_PAGE + (size_t)slot * class_size[class], 0,
                  class_size[class]);
}

static bool
free_slot(struct wr_slab *s, uint32_t i, size_t inside)
{
    struct page *p = &s->pages[i];
    uint32_t class = p->kind - 1;
    uint32_t slot = (uint32_t)(inside / class_size[class]);
    uint64_t bit = UINT64_C(1) << slot % 64;

    if (inside % class_size[class] != 0 || slot >= slots_of(class) ||
        (p->used[slot / 64] & bit) == 0) {
        return false;
    }
    p->used[slot / 64] &= ~bit;
    s->used -= class_size[class];
    if (p->count-- == slots_of(class)) {
        push(s, &s->partial[class], i);
    }
    if (p->count == 0) {
        drop(s, &s->partial[class], i);
        give_pages(s, i, 1);
    }
    return true;
}

/* ---- The two calls. ---- */

void *
wr_slab_alloc(struct wr_slab *s, size_t size)
{
    WR_CHECK(s, TAG);
    if (size == 0 || size > (size_t)s->n * WR_SLAB_PAGE) {
        return NULL;
    }
    return size <= CLASS_MAX ? alloc_slot(s, class_for(s, size)) : alloc_run(s, size);
}

bool
wr_slab_free(struct wr_slab *s, void *p)
{
    uintptr_t offset = (uintptr_t)p - (uintptr_t)s->data;
    uint32_t i = (uint32_t)(offset / WR_SLAB_PAGE);

    WR_CHECK(s, TAG);
    if ((uintptr_t)p < (uintptr_t)s->data || offset / WR_SLAB_PAGE >= s->n ||
        s->pages[i].kind == FREE) {
        return false;
    }
    if (s->pages[i].kind != RUN) {
        return free_slot(s, i, offset % WR_SLAB_PAGE);
    }
    if (offset % WR_SLAB_PAGE != 0) {
        return false;
    }
    s->used -= (size_t)s->pages[i].pages * WR_SLAB_PAGE;
    give_pages(s, i, s->pages[i].pages);
    return true;
}

size_t
wr_slab_size(const struct wr_slab *s)
{
    return (size_t)s->n * WR_SLAB_PAGE;
}

size_t
wr_slab_used(const struct wr_slab *s)
{
    return s->used;
}
