/* http/location.c - finding the location of a path.
 *
 * The plain locations of a block are one array in order of their names. The last name that is not
 * behind the path is the path itself or begins with the longest prefix there is, so one binary
 * search and a walk over links to ever shorter prefixes find it: every name that the path begins
 * with is on that chain.
 */
#include "http/location.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/str.h"
#include "http/build.h"
#include "http/regex.h"
#include "http/request.h"

#define NONE UINT32_MAX /* no entry */

struct entry {
    uint64_t key; /* the name's first eight bytes, in an order that is that of names */
    weir_str name;
    const struct wr_location *exact;  /* "= name"; NULL: none */
    const struct wr_location *prefix; /* "name" or "^~ name"; NULL: none */
    uint32_t shorter; /* the longest other entry with a prefix that name begins with */
};

struct wr_locations {
    struct entry *entries;
    uint32_t n;
    bool add_slashes; /* one of them adds_slash */
    uint32_t n_regexes;
    struct wr_location **regexes; /* in order of the file */
    struct wr_regex_gate *gates;  /* of the regexes, side by side for a walk over them */
};

/* The first eight bytes of s as a number that orders as they do; zeros stand for those it has not. */
static inline uint64_t
key_of(weir_str s)
{
    uint64_t key = 0;
    uint32_t first, last;

    if (s.len >= 8) {
        memcpy(&key, s.data, 8);
        return be64toh(key);
    }
    if (s.len >= 4) { /* two pieces that overlap */
        memcpy(&first, s.data, 4);
        memcpy(&last, s.data + s.len - 4, 4);
        return (uint64_t)be32toh(first) << 32 | (uint64_t)be32toh(last) << 8 * (8 - s.len);
    }
    for (size_t i = 0; i < s.len; i++) {
        key |= (uint64_t)(uint8_t)s.data[i] << 8 * (7 - i);
    }
    return key;
}

/* ---- Making. ---- */

static int
compare(const void *a, const void *b)
{
    const struct wr_location *x = *(struct wr_location *const *)a;
    const struct wr_location *y = *(struct wr_location *const *)b;
    int order = wr_str_cmp(x->name, y->name);

    if (order != 0) {
        return order;
    }
    /* Equal names in order of the file, so that the first is the first. */
    return x->node->words[0].line < y->node->words[0].line       ? -1
           : x->node->words[0].line > y->node->words[0].line     ? 1
           : x->node->words[0].column < y->node->words[0].column ? -1
                                                                 : 1;
}

static void
report_duplicate(struct weir_conf *cf, const struct wr_location *loc,
                 const struct wr_location *first)
{
    wr_diag_error(cf->diag, wr_conf_place(loc->node, loc->node->n_words - 1),
                  wr_build_first(cf, first->node), "duplicate location \"%.*s\"",
                  WEIR_FMT(loc->name));
}

static void
add_plain(struct weir_conf *cf, struct wr_locations *l, const struct wr_location *loc)
{
    struct entry *e = l->n != 0 ? &l->entries[l->n - 1] : NULL;
    const struct wr_location **at;

    if (e == NULL || !weir_str_eq(e->name, loc->name)) {
        e = &l->entries[l->n++];
        e->name = loc->name;
        e->key = key_of(loc->name);
    }
    at = loc->kind == WR_LOC_EXACT ? &e->exact : &e->prefix;
    if (*at != NULL) {
        report_duplicate(cf, loc, *at);
        return;
    }
    *at = loc;
    l->add_slashes |= loc->adds_slash;
}

static void
link_shorter(struct wr_locations *l)
{
    for (uint32_t i = 0; i < l->n; i++) {
        uint32_t up = i != 0 ? i - 1 : NONE;
        while (up != NONE && (l->entries[up].prefix == NULL ||
                              !weir_str_starts(l->entries[i].name, l->entries[up].name))) {
            up = l->entries[up].shorter;
        }
        l->entries[i].shorter = up;
    }
}

