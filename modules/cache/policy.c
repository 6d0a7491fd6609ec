/* cache/policy.c - whether a response may be stored, and for how long it is fresh. */
#include "policy.h"

#include "list.h"

/* ---- Fields. ---- */

static const weir_header **
place_of(struct policy_fields *f, uint32_t id)
{
    switch (id) {
    case WEIR_H_CACHE_CONTROL:
        return &f->cache_control;
    case WEIR_H_EXPIRES:
        return &f->expires;
    case WEIR_H_AGE:
        return &f->age;
    case WEIR_H_DATE:
        return &f->date;
    case WEIR_H_VARY:
        return &f->vary;
    case WEIR_H_ETAG:
        return &f->etag;
    case WEIR_H_LAST_MODIFIED:
        return &f->last_modified;
    case WEIR_H_SET_COOKIE:
        return &f->set_cookie;
    case WEIR_H_PRAGMA:
        return &f->pragma;
    default:
        return NULL;
    }
}

void
policy_collect(struct policy_fields *f, const weir_header *all, uint64_t ignored)
{
    *f = (struct policy_fields){ .all = all };
    for (const weir_header *h = all; h != NULL; h = h->next) {
        const weir_header **place = place_of(f, h->id);
        if (place != NULL) {
            if (*place == NULL && (ignored >> h->id & 1) == 0) {
                *place = h;
            }
        } else if (h->id == WEIR_H_OTHER && (ignored & 1) == 0 && f->accel_expires.data == NULL &&
                   weir_str_ieq(h->name, WEIR_STR("X-Accel-Expires"))) {
            f->accel_expires = h->value;
        }
    }
}

/* A field's first member as seconds; 0 for what is no number. Two lines count as one. [RFC 9111 5.1] */
static uint64_t
policy_age_field(const weir_header *first)
{
    uint64_t n;
    weir_str rest, member;

    if (first == NULL) {
        return 0;
    }
    rest = first->value;
    if (!weir_list_next(&rest, &member)) {
        return 0;
    }
    member = weir_str_trim(
        weir_str_cut(member, 0, weir_str_find(member, ';'))); /* no parameter makes it younger */
    return number_read(member, SECONDS_MAX, &n) ? n : 0;
}

/* Expires less Date, at least 0; what is no date, or several lines, has expired. [RFC 9111 5.3] */
static uint64_t
policy_expires(const weir_header *expires, const weir_header *date, int64_t now)
{
    int64_t when, since = now;

    if (expires->same != NULL || weir_parse_date(expires->value, &when) != WEIR_OK) {
        return 0;
    }
    if (date != NULL && weir_parse_date(date->value, &since) != WEIR_OK) {
        since = now;
    }
    return when > since ? (uint64_t)(when - since) : 0;
}

/* ---- Lifetime. ---- */

struct lifetime {
    uint64_t seconds;
    bool known;   /* somebody has said it: */
    bool guessed; /* or it was worked out */
    bool never;   /* X-Accel-Expires: 0 */
};

/* Seconds, or "@" and a time; 0: not to be stored. */
static void
by_accel(weir_str text, int64_t now, struct lifetime *to)
{
    bool absolute = text.len != 0 && text.data[0] == '@';
    uint64_t n;

    if (!number_read(absolute ? weir_str_cut(text, 1, SIZE_MAX) : text, UINT32_MAX, &n)) {
        return;
    }
    if (absolute) {
        n = (int64_t)n > now ? n - (uint64_t)now : 0;
    }
    *to = (struct lifetime){ .seconds = n, .known = true, .never = n == 0 };
}

static void
by_control(const struct control *cc, struct lifetime *to)
{
    if (cc->flags & (CC_S_MAXAGE | CC_MAX_AGE)) {
        to->seconds = cc->flags & CC_S_MAXAGE ? cc->s_maxage : cc->max_age;
        to->known = true;
    }
}

/* Is a status one whose responses may be given a lifetime by guessing? [RFC 9110 15.1] */
static bool
policy_guessable(uint32_t status)
{
    static const uint16_t list[] = { 200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501 };

    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (list[i] == status) {
            return true;
        }
    }
    return false;
}

