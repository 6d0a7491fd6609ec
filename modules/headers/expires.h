/* headers/expires.h - the rules of the `expires` directive as pure functions: text to rule, rule to
 * times.
 */
#ifndef HEADERS_EXPIRES_H
#define HEADERS_EXPIRES_H

#include <weir/base.h>

enum expires_kind {
    EXPIRES_OFF = 0,      /* leave the answer as it is */
    EXPIRES_EPOCH = 1,    /* long ago: not to be kept */
    EXPIRES_MAX = 2,      /* as long as anybody keeps anything */
    EXPIRES_ACCESS = 3,   /* seconds from now */
    EXPIRES_MODIFIED = 4, /* seconds from the file's last change */
    EXPIRES_DAILY = 5     /* at this second of the local day */
};

struct expires_rule {
    uint32_t kind;
    int64_t seconds;
};

struct expires_times {
    int64_t at;      /* when the answer expires, seconds since 1970 */
    int64_t max_age; /* seconds; negative: no-cache */
};

/*
 * Read "off", "epoch", "max", a time ("30d", "-1", "+1h 30m") or a time of day ("@15h30m").
 *
 * modified  the word `modified` stood before it: only a time will do
 *
 * NULL, or what is wrong, as the end of a sentence about s; *rule changes only on success.
 */
const char *expires_parse(weir_str s, bool modified, struct expires_rule *rule);

/*
 * When an answer given now expires under rule (not OFF).
 *
 * last_modified  seconds since 1970, negative when unknown: a rule from it is then one from now
 *
 * The instant is kept within the years a date can be written in, 1970 to 9999.
 */
struct expires_times expires_at(struct expires_rule rule, int64_t now, int64_t last_modified);

#endif