static void
add_regexes(struct weir_conf *cf, struct wr_locations *l, const struct wr_vec *list, uint32_t n)
{
    l->regexes = wr_pool_array(cf->pool, struct wr_location *, n);
    l->gates = wr_pool_array(cf->pool, struct wr_regex_gate, n);
    WR_VEC_EACH(struct wr_location *, loc, list)
    {
        if ((*loc)->kind == WR_LOC_REGEX) {
            if ((*loc)->regex != NULL) { /* else it is wrong, and nothing will be served */
                l->gates[l->n_regexes] = wr_regex_gate((*loc)->regex);
            }
            l->regexes[l->n_regexes++] = *loc;
        }
    }
}

struct wr_locations *
wr_locations_create(struct weir_conf *cf, const struct wr_vec *list)
{
    struct wr_locations *l;
    struct wr_location **plain;
    uint32_t n = 0;

    if (list->count == 0) {
        return NULL;
    }
    l = wr_pool_zalloc(cf->pool, sizeof(*l));
    plain = wr_pool_array(wr_conf_scratch(cf), struct wr_location *, list->count);
    WR_VEC_EACH(struct wr_location *, loc, list)
    {
        if ((*loc)->kind != WR_LOC_REGEX) {
            plain[n++] = *loc;
        }
    }
    add_regexes(cf, l, list, (uint32_t)list->count - n);
    qsort(plain, n, sizeof(struct wr_location *), compare);
    l->entries = wr_pool_array(cf->pool, struct entry, n);
    for (uint32_t i = 0; i < n; i++) {
        add_plain(cf, l, plain[i]);
    }
    link_shorter(l);
    return l;
}

struct wr_location *const *
wr_locations_regexes(const struct wr_locations *l, uint32_t *n)
{
    *n = l != NULL ? l->n_regexes : 0;
    return l != NULL ? l->regexes : NULL;
}

const struct wr_location *
wr_locations_plain(const struct wr_locations *l, uint32_t i, const struct wr_location **exact)
{
    if (l == NULL || i >= l->n) {
        *exact = NULL;
        return NULL;
    }
    *exact = l->entries[i].exact;
    return l->entries[i].prefix;
}

uint32_t
wr_locations_count(const struct wr_locations *l)
{
    return l != NULL ? l->n : 0;
}

/* ---- Finding. ---- */

/* The last entry whose name is not behind path in order, or NONE. */
static uint32_t
last_not_behind(const struct wr_locations *l, weir_str path)
{
    uint64_t key = key_of(path);
    uint32_t low = 0, high = l->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct entry *e = &l->entries[middle];
        /* A name no longer than the key, which has no zero, begins the path when the keys are equal. */
        if (e->key < key ||
            (e->key == key && (e->name.len <= 8 || wr_str_cmp(e->name, path) <= 0))) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low != 0 ? low - 1 : NONE;
}

/* How many bytes name and path have in common at their beginning. */
static size_t
common(weir_str name, weir_str path)
{
    size_t n = 0, max = WR_MIN(name.len, path.len);

    if (weir_str_starts(path, name)) { /* as nearly always */
        return name.len;
    }
    while (n < max && name.data[n] == path.data[n]) {
        n++;
    }
    return n;
}

/* The exact location or the longest prefix of path, or NULL. */
static const struct wr_location *
find_plain(const struct wr_locations *l, weir_str path)
{
    uint32_t i = last_not_behind(l, path);
    size_t same;

    if (i == NONE) {
        return NULL;
    }
    same = common(l->entries[i].name, path);
    if (same == path.len && same == l->entries[i].name.len && l->entries[i].exact != NULL) {
        return l->entries[i].exact;
    }
    while (i != NONE && (l->entries[i].name.len > same || l->entries[i].prefix == NULL)) {
        i = l->entries[i].shorter;
    }
    return i != NONE ? l->entries[i].prefix : NULL;
}

