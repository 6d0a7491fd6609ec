/* http/redirect.c - elsewhere: redirects to the client, inside the server, and rewritten paths. */
#include "base/assert.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "http/location.h"
#include "http/request.h"
#include "http/response.h"
#include "http/vhost.h"

/* ---- To the client. ---- */

/* A byte that may stand in a URI reference as it is; '%' may, since the text is one already. [RFC
 * 3986 2] */
static bool
may_stand(uint8_t c)
{
    return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^' &&
           c != '`' && c != '{' && c != '|' && c != '}';
}

static void
put_reference(struct wr_strbuf *b, weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.data[i];
        if (may_stand(c)) {
            wr_strbuf_byte(b, (char)c);
        } else {
            wr_strbuf_percent(b, c);
        }
    }
}

/* Host and port that a redirect names. */
static void
put_authority(struct wr_strbuf *b, struct wr_request *r)
{
    const struct wr_loc_conf *c = wr_loc_conf(r);
    bool tls = (r->pub.flags & WEIR_R_TLS) != 0;
    struct wr_addr local;
    bool known = wr_conn_local(r->conn, &local);
    uint16_t port = known ? wr_addr_port(&local) : 0;
    bool v6 = known && local.at.family == AF_INET6;

    if (c->server_name_in_redirect && r->server->name.len != 0) {
        wr_strbuf_str(b, r->server->name);
    } else if (r->pub.host.len != 0) {
        wr_strbuf_str(b, r->pub.host);
    } else if (known) {
        wr_strbuf_bytes(b, "[", v6 ? 1 : 0);
        wr_addr_format(&local, true, b);
        wr_strbuf_bytes(b, "]", v6 ? 1 : 0);
    }
    if (c->port_in_redirect && port != 0 && port != (tls ? 443 : 80)) {
        wr_strbuf_byte(b, ':');
        wr_strbuf_num(b, port);
    }
}

int
weir_redirect(weir_request *pub, uint32_t status, weir_str location)
{
    struct wr_request *r = wr_request_of(pub);
    size_t room = 3 * location.len + pub->host.len + r->server->name.len + WR_ADDR_TEXT + 32;
    struct wr_strbuf b = wr_strbuf_over(wr_pool_alloc(pub->pool, room), room);
    bool path = location.len != 0 && location.data[0] == '/';

    if (path && wr_loc_conf(r)->absolute_redirect) {
        wr_strbuf_str(&b, pub->flags & WEIR_R_TLS ? WEIR_STR("https://") : WEIR_STR("http://"));
        put_authority(&b, r);
    }
    put_reference(&b, location);
    if (b.full || weir_out_set(pub, WEIR_STR("Location"), wr_strbuf_view(&b)) != WEIR_OK) {
        return 500;
    }
    return (int)status;
}

/* ---- Inside. ---- */

/* May path become a request's path? It begins with a slash, and ".." cannot lead out of anything.
 */
static bool
path_fits(const struct wr_request *r, weir_str path)
{
    bool fits = path.len != 0 && path.data[0] == '/' && memchr(path.data, '\0', path.len) == NULL;

    for (size_t at = 0; fits && at < path.len;) {
        weir_str rest = weir_str_cut(path, at + 1, SIZE_MAX);
        size_t len = weir_str_find(rest, '/');
        fits = !(len == 2 && rest.data[0] == '.' && rest.data[1] == '.');
        at += 1 + len;
    }
    if (!fits) {
        wr_say(&r->log, ERROR, "the path \"%.*s\" cannot be gone to", WEIR_FMT(path));
    }
    return fits;
}

static void
set_target(struct wr_request *r, weir_str path, weir_str args)
{
    r->pub.path = path;
    r->pub.flags |= WEIR_R_REWRITTEN | WEIR_R_STAYED;
    if (args.data != NULL) {
        r->pub.args = args.len != 0 ? args : (weir_str){ NULL, 0 };
    }
}

static int
go_named(struct wr_request *r, weir_str name)
{
    const struct wr_location *loc = wr_location_named(r->loc->base, name);

    if (loc == NULL) {
        wr_say(&r->log, ERROR, "could not find named location \"%.*s\"", WEIR_FMT(name));
        return 500;
    }
    wr_request_enter(r, loc);
    wr_request_restart(r, WEIR_PHASE_REWRITE);
    r->moved = true;
    return WEIR_DONE;
}

int
weir_redirect_inside(weir_request *pub, weir_str path, weir_str args)
{
    struct wr_request *r = wr_request_of(pub);

    if (wr_response_begun(r)) { /* a filter's idea: what runs has its state in ctx, which would go */
        return WEIR_ERROR;
    }
    if (r->rewrites_left == 0) {
        wr_say(&r->log, ERROR, "rewrite or internal redirection cycle while %s \"%.*s\"",
               weir_str_starts(path, WEIR_STR("@")) ? "redirect to named location"
                                                    : "internally redirecting to",
               WEIR_FMT(path));
        return 500;
    }
    r->rewrites_left--;
    if (path.len != 0 && path.data[0] == '@') {
        return go_named(r, path);
    }
    if (!path_fits(r, path)) {
        return 500;
    }
    set_target(r, path, args);
    wr_request_restart(r, WEIR_PHASE_SERVER_REWRITE);
    r->moved = true;
    return WEIR_DONE;
}

void
weir_become_get(weir_request *r)
{
    if (r->method != WEIR_HEAD) {
        r->method = WEIR_GET;
        r->method_name = WEIR_STR("GET");
    }
}

int
weir_rewrite(weir_request *pub, weir_str path, weir_str args)
{
    struct wr_request *r = wr_request_of(pub);

    if ((r->phase != WEIR_PHASE_SERVER_REWRITE && r->phase != WEIR_PHASE_REWRITE) ||
        !path_fits(r, path)) {
        return WEIR_INVALID;
    }
    set_target(r, path, args);
    pub->flags |= WEIR_R_INTERNAL;
    r->rewritten = true;
    return WEIR_OK;
}

void
weir_stay(weir_request *pub)
{
    wr_request_of(pub)->rewritten = false;
}

int
weir_set_path(weir_request *pub, weir_str path)
{
    struct wr_request *r = wr_request_of(pub);

    if (r->phase != WEIR_PHASE_PRECONTENT || !path_fits(r, path)) {
        return WEIR_INVALID;
    }
    pub->path = path;
    r->path_set = true;
    return WEIR_OK;
}
