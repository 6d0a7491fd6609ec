/* wire/cookie.h - one cookie of a Cookie field; several such lines are asked one after another. */
#ifndef WR_WIRE_COOKIE_H
#define WR_WIRE_COOKIE_H

#include <stdbool.h>
#include <weir/base.h>

/* The value of the first cookie `name`: absent when there is none, empty for `name=`. fold: letters of either case are the
 * same, for names that come from variables ($cookie_NAME). */
weir_str wr_cookie_find(weir_str field, weir_str name, bool fold);

#endif
