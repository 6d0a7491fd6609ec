/* proxy/ssl.c - proxy_ssl_*: how peers behind https are spoken to. Verified, and told the name,
 * unless the settings say no. */
#include "proxy.h"

enum { CACHE_MOST = 1 << 24 };

/* off | max=N [inactive=TIME] [valid=TIME] */
int
set_certificate_cache(weir_conf *cf, const weir_directive *d, void *field)
{
    struct certificate_cache c = { 0 };
    bool off = false;

    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);
        weir_str value = weir_str_cut(word, weir_str_find(word, '=') + 1, SIZE_MAX);
        bool good = false;
        if (weir_str_eq(word, WEIR_STR("off"))) {
            good = off = weir_conf_argc(cf) == 2;
        } else if (weir_str_starts(word, WEIR_STR("max="))) {
            good = weir_parse_number(value, CACHE_MOST, &c.max) && c.max != 0;
        } else if (weir_str_starts(word, WEIR_STR("inactive="))) {
            good = weir_parse_msec(value, &c.inactive_ms) == WEIR_OK;
        } else if (weir_str_starts(word, WEIR_STR("valid="))) {
            good = weir_parse_msec(value, &c.valid_ms) == WEIR_OK;
        }
        if (!good) {
            return weir_conf_invalid(cf, i, "parameter");
        }
    }
    if (!off && c.max == 0) {
        return weir_conf_error(cf, "\"%s\" must have the \"max\" parameter", d->name);
    }
    *(struct certificate_cache *)field = c;
    return WEIR_OK;
}

static weir_str
joined(weir_conf *cf, const weir_strs *words)
{
    weir_text t;

    if (words->count == 0) {
        return (weir_str){ NULL, 0 };
    }
    t = weir_text_begin(weir_conf_pool(cf), 64, TEXT_MAX);
    for (size_t i = 0; i < words->count; i++) {
        if (i != 0) {
            weir_text_add(&t, WEIR_STR(" "));
        }
        weir_text_add(&t, words->at[i]);
    }
    return weir_text_view(&t);
}

/* Does proxy_pass lead to https, or may it? */
static bool
may_need_tls(const struct target *t)
{
    return t->value != NULL ? !weir_str_starts(t->text, WEIR_STR("http://")) : t->known.tls;
}

/* A host, without its port. */
static weir_str
bare_host(weir_str name)
{
    if (name.len != 0 && name.data[0] == '[') {
        return weir_str_cut(name, 0, weir_str_find(name, ']') + 1);
    }
    return weir_str_cut(name, 0, weir_str_find(name, ':'));
}

/* For checks of the group's servers: where requests go, and how. */
static void
tell_group(weir_conf *cf, const proxy_conf *c)
{
    const struct destination *to = &c->pass->known;
    weir_str name = to->host;

    if (c->ssl_name != NULL && c->ssl_name->constant.data != NULL) {
        name = c->ssl_name->constant;
    }
    if (c->pass->value == NULL) {
        weir_upstream_held(cf, to->to, to->tls ? &c->tls : &c->plain, bare_host(name));
    }
}

int
ssl_compile(weir_conf *cf, proxy_conf *c)
{
    weir_tls_client_options o = { .size = sizeof(o),
                                  .depth = (uint32_t)c->ssl_depth,
                                  .verify = c->ssl_verify,
                                  .session_reuse = c->ssl_session_reuse,
                                  .sni = c->ssl_server_name,
                                  .certificate = c->ssl_certificate,
                                  .key = c->ssl_certificate_key,
                                  .password_file = c->ssl_password_file,
                                  .trusted = c->ssl_trusted,
                                  .crl = c->ssl_crl,
                                  .protocols = joined(cf, &c->ssl_protocols),
                                  .ciphers = c->ssl_ciphers,
                                  .conf_commands = c->ssl_conf_commands,
                                  .cache_max = c->ssl_cache.max,
                                  .cache_inactive_ms = c->ssl_cache.inactive_ms,
                                  .cache_valid_ms = c->ssl_cache.valid_ms };

    if (!may_need_tls(c->pass)) {
        tell_group(cf, c);
        return WEIR_OK;
    }
    if (c->ssl_certificate.count != c->ssl_certificate_key.count) {
        return weir_conf_error(
            cf, "no \"proxy_ssl_certificate_key\" is defined for certificate \"%.*s\"",
            WEIR_FMT(c->ssl_certificate.count != 0 ? c->ssl_certificate.at[0] : WEIR_STR("")));
    }
    c->tls.tls = weir_tls_client_make(cf, &o);
    if (c->tls.tls == NULL) {
        return WEIR_ERROR;
    }
    tell_group(cf, c);
    return WEIR_OK;
}

/* The name that the peer's certificate has to be for: proxy_ssl_name, without a port. */
weir_str
ssl_name(struct proxied *p)
{
    return bare_host(p->conf->ssl_name != NULL ? weir_value_get(p->r, p->conf->ssl_name)
                                               : p->to.host);
}
