/* proxy/rewrite.c - rules for fields of replies: read, and applied to a part of a value. */
#include "rewrite.h"

int
rewrite_add(weir_conf *cf, struct rewrites *to, uint32_t flags)
{
    weir_str pattern = weir_conf_arg(cf, 1);
    struct rewrite_rule *rule = weir_zalloc(weir_conf_pool(cf), sizeof(*rule));
    const struct rewrite_rule **at = &to->first;

    if (pattern.len != 0 && pattern.data[0] == '~') {
        bool fold = pattern.len > 1 && pattern.data[1] == '*';
        rule->regex = weir_regex_compile(cf, weir_str_cut(pattern, fold ? 2 : 1, SIZE_MAX),
                                         fold ? WEIR_REGEX_ICASE : flags);
        if (rule->regex == NULL) {
            return WEIR_ERROR;
        }
    } else {
        rule->pattern = weir_value_compile(cf, pattern);
        if (rule->pattern == NULL) {
            return WEIR_ERROR;
        }
    }
    rule->replacement = weir_value_compile(cf, weir_conf_arg(cf, 2));
    if (rule->replacement == NULL) {
        return WEIR_ERROR;
    }
    while (*at != NULL) {
        at = (const struct rewrite_rule **)(uintptr_t) & (*at)->next;
    }
    *at = rule;
    return WEIR_OK;
}

weir_str
rewrite_put(weir_request *r, weir_str value, size_t at, size_t len, weir_str replacement)
{
    weir_text t = weir_text_begin(r->pool, value.len + replacement.len, TEXT_MAX);

    weir_text_add(&t, weir_str_cut(value, 0, at));
    weir_text_add(&t, replacement);
    weir_text_add(&t, weir_str_cut(value, at + len, SIZE_MAX));
    return t.full ? value : weir_text_view(&t);
}

bool
rewrite_prefix(weir_request *r, const struct rewrites *rules, weir_str *value, size_t at)
{
    weir_str rest = weir_str_cut(*value, at, SIZE_MAX);

    for (const struct rewrite_rule *rule = rules->first; rule != NULL; rule = rule->next) {
        size_t len = rest.len;
        if (rule->regex == NULL) {
            weir_str pattern = weir_value_get(r, rule->pattern);
            if (!weir_str_starts(rest, pattern)) {
                continue;
            }
            len = pattern.len;
        } else if (weir_regex_match(r, rule->regex, rest) != WEIR_OK) {
            continue;
        }
        *value = rewrite_put(r, *value, at, len, weir_value_get(r, rule->replacement));
        return true;
    }
    return false;
}
