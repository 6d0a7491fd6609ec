/* wire/fields.c - adding to, removing from and searching a set of header fields. */
#include "wire/fields.h"

#include <string.h>

#include "base/assert.h"
#include "wire/chars.h"
#include "wire/http1_head.h"
#include "wire/names.h"

struct wr_fields wr_fields_none = { .shared = true };

/* A bit for a name without id, by bytes that names of one family differ in (Sec-Fetch-Mode, -Site);
 * the factors move the bit that upper and lower case differ by out of the mask. */
static inline uint64_t
name_bit(weir_str name)
{
    size_t last = (uint8_t)name.data[name.len - 1];
    size_t third = (uint8_t)name.data[name.len > 2 ? name.len - 3 : 0];
    size_t middle = (uint8_t)name.data[name.len / 2];

    return UINT64_C(1) << ((name.len + 2 * (last + middle) + 6 * third) & 63);
}

/* Put h behind the last field of its name, of which there is one, or may be. */
static void
link_same(struct wr_fields *f, weir_header *h)
{
    weir_header *same = (weir_header *)(uintptr_t)(h->id != 0 ? f->index[h->id]
                                                               : wr_fields_find(f, h->name));

    if (same == NULL) {
        return;
    }
    while (same->same != NULL) {
        same = (weir_header *)(uintptr_t)same->same;
    }
    same->same = h;
}

/* Put h at the end, of the list and of those that have its name. */
static inline void
append(struct wr_fields *f, weir_header *h)
{
    if (h->id != 0 && f->index[h->id] == NULL) {
        f->index[h->id] = h;
    } else if (h->id != 0) {
        link_same(f, h);
    } else { /* a name like no other one before it need not be looked for */
        uint64_t bit = name_bit(h->name);
        if ((f->seen & bit) != 0) {
            link_same(f, h);
        }
        f->seen |= bit;
    }
    if (f->first == NULL) {
        f->first = h;
    } else {
        f->last->next = h;
    }
    f->last = h;
    f->n++;
}

void
wr_fields_append(struct wr_fields *f, weir_header *h)
{
    append(f, h);
}

/* One pass over what the parser found; a field costs 30 instructions, in a pass to copy and one to link 48. */
void
wr_fields_take(struct wr_fields *f, weir_header *all, const struct wr_head_field *from, uint32_t n,
               const char *base, uint64_t skip)
{
    weir_header *h = all, *last = NULL;
    uint64_t seen = 0;

    WR_ASSERT(!f->shared && f->first == NULL);
    for (const struct wr_head_field *end = from + n; from != end; from++) {
        if ((skip >> from->id & 1) != 0) {
            continue;
        }
        h->name = (weir_str){ base + from->name_at, from->name_len };
        h->value = (weir_str){ base + from->value_at, from->value_len };
        h->next = h->same = NULL;
        h->id = from->id;
        h->flags = from->flags;
        if (h->id != 0 && f->index[h->id] == NULL) {
            f->index[h->id] = h;
        } else if (h->id != 0) {
            link_same(f, h);
        } else {
            uint64_t bit = name_bit(h->name);
            if ((seen & bit) != 0) {
                link_same(f, h);
            }
            seen |= bit;
        }
        if (last != NULL) {
            last->next = h;
        } else {
            f->first = h;
        }
        last = h++;
    }
    f->last = last;
    f->n = (uint32_t)(h - all);
    f->seen = seen;
}

weir_header *
wr_fields_add(struct wr_fields *f, weir_pool *pool, weir_str name, weir_str value, uint32_t id)
{
    weir_header *h = wr_pool_alloc(pool, sizeof(*h));

    WR_ASSERT(!f->shared && id < WR_FIELDS);
    *h = (weir_header){ .name = name, .value = value, .id = id };
    wr_fields_append(f, h);
    return h;
}

/* A copy of `from` at h. */
static inline void
copy_field(weir_header *h, const weir_header *from)
{
    h->name = from->name;
    h->value = from->value;
    h->next = h->same = NULL;
    h->id = from->id;
    h->flags = from->flags;
}

void
wr_fields_pass(struct wr_fields *f, weir_pool *pool, const weir_header *from,
               const struct wr_fields_filter *which)
{
    WR_ASSERT(!f->shared);
    for (; from != NULL; from = from->next) {
        uint64_t bit = UINT64_C(1) << from->id;
        weir_header *h;
        if ((which->skip & bit) != 0 ||
            ((which->ask & bit) != 0 && !which->asked(which->data, from))) {
            continue;
        }
        h = wr_pool_alloc(pool, sizeof(*h));
        copy_field(h, from);
        append(f, h);
    }
}

size_t
weir_fields_size(uint32_t n, size_t bytes)
{
    return n * (sizeof(weir_header) + strlen(": \r\n")) + bytes;
}

