/* cache/tags.c - names that responses are given, to be purged by. */
#include "tags.h"

#include "list.h"

/* FNV-1a. Two tags of one number cost a purge too much, never a wrong answer. */
static uint64_t
add(uint64_t h, weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        h = (h ^ (unsigned char)s.data[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

uint64_t
tag_hash(weir_str origin, weir_str tag)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    if (origin.data != NULL) {
        h = add(add(h, origin), WEIR_STR("\n"));
    }
    h = add(h, tag);
    return h != 0 ? h : 1;
}

/* A list of strings; what is none is passed over. */
static uint32_t
read_groups(const weir_header *fields, weir_str name, weir_str origin, uint64_t *to, uint32_t n,
            uint32_t max)
{
    for (const weir_header *h = fields; h != NULL; h = h->next) {
        weir_str rest = h->value, member;
        if (h->id != WEIR_H_OTHER || !weir_str_ieq(h->name, name)) {
            continue;
        }
        while (n < max && weir_list_next(&rest, &member)) {
            size_t end =
                member.len > 1 ? weir_str_find(weir_str_cut(member, 1, SIZE_MAX), '"') + 1 : 0;
            if (end < member.len && member.data[0] == '"') {
                to[n++] = tag_hash(origin, weir_str_cut(member, 1, end - 1));
            }
        }
    }
    return n;
}

static bool
is_divider(char c)
{
    return c == ' ' || c == '\t' || c == ',';
}

static uint32_t
read_words(weir_str text, uint64_t *to, uint32_t n, uint32_t max)
{
    size_t at = 0;

    while (n < max && at < text.len) {
        size_t from;
        while (at < text.len && is_divider(text.data[at])) {
            at++;
        }
        from = at;
        while (at < text.len && !is_divider(text.data[at])) {
            at++;
        }
        if (at != from) {
            to[n++] = tag_hash((weir_str){ NULL, 0 }, weir_str_cut(text, from, at - from));
        }
    }
    return n;
}

uint32_t
tags_read(const weir_header *fields, const weir_strs *names, weir_str origin, uint64_t *to,
          uint32_t max)
{
    uint32_t n = read_groups(fields, WEIR_STR("Cache-Groups"), origin, to, 0, max);

    for (const weir_header *h = fields; h != NULL; h = h->next) {
        for (size_t i = 0; h->id == WEIR_H_OTHER && i < names->count; i++) {
            if (weir_str_ieq(h->name, names->at[i])) {
                n = read_words(h->value, to, n, max);
            }
        }
    }
    return n;
}

uint32_t
tags_read_invalidation(const weir_header *fields, weir_str origin, uint64_t *to, uint32_t max)
{
    return read_groups(fields, WEIR_STR("Cache-Group-Invalidation"), origin, to, 0, max);
}
