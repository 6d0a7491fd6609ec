/* expires - what an `expires` rule says, and when an answer expires under it.
 *
 * Pure: the clock and the file's date come in as numbers. Only a time of day asks the system, for
 * the local time zone.
 */
#include "expires.h"

#include <time.h>
#include <weir/conf.h>

enum { DAY_SECONDS = 24 * 60 * 60 };

static const int64_t last_instant = 253402300799; /* 9999-12-31 23:59:59 */
static const int64_t max_instant = 2145916555;    /* 2037-12-31 23:55:55, fits 32 bits everywhere */
static const int64_t max_max_age = 315360000;     /* ten years */

/* One of the words that are no time. */
static bool
parse_word(weir_str s, struct expires_rule *rule)
{
    static const char *const words[] = { "off", "epoch", "max" };

    for (uint32_t i = 0; i < 3; i++) {
        if (weir_str_eq(s, weir_str_c(words[i]))) {
            *rule = (struct expires_rule){ .kind = i };
            return true;
        }
    }
    return false;
}

const char *
expires_parse(weir_str s, bool modified, struct expires_rule *rule)
{
    struct expires_rule out = { .kind = modified ? EXPIRES_MODIFIED : EXPIRES_ACCESS };
    bool minus = false;
    uint64_t ms = 0;

    if (!modified && parse_word(s, rule)) {
        return NULL;
    }
    char sign = '\0';
    if (s.len > 0 && (s.data[0] == '@' || s.data[0] == '+' || s.data[0] == '-')) {
        sign = s.data[0];
        s.data++;
        s.len--;
    }
    if (sign == '@') {
        if (modified) {
            return "is a time of day, which cannot follow \"modified\"";
        }
        out.kind = EXPIRES_DAILY;
    }
    minus = sign == '-';
    if (s.len == 0 || weir_parse_msec(s, &ms) != WEIR_OK || ms % 1000 != 0) {
        return "is not a time";
    }
    out.seconds = (int64_t)(ms / 1000);
    if (out.kind == EXPIRES_DAILY && out.seconds > DAY_SECONDS) {
        return "is a time of day of more than 24 hours";
    }
    if (minus) {
        out.seconds = -out.seconds;
    }
    *rule = out;
    return NULL;
}

/* The next instant after now at which the local day is so many seconds old. */
static int64_t
next_time_of_day(int64_t now, int64_t seconds)
{
    time_t clock = (time_t)now;
    struct tm day;

    if (localtime_r(&clock, &day) == NULL) {
        return now;
    }
    day.tm_hour = (int)(seconds / 3600);
    day.tm_min = (int)(seconds / 60 % 60);
    day.tm_sec = (int)(seconds % 60);
    day.tm_isdst = -1;
    struct tm tomorrow = day;
    time_t next = mktime(&day);
    if (next > clock) {
        return (int64_t)next;
    }
    tomorrow.tm_mday++;
    next = mktime(&tomorrow);
    return next > clock ? (int64_t)next : now;
}

static int64_t
within_dates(int64_t at)
{
    if (at < 0) {
        return 0;
    }
    return at > last_instant ? last_instant : at;
}

struct expires_times
expires_at(struct expires_rule rule, int64_t now, int64_t last_modified)
{
    struct expires_times t = { 0 };

    if (rule.kind == EXPIRES_EPOCH) {
        return (struct expires_times){ .at = 1, .max_age = -1 };
    }
    if (rule.kind == EXPIRES_MAX) {
        return (struct expires_times){ .at = max_instant, .max_age = max_max_age };
    }
    if (rule.kind == EXPIRES_DAILY) {
        t.at = next_time_of_day(now, rule.seconds);
        t.max_age = t.at - now;
        return t;
    }
    if (rule.seconds == 0) {
        return (struct expires_times){ .at = now, .max_age = 0 };
    }
    bool from_change = rule.kind == EXPIRES_MODIFIED && last_modified >= 0;
    t.at = within_dates((from_change ? last_modified : now) + rule.seconds);
    t.max_age = rule.seconds < 0 ? -1 : t.at - now;
    return t;
}