/* A part of the time for which it has not changed. [RFC 9111 4.2.2] */
static void
by_guess(const struct policy_case *c, const struct control *cc, struct lifetime *to)
{
    const struct policy_fields *f = &c->fields;
    int64_t modified, date = c->now;

    if (c->conf->heuristic_percent == 0 || f->last_modified == NULL ||
        !(policy_guessable(c->status) || cc->flags & CC_PUBLIC) ||
        weir_parse_date(f->last_modified->value, &modified) != WEIR_OK) {
        return;
    }
    if (f->date != NULL && weir_parse_date(f->date->value, &date) != WEIR_OK) {
        date = c->now;
    }
    if (date > modified) {
        uint64_t n = (uint64_t)(date - modified) / 100 * c->conf->heuristic_percent;
        to->seconds = n < c->conf->heuristic_max ? n : c->conf->heuristic_max;
        to->known = to->guessed = true;
    }
}

/* X-Accel-Expires, then what the response says, then what the configuration does, then a guess. */
static struct lifetime
lifetime_of(const struct policy_case *c, const struct control *cc, bool targeted)
{
    struct lifetime to = { 0 };

    if (c->fields.accel_expires.data != NULL) {
        by_accel(c->fields.accel_expires, c->now, &to);
    }
    if (!to.known) {
        by_control(cc, &to);
    }
    if (!to.known && c->fields.expires != NULL && !targeted) {
        const weir_header *date = c->conf->rules == RULES_NGINX ? NULL : c->fields.date;
        to.seconds = policy_expires(c->fields.expires, date, c->now);
        to.known = true;
    }
    if (!to.known && c->valid >= 0) {
        to.seconds = (uint64_t)c->valid;
        to.known = true;
    }
    if (!to.known) {
        by_guess(c, cc, &to);
    }
    return to;
}

/* What it is old already. [RFC 9111 4.2.3] */
static uint64_t
initial_age(const struct policy_case *c)
{
    uint64_t corrected = policy_age_field(c->fields.age) + c->delay, apparent = 0;
    int64_t date;

    if (c->fields.date != NULL && weir_parse_date(c->fields.date->value, &date) == WEIR_OK &&
        date < c->now) {
        apparent = (uint64_t)(c->now - date);
    }
    return corrected > apparent ? corrected : apparent;
}

/* ---- Storing. ---- */

/* Statuses whose meaning for caches is known here. [RFC 9111 5.2.2.3] */
static bool
is_understood(uint32_t status)
{
    static const uint16_t list[] = { 200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 401,
                                     403, 404, 405, 410, 414, 451, 500, 501, 502, 503, 504 };

    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (list[i] == status) {
            return true;
        }
    }
    return false;
}

static bool
varies_on_everything(const weir_header *vary)
{
    for (; vary != NULL; vary = vary->same) {
        weir_str rest = vary->value, member;
        while (weir_list_next(&rest, &member)) {
            if (weir_str_eq(member, WEIR_STR("*"))) {
                return true;
            }
        }
    }
    return false;
}

static bool
cookies_forbid(const struct policy_case *c, const struct control *cc)
{
    if (c->fields.set_cookie == NULL || c->conf->cookies == COOKIES_ALWAYS) {
        return false;
    }
    return c->conf->cookies == COOKIES_NEVER || (cc->flags & (CC_PUBLIC | CC_S_MAXAGE)) == 0;
}

/* What forbids storing whatever the lifetime; NULL: nothing. */
static const char *
forbidden(const struct policy_case *c, const struct control *cc)
{
    const uint32_t allows = CC_PUBLIC | CC_S_MAXAGE | CC_MUST_REVALIDATE;
    bool nginx = c->conf->rules == RULES_NGINX;

    if (c->status < 200 || c->status > 599 || (c->status == 206 && !c->parts) || c->status == 304) {
        return "a status that is not stored";
    }
    if (cc->flags & CC_MUST_UNDERSTAND && !nginx) {
        if (!is_understood(c->status)) {
            return "must-understand, and a status that is not";
        }
    } else if (cc->flags & CC_NO_STORE) {
        return "no-store";
    }
    if (cc->flags & CC_PRIVATE || (nginx && cc->flags & CC_PRIVATE_FIELDS)) {
        return "private";
    }
    if (nginx && cc->flags & (CC_NO_CACHE | CC_NO_CACHE_FIELDS)) {
        return "no-cache";
    }
    if (c->authorized && !nginx && (cc->flags & allows) == 0) {
        return "Authorization"; /* [RFC 9111 3.5] */
    }
    if (cookies_forbid(c, cc)) {
        return "Set-Cookie";
    }
    return varies_on_everything(c->fields.vary) ? "Vary: *" : NULL;
}

