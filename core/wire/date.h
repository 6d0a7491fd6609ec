/* wire/date.h - reading HTTP dates; base/clock.h writes them. */
#ifndef WR_WIRE_DATE_H
#define WR_WIRE_DATE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

/*
 * Read an HTTP-date.
 *
 * text     exactly an IMF-fixdate, an RFC 850 date or an asctime date: case, blanks and digits as the grammar has them, GMT
 *          only, a day the month has; the name of the weekday must be one but is not held against the date
 * now_s    seconds since 1970; the two-digit year of RFC 850 is the one of this century, or of the last when that would be
 *          more than 50 years ahead
 * seconds  out: seconds since 1970, negative before; a leap second is the second after it
 *
 * False for anything else.  [RFC 9110 5.6.7]
 */
bool wr_date_parse(weir_str text, int64_t now_s, int64_t *seconds);

#endif