/* One line: the field's name and value are slices of it. Answers what is behind it. */
static char *
make_line(struct wr_fields *f, weir_header *h, char *at, weir_str name, weir_str value, uint32_t id)
{
    *h = (weir_header){ .name = { at, name.len }, .id = id, .flags = WEIR_HEADER_LINE };
    memcpy(at, name.data, name.len);
    at += name.len;
    *at++ = ':';
    *at++ = ' ';
    h->value = (weir_str){ at, value.len };
    if (value.len != 0) {
        memcpy(at, value.data, value.len);
    }
    at += value.len;
    *at++ = '\r';
    *at++ = '\n';
    append(f, h);
    return at;
}

/* The n fields in f, which is empty, and their lines behind one another. */
static weir_str
make_lines(struct wr_fields *f, void *to, const weir_pair *fields, uint32_t n)
{
    weir_header *all = to;
    char *lines = (char *)(all + n), *at = lines;

    for (uint32_t i = 0; i < n; i++) {
        at = make_line(f, &all[i], at, fields[i].name, fields[i].value, wr_name_id(fields[i].name));
    }
    return (weir_str){ lines, (size_t)(at - lines) };
}

const weir_header *
weir_fields_make(void *to, const weir_pair *fields, uint32_t n)
{
    struct wr_fields f = { .first = NULL };

    (void)make_lines(&f, to, fields, n);
    return f.first;
}

const weir_header *
weir_fields_copy(void *to, const weir_header *first, uint32_t n)
{
    struct wr_fields f = { .first = NULL };
    weir_header *h = to;
    char *at = (char *)(h + n);

    for (; first != NULL; first = first->next, h++) {
        at = make_line(&f, h, at, first->name, first->value, first->id);
    }
    return f.first;
}

struct wr_fields *
wr_fields_ready(weir_pool *pool, const weir_pair *fields, uint32_t n)
{
    struct wr_fields *f = wr_pool_zalloc(pool, sizeof(*f));
    size_t bytes = 0;

    for (uint32_t i = 0; i < n; i++) {
        bytes += fields[i].name.len + fields[i].value.len;
    }
    f->lines = make_lines(f, wr_pool_alloc(pool, weir_fields_size(n, bytes)), fields, n);
    f->shared = true;
    return f;
}

static bool
is_called(const weir_header *h, weir_str name, uint32_t id)
{
    return id != 0 ? h->id == id : h->id == 0 && weir_str_ieq(h->name, name);
}

uint32_t
wr_fields_remove(struct wr_fields *f, weir_str name, uint32_t id)
{
    weir_header *before = NULL, *h = f->first;
    uint32_t removed = 0;

    WR_ASSERT(!f->shared);
    if (id != 0 && f->index[id] == NULL) {
        return 0;
    }
    while (h != NULL) {
        weir_header *next = (weir_header *)(uintptr_t)h->next;
        if (is_called(h, name, id)) {
            if (before == NULL) {
                f->first = next;
            } else {
                before->next = next;
            }
            removed++;
        } else {
            before = h;
        }
        h = next;
    }
    f->last = before;
    f->n -= removed;
    if (id != 0) {
        f->index[id] = NULL;
    }
    return removed;
}

const weir_header *
wr_fields_find(const struct wr_fields *f, weir_str name)
{
    for (const weir_header *h = f->first; h != NULL; h = h->next) {
        if (h->name.len == name.len && weir_str_ieq(h->name, name)) {
            return h;
        }
    }
    return NULL;
}

struct wr_fields *
wr_fields_copy(const struct wr_fields *f, weir_pool *pool)
{
    struct wr_fields *copy = wr_pool_zalloc(pool, sizeof(*copy));
    weir_header *to = wr_pool_alloc(pool, f->n * sizeof(*to));

    for (const weir_header *h = f->first; h != NULL; h = h->next, to++) {
        copy_field(to, h);
        append(copy, to);
    }
    return copy;
}

/* Eight bytes at a time: is none of them below 0x20 (but for what a slow look may forgive), and
 * none 0x7f? */
static inline bool
eight_plain(const char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t x, below, rubout;

    memcpy(&x, p, 8);
    below = (x - ones * 0x20) & ~x & tops;
    rubout = x ^ (ones * 0x7f);
    rubout = (rubout - ones) & ~rubout & tops;
    return (below | rubout) == 0;
}

bool
wr_value_valid(weir_str value)
{
    while (value.len >= 8 && eight_plain(value.data)) {
        value.data += 8;
        value.len -= 8;
    }
    return wr_char_all(value, WR_CHAR_VALUE);
}

bool
wr_field_valid(weir_str name, weir_str value)
{
    return wr_char_is_token(name) && wr_value_valid(value);
}
