/* cookies/response.c - the cookies of a response as the policy has them, whoever made them.
 *
 * Each Set-Cookie line is taken apart, judged, and stays a line of its own. What browsers would
 * refuse because of its name or SameSite is mended or left out, so that nobody looks for the cookie
 * that never came.
 */
#include "cookies.h"

/* A cookie on its way. */
struct work {
    weir_request *r;
    const cookies_conf *conf;
    struct set_cookie line;
    struct cookie_verdict verdict;
    struct set_cookie_change change;
    bool changed;
    bool fixed;
};

static void
set(struct work *w, uint32_t which, weir_str value)
{
    w->change.action[which] = COOKIE_SET;
    w->change.set[which] = value;
    w->changed = true;
}

static void
take_off(struct work *w, uint32_t which)
{
    if (w->line.at[which].data != NULL || w->change.action[which] == COOKIE_SET) {
        w->change.action[which] = COOKIE_REMOVE;
        w->changed = true;
    }
}

/* The attribute as it will be sent; absent: it will not. */
static weir_str
as_sent(const struct work *w, uint32_t which)
{
    switch (w->change.action[which]) {
    case COOKIE_SET:
        return w->change.set[which];
    case COOKIE_REMOVE:
        return (weir_str){ NULL, 0 };
    default:
        return w->line.at[which];
    }
}

/* ---- The policy. ---- */

/* A cookie that is being deleted has to stay so. */
static bool
would_revive(const struct work *w, uint32_t which)
{
    return (which == COOKIE_MAX_AGE || which == COOKIE_EXPIRES) &&
           set_cookie_expired(&w->line, weir_wall_clock());
}

static void
settle_attribute(struct work *w, uint32_t which)
{
    const struct cookie_rule *rule = w->verdict.by[which];
    bool there = w->line.at[which].data != NULL;
    weir_str value;

    if (rule == NULL || would_revive(w, which)) {
        return;
    }
    /* either of the two is a life of the cookie's own */
    if (which == COOKIE_MAX_AGE || which == COOKIE_EXPIRES) {
        there = w->line.at[COOKIE_MAX_AGE].data != NULL || w->line.at[COOKIE_EXPIRES].data != NULL;
    }
    if (there && rule->defaults) {
        return;
    }
    if (rule->action[which] == COOKIE_REMOVE) {
        take_off(w, which);
        return;
    }
    value = rule->value[which] != NULL ? weir_value_get(w->r, rule->value[which]) : WEIR_STR("");
    if (rule->value[which] != NULL && (value.len == 0 || !cookie_value_is_plain(value))) {
        weir_say(w->r->log, WARN,
                 "cookie_policy: a value for the cookie \"%.*s\" is empty or not plain: not set",
                 WEIR_FMT(w->line.name));
        return;
    }
    if (!there || !weir_str_eq(value, w->line.at[which])) {
        set(w, which, value);
    }
}

/* The value, sealed or signed for the name that the browser will know. False: it cannot be. */
static bool
guard(struct work *w)
{
    weir_str value;

    if (w->verdict.guard <= COOKIE_PLAIN) {
        return true;
    }
    value = w->verdict.guard == COOKIE_SEALED
                ? cookie_seal(w->r->pool, w->conf->keys, w->change.name, w->line.value)
                : cookie_sign(w->r->pool, w->conf->keys, w->change.name, w->line.value);
    if (value.data == NULL || value.len + w->change.name.len > COOKIE_PAIR_MAX) {
        weir_say(w->r->log, ERROR,
                 "the cookie \"%.*s\" cannot be sealed or signed, or is too long then: left out",
                 WEIR_FMT(w->line.name));
        return false;
    }
    w->change.value = value;
    w->changed = true;
    return true;
}

/* ---- What browsers ask for. [RFC 6265bis 4.1.3, 5.7] ---- */

/* What the cookie needs is there, or is put there. False: it is refused. */
static bool
need(struct work *w, uint32_t which, weir_str value, bool wanted)
{
    weir_str now = as_sent(w, which);
    bool good =
        wanted ? now.data != NULL && (value.len == 0 || weir_str_eq(now, value)) : now.data == NULL;

    if (good) {
        return true;
    }
    if (w->conf->checks == CHECKS_REFUSE) {
        return false;
    }
    if (wanted) {
        set(w, which, value);
    } else {
        take_off(w, which);
    }
    w->fixed = true;
    return true;
}

