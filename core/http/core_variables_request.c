/* http/core_variables_request.c - variables of a request's head, body and credentials. */
#include <string.h>

#include "base/num.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "http/body_in.h"
#include "http/core_variables.h"
#include "http/request.h"
#include "http/vhost.h"
#include "wire/cookie.h"
#include "wire/uri.h"

static const weir_str absent = { NULL, 0 };

/* ---- The target. ---- */

WR_VAR_GET(arg)
{
    (void)conf;
    return wr_uri_arg(r->args, name, true);
}

WR_VAR_GET(args)
{
    (void)conf, (void)name;
    return r->args;
}

WR_VAR_GET(is_args)
{
    (void)conf, (void)name;
    return r->args.len != 0 ? WEIR_STR("?") : WEIR_STR("");
}

WR_VAR_GET(uri)
{
    (void)conf, (void)name;
    return r->path.len != 0 ? r->path : absent; /* no line was read that had one */
}

/* As it came, but of an absolute target ("http://host/path") only path and query. */
WR_VAR_GET(request_uri)
{
    weir_str target = r->main->target;
    const char *at;

    (void)conf, (void)name;
    if (target.len == 0 || target.data[0] == '/') {
        return target;
    }
    at = memmem(target.data, target.len, "://", 3);
    if (at == NULL) { /* "*", or the host and port of a CONNECT */
        return target;
    }
    target = weir_str_cut(target, (size_t)(at - target.data) + 3, target.len);
    while (target.len != 0 && target.data[0] != '/' && target.data[0] != '?') {
        target = weir_str_cut(target, 1, target.len);
    }
    if (target.len != 0 && target.data[0] == '/') {
        return target;
    }
    return weir_print(r->pool, "/%.*s", WEIR_FMT(target));
}

WR_VAR_GET(request)
{
    (void)conf, (void)name;
    return wr_request_of(r->main)->line;
}

WR_VAR_GET(request_method)
{
    (void)conf, (void)name;
    return r->main->method_name;
}

WR_VAR_GET(server_protocol)
{
    (void)conf, (void)name;
    switch (r->version) {
    case 10:
        return WEIR_STR("HTTP/1.0");
    case 20:
        return WEIR_STR("HTTP/2.0");
    case 30:
        return WEIR_STR("HTTP/3.0");
    default:
        return WEIR_STR("HTTP/1.1");
    }
}

WR_VAR_GET(host)
{
    (void)conf, (void)name;
    return r->host.len != 0 ? r->host : wr_request_of(r)->server->name;
}

WR_VAR_GET(request_port)
{
    uint32_t port = wr_request_of(r->main)->host_port;

    (void)conf, (void)name;
    return port != 0 ? wr_var_number(r->pool, port) : WEIR_STR("");
}

WR_VAR_GET(is_request_port)
{
    (void)conf, (void)name;
    return wr_request_of(r->main)->host_port != 0 ? WEIR_STR(":") : WEIR_STR("");
}

/* ---- Fields. ---- */

static weir_str
joined(weir_request *r, uint32_t id)
{
    return wr_field_value_joined(r->pool, r->in[id], ", ");
}

WR_VAR_GET(http_name)
{
    weir_str value;

    (void)conf;
    if (weir_str_ieq(name, WEIR_STR("cookie"))) {
        return wr_field_value_joined(r->pool, r->in[WEIR_H_COOKIE], "; ");
    }
    value = wr_field_value_spelled(r->pool, r->in, r->in_first, name, ", ");
    if (value.data == NULL && r->version >= 20 && weir_str_ieq(name, WEIR_STR("host"))) {
        return wr_request_of(r->main)->authority;
    }
    return value;
}

WR_VAR_GET(trailer_name)
{
    const struct wr_fields *f = wr_request_of(r->main)->trailers_in;

    (void)conf;
    return f != NULL ? wr_field_value_spelled(r->pool, f->index, f->first, name, ", ") : absent;
}

WR_VAR_GET(content_length)
{
    weir_str field = joined(r, WEIR_H_CONTENT_LENGTH);

    (void)conf, (void)name;
    if (field.data == NULL && (r->in_length > 0 ||
                               (r->in_length == 0 && r->flags & WEIR_R_HAS_BODY))) {
        return wr_var_number(r->pool, (uint64_t)r->in_length);
    }
    return field;
}

WR_VAR_GET(content_type)
{
    (void)conf, (void)name;
    return joined(r, WEIR_H_CONTENT_TYPE);
}

weir_str
wr_var_cookie(const weir_request *r, weir_str name, bool fold)
{
    for (const weir_header *h = r->in[WEIR_H_COOKIE]; h != NULL; h = h->same) {
        weir_str value = wr_cookie_find(h->value, name, fold);
        if (value.data != NULL) {
            return value;
        }
    }
    return absent;
}

WR_VAR_GET(cookie_name)
{
    (void)conf;
    return wr_var_cookie(r, name, true);
}

/* The name in "Basic BASE64(name:password)" [RFC 7617 2]. */
WR_VAR_GET(remote_user)
{
    weir_str user, password;

    (void)conf, (void)name;
    if (weir_basic_credentials(r, &user, &password) != WEIR_OK) {
        return absent;
    }
    explicit_bzero((char *)(uintptr_t)password.data, password.len);
    return user;
}

/* ---- The whole. ---- */

WR_VAR_GET(request_length)
{
    const struct wr_request *main = wr_request_of(r->main);

    (void)conf, (void)name;
    return wr_var_number(r->pool, main->head_bytes + main->body_bytes);
}

WR_VAR_GET(request_body)
{
    (void)conf, (void)name;
    return wr_body_text(wr_request_of(r->main));
}

WR_VAR_GET(request_body_file)
{
    (void)conf, (void)name;
    return wr_body_file(wr_request_of(r->main));
}

/* 128 unpredictable bits, the same for a request and its subrequests. */
WR_VAR_GET(request_id)
{
    struct wr_request *main = wr_request_of(r->main);
    uint8_t bytes[16];
    char *to;

    (void)conf, (void)name;
    if (main->id.data == NULL) {
        weir_random(bytes, sizeof(bytes));
        to = wr_pool_alloc(main->pub.pool, 2 * sizeof(bytes));
        wr_num_format_bytes(to, bytes, sizeof(bytes));
        main->id = (weir_str){ to, 2 * sizeof(bytes) };
    }
    return main->id;
}
