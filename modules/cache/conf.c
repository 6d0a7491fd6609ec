/* cache/conf.c - setters of the directives, and what is worked out once a block is read. */
#include "conf.h"

#include "list.h"

enum { DEFAULT_PERCENT = 10, DEFAULT_MAX_S = 24 * 60 * 60 };

const char *const family_names[WEIR_CACHE_FAMILIES] = { "proxy", "fastcgi", "uwsgi", "scgi" };

/* ---- Setters. ---- */

int
set_zone(weir_conf *cf, const weir_directive *d, void *field)
{
    struct zone_name *z = field;

    (void)d;
    z->name = NULL;
    if (weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("off"))) {
        return WEIR_OK;
    }
    z->name = weir_value_compile(cf, weir_conf_arg(cf, 1));
    return z->name != NULL ? WEIR_OK : WEIR_ERROR;
}

static int
add_valid(weir_conf *cf, struct valid **last, uint32_t status, uint64_t ms)
{
    struct valid *v = weir_zalloc(weir_conf_pool(cf), sizeof(*v));

    for (; *last != NULL; last = &(*last)->next) {
    }
    v->status = status;
    v->seconds = ms / 1000;
    *last = v;
    return WEIR_OK;
}

/* proxy_cache_valid [CODE ... | any] TIME; without codes: 200, 301, 302. */
int
set_valid(weir_conf *cf, const weir_directive *d, void *field)
{
    static const uint32_t usual[] = { 200, 301, 302 };
    uint32_t last = weir_conf_argc(cf) - 1;
    uint64_t ms, status;

    (void)d;
    if (weir_parse_msec(weir_conf_arg(cf, last), &ms) != WEIR_OK) {
        return weir_conf_error_at(cf, last, "invalid time value \"%.*s\"",
                                  WEIR_FMT(weir_conf_arg(cf, last)));
    }
    for (uint32_t i = 0; last == 1 && i < 3; i++) {
        (void)add_valid(cf, field, usual[i], ms);
    }
    for (uint32_t i = 1; i < last; i++) {
        weir_str word = weir_conf_arg(cf, i);
        if (weir_str_eq(word, WEIR_STR("any"))) {
            status = 0;
        } else if (!number_read(word, 1000, &status) || status < 100 || status > 599) {
            return weir_conf_invalid(cf, i, "status");
        }
        (void)add_valid(cf, field, (uint32_t)status, ms);
    }
    return WEIR_OK;
}

int
set_offset(weir_conf *cf, const weir_directive *d, void *field)
{
    struct offset *o = field;

    (void)d;
    o->written = true;
    return weir_parse_size(weir_conf_arg(cf, 1), &o->bytes) == WEIR_OK
               ? WEIR_OK
               : weir_conf_invalid(cf, 1, "value");
}

/* cache_heuristic off | PERCENT% [MAX] */
int
set_heuristic(weir_conf *cf, const weir_directive *d, void *field)
{
    struct heuristic *h = field;
    weir_str word = weir_conf_arg(cf, 1);
    uint64_t n, ms;

    (void)d;
    *h = (struct heuristic){ .max_s = DEFAULT_MAX_S, .written = true };
    if (weir_conf_argc(cf) == 2 && weir_str_eq(word, WEIR_STR("off"))) {
        return WEIR_OK;
    }
    if (word.len < 2 || word.data[word.len - 1] != '%' ||
        !number_read(weir_str_cut(word, 0, word.len - 1), 1000, &n) || n == 0 || n > 100) {
        return weir_conf_invalid(cf, 1, "value");
    }
    h->percent = (uint32_t)n;
    if (weir_conf_argc(cf) == 3) {
        if (weir_parse_msec(weir_conf_arg(cf, 2), &ms) != WEIR_OK) {
            return weir_conf_invalid(cf, 2, "value");
        }
        h->max_s = ms / 1000;
    }
    return WEIR_OK;
}

/* ---- Looking up. ---- */

bool
conf_any(weir_request *r, const weir_values *conditions)
{
    for (size_t i = 0; i < conditions->count; i++) {
        if (weir_str_is_true(weir_value_get(r, conditions->at[i]))) {
            return true;
        }
    }
    return false;
}

