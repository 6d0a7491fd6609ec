/* wire/media_type.h - Content-Type values: their parts, and whether a list of types names them. */
#ifndef WR_WIRE_MEDIA_TYPE_H
#define WR_WIRE_MEDIA_TYPE_H

#include <stdbool.h>
#include <weir/base.h>

struct wr_media_type {
    weir_str essence; /* "text/html", as sent */
    weir_str type;    /* "text" */
    weir_str subtype; /* "html" */
    weir_str params;  /* what follows the first ';', for wr_field_param; empty without */
};

/* Part a Content-Type. False when type and subtype are not tokens with a '/' between.  [RFC 9110 8.3.1] */
bool wr_media_type_parse(weir_str field, struct wr_media_type *type);

/* The charset parameter, quotes taken off; absent when there is none. A view of params. */
weir_str wr_media_type_charset(const struct wr_media_type *type);

/*
 * Does pattern name the type?
 *
 * essence  type "/" subtype, without parameters or blanks; empty for a response without a type
 * pattern  an essence, "type" "/" "*", or "*" for any, the empty one too
 *
 * Letters of either case are the same.
 */
bool wr_media_type_matches(weir_str essence, weir_str pattern);

/* The same for any of the weir_str in patterns. */
bool wr_media_type_is_listed(weir_str essence, weir_items patterns);

#endif
