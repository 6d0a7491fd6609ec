/* proxy/target.c - proxy_pass: where a request goes, and which path and query are asked for there.
 *
 * nginx's rules. Without a URI the client's own is passed on, as it came as long as nothing has
 * changed it, else the changed path, escaped. A URI takes the place of the location's prefix. With
 * variables the whole is put together for each request, and its URI, if there is one, passed on as
 * it is.
 */
#include "proxy.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

/* ---- Reading URLs. ---- */

static bool
take_scheme(weir_str *url, bool *tls)
{
    if (url->len >= 7 && weir_str_ieq(weir_str_cut(*url, 0, 7), WEIR_STR("http://"))) {
        *url = weir_str_cut(*url, 7, SIZE_MAX);
        *tls = false;
        return true;
    }
    if (url->len >= 8 && weir_str_ieq(weir_str_cut(*url, 0, 8), WEIR_STR("https://"))) {
        *url = weir_str_cut(*url, 8, SIZE_MAX);
        *tls = true;
        return true;
    }
    return false;
}

/* Where the authority ends and the URI begins. */
static size_t
authority_end(weir_str url)
{
    size_t end = 0;

    if (weir_str_starts(url, WEIR_STR("unix:"))) { /* unix:/path/to/socket:/uri */
        return 5 + weir_str_find(weir_str_cut(url, 5, SIZE_MAX), ':');
    }
    while (end < url.len && url.data[end] != '/' && url.data[end] != '?' && url.data[end] != '#') {
        end++;
    }
    return end;
}

/* Where the port begins behind its colon; the length if there is none. */
static size_t
port_at(weir_str authority)
{
    size_t bracket =
        authority.len != 0 && authority.data[0] == '[' ? weir_str_find(authority, ']') : 0;
    size_t colon = bracket + weir_str_find(weir_str_cut(authority, bracket, SIZE_MAX), ':');

    return colon < authority.len ? colon + 1 : authority.len;
}

/* Host and port of an authority that is no socket's path. */
static const char *
split_authority(weir_str authority, struct destination *to)
{
    size_t at = port_at(authority);
    bool colon =
        at < authority.len || (authority.len != 0 && authority.data[authority.len - 1] == ':');
    uint64_t port = 0;

    if (authority.len == 0 || authority.data[0] == ':') {
        return "no host";
    }
    if (colon &&
        (!weir_parse_number(weir_str_cut(authority, at, SIZE_MAX), 65535, &port) || port == 0)) {
        return "invalid port";
    }
    to->host = authority;
    to->port = to->tls ? WEIR_STR("443") : WEIR_STR("80");
    if (colon) {
        to->port = weir_str_cut(authority, at, SIZE_MAX);
        if (port == (to->tls ? HTTPS_PORT : HTTP_PORT)) {
            to->host = weir_str_cut(authority, 0, at - 1);
        }
    }
    return NULL;
}

/* NULL, or what is wrong with it. */
static const char *
split_url(weir_str url, struct destination *to, weir_str *authority)
{
    const char *fault = NULL;
    size_t end;

    if (!take_scheme(&url, &to->tls)) {
        return "invalid URL prefix";
    }
    end = authority_end(url);
    *authority = weir_str_cut(url, 0, end);
    to->uri = weir_str_cut(url, end, SIZE_MAX);
    if (weir_str_starts(*authority, WEIR_STR("unix:"))) {
        to->uri = weir_str_cut(to->uri, 1, SIZE_MAX); /* without the colon */
        to->host = WEIR_STR("localhost");
        to->port = WEIR_STR("");
        fault = authority->len == 5 ? "no path in the unix domain socket" : NULL;
    } else {
        fault = split_authority(*authority, to);
    }
    if (to->uri.len == 0) {
        to->uri = (weir_str){ NULL, 0 };
    }
    return fault;
}

static uint32_t
default_port(const struct destination *to)
{
    return to->tls ? HTTPS_PORT : HTTP_PORT;
}

/* ---- proxy_pass. ---- */

/* A URI takes the place of a prefix, which not every block has. */
static int
check_uri(weir_conf *cf, const struct target *t)
{
    bool inner = weir_conf_where(cf) != WEIR_IN_LOCATION;

    if (t->known.uri.data == NULL || (!inner && (t->location_kind == WEIR_LOCATION_PREFIX ||
                                                 t->location_kind == WEIR_LOCATION_EXACT))) {
        return WEIR_OK;
    }
    return weir_conf_error_at(
        cf, 1,
        "\"proxy_pass\" cannot have URI part in location given by regular "
        "expression, or inside named location, or inside \"if\" statement, or "
        "inside \"limit_except\" block");
}

