/* net/addr.c - text to socket address and back.
 *
 * The text comes from configurations and command lines. Names are looked up only where the caller
 * says so, because that waits.
 */
#include "net/addr.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stddef.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"

enum { NAME_MAX_LEN = 255 }; /* of a host name  [RFC 1035 2.3.4] */

/* ---- Pieces of the text. ---- */

struct parts {
    weir_str host; /* absent: every address */
    weir_str port; /* absent: none was given */
    bool v6;       /* host stood in brackets */
};

static bool
all_digits(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return false;
        }
    }
    return s.len != 0;
}

static bool
split_bracketed(weir_str text, struct parts *p, struct wr_err *err)
{
    size_t close = weir_str_find(text, ']');
    weir_str rest = weir_str_cut(text, close + 1, text.len);

    if (close == text.len || (rest.len != 0 && rest.data[0] != ':')) {
        return wr_err_set(err, "invalid IPv6 address in \"%.*s\"", WEIR_FMT(text));
    }
    p->host = weir_str_cut(text, 1, close - 1);
    p->port = rest.len != 0 ? weir_str_cut(rest, 1, rest.len) : (weir_str){ NULL, 0 };
    p->v6 = true;
    return true;
}

static bool
split(weir_str text, struct parts *p, struct wr_err *err)
{
    size_t colon = weir_str_find(text, ':');

    *p = (struct parts){ .v6 = false };
    if (text.len == 0) {
        return wr_err_set(err, "no host in \"\"");
    }
    if (text.data[0] == '[') {
        return split_bracketed(text, p, err);
    }
    if (colon == text.len && all_digits(text)) {
        p->port = text;
        return true;
    }
    p->host = weir_str_cut(text, 0, colon);
    if (colon != text.len) {
        p->port = weir_str_cut(text, colon + 1, text.len);
    }
    if (p->host.len == 0) {
        return wr_err_set(err, "no host in \"%.*s\"", WEIR_FMT(text));
    }
    if (p->host.len == 1 && p->host.data[0] == '*') {
        p->host = (weir_str){ NULL, 0 };
    }
    return true;
}

/* ---- Hosts. ---- */

static bool
parse_unix(weir_str text, struct wr_addr *addr, struct wr_err *err)
{
    weir_str path = weir_str_cut(text, sizeof("unix:") - 1, text.len);
    struct wr_addr a = { .at.un.sun_family = AF_UNIX };

    if (path.len == 0) {
        return wr_err_set(err, "no path in the unix domain socket \"%.*s\"", WEIR_FMT(text));
    }
    if (path.len >= sizeof(a.at.un.sun_path)) {
        return wr_err_set(err, "too long path in the unix domain socket \"%.*s\"", WEIR_FMT(text));
    }
    memcpy(a.at.un.sun_path, path.data, path.len);
    a.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
    *addr = a;
    return true;
}

static bool
look_up(const char *host, struct wr_addr *a)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *found;

    if (getaddrinfo(host, NULL, &hints, &found) != 0) {
        return false;
    }
    if (found->ai_family == AF_INET || found->ai_family == AF_INET6) {
        memcpy(&a->at, found->ai_addr, found->ai_addrlen);
    }
    freeaddrinfo(found);
    return a->at.family != AF_UNSPEC;
}

/* The address of the host; the port is still zero. */
static bool
parse_host(weir_str text, const struct parts *p, bool resolve, struct wr_addr *a,
           struct wr_err *err)
{
    char host[NAME_MAX_LEN + 1];

    memset(a, 0, sizeof(*a));
    if (p->host.data == NULL) {
        a->at.family = AF_INET; /* INADDR_ANY is zero */
        return true;
    }
    if (p->host.len == 0 || p->host.len > NAME_MAX_LEN) {
        return wr_err_set(err, "invalid host in \"%.*s\"", WEIR_FMT(text));
    }
    memcpy(host, p->host.data, p->host.len);
    host[p->host.len] = '\0';
    if (p->v6) {
        a->at.family = AF_INET6;
        return inet_pton(AF_INET6, host, &a->at.v6.sin6_addr) == 1 ||
               wr_err_set(err, "invalid IPv6 address in \"%.*s\"", WEIR_FMT(text));
    }
    if (inet_pton(AF_INET, host, &a->at.v4.sin_addr) == 1) {
        a->at.family = AF_INET;
        return true;
    }
    return (resolve && look_up(host, a)) ||
           wr_err_set(err, "host not found in \"%.*s\"", WEIR_FMT(text));
}

bool
wr_addr_parse(weir_str text, uint16_t default_port, bool resolve, struct wr_addr *addr,
              struct wr_err *err)
{
    uint64_t port = default_port;
    struct wr_addr a;
    struct parts p;

