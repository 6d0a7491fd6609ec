/* cookies/request.c - the cookies of a request as the application knows them: renamed ones by their
 * own names, sealed and signed ones opened. What is not as it was given out is left away.
 *
 * The rules are those of the block the request is in, so it begins anew from what the client sent
 * when that changes.
 */
#include "cookies.h"

/* Of a request, over all its internal redirects. */
struct state {
    const cookies_conf *done; /* whose rules hold now; NULL: none yet */
    weir_str came;            /* what the client sent, as one field */
};

enum { FIELD_MAX = 1 << 20 }; /* bytes of a Cookie field that is made */

static weir_str
joined(weir_request *r)
{
    weir_text all = weir_text_begin(r->pool, 512, FIELD_MAX);

    for (const weir_header *h = r->in[WEIR_H_COOKIE]; h != NULL; h = h->same) {
        weir_text_add(&all, all.len != 0 ? WEIR_STR("; ") : WEIR_STR(""));
        weir_text_add(&all, h->value);
    }
    return all.full ? (weir_str){ NULL, 0 } : weir_text_view(&all);
}

/* Could somebody who is less exact take it for a cookie that is guarded? Letters of either case are
 * the same to variables, and a value with '=' that has no name reads as one that has. */
static bool
poses(const cookies_conf *c, weir_str name, weir_str value)
{
    struct cookie_verdict verdict;

    if (name.len == 0) {
        return cookie_needs_equals(value);
    }
    cookie_rules_judge(&c->rules, name, true, &verdict);
    return verdict.guard > COOKIE_PLAIN;
}

/* The cookie as the application knows it; false: it knows nothing of it. */
static bool
translate(weir_request *r, const cookies_conf *c, int64_t *opened, weir_str *name, weir_str *value)
{
    weir_str inner = cookie_rules_inner_name(&c->rules, *name);
    struct cookie_verdict verdict;
    bool good;

    if (inner.data == NULL) {
        weir_count_at(cookies_came, CAME_REFUSED, 1);
        return false;
    }
    cookie_rules_judge(&c->rules, inner, false, &verdict);
    if (verdict.guard <= COOKIE_PLAIN && poses(c, inner, *value)) {
        weir_count_at(cookies_came, CAME_REFUSED, 1);
        return false;
    }
    if (verdict.guard > COOKIE_PLAIN) {
        if ((*opened)++ >= c->open_limit) {
            weir_count_at(cookies_came, CAME_OVER_LIMIT, 1);
            return false;
        }
        good = (verdict.guard == COOKIE_SEALED
                    ? cookie_unseal(r->pool, c->keys, *name, *value, value)
                    : cookie_verify(r->pool, c->keys, *name, *value, value)) &&
               cookie_value_is_plain(*value);
        weir_count_at(cookies_came, good ? CAME_OPENED : CAME_REFUSED, 1);
        if (!good) {
            weir_say(r->log, INFO, "the cookie \"%.*s\" is not as it was given out: left away",
                     WEIR_FMT(*name));
            return false;
        }
    }
    *name = inner;
    return true;
}

/* Absent: what an application's own, longer names make of it has no room. */
static weir_str
translate_all(weir_request *r, const cookies_conf *c, weir_str came)
{
    weir_text all = weir_text_begin(r->pool, came.len + 64, FIELD_MAX);
    weir_str rest = came, name, value;
    int64_t opened = 0;

    while (weir_cookie_next(&rest, &name, &value)) {
        if (!translate(r, c, &opened, &name, &value)) {
            continue;
        }
        weir_text_add(&all, all.len != 0 ? WEIR_STR("; ") : WEIR_STR(""));
        weir_text_add(&all, name);
        weir_text_add(&all, name.len != 0 ? WEIR_STR("=") : WEIR_STR(""));
        weir_text_add(&all, value);
    }
    return all.full ? (weir_str){ NULL, 0 } : weir_text_view(&all);
}

int
cookies_open(weir_request *r, const void *conf)
{
    const cookies_conf *c = conf;
    struct state *st = weir_ctx(r);
    weir_str now;

    if (st == NULL && (r->in[WEIR_H_COOKIE] == NULL || !cookie_rules_change_requests(&c->rules))) {
        return WEIR_NEXT;
    }
    if (st == NULL) {
        st = weir_ctx_make(r, sizeof(*st));
        st->came = joined(r);
    } else if (st->done == c) {
        return WEIR_NEXT;
    }
    st->done = c;
    now = cookie_rules_change_requests(&c->rules) ? translate_all(r, c, st->came) : st->came;
    if (now.len == 0 || weir_in_set(r, WEIR_STR("Cookie"), now) != WEIR_OK) {
        (void)weir_in_remove(r, WEIR_STR("Cookie"));
    }
    return WEIR_NEXT;
}
