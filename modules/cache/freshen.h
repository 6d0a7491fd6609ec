/* cache/freshen.h - bringing a stored response's fields up to date by a newer head's. */
#ifndef CACHE_FRESHEN_H
#define CACHE_FRESHEN_H

#include <weir/request.h>

struct field_list {
    weir_header *first, *last;
    uint32_t count;
};

/* Append a copy of h (not of its bytes) to the list, ->same filled in. */
void field_add(weir_pool *pool, struct field_list *list, const weir_header *h);

/* The first field of a list with that id (WEIR_H_*, not OTHER); NULL: none. */
const weir_header *field_by_id(const weir_header *list, uint32_t id);

/* The stored fields, each that `newer` has too replaced by all of newer's lines of that name, and
 * what only newer has at the end. But for what describes the stored body itself, which stays as it
 * was: Content-Length, Content-Encoding, Content-Range, Content-MD5, ETag. skip: fields of newer that do not count, by 1 << WEIR_H_*. [RFC 9111 3.2] */
struct field_list freshen_merge(weir_pool *pool, const weir_header *stored, const weir_header *newer,
                                uint64_t skip);

/* Does `newer` bring to the stored fields what they do not say already, but for another Date? */
bool freshen_changes(const weir_header *stored, const weir_header *newer, uint64_t skip);

/* May the head that answered a HEAD stand for the stored response? Each validator that it has must be
 * the stored one's, and so must a length. [RFC 9111 4.3.5] */
bool freshen_agrees(const weir_header *stored, int64_t stored_length, const weir_header *newer);

#endif
