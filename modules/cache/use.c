/* cache/use.c - whether a stored response may be used now: fresh, stale, or not without asking. */
#include "policy.h"

enum { BACK_MAX = 60 }; /* seconds that a clock may be put back */

uint64_t
policy_age(const struct kept *k, int64_t now)
{
    if (k->answered - now >
        BACK_MAX) { /* nobody knows when that was: it may not stay fresh till then */
        return SECONDS_MAX;
    }
    return now > k->answered ? k->age + (uint64_t)(now - k->answered) : k->age;
}

int64_t
policy_ttl(const struct kept *k, int64_t now)
{
    return (int64_t)k->lifetime - (int64_t)policy_age(k, now);
}

bool
policy_lasts(const struct kept *k, int64_t now)
{
    return (k->flags & KEPT_NO_CACHE) == 0 &&
           (policy_ttl(k, now) > 0 || (k->flags & (KEPT_SWR | KEPT_SIE)) != 0);
}

/* The origin's prohibition of stale use; a span that it grants beside s-maxage is its leave. */
static bool
may_be_stale(const struct kept *k, uint32_t granted)
{
    if (k->flags & (KEPT_NO_CACHE | KEPT_NO_STALE)) {
        return false;
    }
    return (k->flags & KEPT_SHARED_ONLY) == 0 || k->flags & granted;
}

/* Is it fresh for a request that wants this? [RFC 9111 5.2.1] */
static bool
is_fresh_for(const struct kept *k, const struct control *wanted, int64_t now)
{
    uint64_t age = policy_age(k, now);
    int64_t left = policy_ttl(k, now);

    if (k->flags & KEPT_NO_CACHE) {
        return false;
    }
    if (wanted->flags & CC_NO_CACHE && !(k->flags & KEPT_IMMUTABLE && left > 0)) {
        return false;
    }
    if (wanted->flags & CC_MAX_AGE && age > wanted->max_age && !(k->flags & KEPT_IMMUTABLE)) {
        return false;
    }
    if (wanted->flags & CC_MIN_FRESH && left < (int64_t)wanted->min_fresh) {
        return false;
    }
    if (left > 0) {
        return true;
    }
    return wanted->flags & CC_MAX_STALE && may_be_stale(k, 0) &&
           (wanted->max_stale == SECONDS_MAX || -left <= (int64_t)wanted->max_stale);
}

enum policy_use
policy_use(const struct kept *k, const struct control *wanted, bool soft, bool updating,
           int64_t now)
{
    const uint32_t asks = CC_NO_CACHE | CC_MAX_AGE | CC_MIN_FRESH;
    int64_t left = policy_ttl(k, now);

    if (!soft && is_fresh_for(k, wanted, now)) {
        return USE_FRESH;
    }
    if (wanted->flags & CC_ONLY_IF_CACHED) {
        return USE_NOTHING;
    }
    if ((wanted->flags & asks) != 0) {
        return USE_ASK;
    }
    if (k->flags & KEPT_SWR && may_be_stale(k, KEPT_SWR) && -left < (int64_t)k->revalidate) {
        return USE_WHILE;
    }
    return updating && may_be_stale(k, 0) ? USE_WHILE : USE_ASK;
}

bool
policy_use_on_error(const struct kept *k, bool operator, bool gateway, int64_t now)
{
    if (gateway && k->flags & KEPT_SIE && may_be_stale(k, KEPT_SIE) &&
        -policy_ttl(k, now) < (int64_t)k->error) {
        return true;
    }
    return operator&& may_be_stale(k, 0);
}
