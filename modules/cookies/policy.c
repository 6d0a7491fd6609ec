/* cookies/policy.c - reading the lines of cookie_policy, and asking them about a cookie. */
#include "policy.h"

/* ---- Reading. ---- */

/* A word that says something about one attribute. */
struct word {
    const char *text; /* ends with '=' when a value follows */
    uint8_t which, action;
    const char *value;
};

static const struct word words[] = {
    { "secure", COOKIE_SECURE, COOKIE_SET, NULL },
    { "secure=off", COOKIE_SECURE, COOKIE_REMOVE, NULL },
    { "httponly", COOKIE_HTTPONLY, COOKIE_SET, NULL },
    { "httponly=off", COOKIE_HTTPONLY, COOKIE_REMOVE, NULL },
    { "partitioned", COOKIE_PARTITIONED, COOKIE_SET, NULL },
    { "partitioned=off", COOKIE_PARTITIONED, COOKIE_REMOVE, NULL },
    { "samesite=strict", COOKIE_SAMESITE, COOKIE_SET, "Strict" },
    { "samesite=lax", COOKIE_SAMESITE, COOKIE_SET, "Lax" },
    { "samesite=none", COOKIE_SAMESITE, COOKIE_SET, "None" },
    { "samesite=off", COOKIE_SAMESITE, COOKIE_REMOVE, NULL },
    { "domain=-", COOKIE_DOMAIN, COOKIE_REMOVE, NULL },
    { "path=-", COOKIE_PATH, COOKIE_REMOVE, NULL },
    { "max_age=-", COOKIE_MAX_AGE, COOKIE_REMOVE, NULL },
};

static int
say(weir_conf *cf, struct cookie_rule *rule, uint32_t i, uint8_t which, uint8_t action,
    weir_str value)
{
    if (rule->action[which] != COOKIE_KEEP) {
        return weir_conf_error_at(cf, i, "\"%.*s\" speaks of what stands before it",
                                  WEIR_FMT(weir_conf_arg(cf, i)));
    }
    rule->action[which] = action;
    if (value.data != NULL) {
        rule->value[which] = weir_value_compile(cf, value);
        if (rule->value[which] == NULL) {
            return WEIR_ERROR;
        }
        if (rule->value[which]->constant.data != NULL &&
            !cookie_value_is_plain(rule->value[which]->constant)) {
            return weir_conf_error_at(cf, i, "a value must be one line without \";\"");
        }
    }
    return WEIR_OK;
}

/* Seconds; an Expires beside it would only contradict. */
static int
say_max_age(weir_conf *cf, struct cookie_rule *rule, uint32_t i, weir_str text)
{
    uint64_t ms;
    int rc;

    if (weir_parse_msec(text, &ms) != WEIR_OK || ms < 1000) {
        return weir_conf_error_at(cf, i, "invalid time \"%.*s\"", WEIR_FMT(text));
    }
    rc = say(cf, rule, i, COOKIE_MAX_AGE, COOKIE_SET,
             weir_print(weir_conf_pool(cf), "%llu", (unsigned long long)ms / 1000));
    rule->action[COOKIE_EXPIRES] = COOKIE_REMOVE;
    return rc;
}

/* What is not about an attribute. WEIR_ABSENT: it is no such word. */
static int
read_treatment(weir_conf *cf, struct cookie_rule *rule, uint32_t i, weir_str word)
{
    static const struct {
        const char *text;
        uint8_t guard;
    } guards[] = { { "seal", COOKIE_SEALED },
                   { "sign", COOKIE_SIGNED },
                   { "plain", COOKIE_PLAIN } };
    weir_str name;

    for (size_t k = 0; k < sizeof(guards) / sizeof(guards[0]); k++) {
        if (weir_str_eq(word, weir_str_c(guards[k].text))) {
            if (rule->guard != COOKIE_UNSAID) {
                return weir_conf_error_at(cf, i, "\"%.*s\" speaks of what stands before it",
                                          WEIR_FMT(word));
            }
            rule->guard = guards[k].guard;
            return WEIR_OK;
        }
    }
    if (weir_str_eq(word, WEIR_STR("default")) || weir_str_eq(word, WEIR_STR("force"))) {
        rule->defaults = word.data[0] == 'd';
        return WEIR_OK;
    }
    if (weir_str_eq(word, WEIR_STR("drop"))) {
        rule->drop = true;
        return WEIR_OK;
    }
    if (!weir_str_after(word, WEIR_STR("rename="), &name)) {
        return WEIR_ABSENT;
    }
    if (!weir_is_token(name) || rule->regex != NULL || rule->prefix || rule->text.len == 0) {
        return weir_conf_error_at(
            cf, i, "\"rename=\" gives one cookie another name, which must be a token");
    }
    rule->rename = name;
    return WEIR_OK;
}

