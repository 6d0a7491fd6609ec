/* base/clock.h - the one clock: monotonic time for waiting, wall time for people, both read once a turn of the loop.
 *
 * The event loop calls wr_clock_update; everything else reads the stored values, so that a request costs no clock call.
 */
#ifndef WR_BASE_CLOCK_H
#define WR_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <weir/base.h>

struct wr_clock {
    uint64_t now_ms;    /* monotonic */
    uint64_t now_us;    /* the same in microseconds */
    int64_t wall_s;     /* seconds since 1970 */
    uint32_t wall_ms;   /* 0..999 of the current second */
    char http_date[32]; /* "Sun, 06 Nov 1994 08:49:37 GMT\r\n": 29 bytes, the line end, a zero  [RFC 9110 5.6.7] */
    char log_time[32];  /* "2026/11/22 10:11:12" for the error log, local time */
    char clf_time[32];  /* "22/Nov/2026:10:11:12 +0000", $time_local */
    size_t clf_len;
    char iso_time[32];  /* "2026-11-22T10:11:12+00:00", $time_iso8601 */
};

/* The clock of this process. Texts change when the second does. */
extern struct wr_clock wr_clock;

/* Read the system's clocks. */
void wr_clock_update(void);

/* seconds since 1970 as an IMF-fixdate (29 bytes) at `to`, which has room for 30. Years 1970..9999, else clamped. */
void wr_clock_format_http(char *to, int64_t seconds);

#endif
