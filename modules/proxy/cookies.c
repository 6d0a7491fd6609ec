/* proxy/cookies.c - proxy_cookie_domain, proxy_cookie_path, proxy_cookie_flags: Set-Cookie of
 * replies. [RFC 6265 4.1] */
#include "rewrite.h"

enum flag {
    SECURE = 1 << 0,
    NO_SECURE = 1 << 1,
    HTTPONLY = 1 << 2,
    NO_HTTPONLY = 1 << 3,
    STRICT = 1 << 4,
    LAX = 1 << 5,
    NONE = 1 << 6,
    NO_SAMESITE = 1 << 7
};

enum { SAMESITE = STRICT | LAX | NONE };

struct cookie_flags {
    struct cookie_flags *next;
    const weir_regex *regex; /* of names; NULL: */
    weir_value *name;
    uint32_t constant;   /* enum flag */
    weir_value **values; /* flags with variables, known for a request */
    uint32_t n_values;
};

/* ---- Reading. ---- */

/* proxy_cookie_domain and proxy_cookie_path. */
int
set_cookie_rule(weir_conf *cf, const weir_directive *d, void *field)
{
    struct rewrites *rules = field;
    bool domain = strcmp(d->name, "proxy_cookie_domain") == 0;

    rules->written = true;
    if (weir_conf_argc(cf) == 3) {
        return rewrite_add(cf, rules, domain ? WEIR_REGEX_ICASE : 0);
    }
    if (!weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("off"))) {
        return weir_conf_invalid(cf, 1, "parameter");
    }
    rules->off = true;
    return WEIR_OK;
}

static uint32_t
flag_of(weir_str word)
{
    static const struct {
        const char *word;
        uint32_t flag;
    } flags[] = { { "secure", SECURE },          { "nosecure", NO_SECURE },
                  { "httponly", HTTPONLY },      { "nohttponly", NO_HTTPONLY },
                  { "samesite=strict", STRICT }, { "samesite=lax", LAX },
                  { "samesite=none", NONE },     { "nosamesite", NO_SAMESITE } };

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (weir_str_ieq(word, weir_str_c(flags[i].word))) {
            return flags[i].flag;
        }
    }
    return 0;
}

static int
read_flags(weir_conf *cf, struct cookie_flags *f)
{
    uint32_t argc = weir_conf_argc(cf);

    f->values = weir_zalloc(weir_conf_pool(cf), argc * sizeof(f->values[0]));
    for (uint32_t i = 2; i < argc; i++) {
        weir_str word = weir_conf_arg(cf, i);
        uint32_t flag = flag_of(word);
        if (flag == 0 && weir_str_find(word, '$') == word.len) {
            return weir_conf_invalid(cf, i, "parameter");
        }
        f->constant |= flag;
        if (flag == 0) {
            f->values[f->n_values] = weir_value_compile(cf, word);
            if (f->values[f->n_values++] == NULL) {
                return WEIR_ERROR;
            }
        }
    }
    return WEIR_OK;
}

int
set_cookie_flags(weir_conf *cf, const weir_directive *d, void *field)
{
    struct cookie_flag_rules *rules = field;
    weir_str name = weir_conf_arg(cf, 1);
    struct cookie_flags *f;
    const struct cookie_flags **at = &rules->first;

    (void)d;
    if (weir_conf_argc(cf) == 2) {
        if (!weir_str_eq(name, WEIR_STR("off"))) {
            return weir_conf_invalid(cf, 1, "parameter");
        }
        rules->off = true;
        return WEIR_OK;
    }
    f = weir_zalloc(weir_conf_pool(cf), sizeof(*f));
    if (name.len != 0 && name.data[0] == '~') {
        f->regex = weir_regex_compile(cf, weir_str_cut(name, 1, SIZE_MAX), WEIR_REGEX_ICASE);
    } else {
        f->name = weir_value_compile(cf, name);
    }
    if ((f->regex == NULL && f->name == NULL) || read_flags(cf, f) != WEIR_OK) {
        return WEIR_ERROR;
    }
    while (*at != NULL) {
        at = (const struct cookie_flags **)(uintptr_t) & (*at)->next;
    }
    *at = f;
    return WEIR_OK;
}

/* ---- Changing. ---- */

/* The flags for the cookie called name: those of the first rule that knows it. */
static uint32_t
flags_for(weir_request *r, const struct cookie_flag_rules *rules, weir_str name)
{
    for (const struct cookie_flags *f = rules->off ? NULL : rules->first; f != NULL; f = f->next) {
        uint32_t flags = f->constant;
        if (f->regex != NULL ? weir_regex_match(r, f->regex, name) != WEIR_OK
                             : !weir_str_ieq(weir_value_get(r, f->name), name)) {
            continue;
        }
        for (uint32_t i = 0; i < f->n_values; i++) {
            flags |= flag_of(weir_value_get(r, f->values[i]));
        }
        return flags;
    }
    return 0;
}

