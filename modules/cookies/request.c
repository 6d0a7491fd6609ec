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

/* The Cookie field being made, with memory for `room` bytes. */
struct text {
    char *data;
    size_t len, room;
};

static void
put(struct text *t, weir_str s)
{
    if (s.len != 0 && s.len <= t->room - t->len) {
        memcpy(t->data + t->len, s.data, s.len);
        t->len += s.len;
    }
}

static weir_str
joined(weir_request *r)
{
    struct text all = { NULL, 0, 0 };

    for (const weir_header *h = r->in[WEIR_H_COOKIE]; h != NULL; h = h->same) {
        all.room += h->value.len + 2;
    }
    all.data = weir_alloc(r->pool, all.room + 1);
    for (const weir_header *h = r->in[WEIR_H_COOKIE]; h != NULL; h = h->same) {
        put(&all, all.len != 0 ? WEIR_STR("; ") : WEIR_STR(""));
        put(&all, h->value);
    }
    return (weir_str){ all.data, all.len };
}

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

/* The next cookie that is not empty; one without '=' has no name. [RFC 6265bis 5.8.3] */
static bool
next_cookie(weir_str *rest, weir_str *name, weir_str *value)
{
    while (rest->len != 0) {
        const char *end = memchr(rest->data, ';', rest->len);
        size_t n = end != NULL ? (size_t)(end - rest->data) : rest->len;
        weir_str pair = trim((weir_str){ rest->data, n });
        const char *equals = pair.len != 0 ? memchr(pair.data, '=', pair.len) : NULL;

        n += end != NULL;
        *rest = (weir_str){ rest->data + n, rest->len - n };
        if (pair.len == 0) {
            continue;
        }
        *name = (weir_str){ pair.data, equals != NULL ? (size_t)(equals - pair.data) : 0 };
        *value = equals != NULL ? trim((weir_str){ equals + 1, pair.len - name->len - 1 }) : pair;
        *name = trim(*name);
        return true;
    }
    return false;
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

static weir_str
translate_all(weir_request *r, const cookies_conf *c, weir_str came)
{
    /* a name may grow to an application's own, which is a word of the configuration */
    struct text all = { NULL, 0, came.len + 2 };
    weir_str rest = came, name, value;
    int64_t opened = 0;
    size_t longest = 0;

    for (const struct cookie_rule *rule = c->rules.first; rule != NULL; rule = rule->next) {
        longest = rule->text.len > longest ? rule->text.len : longest;
    }
    while (next_cookie(&rest, &name, &value)) {
        all.room += longest + 2;
    }
    all.data = weir_try_alloc(r->pool, all.room);
    rest = came;
    while (all.data != NULL && next_cookie(&rest, &name, &value)) {
        if (!translate(r, c, &opened, &name, &value)) {
            continue;
        }
        put(&all, all.len != 0 ? WEIR_STR("; ") : WEIR_STR(""));
        put(&all, name);
        put(&all, name.len != 0 ? WEIR_STR("=") : WEIR_STR(""));
        put(&all, value);
    }
    return (weir_str){ all.data, all.len };
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
