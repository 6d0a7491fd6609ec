/* proxy/redirect.c - proxy_redirect: Location and Refresh of replies, which name the upstream, made
 * to name us. */
#include "rewrite.h"

int
set_redirect(weir_conf *cf, const weir_directive *d, void *field)
{
    struct rewrites *rules = field;
    weir_str word = weir_conf_arg(cf, 1);

    (void)d;
    rules->written = true;
    if (weir_conf_argc(cf) == 3) {
        return rewrite_add(cf, rules, 0);
    }
    if (weir_str_eq(word, WEIR_STR("off"))) {
        rules->off = true;
    } else if (weir_str_eq(word, WEIR_STR("default"))) {
        rules->standard = true;
    } else {
        return weir_conf_invalid(cf, 1, "parameter");
    }
    return WEIR_OK;
}

/* The rule that proxy_pass itself stands for: its URL becomes the location's path. */
int
redirect_compile(weir_conf *cf, proxy_conf *c)
{
    const struct target *t = c->pass;

    c->standard_from = c->standard_to = (weir_str){ NULL, 0 };
    if (c->redirects.off || (c->redirects.written && !c->redirects.standard)) {
        return WEIR_OK;
    }
    if (t->value != NULL) {
        return c->redirects.written
                   ? weir_conf_error(
                         cf, "\"proxy_redirect default\" cannot be used with \"proxy_pass\" "
                             "directive with variables")
                   : WEIR_OK;
    }
    if (t->known.uri.len != 0) {
        c->standard_from = t->text;
        c->standard_to = t->location;
    } else {
        c->standard_from = weir_print(weir_conf_pool(cf), "%.*s/", WEIR_FMT(t->text));
        c->standard_to = WEIR_STR("/");
    }
    return WEIR_OK;
}

/* Change what is in value from `at` on. */
static bool
rewrite_at(weir_request *r, const proxy_conf *c, weir_str *value, size_t at)
{
    if (c->redirects.off) {
        return false;
    }
    if (c->standard_from.len != 0 &&
        weir_str_starts(weir_str_cut(*value, at, SIZE_MAX), c->standard_from)) {
        *value = rewrite_put(r, *value, at, c->standard_from.len, c->standard_to);
        return true;
    }
    return rewrite_prefix(r, &c->redirects, value, at);
}

weir_str
redirect_rewrite(weir_request *r, const proxy_conf *c, weir_str value, bool *changed)
{
    *changed = rewrite_at(r, c, &value, 0);
    return value;
}

/* "5; url=http://..." */
weir_str
refresh_rewrite(weir_request *r, const proxy_conf *c, weir_str value)
{
    for (size_t at = 0; at + 4 <= value.len; at++) {
        if (weir_str_ieq(weir_str_cut(value, at, 4), WEIR_STR("url="))) {
            (void)rewrite_at(r, c, &value, at + 4);
            break;
        }
    }
    return value;
}
