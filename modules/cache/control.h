/* cache/control.h - Cache-Control of requests and responses, and what takes its place: values.
 *
 * Pure: fields in, values out. Reading is strict where a doubt would make something fresher: a number
 * that is none, or two that differ, count as 0. [RFC 9111 4.2.1]
 */
#ifndef CACHE_CONTROL_H
#define CACHE_CONTROL_H

#include <weir/request.h>

enum { SECONDS_MAX = INT32_MAX };

/* Directives that were seen, or-ed. */
enum control_flag {
    CC_NO_STORE = 1u << 0,
    CC_NO_CACHE = 1u << 1,         /* without a list of fields */
    CC_NO_CACHE_FIELDS = 1u << 2,  /* with one */
    CC_PRIVATE = 1u << 3,          /* without a list of fields */
    CC_PRIVATE_FIELDS = 1u << 4,   /* with one */
    CC_PUBLIC = 1u << 5,
    CC_MUST_REVALIDATE = 1u << 6,
    CC_PROXY_REVALIDATE = 1u << 7,
    CC_MUST_UNDERSTAND = 1u << 8,
    CC_IMMUTABLE = 1u << 9,        /* [RFC 8246] */
    CC_MAX_AGE = 1u << 10,         /* the number is there, and so on: */
    CC_S_MAXAGE = 1u << 11,
    CC_STALE_REVALIDATE = 1u << 12, /* stale-while-revalidate [RFC 5861 3] */
    CC_STALE_ERROR = 1u << 13,      /* stale-if-error [RFC 5861 4] */
    /* Of requests alone: */
    CC_MAX_STALE = 1u << 14,
    CC_MIN_FRESH = 1u << 15,
    CC_ONLY_IF_CACHED = 1u << 16,
    CC_ANY = 1u << 17 /* there is at least one directive */
};

/* Seconds; at most SECONDS_MAX, which stands for that and more. max-stale without a number: that. */
struct control {
    uint32_t flags; /* CC_* */
    uint32_t max_age, s_maxage, stale_revalidate, stale_error, max_stale, min_fresh;
};

/* Read Cache-Control: first is the first line of that name, ->same the others. NULL: nothing said.
 * [RFC 9111 5.2] */
void control_read(struct control *c, const weir_header *first);

/* May control_lists find anything at all? Told at a glance: "no" is certain. */
bool control_may_list(const weir_header *first);

/* Is `name` in the list of fields of a directive "no-cache" or "private"? Then it is not stored.
 * [RFC 9111 5.2.2.4, 5.2.2.7] */
bool control_lists(const weir_header *first, weir_str name);

/* Targeted fields: the first of `names` that the response has, is a dictionary that can be read, and
 * says at least one directive that is known, is used in place of Cache-Control, and Expires. self:
 * our name in Surrogate-Control; absent: we have none. False: none. [RFC 9213 2.2] */
bool control_read_targeted(struct control *c, const weir_header *fields, const weir_strs *names,
                           weir_str self);

#define CONTROL_SURROGATE WEIR_STR("Surrogate-Control")

#endif
