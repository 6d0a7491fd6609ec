/* cache/tags.h - names that responses are given, to be purged by. */
#ifndef CACHE_TAGS_H
#define CACHE_TAGS_H

#include <weir/request.h>

/* The number that stands for a tag. origin: for a group of RFC 9875, "https://a.example", which only
 * counts within it; absent: for a tag of the operator's. */
uint64_t tag_hash(weir_str origin, weir_str tag);

/* Numbers of the tags in these response fields, at most max: of Cache-Groups, and of the fields in
 * `names`, whose members are parted by blanks or commas. How many. [RFC 9875 2] */
uint32_t tags_read(const weir_header *fields, const weir_strs *names, weir_str origin, uint64_t *to,
                   uint32_t max);

/* Those of Cache-Group-Invalidation. [RFC 9875 3] */
uint32_t tags_read_invalidation(const weir_header *fields, weir_str origin, uint64_t *to,
                                uint32_t max);

/* Is `tag` one of the n? */
static inline bool
tags_have(const uint64_t *tags, uint32_t n, uint64_t tag)
{
    for (uint32_t i = 0; i < n; i++) {
        if (tags[i] == tag) {
            return true;
        }
    }
    return false;
}

#endif
