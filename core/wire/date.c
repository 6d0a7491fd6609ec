/* wire/date.c - the three date forms: the usual one by the places of its parts, the old ones as patterns, in which a letter
 * stands for a part, any other byte for itself. */
#include "wire/date.h"

#include "base/clock.h"

#include <string.h>

#include "base/assert.h"

enum { DAY_S = 86400, YEARS_AHEAD = 50 };

struct parts {
    int year, month, day, hour, minute, second; /* month from 0 */
};

/* The two old forms as patterns. w weekday of 3 letters, n month of 3 letters, D day, d day with a blank for a leading zero,
 * Y year of 4 digits, y of 2, H hour, i minute, s second */
static const char rfc850[] = ", D-n-y H:i:s GMT"; /* after the weekday's whole name */
static const char asctime_date[] = "w n d H:i:s Y";

static const char weekdays[7][10] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday" };

/* Names of three letters as numbers, which are compared at once. */
#define LETTERS(a, b, c) ((uint32_t)(uint8_t)(a) << 16 | (uint32_t)(uint8_t)(b) << 8 | (uint8_t)(c))
static const uint32_t months[12] = {
    LETTERS('J', 'a', 'n'), LETTERS('F', 'e', 'b'), LETTERS('M', 'a', 'r'), LETTERS('A', 'p', 'r'),
    LETTERS('M', 'a', 'y'), LETTERS('J', 'u', 'n'), LETTERS('J', 'u', 'l'), LETTERS('A', 'u', 'g'),
    LETTERS('S', 'e', 'p'), LETTERS('O', 'c', 't'), LETTERS('N', 'o', 'v'), LETTERS('D', 'e', 'c')
};
static const uint32_t short_weekdays[7] = { LETTERS('S', 'u', 'n'), LETTERS('M', 'o', 'n'),
                                            LETTERS('T', 'u', 'e'), LETTERS('W', 'e', 'd'),
                                            LETTERS('T', 'h', 'u'), LETTERS('F', 'r', 'i'),
                                            LETTERS('S', 'a', 't') };

/* n decimal digits at p, or -1. */
static int
digits(const char *p, size_t n)
{
    int value = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return -1;
        }
        value = value * 10 + (p[i] - '0');
    }
    return value;
}

/* Which of n names the three letters at p are, or -1. */
static int
name(const char *p, const uint32_t *names, int n)
{
    uint32_t letters = LETTERS(p[0], p[1], p[2]);

    for (int i = 0; i < n; i++) {
        if (names[i] == letters) {
            return i;
        }
    }
    return -1;
}

static bool
is_weekday(const char *p)
{
    return name(p, short_weekdays, WR_COUNT(short_weekdays)) >= 0;
}

static int
month(const char *p)
{
    return name(p, months, WR_COUNT(months));
}

/* Bytes of the part that a letter of a pattern stands for. */
static size_t
part_len(char letter)
{
    switch (letter) {
    case 'w':
    case 'n':
        return 3;
    case 'Y':
        return 4;
    case 'D':
    case 'd':
    case 'y':
    case 'H':
    case 'i':
    case 's':
        return 2;
    default:
        return 1;
    }
}

/* Where a part of two or four digits goes. */
static int *
part_place(char letter, struct parts *t)
{
    switch (letter) {
    case 'Y':
    case 'y':
        return &t->year;
    case 'H':
        return &t->hour;
    case 'i':
        return &t->minute;
    case 's':
        return &t->second;
    default:
        return &t->day;
    }
}

/* Read the part at p, which has part_len(letter) bytes. */
static bool
part_read(const char *p, char letter, struct parts *t)
{
    int *place;

    if (letter == 'w') {
        return is_weekday(p);
    }
    if (letter == 'n') {
        t->month = month(p);
        return t->month >= 0;
    }
    place = part_place(letter, t);
    *place = letter == 'd' && p[0] == ' ' ? digits(p + 1, 1) : digits(p, part_len(letter));
    return *place >= 0;
}