    if (weir_str_starts(text, WEIR_STR("unix:"))) {
        return parse_unix(text, addr, err);
    }
    if (!split(text, &p, err)) {
        return false;
    }
    if (p.port.data != NULL && (!weir_parse_number(p.port, UINT16_MAX, &port) || port == 0)) {
        return wr_err_set(err, "invalid port in \"%.*s\"", WEIR_FMT(text));
    }
    if (port == 0) {
        return wr_err_set(err, "no port in \"%.*s\"", WEIR_FMT(text));
    }
    if (!parse_host(text, &p, resolve, &a, err)) {
        return false;
    }
    if (a.at.family == AF_INET6) {
        a.at.v6.sin6_port = htons((uint16_t)port);
        a.len = sizeof(a.at.v6);
    } else {
        a.at.v4.sin_port = htons((uint16_t)port);
        a.len = sizeof(a.at.v4);
    }
    *addr = a;
    return true;
}

/* ---- Back to text. ---- */

/* 0..255 and a dot at `to`; answers where it ends. */
static char *
put_octet(char *to, uint32_t n)
{
    if (n >= 100) {
        *to++ = (char)('0' + n / 100);
    }
    if (n >= 10) {
        *to++ = (char)('0' + n / 10 % 10);
    }
    *to++ = (char)('0' + n % 10);
    *to++ = '.';
    return to;
}

static void
format_v4(const struct sockaddr_in *at, bool without_port, struct wr_strbuf *to)
{
    uint32_t a = ntohl(at->sin_addr.s_addr);
    char text[16] __attribute__((uninitialized)), *end = text;

    for (int shift = 24; shift >= 0; shift -= 8) {
        end = put_octet(end, a >> shift & 0xff);
    }
    wr_strbuf_bytes(to, text, (size_t)(end - text) - 1); /* without the last dot */
    if (!without_port) {
        wr_strbuf_byte(to, ':');
        wr_strbuf_num(to, ntohs(at->sin_port));
    }
}

static void
format_v6(const struct sockaddr_in6 *at, bool without_port, struct wr_strbuf *to)
{
    char text[INET6_ADDRSTRLEN];

    if (inet_ntop(AF_INET6, &at->sin6_addr, text, sizeof(text)) == NULL) {
        return;
    }
    if (without_port) {
        wr_strbuf_str(to, weir_str_c(text));
        return;
    }
    wr_strbuf_byte(to, '[');
    wr_strbuf_str(to, weir_str_c(text));
    wr_strbuf_lit(to, "]:");
    wr_strbuf_num(to, ntohs(at->sin6_port));
}

void
wr_addr_format(const struct wr_addr *addr, bool without_port, struct wr_strbuf *to)
{
    if (addr->at.family == AF_INET) {
        format_v4(&addr->at.v4, without_port, to);
    } else if (addr->at.family == AF_INET6) {
        format_v6(&addr->at.v6, without_port, to);
    } else if (addr->at.family == AF_UNIX) {
        wr_strbuf_lit(to, "unix:");
        if (!without_port) {
            wr_strbuf_bytes(to, addr->at.un.sun_path,
                            strnlen(addr->at.un.sun_path, sizeof(addr->at.un.sun_path)));
        }
    }
}

void
wr_peer_format(const union wr_peer_addr *addr, bool without_port, struct wr_strbuf *to)
{
    if (addr->family == AF_INET) {
        format_v4(&addr->v4, without_port, to);
    } else if (addr->family == AF_INET6) {
        format_v6(&addr->v6, without_port, to);
    } else if (addr->family == AF_UNIX) {
        wr_strbuf_lit(to, "unix:");
    }
}

/* ---- Questions. ---- */

uint16_t
wr_addr_port(const struct wr_addr *addr)
{
    if (addr->at.family == AF_INET) {
        return ntohs(addr->at.v4.sin_port);
    }
    return addr->at.family == AF_INET6 ? ntohs(addr->at.v6.sin6_port) : 0;
}

bool
wr_addr_eq(const struct wr_addr *a, const struct wr_addr *b)
{
    if (a->at.family != b->at.family || wr_addr_port(a) != wr_addr_port(b)) {
        return false;
    }
    switch (a->at.family) {
    case AF_INET:
        return a->at.v4.sin_addr.s_addr == b->at.v4.sin_addr.s_addr;
    case AF_INET6:
        return memcmp(&a->at.v6.sin6_addr, &b->at.v6.sin6_addr, sizeof(a->at.v6.sin6_addr)) == 0 &&
               a->at.v6.sin6_scope_id == b->at.v6.sin6_scope_id;
    case AF_UNIX:
        return strncmp(a->at.un.sun_path, b->at.un.sun_path, sizeof(a->at.un.sun_path)) == 0;
    default:
        return false;
    }
}

bool
wr_addr_wildcard(const struct wr_addr *addr)
{
    if (addr->at.family == AF_INET) {
        return addr->at.v4.sin_addr.s_addr == htonl(INADDR_ANY);
    }
    return addr->at.family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&addr->at.v6.sin6_addr);
}
