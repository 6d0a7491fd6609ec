/* referer - a variable that says whether a request comes from where it may: valid_referers.
 *
 * Names are compared with the host of the Referer field, a path behind a name with what its own
 * begins with; the most exact name decides. Expressions see all that stands behind the scheme.
 */
#include <weir/weir.h>

enum kind { KIND_EXACT, KIND_DOMAIN, KIND_DOMAIN_TOO, KIND_HOST };

struct name {
    struct name *next;
    uint32_t kind;
    weir_str text; /* without the wildcard, lower-case */
    weir_str path; /* what the path begins with; absent: any */
};

struct pattern {
    struct pattern *next;
    weir_regex *regex;
    bool host_only; /* one of the server's names */
};

struct referers {
    struct name *names;
    struct pattern *patterns;
    bool given;   /* there is a valid_referers */
    bool none;    /* no field */
    bool blocked; /* one that is no URL */
    bool server_names;
};

typedef struct {
    struct referers list;
} referer_conf;

/* ---- Looking. ---- */

/* How well host fits: 0 not at all; a longer name more, and without a wildcard most. */
static size_t
fit(const struct name *n, weir_str host)
{
    size_t len = n->text.len;

    if (n->kind == KIND_EXACT || n->kind == KIND_DOMAIN_TOO) {
        if (weir_str_ieq(host, n->text)) {
            return SIZE_MAX;
        }
    }
    if (n->kind == KIND_DOMAIN || n->kind == KIND_DOMAIN_TOO) {
        return host.len > len + 1 && host.data[host.len - len - 1] == '.' &&
                       weir_str_ieq(weir_str_cut(host, host.len - len, len), n->text)
                   ? SIZE_MAX / 2 + len
                   : 0;
    }
    if (n->kind == KIND_HOST) {
        return host.len > len && host.data[len] == '.' && weir_str_istarts(host, n->text) ? len : 0;
    }
    return 0;
}

static const struct name *
find_name(const struct referers *l, weir_str host)
{
    const struct name *best = NULL;
    size_t best_fit = 0;

    for (const struct name *n = l->names; n != NULL; n = n->next) {
        size_t f = fit(n, host);
        if (f > best_fit) {
            best = n;
            best_fit = f;
        }
    }
    return best;
}

/* "http://" or "https://" and something: how many bytes the scheme has, else 0. */
static size_t
scheme_of(weir_str s)
{
    static const weir_str schemes[] = { { "http://", 7 }, { "https://", 8 } };

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (s.len > schemes[i].len && weir_str_istarts(s, schemes[i])) {
            return schemes[i].len;
        }
    }
    return 0;
}

static bool
path_fits(const struct name *n, weir_str rest)
{
    weir_str path = weir_str_cut(rest, weir_str_find(rest, '/'), rest.len);

    return n->path.data == NULL || weir_str_starts(path, n->path);
}

static bool
is_valid(weir_request *r, const struct referers *l, weir_str url)
{
    weir_str host = url;

    for (host.len = 0; host.len < url.len; host.len++) {
        if (host.data[host.len] == '/' || host.data[host.len] == ':') {
            break;
        }
    }
    const struct name *n = find_name(l, host);
    if (n != NULL) {
        return path_fits(n, (weir_str){ url.data + host.len, url.len - host.len });
    }
    for (const struct pattern *p = l->patterns; p != NULL; p = p->next) {
        if (weir_regex_match(r, p->regex, p->host_only ? host : url) == WEIR_OK) {
            return true;
        }
    }
    return false;
}

/* $invalid_referer: "1", or nothing for one that is valid. */
static weir_str
get_invalid(weir_request *r, const void *conf, weir_str name)
{
    const struct referers *l = &((const referer_conf *)conf)->list;
    const weir_header *field = r->in[WEIR_H_REFERER];
    bool valid;

    (void)name;
    if (!l->given) {
        return WEIR_STR("");
    }
    if (field == NULL) {
        valid = l->none;
    } else {
        size_t scheme = scheme_of(field->value);
        weir_str url = { field->value.data + scheme, field->value.len - scheme };
        valid = scheme != 0 ? is_valid(r, l, url) : l->blocked;
    }
    return valid ? WEIR_STR("") : WEIR_STR("1");
}

/* ---- Reading. ---- */

