/* http/entry.c - the server and the path a head names, and the few requests that no location answers. */
#include "http/entry.h"

#include <string.h>

#include "base/assert.h"
#include "base/str.h"
#include "http/http.h"
#include "net/pressure.h"
#include "wire/host.h"
#include "wire/uri.h"

/* What is served here at all, for Allow. */
#define SERVED_METHODS "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"

/* host in lower case and without a final dot, in place when it already is. */
static weir_str
canonical_host(weir_pool *pool, weir_str host)
{
    if (host.len > 1 && host.data[host.len - 1] == '.') {
        host.len--;
    }
    for (size_t i = 0; i < host.len; i++) {
        if (weir_lower((uint8_t)host.data[i]) != (uint8_t)host.data[i]) {
            return weir_dup_lower(pool, host);
        }
    }
    return host;
}

/* Names with an empty label ("a..b", ".a", ".") are in no DNS and in no sane configuration. */
static bool
has_empty_label(weir_str host)
{
    return host.len != 0 &&
           (host.data[0] == '.' || memmem(host.data, host.len, "..", 2) != NULL);
}

/* Host fields seen lately, as they came, and what they meant: clients repeat themselves. A worker serves one configuration, so
 * what is here stays true; names that a regular expression decides are never kept (they set captures). */
enum { KNOWN = 16, KNOWN_BYTES = 64 };
static struct known_host {
    const struct wr_endpoint *endpoint;
    const struct wr_server *server;
    uint32_t port;
    uint8_t len, host_len; /* of the field, and of the host in front of its port */
    char bytes[KNOWN_BYTES];
} known[KNOWN];

static struct known_host *
known_place(weir_str field)
{
    uint32_t n = (uint8_t)field.data[0] * 3u + (uint8_t)field.data[field.len - 1] * 5u;

    return &known[(n + field.len) % KNOWN];
}

/* What is known of that field; NULL: nothing. */
static inline const struct known_host *
find_known(const struct wr_endpoint *e, weir_str field)
{
    const struct known_host *k;

    if (field.len == 0 || field.len > KNOWN_BYTES) {
        return NULL;
    }
    k = known_place(field);
    return k->endpoint == e && k->len == field.len && memcmp(k->bytes, field.data, field.len) == 0
               ? k
               : NULL;
}

bool
wr_entry_knows(const struct wr_endpoint *e, weir_str authority)
{
    return find_known(e, authority) != NULL;
}

/* The server of a Host field that was seen before: true, and r belongs to it. */
static bool
choose_known(struct wr_request *r, const struct wr_endpoint *e, weir_str field)
{
    const struct known_host *k = find_known(e, field);

    if (k == NULL) {
        return false;
    }
    r->host_port = k->port;
    r->pub.host = (weir_str){ field.data, k->host_len };
    if (&k->server->base != r->loc) {
        wr_request_enter(r, &k->server->base);
    }
    return true;
}

/* Keep it if it can be used as it came. */
static void
keep_known(const struct wr_request *r, const struct wr_endpoint *e, weir_str field)
{
    struct known_host *k;

    if (field.len == 0 || field.len > KNOWN_BYTES || r->pub.host.data != field.data ||
        !wr_vhost_is_stable(e)) {
        return;
    }
    k = known_place(field);
    *k = (struct known_host){ .endpoint = e,
                              .server = r->server,
                              .port = r->host_port,
                              .len = (uint8_t)field.len,
                              .host_len = (uint8_t)r->pub.host.len };
    memcpy(k->bytes, field.data, field.len);
}

/* The server of a host that was not seen before. */
static WR_APART bool
choose_server(struct wr_request *r, const struct wr_endpoint *e, weir_str authority, weir_str host,
              uint32_t port)
{
    const struct wr_server *s;

    r->host_port = port;
    if (authority.len != 0) {
        weir_str field;
        uint32_t field_port;
        if (!wr_host_parse(authority, &field, &field_port) || has_empty_label(field)) {
            return false;
        }
        if (host.data == NULL) {
            host = field;
            r->host_port = field_port;
        }
    }
    r->pub.host = host.data == NULL ? WEIR_STR("") : canonical_host(r->pub.pool, host);
    s = wr_vhost_find(e, r->pub.host, r);
    wr_request_enter(r, &s->base);
    keep_known(r, e, authority);
    return true;
}

bool
wr_entry_server(struct wr_request *r, const struct wr_endpoint *e, weir_str authority,
                weir_str host, uint32_t port)
{
    r->authority = authority.data != NULL ? authority : WEIR_STR("");
    return (host.data == NULL && choose_known(r, e, authority)) ||
           choose_server(r, e, authority, host, port);
}

/* A path that has to be decoded or shortened. */
static WR_APART bool
normalise(struct wr_request *r, weir_str path, struct wr_err *err)
{
    const struct wr_server_conf *c = wr_server_conf(r);
    struct wr_uri_rules rules = { .merge_slashes = c->merge_slashes,
                                  .decode_slash = c->encoded_slash };
    char *to = wr_pool_alloc(r->pub.pool, path.len + 1);

    if (wr_uri_path(path, &rules, to, &r->pub.path, &r->pub.args, err) != WR_OK) {
        r->pub.path = WEIR_STR("");
        return false;
    }
    return true;
}

bool
wr_entry_path(struct wr_request *r, weir_str path, weir_str query, struct wr_err *err)
{
    if (path.len == 0 || path.data[0] != '/') { /* "*", or an authority */
        r->pub.path = path;
        return true;
    }
    if (!wr_uri_plain(path, &r->pub.path, &r->pub.args) && !normalise(r, path, err)) {
        return false;
    }
    if (query.data != NULL) {
        r->pub.args = query;
    }
    return true;
}

static bool
is_about_server(const struct wr_request *r)
{
    return r->pub.method == WEIR_OPTIONS && r->pub.path.len == 1 && r->pub.path.data[0] == '*';
}

/* Is there a field twice of which each reader would believe another line? [RFC 9110 5.3] */
static bool
has_duplicate(const struct wr_request *r)
{
    static const uint32_t single[] = { WEIR_H_AUTHORIZATION, WEIR_H_IF_MODIFIED_SINCE,
                                       WEIR_H_IF_UNMODIFIED_SINCE, WEIR_H_IF_RANGE };

    for (size_t i = 0; i < WR_COUNT(single); i++) {
        const weir_header *h = r->pub.in[single[i]];
        if (h != NULL && h->same != NULL) {
            return true;
        }
    }
    return false;
}

uint32_t
wr_entry_refusal(struct wr_request *r, const char **why)
{
    if (wr_pressure_now() == WR_PRESSURE_FULL) {
        wr_pressure.shed++;
        *why = "this worker's memory is short";
        return 503;
    }
    if (r->pub.method == WEIR_TRACE || (r->pub.method == WEIR_CONNECT && r->protocol.len == 0)) {
        (void)weir_out_set(&r->pub, WEIR_STR("Allow"), WEIR_STR(SERVED_METHODS));
        *why = "the method is not allowed here";
        return 405;
    }
    if (has_duplicate(r)) {
        *why = "duplicate header line";
        return 400;
    }
    return 0;
}

void
wr_entry_start(struct wr_request *r)
{
    if (is_about_server(r)) {
        (void)weir_out_set(&r->pub, WEIR_STR("Allow"), WEIR_STR(SERVED_METHODS));
        (void)weir_respond(&r->pub, 204, WEIR_STR(""), WEIR_STR(""));
        return;
    }
    wr_request_start(r);
}
