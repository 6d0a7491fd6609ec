/* rules.c - reading lists, dates and User-Agent as gzip's rules need them. No function here changes
 * anything. */
#include "rules.h"

#include <stdio.h>

static weir_str
trim(weir_str s)
{
    while (s.len != 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }
    while (s.len != 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

/* The next member of a comma list, *rest moved behind it; a comma inside quotes does not count.
 * False at the end. */
static bool
next_member(weir_str *rest, weir_str *member)
{
    bool quoted = false;
    size_t i = 0;

    if (rest->len == 0) {
        return false;
    }
    for (; i < rest->len && (quoted || rest->data[i] != ','); i++) {
        if (rest->data[i] == '"') {
            quoted = !quoted;
        } else if (quoted && rest->data[i] == '\\' && i + 1 < rest->len) {
            i++;
        }
    }
    *member = trim((weir_str){ rest->data, i });
    i += i < rest->len;
    rest->data += i;
    rest->len -= i;
    return true;
}

static size_t
name_len(weir_str member)
{
    size_t i = 0;

    while (i < member.len && member.data[i] != '=' && member.data[i] != ';') {
        i++;
    }
    return trim((weir_str){ member.data, i }).len;
}

bool
gzip_list_has(const weir_header *h, weir_str name)
{
    for (; h != NULL; h = h->same) {
        weir_str rest = h->value;
        weir_str member;

        while (next_member(&rest, &member)) {
            member.len = name_len(member);
            if (weir_str_ieq(member, name)) {
                return true;
            }
        }
    }
    return false;
}

bool
gzip_lists_weak(const weir_header *h, weir_str etag)
{
    for (; h != NULL; h = h->same) {
        weir_str rest = h->value;
        weir_str member;

        while (next_member(&rest, &member)) {
            if (member.len == etag.len + 2 && memcmp(member.data, "W/", 2) == 0 &&
                memcmp(member.data + 2, etag.data, etag.len) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Is the response already stale when it is made? What is no date is. [RFC 9111 5.3] */
static bool
expired(const weir_request *r, int64_t now)
{
    int64_t expires;
    int64_t date;

    if (weir_parse_date(r->out[WEIR_H_EXPIRES]->value, &expires) != WEIR_OK) {
        return true;
    }
    if (r->out[WEIR_H_DATE] == NULL ||
        weir_parse_date(r->out[WEIR_H_DATE]->value, &date) != WEIR_OK) {
        date = now;
    }
    return expires < date;
}

/* The part about how the response may be stored. */
static bool
cache_control_allows(const weir_header *control, uint32_t proxied)
{
    return ((proxied & GZIP_PROXIED_NO_CACHE) && gzip_list_has(control, WEIR_STR("no-cache"))) ||
           ((proxied & GZIP_PROXIED_NO_STORE) && gzip_list_has(control, WEIR_STR("no-store"))) ||
           ((proxied & GZIP_PROXIED_PRIVATE) && gzip_list_has(control, WEIR_STR("private")));
}

bool
gzip_proxied_allows(const weir_request *r, uint32_t proxied, int64_t now)
{
    if (r->in[WEIR_H_VIA] == NULL) {
        return true;
    }
    if (proxied & GZIP_PROXIED_OFF) {
        return false;
    }
    if ((proxied & GZIP_PROXIED_ANY) ||
        ((proxied & GZIP_PROXIED_AUTH) && r->in[WEIR_H_AUTHORIZATION] != NULL)) {
        return true;
    }
    if (r->out[WEIR_H_EXPIRES] != NULL) {
        return (proxied & GZIP_PROXIED_EXPIRED) && expired(r, now);
    }
    if (r->out[WEIR_H_CACHE_CONTROL] != NULL) {
        return cache_control_allows(r->out[WEIR_H_CACHE_CONTROL], proxied);
    }
    return !((proxied & GZIP_PROXIED_NO_LAST_MODIFIED) && r->out[WEIR_H_LAST_MODIFIED] != NULL) &&
           !((proxied & GZIP_PROXIED_NO_ETAG) && r->out[WEIR_H_ETAG] != NULL);
}

bool
gzip_old_msie(weir_str agent)
{
    const char *at = agent.len != 0 ? memmem(agent.data, agent.len, "MSIE ", 5) : NULL;
    size_t left;

    if (at == NULL) {
        return false;
    }
    left = agent.len - (size_t)(at - agent.data);
    if (left < 7 || at[6] != '.') {
        return false;
    }
    return at[5] == '4' || at[5] == '5' || (at[5] == '6' && memmem(at, left, "SV1", 3) == NULL);
}

size_t
gzip_ratio_text(uint64_t in, uint64_t out, char *to, size_t room)
{
    /* Whole part and rest apart: rest * 1000 fits for any body below 18 petabytes. */
    uint64_t thousandths = in % out * 1000 / out;
    uint64_t hundredths = in / out * 100 + (thousandths + 5) / 10;
    int n = snprintf(to, room, "%llu.%02u", (unsigned long long)(hundredths / 100),
                     (unsigned)(hundredths % 100));

    return n > 0 && (size_t)n < room ? (size_t)n : 0;
}