int64_t
conf_valid(const struct valid *v, uint32_t status)
{
    for (; v != NULL; v = v->next) {
        if (v->status == 0 || v->status == status) {
            return (int64_t)v->seconds;
        }
    }
    return -1;
}

/* Its own family's first, then any. */
const struct path *
conf_path(const cache_conf *c, uint32_t which, weir_str name)
{
    for (uint32_t i = 0; i < WEIR_CACHE_FAMILIES; i++) {
        const struct path *p = c->family[(which + i) % WEIR_CACHE_FAMILIES].paths;
        for (; p != NULL; p = p->next) {
            if (weir_str_eq(p->zone, name)) {
                return p;
            }
        }
    }
    return NULL;
}

bool
conf_names_parts(const struct valid *v)
{
    while (v != NULL && v->status != 206) {
        v = v->next;
    }
    return v != NULL;
}

struct store *
conf_store(weir_request *r, const cache_conf *c, enum weir_cache_family which)
{
    const struct family *f = &c->family[which];
    const struct path *p = f->path;
    weir_str name;

    if (p != NULL) {
        return p->store;
    }
    if (f->zone.name == NULL) {
        return NULL;
    }
    name = weir_value_get(r, f->zone.name);
    p = conf_path(c, which, name);
    if (p == NULL && !weir_str_eq(name, WEIR_STR("off")) && name.len != 0) {
        weir_say(r->log, ERROR, "cache \"%.*s\" not found", WEIR_FMT(name));
    }
    return p != NULL ? p->store : NULL;
}

void
conf_each_store(const cache_conf *c, void (*fn)(void *data, const struct path *p), void *data)
{
    for (uint32_t i = 0; i < WEIR_CACHE_FAMILIES; i++) {
        for (const struct path *p = c->family[i].paths; p != NULL; p = p->next) {
            if (p->store != NULL) {
                fn(data, p);
            }
        }
    }
}

/* ---- A whole block. ---- */

static weir_str
folder_of(const struct path *p)
{
    weir_str s = p->options.path;

    while (s.len > 1 && s.data[s.len - 1] == '/') {
        s.len--;
    }
    return s;
}

/* Two caches would remove each other's files. */
static int
check_folder(weir_conf *cf, const cache_conf *c, const struct path *one)
{
    for (uint32_t i = 0; i < WEIR_CACHE_FAMILIES; i++) {
        for (const struct path *p = c->family[i].paths; p != NULL; p = p->next) {
            if (p != one && weir_str_eq(folder_of(p), folder_of(one))) {
                return weir_conf_error(cf,
                                       "the same path name \"%.*s\" used by the zones \"%.*s\" "
                                       "and \"%.*s\"",
                                       WEIR_FMT(folder_of(one)), WEIR_FMT(one->zone),
                                       WEIR_FMT(p->zone));
            }
        }
    }
    return WEIR_OK;
}

static int
make_stores(weir_conf *cf, cache_conf *c)
{
    for (uint32_t i = 0; i < WEIR_CACHE_FAMILIES; i++) {
        for (struct path *p = c->family[i].paths; p != NULL; p = p->next) {
            if (check_folder(cf, c, p) != WEIR_OK) {
                return WEIR_ERROR;
            }
            if (p->store == NULL) {
                weir_conf_folder(cf, p->options.path);
                p->store = store_make(cf, &p->options);
            }
            if (p->store == NULL) {
                return WEIR_ERROR;
            }
        }
    }
    return WEIR_OK;
}

static int
find_zone(weir_conf *cf, const cache_conf *c, uint32_t which, const struct zone_name *z,
          struct path **to)
{
    *to = NULL;
    if (z->name == NULL || z->name->constant.data == NULL) {
        return WEIR_OK;
    }
    *to = (struct path *)(uintptr_t)conf_path(c, which, z->name->constant);
    return *to != NULL ? WEIR_OK
                       : weir_conf_error(cf,
                                         "cache zone \"%.*s\" is unknown: there is no "
                                         "%s_cache_path with such a keys_zone",
                                         WEIR_FMT(z->name->constant), family_names[which]);
}