static bool
matches(weir_str text, const char *pattern, struct parts *t)
{
    size_t at = 0;

    for (; *pattern != '\0'; pattern++) {
        size_t n = part_len(*pattern);
        if (text.len - at < n) {
            return false;
        }
        if (n == 1 ? text.data[at] != *pattern : !part_read(text.data + at, *pattern, t)) {
            return false;
        }
        at += n;
    }
    return at == text.len;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT": all that anybody sends, and with many requests. */
static bool
read_imf_fixdate(weir_str text, struct parts *t)
{
    const char *p = text.data;

    if (text.len != 29 || p[4] != ' ' || p[7] != ' ' || p[11] != ' ' || p[16] != ' ' ||
        p[19] != ':' || p[22] != ':' || memcmp(p + 25, " GMT", 4) != 0 || !is_weekday(p)) {
        return false;
    }
    t->day = digits(p + 5, 2);
    t->month = month(p + 8);
    t->year = digits(p + 12, 4);
    t->hour = digits(p + 17, 2);
    t->minute = digits(p + 20, 2);
    t->second = digits(p + 23, 2);
    return (t->day | t->month | t->year | t->hour | t->minute | t->second) >= 0;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar, counted in years that begin in March. */
static int64_t
days_since_epoch(int year, int month_0, int day)
{
    int64_t y = month_0 < 2 ? year - 1 : year;
    int64_t m = (month_0 + 10) % 12; /* March is 0 */
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * m + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool
is_possible(const struct parts *t)
{
    static const int lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = t->year % 4 == 0 && (t->year % 100 != 0 || t->year % 400 == 0);
    int length = lengths[t->month] + (t->month == 1 && leap ? 1 : 0);

    return t->day >= 1 && t->day <= length && t->hour < 24 && t->minute < 60 && t->second <= 60;
}

static int64_t
to_seconds(const struct parts *t)
{
    return days_since_epoch(t->year, t->month, t->day) * DAY_S + INT64_C(3600) * t->hour +
           INT64_C(60) * t->minute + t->second;
}

/* The year of a time, by the mean length of a year: exact but for some hours around New Year, where it does not matter. */
static int
year_of(int64_t seconds)
{
    int64_t clamped = WR_MIN(WR_MAX(seconds, 0), INT64_C(253402300799));

    return (int)(1970 + clamped * 400 / ((int64_t)146097 * DAY_S));
}

/* Complete a two-digit year. */
static void
set_century(struct parts *t, int64_t now_s)
{
    int now_year = year_of(now_s);
    struct parts earlier;

    t->year += now_year / 100 * 100;
    earlier = *t;
    earlier.year -= YEARS_AHEAD;
    if (to_seconds(&earlier) > now_s) {
        t->year -= 100;
    }
}

/* The three forms begin alike; the byte behind the weekday's first three letters tells which it is. */
static bool
read_form(weir_str text, int64_t now_s, struct parts *t)
{
    if (text.len < 4) {
        return false;
    }
    if (text.data[3] == ',') {
        return read_imf_fixdate(text, t);
    }
    if (text.data[3] == ' ') {
        return matches(text, asctime_date, t);
    }
    for (size_t i = 0; i < WR_COUNT(weekdays); i++) {
        size_t n = strlen(weekdays[i]);
        if (text.len > n && memcmp(text.data, weekdays[i], n) == 0) {
            if (!matches((weir_str){ text.data + n, text.len - n }, rfc850, t)) {
                return false;
            }
            set_century(t, now_s);
            return true;
        }
    }
    return false;
}

bool
wr_date_parse(weir_str text, int64_t now_s, int64_t *seconds)
{
    struct parts t = { 0 };

    if (!read_form(text, now_s, &t) || !is_possible(&t)) {
        return false;
    }
    *seconds = to_seconds(&t);
    return true;
}

/* Answers within a second mostly say one date: the text of the last one. */
weir_str
weir_print_date(weir_pool *pool, int64_t seconds)
{
    static int64_t last;
    static char text[30] = "Thu, 01 Jan 1970 00:00:00 GMT";

    if (seconds != last) {
        wr_clock_format_http(text, seconds);
        last = seconds;
    }
    return weir_dup(pool, (weir_str){ text, 29 });
}

int
weir_parse_date(weir_str s, int64_t *seconds)
{
    return wr_date_parse(s, wr_clock.wall_s, seconds) ? WEIR_OK : WEIR_INVALID;
}