static int
read_word(weir_conf *cf, struct cookie_rule *rule, uint32_t i)
{
    weir_str word = weir_conf_arg(cf, i), value;
    int rc = read_treatment(cf, rule, i, word);

    if (rc != WEIR_ABSENT) {
        return rc;
    }
    for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
        if (weir_str_eq(word, weir_str_c(words[k].text))) {
            if (words[k].which == COOKIE_MAX_AGE) {
                rule->action[COOKIE_EXPIRES] = COOKIE_REMOVE;
            }
            return say(cf, rule, i, words[k].which, words[k].action, weir_str_c(words[k].value));
        }
    }
    if (weir_str_after(word, WEIR_STR("max_age="), &value)) {
        return say_max_age(cf, rule, i, value);
    }
    if (weir_str_after(word, WEIR_STR("domain="), &value) && value.len != 0) {
        return say(cf, rule, i, COOKIE_DOMAIN, COOKIE_SET, value);
    }
    if (weir_str_after(word, WEIR_STR("path="), &value) && value.len != 0) {
        return say(cf, rule, i, COOKIE_PATH, COOKIE_SET, value);
    }
    return weir_conf_invalid(cf, i, "parameter");
}

/* "session", "wp_*", "~^sess", "*" */
static int
read_pattern(weir_conf *cf, struct cookie_rule *rule)
{
    weir_str text = weir_conf_arg(cf, 1);

    if (text.len != 0 && text.data[0] == '~') {
        if (text.len == 1) {
            return weir_conf_error_at(cf, 1, "empty regex");
        }
        text = (weir_str){ text.data + 1, text.len - 1 };
        rule->regex = weir_regex_compile(cf, text, 0);
        rule->folded = rule->regex != NULL ? weir_regex_compile(cf, text, WEIR_REGEX_ICASE) : NULL;
        return rule->folded != NULL ? WEIR_OK : WEIR_ERROR;
    }
    rule->prefix = text.len != 0 && text.data[text.len - 1] == '*';
    rule->text = (weir_str){ text.data, text.len - rule->prefix };
    if ((rule->text.len == 0 && !rule->prefix) ||
        (rule->text.len != 0 && !weir_is_token(rule->text))) {
        return weir_conf_error_at(cf, 1, "\"%.*s\" cannot be the name of a cookie", WEIR_FMT(text));
    }
    return WEIR_OK;
}

static void
append(struct cookie_rules *rules, struct cookie_rule *rule)
{
    struct cookie_rule **at = &rules->first;

    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = rule;
}

int
set_cookie_policy(weir_conf *cf, const weir_directive *d, void *field)
{
    struct cookie_rules *rules = field;
    struct cookie_rule *rule = weir_zalloc(weir_conf_pool(cf), sizeof(*rule));
    uint32_t argc = weir_conf_argc(cf);
    int rc;

    (void)d;
    if (argc == 2) {
        if (!weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("off")) || rules->first != NULL) {
            return weir_conf_error_at(cf, 1, "a name alone says nothing; \"off\" stands alone");
        }
        rules->written = true;
        return WEIR_OK;
    }
    if (rules->written && rules->first == NULL) {
        return weir_conf_error(cf, "\"cookie_policy off\" stands alone");
    }
    rules->written = true;
    rc = read_pattern(cf, rule);
    for (uint32_t i = 2; i < argc && rc == WEIR_OK; i++) {
        rc = read_word(cf, rule, i);
    }
    append(rules, rule);
    return rc;
}

/* ---- Asking. ---- */

static bool
is_about(const struct cookie_rule *rule, weir_str name, bool fold)
{
    weir_str part = name;

    if (rule->regex != NULL) {
        return weir_regex_match(NULL, fold ? rule->folded : rule->regex, name) == WEIR_OK;
    }
    if (rule->prefix && name.len > rule->text.len) {
        part.len = rule->text.len;
    }
    return fold ? weir_str_ieq(part, rule->text) : weir_str_eq(part, rule->text);
}

void
cookie_rules_judge(const struct cookie_rules *rules, weir_str name, bool fold,
                   struct cookie_verdict *v)
{
    *v = (struct cookie_verdict){ 0 };
    for (const struct cookie_rule *rule = rules->first; rule != NULL; rule = rule->next) {
        if (!is_about(rule, name, fold)) {
            continue;
        }
        v->drop = v->drop || rule->drop;
        v->guard = v->guard != COOKIE_UNSAID ? v->guard : rule->guard;
        v->rename = v->rename.data != NULL ? v->rename : rule->rename;
        for (uint32_t i = 0; i < COOKIE_ATTRIBUTES; i++) {
            if (v->by[i] == NULL && rule->action[i] != COOKIE_KEEP) {
                v->by[i] = rule;
            }
        }
    }
}

weir_str
cookie_rules_inner_name(const struct cookie_rules *rules, weir_str name)
{
    for (const struct cookie_rule *rule = rules->first; rule != NULL; rule = rule->next) {
        if (rule->rename.data != NULL && weir_str_eq(rule->rename, name)) {
            return rule->text;
        }
    }
    for (const struct cookie_rule *rule = rules->first; rule != NULL; rule = rule->next) {
        if (rule->rename.data != NULL && weir_str_ieq(rule->text, name)) {
            return (weir_str){ NULL, 0 };
        }
    }
    return name;
}

bool
cookie_rules_guard(const struct cookie_rules *rules)
{
    const struct cookie_rule *rule = rules->first;

    while (rule != NULL && rule->guard <= COOKIE_PLAIN) {
        rule = rule->next;
    }
    return rule != NULL;
}

bool
cookie_rules_change_requests(const struct cookie_rules *rules)
{
    const struct cookie_rule *rule = rules->first;

    while (rule != NULL && rule->guard <= COOKIE_PLAIN && rule->rename.data == NULL) {
        rule = rule->next;
    }
    return rule != NULL;
}
