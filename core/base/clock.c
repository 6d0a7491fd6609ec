/* base/clock.c - reading and formatting time; texts are made again only when the second changes. */
#include "base/clock.h"

#include <time.h>

#include "base/assert.h"

struct wr_clock wr_clock;

static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static char *
two(char *to, int n)
{
    *to++ = (char)('0' + n / 10 % 10);
    *to++ = (char)('0' + n % 10);
    return to;
}

void
wr_clock_format_http(char *to, int64_t seconds)
{
    time_t t = (time_t)WR_MIN(WR_MAX(seconds, 0), INT64_C(253402300799));
    struct tm tm;

    (void)gmtime_r(&t, &tm);
    memcpy(to, days[tm.tm_wday], 3);
    memcpy(to + 3, ", ", 2);
    to = two(to + 5, tm.tm_mday);
    *to++ = ' ';
    memcpy(to, months[tm.tm_mon], 3);
    to[3] = ' ';
    to = two(two(to + 4, (tm.tm_year + 1900) / 100), tm.tm_year + 1900);
    *to++ = ' ';
    to = two(to, tm.tm_hour);
    *to++ = ':';
    to = two(to, tm.tm_min);
    *to++ = ':';
    to = two(to, tm.tm_sec);
    memcpy(to, " GMT", 5);
}

/* Local time in the three forms that logs use; weir never calls setlocale, so strftime speaks English. */
static void
format_local(int64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    size_t n;

    (void)localtime_r(&t, &tm);
    (void)strftime(wr_clock.log_time, sizeof(wr_clock.log_time), "%Y/%m/%d %H:%M:%S", &tm);
    wr_clock.clf_len =
        strftime(wr_clock.clf_time, sizeof(wr_clock.clf_time), "%d/%b/%Y:%H:%M:%S %z", &tm);
    n = strftime(wr_clock.iso_time, sizeof(wr_clock.iso_time), "%Y-%m-%dT%H:%M:%S%z", &tm);
    if (n > 2) { /* +0100 becomes +01:00 */
        char *minutes = wr_clock.iso_time + n - 2;
        memmove(minutes + 1, minutes, 3);
        *minutes = ':';
    }
}

void
wr_clock_update(void)
{
    struct timespec mono, wall;

    (void)clock_gettime(CLOCK_MONOTONIC, &mono);
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    wr_clock.now_us = (uint64_t)mono.tv_sec * 1000000 + (uint64_t)mono.tv_nsec / 1000;
    wr_clock.now_ms = wr_clock.now_us / 1000;
    wr_clock.wall_ms = (uint32_t)(wall.tv_nsec / 1000000);
    if (wall.tv_sec != wr_clock.wall_s || wr_clock.http_date[0] == '\0') {
        wr_clock.wall_s = wall.tv_sec;
        wr_clock_format_http(wr_clock.http_date, wall.tv_sec);
        memcpy(wr_clock.http_date + 29, "\r\n", 3);
        format_local(wall.tv_sec);
    }
}

uint64_t
weir_now(void)
{
    return wr_clock.now_ms;
}

int64_t
weir_wall_clock(void)
{
    return wr_clock.wall_s;
}