static bool
add_pattern(weir_conf *cf, struct referers *l, weir_str text, bool host_only)
{
    struct pattern *p = weir_zalloc(weir_conf_pool(cf), sizeof(*p));

    p->regex = weir_regex_compile(cf, text, WEIR_REGEX_ICASE);
    p->host_only = host_only;
    p->next = l->patterns;
    l->patterns = p;
    return p->regex != NULL;
}

/* "example.com", "*.example.com", ".example.com", "www.example.*", a path behind it. False: it is
 * none of these. */
static bool
add_name(weir_conf *cf, struct referers *l, weir_str text)
{
    struct name *n = weir_zalloc(weir_conf_pool(cf), sizeof(*n));
    weir_str host = weir_str_cut(text, 0, weir_str_find(text, '/'));

    if (host.len != text.len) {
        n->path = weir_dup(weir_conf_pool(cf), weir_str_cut(text, host.len, text.len));
    }
    if (host.len > 2 && host.data[0] == '*' && host.data[1] == '.') {
        n->kind = KIND_DOMAIN;
        host = (weir_str){ host.data + 2, host.len - 2 };
    } else if (host.len > 1 && host.data[0] == '.') {
        n->kind = KIND_DOMAIN_TOO;
        host = (weir_str){ host.data + 1, host.len - 1 };
    } else if (host.len > 2 && host.data[host.len - 1] == '*' && host.data[host.len - 2] == '.') {
        n->kind = KIND_HOST;
        host.len -= 2;
    }
    n->text = weir_dup_lower(weir_conf_pool(cf), host);
    n->next = l->names;
    l->names = n;
    return host.len != 0 && weir_str_find(host, '*') == host.len;
}

static int
set_valid_referers(weir_conf *cf, const weir_directive *d, void *field)
{
    struct referers *l = field;

    (void)d;
    l->given = true;
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);
        if (weir_str_eq(word, WEIR_STR("none"))) {
            l->none = true;
        } else if (weir_str_eq(word, WEIR_STR("blocked"))) {
            l->blocked = true;
        } else if (weir_str_eq(word, WEIR_STR("server_names"))) {
            l->server_names = true;
        } else if (word.len != 0 && word.data[0] == '~') {
            if (word.len == 1) {
                return weir_conf_error_at(cf, i, "empty regex in \"%.*s\"", WEIR_FMT(word));
            }
            if (!add_pattern(cf, l, (weir_str){ word.data + 1, word.len - 1 }, false)) {
                return WEIR_ERROR;
            }
        } else if (!add_name(cf, l, word)) {
            return weir_conf_error_at(cf, i, "invalid hostname or wildcard \"%.*s\"",
                                      WEIR_FMT(word));
        }
    }
    return WEIR_OK;
}

/* The server's own names, once all are known. */
static int
check(weir_conf *cf, void *conf)
{
    struct referers *l = &((referer_conf *)conf)->list;
    weir_str name;

    if (!l->server_names) {
        return WEIR_OK;
    }
    l->server_names = false; /* they are in the list now, for the blocks within, too */
    for (uint32_t i = 0; (name = weir_conf_server_name(cf, i)).data != NULL; i++) {
        if (name.len != 0 && name.data[0] == '~') {
            if (!add_pattern(cf, l, (weir_str){ name.data + 1, name.len - 1 }, true)) {
                return WEIR_ERROR;
            }
        } else if (name.len != 0) {
            (void)add_name(cf, l, name);
        }
    }
    return WEIR_OK;
}

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(referer_conf, list, "valid_referers", WEIR_IN_SERVER | WEIR_IN_LOCATION, 1,
                    UINT16_MAX, WEIR_D_MANY, set_valid_referers,
                    "where requests may come from, as their Referer says"),
    { .name = "referer_hash_bucket_size",
      .help = "names are few",
      .where = WEIR_IN_SERVER | WEIR_IN_LOCATION,
      .type = WEIR_T_CUSTOM,
      .flags = WEIR_D_NOTHING },
    { .name = "referer_hash_max_size",
      .help = "names are few",
      .where = WEIR_IN_SERVER | WEIR_IN_LOCATION,
      .type = WEIR_T_CUSTOM,
      .flags = WEIR_D_NOTHING },
};

static const weir_variable variables[] = {
    { "invalid_referer", 0, get_invalid },
};

WEIR_MODULE("referer", "1.0", .summary = "tells requests that come from elsewhere",
            .conf_size = sizeof(referer_conf), .directives = WEIR_ITEMS(directives),
            .variables = WEIR_ITEMS(variables), .check = check);