static bool
meets_checks(struct work *w)
{
    weir_str name = w->change.name, none = WEIR_STR("");
    bool host = weir_str_istarts(name, WEIR_STR("__Host-")),
         http = weir_str_istarts(name, WEIR_STR("__Http-")) ||
                weir_str_istarts(name, WEIR_STR("__Host-Http-"));

    if (name.len == 0 && (weir_str_istarts(w->change.value, WEIR_STR("__Host-")) ||
                          weir_str_istarts(w->change.value, WEIR_STR("__Secure-")) ||
                          weir_str_istarts(w->change.value, WEIR_STR("__Http-")))) {
        return false; /* it would pose as one of that name */
    }
    if ((host || http || weir_str_istarts(name, WEIR_STR("__Secure-")) ||
         as_sent(w, COOKIE_PARTITIONED).data != NULL ||
         weir_str_ieq(as_sent(w, COOKIE_SAMESITE), WEIR_STR("None"))) &&
        !need(w, COOKIE_SECURE, none, true)) {
        return false;
    }
    if (host &&
        !(need(w, COOKIE_PATH, WEIR_STR("/"), true) && need(w, COOKIE_DOMAIN, none, false))) {
        return false;
    }
    return !http || need(w, COOKIE_HTTPONLY, none, true);
}

/* ---- Lines. ---- */

static weir_str
count_out(struct work *w, uint32_t how)
{
    if (how == SENT_REFUSED) {
        weir_say(w->r->log, WARN, "the cookie \"%.*s\" would be refused by browsers: left out",
                 WEIR_FMT(w->line.name));
    }
    weir_count_at(cookies_sent, how, 1);
    return (weir_str){ NULL, 0 };
}

/* What becomes of a line: itself, another, or nothing. */
static weir_str
judge(weir_request *r, const cookies_conf *c, weir_str field)
{
    struct work w = { .r = r, .conf = c };
    bool checked = c->checks != CHECKS_OFF;
    weir_str line;

    if (!set_cookie_parse(field, &w.line)) {
        return checked ? count_out(&w, SENT_REFUSED) : field;
    }
    cookie_rules_judge(&c->rules, w.line.name, false, &w.verdict);
    if (w.verdict.drop) {
        return count_out(&w, SENT_DROPPED);
    }
    w.change.value = w.line.value;
    w.change.name = w.verdict.rename.data != NULL ? w.verdict.rename : w.line.name;
    w.changed = !weir_str_eq(w.change.name, w.line.name);
    for (uint32_t i = 0; i < COOKIE_ATTRIBUTES; i++) {
        settle_attribute(&w, i);
    }
    if (!guard(&w) || (checked && !meets_checks(&w))) {
        return count_out(&w, SENT_REFUSED);
    }
    if (!w.changed) {
        return field;
    }
    if (w.fixed) {
        weir_say(r->log, INFO, "the cookie \"%.*s\" would be refused by browsers: mended",
                 WEIR_FMT(w.line.name));
    }
    line = set_cookie_write(r->pool, &w.line, &w.change);
    if (line.data == NULL) {
        return count_out(&w, SENT_REFUSED);
    }
    weir_count_at(cookies_sent, w.fixed ? SENT_FIXED : SENT_CHANGED, 1);
    return line;
}

int
cookies_filter_head(weir_request *r, const void *conf)
{
    const cookies_conf *c = conf;
    const weir_header *h = r->out[WEIR_H_SET_COOKIE];
    weir_str *lines;
    size_t n = 0;
    bool same = true;

    for (; h != NULL; h = h->same) {
        n++;
    }
    if (n == 0) {
        return WEIR_DONE;
    }
    lines = weir_alloc(r->pool, n * sizeof(lines[0]));
    n = 0;
    for (h = r->out[WEIR_H_SET_COOKIE]; h != NULL; h = h->same, n++) {
        lines[n] = judge(r, c, h->value);
        same = same && lines[n].data == h->value.data;
    }
    if (same) {
        return WEIR_DONE;
    }
    (void)weir_out_remove(r, WEIR_STR("Set-Cookie"));
    for (size_t i = 0; i < n; i++) {
        if (lines[i].data != NULL && weir_out_add(r, WEIR_STR("Set-Cookie"), lines[i]) != WEIR_OK) {
            weir_say(r->log, ERROR, "a cookie cannot be sent as it would be: left out");
        }
    }
    return WEIR_DONE;
}
