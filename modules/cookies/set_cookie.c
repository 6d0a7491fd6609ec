/* cookies/set_cookie.c - what browsers see in a Set-Cookie line, which is not what its grammar
 * says: anything between semicolons.
 */
#include "set_cookie.h"

static const char *const attribute_names[COOKIE_ATTRIBUTES] = {
    [COOKIE_EXPIRES] = "Expires",   [COOKIE_MAX_AGE] = "Max-Age",
    [COOKIE_DOMAIN] = "Domain",     [COOKIE_PATH] = "Path",
    [COOKIE_SECURE] = "Secure",     [COOKIE_HTTPONLY] = "HttpOnly",
    [COOKIE_SAMESITE] = "SameSite", [COOKIE_PARTITIONED] = "Partitioned",
};

bool
cookie_value_is_plain(weir_str s)
{
    return weir_is_field_value(s) && weir_str_find(s, ';') == s.len;
}

bool
cookie_needs_equals(weir_str value)
{
    return weir_str_find(value, '=') != value.len;
}

/* The next attribute of *rest: which, its name and value. False at the end. */
static bool
next_attribute(weir_str *rest, uint32_t *which, weir_str *name, weir_str *value)
{
    if (!weir_attribute_next(rest, name, value)) {
        return false;
    }
    *which = 0;
    while (*which < COOKIE_ATTRIBUTES &&
           !weir_str_ieq(*name, weir_str_c(attribute_names[*which]))) {
        (*which)++;
    }
    return true;
}

bool
set_cookie_parse(weir_str field, struct set_cookie *c)
{
    weir_str rest, name, value;
    uint32_t which;

    *c = (struct set_cookie){ .attributes = field };
    value = weir_str_split(&c->attributes, ';');
    name = weir_str_split(&value, '=');
    if (value.data == NULL) {
        value = name;
        name.len = 0;
    }
    c->name = weir_str_trim(name);
    c->value = weir_str_trim(value);
    if (!weir_is_field_value(field) || c->name.len + c->value.len > COOKIE_PAIR_MAX ||
        c->name.len + c->value.len == 0) {
        return false;
    }
    rest = c->attributes;
    while (next_attribute(&rest, &which, &name, &value)) {
        if (which < COOKIE_ATTRIBUTES && value.len <= COOKIE_ATTRIBUTE_MAX) {
            c->at[which] = value.data != NULL ? value : WEIR_STR("");
        }
    }
    return true;
}

/* ---- Dates. ---- */

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number of least to most digits at the front of *s, moved behind it; what follows is no digit.
 */
static bool
number(weir_str *s, size_t least, size_t most, int *n)
{
    size_t i = 0;

    *n = 0;
    while (i < s->len && i < most && is_digit(s->data[i])) {
        *n = *n * 10 + (s->data[i++] - '0');
    }
    if (i < least || (i < s->len && is_digit(s->data[i]))) {
        return false;
    }
    *s = (weir_str){ s->data + i, s->len - i };
    return true;
}

static bool
colon(weir_str *s)
{
    if (s->len == 0 || s->data[0] != ':') {
        return false;
    }
    *s = (weir_str){ s->data + 1, s->len - 1 };
    return true;
}

struct date {
    int hour, minute, second, day, month, year; /* -1: not there yet; month from 0 */
};

static bool
is_time(weir_str s, struct date *d)
{
    struct date t;

    if (!number(&s, 1, 2, &t.hour) || !colon(&s) || !number(&s, 1, 2, &t.minute) || !colon(&s) ||
        !number(&s, 1, 2, &t.second)) {
        return false;
    }
    d->hour = t.hour;
    d->minute = t.minute;
    d->second = t.second;
    return true;
}

static int
month_of(weir_str s)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    for (int i = 0; s.len >= 3 && i < 12; i++) {
        if (weir_str_ieq((weir_str){ s.data, 3 }, (weir_str){ months + 3 * i, 3 })) {
            return i;
        }
    }
    return -1;
}

static void
read_token(weir_str s, struct date *d)
{
    int n;
    weir_str rest = s;

    if (d->hour < 0 && is_time(s, d)) {
        return;
    }
    if (d->day < 0 && number(&rest, 1, 2, &n)) {
        d->day = n;
        return;
    }
    if (d->month < 0 && month_of(s) >= 0) {
        d->month = month_of(s);
        return;
    }
    rest = s;
    if (d->year < 0 && number(&rest, 2, 4, &n)) {
        d->year = n;
    }
}