static uint32_t
flags_of(const struct policy_case *c, const struct control *cc, const struct lifetime *life)
{
    uint32_t flags = 0;

    flags |= cc->flags & CC_NO_CACHE ? KEPT_NO_CACHE : 0;
    flags |=
        cc->flags & (CC_MUST_REVALIDATE | CC_PROXY_REVALIDATE | CC_NO_CACHE) ? KEPT_NO_STALE : 0;
    flags |= cc->flags & CC_S_MAXAGE ? KEPT_SHARED_ONLY : 0;
    flags |= cc->flags & CC_IMMUTABLE ? KEPT_IMMUTABLE : 0;
    flags |= cc->flags & CC_STALE_REVALIDATE ? KEPT_SWR : 0;
    flags |= cc->flags & CC_STALE_ERROR ? KEPT_SIE : 0;
    flags |= life->guessed ? KEPT_HEURISTIC : 0;
    if (c->conf->rules == RULES_NGINX) {
        flags = (flags & ~(uint32_t)(KEPT_NO_STALE | KEPT_SHARED_ONLY)) | KEPT_NGINX;
    }
    return flags;
}

/* Cache-Control, or what takes its place; Pragma where there is neither. [RFC 9111 5.4] */
static bool
read_control(const struct policy_case *c, struct control *cc)
{
    if (c->conf->targets.count != 0 &&
        control_read_targeted(cc, c->fields.all, &c->conf->targets, c->conf->surrogate)) {
        return true;
    }
    control_read(cc, c->fields.cache_control);
    return false;
}

/* Does keeping it serve anything: may it be used for a while, or asked about? */
static bool
is_useful(const struct policy_case *c, const struct control *cc, const struct lifetime *life,
          uint64_t age)
{
    const struct policy_fields *f = &c->fields;

    if (c->conf->rules == RULES_NGINX) {
        return life->known && life->seconds != 0 && !life->never;
    }
    if (life->never) {
        return false;
    }
    if (life->known && life->seconds > age && (cc->flags & CC_NO_CACHE) == 0) {
        return true;
    }
    if (cc->flags & (CC_STALE_REVALIDATE | CC_STALE_ERROR) && life->known) {
        return true;
    }
    return (f->etag != NULL || f->last_modified != NULL) &&
           (life->known || cc->flags & CC_NO_CACHE) && c->status < 300;
}

const char *
policy_store(const struct policy_case *c, struct kept *kept)
{
    struct control cc;
    bool targeted = read_control(c, &cc);
    struct lifetime life = lifetime_of(c, &cc, targeted);
    bool accel = c->fields.accel_expires.data != NULL && life.known && !life.never;
    uint64_t age = c->conf->rules == RULES_NGINX ? 0 : initial_age(c);
    const char *why;

    if (accel && c->conf->rules == RULES_NGINX) { /* it outdoes all that Cache-Control says */
        cc = (struct control){ .flags = 0 };
    }
    why = forbidden(c, &cc);
    if (why != NULL) {
        return why;
    }
    if (!is_useful(c, &cc, &life, age)) {
        return life.known ? "stale already" : "no lifetime";
    }
    *kept = (struct kept){ .flags = flags_of(c, &cc, &life),
                           .answered = c->now,
                           .age = age,
                           .lifetime = life.seconds,
                           .revalidate = cc.stale_revalidate,
                           .error = cc.stale_error,
                           .modified = -1 };
    if (c->fields.last_modified != NULL) {
        (void)weir_parse_date(c->fields.last_modified->value, &kept->modified);
    }
    return NULL;
}

bool
policy_is_explicit(const struct policy_case *c)
{
    struct policy_conf conf = *c->conf;
    struct policy_case strict = *c;
    struct kept k;

    conf.heuristic_percent = 0;
    strict.conf = &conf;
    strict.valid = -1;
    return policy_store(&strict, &k) == NULL && k.lifetime != 0;
}

bool
policy_fits_method(uint32_t flags, uint32_t method)
{
    if (flags & KEPT_NGINX) {
        return true;
    }
    return method == WEIR_POST ? (flags & KEPT_POST) != 0
                               : (flags & (KEPT_POST | KEPT_POST_GET)) != KEPT_POST;
}
