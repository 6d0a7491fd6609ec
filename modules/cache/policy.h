/* cache/policy.h - what RFC 9111 says of a response: may it be stored, how long is it fresh, may it
 * be used now, or stale, or not without asking.
 *
 * Pure: no store, no request, no clock. Times are seconds since 1970, spans are seconds. What has to
 * be known on a hit is worked out once, when the response comes, and kept with it (struct kept).
 */
#ifndef CACHE_POLICY_H
#define CACHE_POLICY_H

#include "control.h"

enum policy_rules { RULES_RFC, RULES_NGINX };
enum policy_cookies { COOKIES_NEVER, COOKIES_EXPLICIT, COOKIES_ALWAYS };

struct policy_conf {
    uint32_t rules;             /* enum policy_rules */
    uint32_t cookies;           /* enum policy_cookies: responses with Set-Cookie */
    uint32_t heuristic_percent; /* of the time since Last-Modified; 0: no heuristic freshness */
    uint64_t heuristic_max;     /* seconds */
    weir_strs targets;          /* fields in place of Cache-Control, first match first */
    weir_str surrogate;         /* our name in Surrogate-Control; absent: none */
};

/* The fields of a response that matter, each its first line (others by ->same). */
struct policy_fields {
    const weir_header *all;
    const weir_header *cache_control, *expires, *age, *date, *vary, *etag, *last_modified;
    const weir_header *set_cookie, *pragma;
    weir_str accel_expires; /* absent: none, or it does not count here */
};

/* Collect them. Those of `ignored`, by 1 << WEIR_H_*, are as if they were not there; bit 0 stands for
 * X-Accel-Expires. */
void policy_collect(struct policy_fields *f, const weir_header *all, uint64_t ignored);

/* Of what is kept: */
enum kept_flag {
    KEPT_NO_CACHE = 1u << 0,   /* not to be used without asking */
    KEPT_NO_STALE = 1u << 1,   /* must-revalidate and its like: not to be used stale */
    KEPT_SHARED_ONLY = 1u << 2, /* s-maxage alone forbids it: a span that is said all the same counts */
    KEPT_IMMUTABLE = 1u << 3,
    KEPT_SWR = 1u << 4,       /* stale-while-revalidate was said */
    KEPT_SIE = 1u << 5,       /* stale-if-error was said */
    KEPT_HEURISTIC = 1u << 6, /* its lifetime is a guess */
    KEPT_VARY = 1u << 7,      /* no response: names the fields that choose among variants */
    KEPT_NGINX = 1u << 8,     /* by nginx's rules: no Age, and use_stale has no limits */
    KEPT_POST = 1u << 10,     /* it answered a POST, */
    KEPT_POST_GET = 1u << 11, /* and is what a GET of the same URI would give [RFC 9110 9.3.3] */
    KEPT_STATUS = 1u << 12    /* no response: an error_page answers for its status */
};

struct kept {
    uint32_t flags;   /* KEPT_* */
    int64_t answered; /* when it came */
    uint64_t age;     /* it had then [RFC 9111 4.2.3] */
    uint64_t lifetime;
    uint64_t revalidate; /* stale-while-revalidate */
    uint64_t error;      /* stale-if-error */
    int64_t modified;    /* Last-Modified; negative: none */
};

/* What a response is judged by. */
struct policy_case {
    const struct policy_conf *conf;
    struct policy_fields fields;
    uint32_t status;
    bool authorized; /* the request had Authorization */
    bool parts;      /* the key tells parts apart: a 206 is as good as a 200 */
    int64_t valid;   /* what proxy_cache_valid says of the status; negative: nothing */
    int64_t now;     /* the head came */
    uint64_t delay;  /* from the request to the head, seconds */
};

/* May it be stored? NULL: yes, and *kept is filled; else why not, in a few words. [RFC 9111 3] */
const char *policy_store(const struct policy_case *c, struct kept *kept);

/* Is its lifetime what the response itself says, and more than none? [RFC 9111 4.2.1] */
bool policy_is_explicit(const struct policy_case *c);

/* May what is kept with these flags answer a request of this method? Not a GET's a POST, and a POST's a GET only if it says so.
 * [RFC 9111 4; RFC 9110 9.3.3] */
bool policy_fits_method(uint32_t flags, uint32_t method);

/* Age as it is now; SECONDS_MAX for what came later than now, as when the clock has been put back.
 * [RFC 9111 4.2.3] */
uint64_t policy_age(const struct kept *k, int64_t now);

enum policy_use {
    USE_FRESH,
    USE_WHILE,  /* stale, and may be used while it is brought up to date */
    USE_ASK,    /* not without asking the origin */
    USE_NOTHING /* only-if-cached, and it may not be used: 504 */
};

/* May it be used now? wanted: the request's directives, zero if they are not obeyed; soft: it was
 * purged, and is stale whatever it says; updating: `use_stale updating`, which needs no leave of the
 * origin's but is stopped by its prohibition. [RFC 9111 4, 4.2.4; RFC 5861 3] */
enum policy_use policy_use(const struct kept *k, const struct control *wanted, bool soft,
                           bool updating, int64_t now);

/* May it be used stale since the origin fails? operator: use_stale names this failure; gateway: it
 * is one that stale-if-error is about (500, 502, 503, 504). [RFC 9111 4.2.4; RFC 5861 4] */
bool policy_use_on_error(const struct kept *k, bool operator, bool gateway, int64_t now);

/* Seconds that it is still fresh, negative: stale for so long. */
int64_t policy_ttl(const struct kept *k, int64_t now);

/* May some request be answered with it from now on because of how long it holds, fresh or stale? If
 * not, it is no matter how old it is: who uses it asks first, or does not mind. */
bool policy_lasts(const struct kept *k, int64_t now);

#endif