int
set_pass(weir_conf *cf, const weir_directive *d, void *field)
{
    struct target *t = weir_zalloc(weir_conf_pool(cf), sizeof(*t));
    weir_str authority = { NULL, 0 };
    const char *fault;

    (void)d;
    t->text = weir_conf_arg(cf, 1);
    t->location = weir_conf_location(cf, &t->location_kind);
    if (weir_str_find(t->text, '$') < t->text.len) {
        t->value = weir_value_compile(cf, t->text);
        if (t->value == NULL) {
            return WEIR_ERROR;
        }
        *(struct target **)field = t;
        return WEIR_OK;
    }
    fault = split_url(t->text, &t->known, &authority);
    if (fault != NULL) {
        return authority.data == NULL ? weir_conf_error_at(cf, 1, "%s", fault)
                                      : weir_conf_error_at(cf, 1, "%s in upstream \"%.*s\"", fault,
                                                           WEIR_FMT(authority));
    }
    t->known.to = weir_upstream_find(cf, authority, default_port(&t->known));
    if (t->known.to == NULL || check_uri(cf, t) != WEIR_OK) {
        return WEIR_ERROR;
    }
    *(struct target **)field = t;
    return WEIR_OK;
}

int
target_find(weir_request *r, const struct target *t, struct destination *to)
{
    weir_str url, authority;
    const char *fault;

    if (t->value == NULL) {
        *to = t->known;
        return WEIR_OK;
    }
    url = weir_value_get(r, t->value);
    *to = (struct destination){ 0 };
    fault = split_url(url, to, &authority);
    if (fault != NULL) {
        weir_say(r->log, ERROR, "%s in \"%.*s\"", fault, WEIR_FMT(url));
        return 500;
    }
    to->to = weir_upstream_at(r, authority, default_port(to));
    if (to->to == NULL) {
        weir_say(r->log, ERROR, "invalid host in upstream \"%.*s\"", WEIR_FMT(url));
        return 500;
    }
    return WEIR_OK;
}

/* ---- Path and query. ---- */

/* The target as it came, without scheme and authority. */
static weir_str
origin_form(weir_str target)
{
    size_t at;

    if (target.len == 0 || target.data[0] == '/' || target.data[0] == '*') {
        return target;
    }
    at = weir_str_find(target, ':') + 3; /* "http://" stands there: it has been read */
    target = weir_str_cut(target, at, SIZE_MAX);
    target = weir_str_cut(target, authority_end(target), SIZE_MAX);
    return target.len != 0 ? target : WEIR_STR("/");
}

static void
add_args(weir_text *t, weir_str args)
{
    if (args.len != 0) {
        weir_text_add(t, WEIR_STR("?"));
        weir_text_add(t, args);
    }
}

static bool
may_stand(char c)
{
    return (uint8_t)c > 0x20 && (uint8_t)c < 0x7f;
}

/* What an operator's variables made: sent as it is but for bytes that would end the request line.
 */
static weir_str
clean(weir_request *r, weir_str uri)
{
    weir_text t;
    size_t i = 0;

    while (i < uri.len && may_stand(uri.data[i])) {
        i++;
    }
    if (i == uri.len) {
        return uri;
    }
    t = weir_text_begin(r->pool, 3 * uri.len, TEXT_MAX);
    for (i = 0; i < uri.len; i++) {
        if (may_stand(uri.data[i])) {
            weir_text_add_byte(&t, uri.data[i]);
        } else {
            weir_text_add_percent(&t, (uint8_t)uri.data[i]);
        }
    }
    return weir_text_view(&t);
}

static weir_str
changed_path(weir_request *r, const struct target *t, weir_str uri)
{
    bool fits =
        uri.data != NULL && !(r->flags & WEIR_R_STAYED) && weir_str_starts(r->path, t->location);
    weir_str path = weir_str_cut(r->path, fits ? t->location.len : 0, SIZE_MAX);
    weir_text to = weir_text_begin(r->pool, uri.len + path.len + r->args.len + 64, TEXT_MAX);

    if (fits) {
        weir_text_add(&to, uri);
    }
    weir_text_add(&to, weir_escape(r->pool, path, WEIR_ESCAPE_URI));
    add_args(&to, r->args);
    if (to.full) {
        return (weir_str){ NULL, 0 };
    }
    return weir_text_view(&to);
}

weir_str
target_uri(weir_request *r, const struct target *t, const struct destination *to)
{
    weir_str uri = to->uri;

    if (t->value != NULL && uri.len != 0) {
        uri = clean(r, uri);
    } else if (uri.data == NULL && !(r->flags & WEIR_R_REWRITTEN)) {
        uri = origin_form(r->target);
    } else {
        uri = changed_path(r, t, uri);
    }
    if (uri.len != 0 && uri.data[0] == '?') {
        uri = weir_print(r->pool, "/%.*s", WEIR_FMT(uri));
    }
    if (uri.len == 0) {
        weir_say(r->log, ERROR, "zero length URI to proxy");
        return (weir_str){ NULL, 0 };
    }
    return uri;
}
