/* wire/media_type.h - does a list of media types name the one that a response has? */
#ifndef WR_WIRE_MEDIA_TYPE_H
#define WR_WIRE_MEDIA_TYPE_H

#include <stdbool.h>
#include <weir/base.h>

/*
 * Does pattern name the type?
 *
 * essence  type "/" subtype, without parameters or blanks; empty for a response without a type
 * pattern  an essence, "type" "/" "*", or "*" for any, the empty one too
 *
 * Letters of either case are the same, and so are the names of one type: text/javascript, application/javascript and
 * application/x-javascript [RFC 9239 6]; application/xml and text/xml [RFC 7303 9.2].
 */
bool wr_media_type_matches(weir_str essence, weir_str pattern);

/* The same for any of the weir_str in patterns. */
bool wr_media_type_is_listed(weir_str essence, weir_items patterns);

#endif