static bool
is_delimiter(char c)
{
    uint8_t u = (uint8_t)c;

    return u == 0x09 || (u >= 0x20 && u <= 0x2f) || (u >= 0x3b && u <= 0x40) ||
           (u >= 0x5b && u <= 0x60) || (u >= 0x7b && u <= 0x7e);
}

/* Days since 1970 of a day of the Gregorian calendar. */
static int64_t
days_from_civil(int year, int month, int day)
{
    int y = month < 2 ? year - 1 : year;
    int era = y / 400, of_era = y - era * 400;
    int of_year = (153 * ((month + 10) % 12) + 2) / 5 + day - 1;

    return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool
cookie_date_parse(weir_str s, int64_t *seconds)
{
    static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    struct date d = { -1, -1, -1, -1, -1, -1 };
    size_t i = 0;

    while (i < s.len) {
        size_t begin = i;
        while (i < s.len && !is_delimiter(s.data[i])) {
            i++;
        }
        if (i > begin) {
            read_token((weir_str){ s.data + begin, i - begin }, &d);
        }
        i++;
    }
    if (d.year >= 0 && d.year < 100) {
        d.year += d.year >= 70 ? 1900 : 2000;
    }
    if (d.hour < 0 || d.day < 1 || d.month < 0 || d.year < 1601 || d.hour > 23 || d.minute > 59 ||
        d.second > 59) {
        return false;
    }
    bool leap = d.year % 4 == 0 && (d.year % 100 != 0 || d.year % 400 == 0);
    if (d.day > lengths[d.month] + (leap && d.month == 1)) {
        return false;
    }
    *seconds =
        days_from_civil(d.year, d.month, d.day) * 86400 + d.hour * 3600 + d.minute * 60 + d.second;
    return true;
}

/* Is it "-" and digits, or digits? Then what a browser makes of it: not more than nothing? */
static bool
max_age_counts(weir_str s, bool *over)
{
    size_t i = s.len != 0 && s.data[0] == '-';
    bool zero = true;

    if (s.len == i) {
        return false;
    }
    for (size_t k = i; k < s.len; k++) {
        if (!is_digit(s.data[k])) {
            return false;
        }
        zero = zero && s.data[k] == '0';
    }
    *over = i == 1 || zero;
    return true;
}

bool
set_cookie_expired(const struct set_cookie *c, int64_t now)
{
    int64_t at;
    bool over;

    if (max_age_counts(c->at[COOKIE_MAX_AGE], &over)) {
        return over;
    }
    return c->at[COOKIE_EXPIRES].len != 0 && cookie_date_parse(c->at[COOKIE_EXPIRES], &at) &&
           at <= now;
}

/* ---- Putting together. ---- */

weir_str
set_cookie_write(weir_pool *pool, const struct set_cookie *c,
                 const struct set_cookie_change *change)
{
    size_t room = change->name.len + change->value.len + c->attributes.len + 128;
    weir_text t = weir_text_begin(pool, room, SET_COOKIE_MAX);
    weir_str rest = c->attributes, name, value, none = { NULL, 0 };
    uint32_t which;

    if (change->name.len != 0 || cookie_needs_equals(change->value)) {
        weir_text_add(&t, change->name);
        weir_text_add(&t, WEIR_STR("="));
    }
    weir_text_add(&t, change->value);
    while (next_attribute(&rest, &which, &name, &value)) {
        if (name.len + value.len != 0 &&
            (which == COOKIE_ATTRIBUTES || change->action[which] == COOKIE_KEEP)) {
            weir_text_add_attribute(&t, name, value);
        }
    }
    for (uint32_t i = 0; i < COOKIE_ATTRIBUTES; i++) {
        if (change->action[i] == COOKIE_SET) {
            weir_text_add_attribute(&t, weir_str_c(attribute_names[i]), 
                                    change->set[i].len != 0 ? change->set[i] : none);
        }
    }
    return t.full ? (weir_str){ NULL, 0 } : weir_text_view(&t);
}
