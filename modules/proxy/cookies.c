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

/* One attribute of the cookie, changed or left out as the rules say. */
static void
write_attribute(weir_text *to, weir_request *r, const proxy_conf *c, weir_str name, weir_str value,
                uint32_t flags)
{
    if ((weir_str_ieq(name, WEIR_STR("secure")) && flags & (SECURE | NO_SECURE)) ||
        (weir_str_ieq(name, WEIR_STR("httponly")) && flags & (HTTPONLY | NO_HTTPONLY)) ||
        (weir_str_ieq(name, WEIR_STR("samesite")) && flags & (SAMESITE | NO_SAMESITE))) {
        return;
    }
    if (value.data != NULL && weir_str_ieq(name, WEIR_STR("domain"))) {
        value = domain_of(r, &c->cookie_domains, value);
    } else if (value.data != NULL && weir_str_ieq(name, WEIR_STR("path")) && !c->cookie_paths.off) {
        (void)rewrite_prefix(r, &c->cookie_paths, &value, 0);
    }
    weir_text_add_attribute(to, name, value);
}

static void
write_flags(weir_text *to, uint32_t flags)
{
    if (flags & SECURE) {
        weir_text_add(to, WEIR_STR("; Secure"));
    }
    if (flags & HTTPONLY) {
        weir_text_add(to, WEIR_STR("; HttpOnly"));
    }
    if (flags & SAMESITE) {
        weir_text_add(to, flags & STRICT ? WEIR_STR("; SameSite=Strict")
                          : flags & LAX  ? WEIR_STR("; SameSite=Lax")
                                         : WEIR_STR("; SameSite=None"));
    }
}

weir_str
cookie_rewrite(weir_request *r, const proxy_conf *c, weir_str value)
{
    size_t end = weir_str_find(value, ';');
    weir_str rest = weir_str_cut(value, end + 1, SIZE_MAX), name, attribute;
    uint32_t flags;
    weir_text to;

    if (c->cookie_domains.first == NULL && c->cookie_paths.first == NULL &&
        c->cookie_flags.first == NULL) {
        return value;
    }
    flags = flags_for(
        r, &c->cookie_flags,
        weir_str_trim(weir_str_cut(value, 0, weir_str_find(weir_str_cut(value, 0, end), '='))));
    to = weir_text_begin(r->pool, value.len + 64, TEXT_MAX);
    weir_text_add(&to, weir_str_cut(value, 0, end));
    while (weir_attribute_next(&rest, &name, &attribute)) {
        write_attribute(&to, r, c, name, attribute, flags);
    }
    write_flags(&to, flags);
    return to.full ? value : weir_text_view(&to);
}
