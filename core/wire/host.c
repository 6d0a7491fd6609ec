/* wire/host.c - strict reading of uri-host [":" port], before any server or location is chosen by
 * it. */
#include "wire/host.h"

#include <arpa/inet.h>
#include <string.h>
#include "base/num.h"
#include "base/str.h"
#include "wire/chars.h"

/* inside: what stands between '[' and ']'. No zone: it has no meaning for another machine. [RFC
 * 3986 3.2.2] */
static bool
is_ipv6(weir_str inside)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr addr;

    if (inside.len >= sizeof(text) || memchr(inside.data, '\0', inside.len) != NULL) {
        return false;
    }
    memcpy(text, inside.data, inside.len);
    text[inside.len] = '\0';
    return inet_pton(AF_INET6, text, &addr) == 1;
}

/* "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" ) */
static bool
is_ip_future(weir_str inside)
{
    size_t dot = weir_str_find(inside, '.');

    if (dot < 2 || dot + 1 >= inside.len || weir_lower((uint8_t)inside.data[0]) != 'v') {
        return false;
    }
    if (!wr_char_all(weir_str_cut(inside, 1, dot - 1), WR_CHAR_HEX)) {
        return false;
    }
    for (size_t i = dot + 1; i < inside.len; i++) {
        if (!wr_char_is(inside.data[i], WR_CHAR_REG_NAME) && inside.data[i] != ':') {
            return false;
        }
    }
    return true;
}

/* How many bytes of s are a host; 0 if it does not begin with one. */
static size_t
literal_len(weir_str s)
{
    size_t close = weir_str_find(s, ']');

    if (close == s.len) {
        return 0;
    }
    weir_str inside = weir_str_cut(s, 1, close - 1);
    return is_ipv6(inside) || is_ip_future(inside) ? close + 1 : 0;
}

static size_t
reg_name_len(weir_str s)
{
    size_t at = 0;

    while (at < s.len) {
        if (wr_char_is(s.data[at], WR_CHAR_REG_NAME)) {
            at++;
        } else if (s.data[at] == '%' && s.len - at >= 3 &&
                   wr_char_is(s.data[at + 1], WR_CHAR_HEX) &&
                   wr_char_is(s.data[at + 2], WR_CHAR_HEX)) {
            at += 3;
        } else {
            break;
        }
    }
    return at;
}

bool
wr_host_parse(weir_str authority, weir_str *host, uint32_t *port)
{
    uint64_t number = 0;

    if (authority.len == 0) {
        return false;
    }
    size_t len = authority.data[0] == '[' ? literal_len(authority) : reg_name_len(authority);
    if (len == 0) {
        return false;
    }
    weir_str rest = weir_str_cut(authority, len, authority.len);
    if (rest.len != 0 && rest.data[0] != ':') {
        return false;
    }
    /* RFC 3986 lets the digits after the colon be missing; that is no port. */
    if (rest.len > 1 &&
        (!weir_parse_number(weir_str_cut(rest, 1, rest.len), 65535, &number) || number == 0)) {
        return false;
    }
    *host = weir_str_cut(authority, 0, len);
    *port = (uint32_t)number;
    return true;
}
