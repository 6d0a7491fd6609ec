/* slice/slice.h - spans of bytes, as Range and Content-Range say them. */
#ifndef SLICE_SLICE_H
#define SLICE_SLICE_H

#include <weir/weir.h>

struct span {
    uint64_t from, to; /* to: behind the last byte */
};

/* "bytes 0-99/1000". False: another unit, an unknown total, or no sense. [RFC 9110 14.4] */
bool span_parse_content(weir_str value, struct span *span, uint64_t *total);
weir_str span_print_content(weir_pool *pool, const struct span *span, uint64_t total);

/* The one span that Range asks for, of so many bytes. False: none, several, or behind the end: then
 * the whole is answered. [RFC 9110 14.2] */
bool span_parse_wanted(weir_str value, uint64_t total, struct span *span);

/* Where it begins, as far as that can be told without a total; else 0. */
uint64_t span_first(weir_str value);

#endif