/* The location whose name is path and a slash, if it adds that. NULL: none. */
static const struct wr_location *
find_with_slash(const struct wr_locations *l, weir_str path)
{
    uint32_t i = path.len != 0 && path.data[path.len - 1] != '/' ? last_not_behind(l, path) + 1 : l->n;

    for (; i < l->n && weir_str_starts(l->entries[i].name, path); i++) { /* NONE + 1 is 0 */
        const struct wr_location *loc = l->entries[i].prefix;
        if (l->entries[i].name.len == path.len + 1 && loc != NULL && loc->adds_slash) {
            return loc;
        }
    }
    return NULL;
}

enum found { FOUND_PREFIX, FOUND_FINAL, FOUND_NOTHING, FOUND_FAULT };

static enum found search(struct wr_request *r, const struct wr_locations *l, weir_str path,
                         const struct wr_location **loc);

/* The first regular expression of l that matches path: *loc becomes what is found there. */
static enum found
search_regexes(struct wr_request *r, const struct wr_locations *l, weir_str path,
               const struct wr_location **loc)
{
    struct wr_regex_gate key = wr_regex_gate_key(path);

    for (uint32_t i = 0; i < l->n_regexes; i++) {
        int rc;
        if (!wr_regex_gate_opens(&l->gates[i], &key)) {
            continue;
        }
        rc = wr_regex_match(r, l->regexes[i]->regex, path);
        if (rc == WEIR_OK) {
            *loc = l->regexes[i];
            return search(r, l->regexes[i]->inner, path, loc) == FOUND_FAULT ? FOUND_FAULT
                                                                             : FOUND_FINAL;
        }
        if (rc != WEIR_ABSENT) {
            return FOUND_FAULT;
        }
    }
    return FOUND_NOTHING;
}

/* Look inside *loc, whose locations are l: *loc becomes what is found there. FOUND_FINAL ends the
 * whole search, FOUND_PREFIX leaves the regular expressions of the blocks around to be tried. The
 * depth is that of the file, which its reader bounds. */
static enum found
search(struct wr_request *r, const struct wr_locations *l, weir_str path,
       const struct wr_location **loc)
{
    const struct wr_location *plain = l != NULL ? find_plain(l, path) : NULL;
    enum found found = FOUND_NOTHING, by_regex;

    if (l != NULL && l->add_slashes && (plain == NULL || plain->name.len != path.len)) {
        const struct wr_location *longer = find_with_slash(l, path);
        if (longer != NULL) {
            *loc = longer;
            return FOUND_FINAL;
        }
    }
    if (plain != NULL) {
        *loc = plain;
        if (plain->kind == WR_LOC_EXACT) {
            return FOUND_FINAL;
        }
        found = plain->inner != NULL ? search(r, plain->inner, path, loc) : FOUND_NOTHING;
        if (found == FOUND_FINAL || found == FOUND_FAULT) {
            return found;
        }
        found = FOUND_PREFIX;
        if (plain->kind == WR_LOC_PREFIX_FINAL) {
            return found;
        }
    }
    if (l == NULL || l->n_regexes == 0) {
        return found;
    }
    by_regex = search_regexes(r, l, path, loc);
    return by_regex != FOUND_NOTHING ? by_regex : found;
}

const struct wr_location *
wr_location_find(struct wr_request *r, const struct wr_location *base, weir_str path)
{
    const struct wr_location *loc = base;

    return search(r, base->inner, path, &loc) != FOUND_FAULT ? loc : NULL;
}

const struct wr_location *
wr_location_named(const struct wr_location *base, weir_str name)
{
    return base->named != NULL ? wr_map_find(base->named, name) : NULL;
}

const struct wr_location *
wr_location_limit(const struct wr_location *loc, const struct wr_request *r)
{
    if (loc->limited == NULL || (r->pub.method & loc->limit_methods) != 0) {
        return loc;
    }
    for (size_t i = 0; i < loc->limit_names.count; i++) {
        if (weir_str_eq(loc->limit_names.at[i], r->pub.method_name)) {
            return loc;
        }
    }
    return loc->limited;
}
