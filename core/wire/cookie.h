/* wire/cookie.h - the pairs of a Cookie field; several such lines are asked one after another. */
#ifndef WR_WIRE_COOKIE_H
#define WR_WIRE_COOKIE_H

#include <stdbool.h>
#include <weir/base.h>

/* The next pair of *rest: blanks around name and value gone, quotes kept, nothing decoded. A pair without '=' is a cookie
 * without a name, as browsers have it. Empty pairs are passed over. False at the end.  [RFC 6265 4.2] */
bool wr_cookie_next(weir_str *rest, weir_str *name, weir_str *value);

/* The value of the first cookie `name`: absent when there is none, empty for `name=`. fold: letters of either case are the
 * same, for names that come from variables ($cookie_NAME). */
weir_str wr_cookie_find(weir_str field, weir_str name, bool fold);

#endif
