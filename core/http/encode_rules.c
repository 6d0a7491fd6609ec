/* http/encode_rules.c - reading lists and dates as the rules about coding a response need them. */
#include "http/encode_rules.h"

#include "base/str.h"
#include "wire/date.h"
#include "wire/field_list.h"

/* An element counts with or without "=value". */
static weir_str
token_of(weir_str element)
{
    weir_str params;

    element = wr_field_head(element, &params);
    return weir_str_trim(weir_str_cut(element, 0, weir_str_find(element, '=')));
}

bool
wr_encode_list_has(const weir_header *h, weir_str token)
{
    for (; h != NULL; h = h->same) {
        weir_str rest = h->value, element;

        while (weir_list_next(&rest, &element)) {
            if (weir_str_ieq(token_of(element), token)) {
                return true;
            }
        }
    }
    return false;
}

bool
wr_encode_lists_weak(const weir_header *h, weir_str etag)
{
    for (; h != NULL; h = h->same) {
        weir_str rest = h->value, element;

        while (weir_list_next(&rest, &element)) {
            if (element.len == etag.len + 2 && memcmp(element.data, "W/", 2) == 0 &&
                memcmp(element.data + 2, etag.data, etag.len) == 0) {
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
    int64_t expires, date;

    if (!wr_date_parse(r->out[WEIR_H_EXPIRES]->value, now, &expires)) {
        return true;
    }
    if (r->out[WEIR_H_DATE] == NULL || !wr_date_parse(r->out[WEIR_H_DATE]->value, now, &date)) {
        date = now;
    }
    return expires < date;
}

/* The part about how the response may be stored. */
static bool
cache_control_allows(const weir_header *control, uint32_t proxied)
{
    return ((proxied & WEIR_CODING_PROXIED_NO_CACHE) &&
            wr_encode_list_has(control, WEIR_STR("no-cache"))) ||
           ((proxied & WEIR_CODING_PROXIED_NO_STORE) &&
            wr_encode_list_has(control, WEIR_STR("no-store"))) ||
           ((proxied & WEIR_CODING_PROXIED_PRIVATE) &&
            wr_encode_list_has(control, WEIR_STR("private")));
}

bool
wr_encode_proxied_allows(const weir_request *r, uint32_t proxied, int64_t now)
{
    if (r->in[WEIR_H_VIA] == NULL) {
        return true;
    }
    if (proxied & WEIR_CODING_PROXIED_OFF) {
        return false;
    }
    if ((proxied & WEIR_CODING_PROXIED_ANY) ||
        ((proxied & WEIR_CODING_PROXIED_AUTH) && r->in[WEIR_H_AUTHORIZATION] != NULL)) {
        return true;
    }
    if (r->out[WEIR_H_EXPIRES] != NULL) {
        return (proxied & WEIR_CODING_PROXIED_EXPIRED) && expired(r, now);
    }
    if (r->out[WEIR_H_CACHE_CONTROL] != NULL) {
        return cache_control_allows(r->out[WEIR_H_CACHE_CONTROL], proxied);
    }
    return !((proxied & WEIR_CODING_PROXIED_NO_LAST_MODIFIED) &&
             r->out[WEIR_H_LAST_MODIFIED] != NULL) &&
           !((proxied & WEIR_CODING_PROXIED_NO_ETAG) && r->out[WEIR_H_ETAG] != NULL);
}