static int
check_family(weir_conf *cf, cache_conf *c, uint32_t which)
{
    struct family *f = &c->family[which];

    f->methods |= WEIR_GET | WEIR_HEAD;
    if (f->min_uses < 1) {
        return weir_conf_error(cf, "\"%s_cache_min_uses\" must be at least 1", family_names[which]);
    }
    if (f->zone.name == NULL) {
        return WEIR_OK;
    }
    c->on = true;
    if (f->key == NULL && which == WEIR_CACHE_PROXY) {
        f->key = weir_value_compile(cf, WEIR_STR("$scheme$proxy_host$request_uri"));
        if (f->key == NULL) {
            return WEIR_ERROR;
        }
    }
    if (f->key == NULL) {
        return weir_conf_error(cf, "no \"%s_cache_key\" for \"%s_cache\"", family_names[which],
                               family_names[which]);
    }
    return find_zone(cf, c, which, &f->zone, &f->path);
}

static bool
is_off(weir_str word)
{
    return word.len == 0 || weir_str_eq(word, WEIR_STR("off"));
}

static void
make_policy(cache_conf *c)
{
    if (!c->heuristic.written && c->rules == RULES_RFC) {
        c->heuristic = (struct heuristic){ DEFAULT_PERCENT, DEFAULT_MAX_S, true };
    }
    c->policy = (struct policy_conf){ .rules = c->rules,
                                      .cookies = c->cookies,
                                      .heuristic_percent = c->heuristic.percent,
                                      .heuristic_max = c->heuristic.max_s,
                                      .targets = c->targets };
    if (c->targets.count == 1 && is_off(c->targets.at[0])) {
        c->policy.targets.count = 0;
    }
}

static bool
is_token(weir_str word)
{
    for (size_t i = 0; i < word.len; i++) {
        char ch = word.data[i];
        bool alpha = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
        if (!alpha && !(ch >= '0' && ch <= '9') && strchr("-._", ch) == NULL) {
            return false;
        }
    }
    return word.len != 0;
}

/* The origin is told of us where Surrogate-Control is obeyed. */
static int
make_surrogate(weir_conf *cf, cache_conf *c)
{
    c->capability = (weir_str){ NULL, 0 };
    if (is_off(c->surrogate)) {
        return WEIR_OK;
    }
    if (!is_token(c->surrogate)) {
        return weir_conf_error(
            cf, "\"cache_surrogate\" takes a name of letters, digits, \".\", \"-\" and \"_\"");
    }
    for (size_t i = 0; i < c->policy.targets.count; i++) {
        if (weir_str_ieq(c->policy.targets.at[i], CONTROL_SURROGATE)) {
            c->policy.surrogate = c->surrogate;
            c->capability =
                weir_print(weir_conf_pool(cf), "%.*s=\"Surrogate/1.0\"", WEIR_FMT(c->surrogate));
        }
    }
    return WEIR_OK;
}

int
cache_check(weir_conf *cf, void *conf)
{
    cache_conf *c = conf;

    if (weir_conf_where(cf) == WEIR_IN_HTTP && make_stores(cf, c) != WEIR_OK) {
        return WEIR_ERROR;
    }
    c->on = false;
    for (uint32_t i = 0; i < WEIR_CACHE_FAMILIES; i++) {
        if (check_family(cf, c, i) != WEIR_OK) {
            return WEIR_ERROR;
        }
    }
    if (weir_str_eq(c->status, WEIR_STR("on"))) {
        c->status = WEIR_STR("weir");
    }
    c->says_status = c->on && !is_off(c->status);
    c->loop = is_off(c->loop) ? (weir_str){ NULL, 0 } : c->loop;
    make_policy(c);
    c->body = c->on ? weir_value_compile(cf, WEIR_STR("$request_body")) : NULL;
    if (c->on && (c->body == NULL || make_surrogate(cf, c) != WEIR_OK)) {
        return WEIR_ERROR;
    }
    return find_zone(cf, c, WEIR_CACHE_PROXY, &c->endpoint, &c->endpoint_path);
}

/* ---- Workers. ---- */

static void
start_one(void *data, const struct path *p)
{
    int *rc = data;

    if (*rc == WEIR_OK) {
        *rc = store_start(p->store);
    }
}

int
cache_start(const void *conf)
{
    int rc = WEIR_OK;

    conf_each_store(conf, start_one, &rc);
    return rc;
}

static void
stop_one(void *data, const struct path *p)
{
    (void)data;
    store_stop(p->store);
}

void
cache_stop(const void *conf)
{
    conf_each_store(conf, stop_one, NULL);
}