/* A domain: the whole of it, case and a leading dot not counting; the dot stays. */
static weir_str
domain_of(weir_request *r, const struct rewrites *rules, weir_str domain)
{
    size_t dot = weir_str_starts(domain, WEIR_STR(".")) ? 1 : 0;
    weir_str bare = weir_str_cut(domain, dot, SIZE_MAX);

    for (const struct rewrite_rule *rule = rules->off ? NULL : rules->first; rule != NULL;
         rule = rule->next) {
        weir_str pattern = weir_value_get(r, rule->pattern);
        if (weir_str_starts(pattern, WEIR_STR("."))) {
            pattern = weir_str_cut(pattern, 1, SIZE_MAX);
        }
        if (rule->regex != NULL) {
            if (weir_regex_match(r, rule->regex, domain) == WEIR_OK) {
                return weir_value_get(r, rule->replacement);
            }
        } else if (weir_str_ieq(pattern, bare)) {
            return rewrite_put(r, domain, dot, bare.len, weir_value_get(r, rule->replacement));
        }
    }
    return domain;
}

/* A cookie on its way. */
struct rewriting {
    weir_request *r;
    const proxy_conf *conf;
    weir_text to;
    uint32_t flags; /* those that are still to be seen to */
    bool changed;
};

static weir_str
samesite_of(uint32_t flags)
{
    return flags & STRICT ? WEIR_STR("Strict") : flags & LAX ? WEIR_STR("Lax") : WEIR_STR("None");
}

/* A flag that is there: it stays in its place, with the value that it shall have, or goes. */
static bool
write_flag(struct rewriting *c, weir_str name, weir_str value)
{
    static const struct {
        const char *name;
        uint32_t give, take;
    } flags[] = { { "secure", SECURE, NO_SECURE },
                  { "httponly", HTTPONLY, NO_HTTPONLY },
                  { "samesite", SAMESITE, NO_SAMESITE } };
    size_t i = 0, n = sizeof(flags) / sizeof(flags[0]);

    while (i < n && !weir_str_ieq(name, weir_str_c(flags[i].name))) {
        i++;
    }
    if (i == n) {
        return false;
    }
    if (c->flags & flags[i].take) {
        c->changed = true;
    } else if (flags[i].give == SAMESITE && c->flags & SAMESITE) {
        weir_text_add_attribute(&c->to, WEIR_STR("SameSite"), samesite_of(c->flags));
        c->changed = true;
    } else {
        weir_text_add_attribute(&c->to, name, value);
    }
    c->flags &= ~flags[i].give;
    return true;
}

/* One attribute of the cookie, changed or left out as the rules say. */
static void
write_attribute(struct rewriting *c, weir_str name, weir_str before)
{
    weir_str value = before;

    if (write_flag(c, name, before)) {
        return;
    }
    if (value.data != NULL && weir_str_ieq(name, WEIR_STR("domain"))) {
        value = domain_of(c->r, &c->conf->cookie_domains, value);
    } else if (value.data != NULL && weir_str_ieq(name, WEIR_STR("path")) &&
               !c->conf->cookie_paths.off) {
        (void)rewrite_prefix(c->r, &c->conf->cookie_paths, &value, 0);
    }
    c->changed |= value.data != before.data || value.len != before.len;
    weir_text_add_attribute(&c->to, name, value);
}

/* The flags that were not there. */
static void
write_flags(struct rewriting *c)
{
    if (c->flags & SECURE) {
        weir_text_add(&c->to, WEIR_STR("; Secure"));
    }
    if (c->flags & HTTPONLY) {
        weir_text_add(&c->to, WEIR_STR("; HttpOnly"));
    }
    if (c->flags & SAMESITE) {
        weir_text_add_attribute(&c->to, WEIR_STR("SameSite"), samesite_of(c->flags));
    }
    c->changed |= (c->flags & (SECURE | HTTPONLY | SAMESITE)) != 0;
}

weir_str
cookie_rewrite(weir_request *r, const proxy_conf *conf, weir_str value)
{
    size_t end = weir_str_find(value, ';');
    weir_str pair = weir_str_cut(value, 0, end), rest = weir_str_cut(value, end + 1, SIZE_MAX);
    weir_str name, attribute;
    size_t equals = weir_str_find(pair, '=');
    struct rewriting c = { .r = r, .conf = conf };

    if (equals == pair.len ||
        (conf->cookie_domains.first == NULL && conf->cookie_paths.first == NULL &&
         conf->cookie_flags.first == NULL)) {
        return value;
    }
    c.flags = flags_for(r, &conf->cookie_flags, weir_str_trim(weir_str_cut(pair, 0, equals)));
    c.to = weir_text_begin(r->pool, value.len + 64, TEXT_MAX);
    weir_text_add(&c.to, pair);
    while (weir_attribute_next(&rest, &name, &attribute)) {
        write_attribute(&c, name, attribute);
    }
    write_flags(&c);
    return c.to.full || !c.changed ? value : weir_text_view(&c.to);
}
