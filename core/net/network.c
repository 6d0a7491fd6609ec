/* net/network.c - weir_net of the ABI: addresses with prefixes, from text. */
#include <arpa/inet.h>
#include <string.h>
#include <weir/net.h>

#include "base/num.h"
#include "base/str.h"

/* The length of the address in text, written to `to`; 0: it is none. */
static uint8_t
parse_address(weir_str text, uint8_t to[16])
{
    char room[INET6_ADDRSTRLEN];

    if (text.len == 0 || text.len >= sizeof(room) || memchr(text.data, '\0', text.len) != NULL) {
        return 0;
    }
    memcpy(room, text.data, text.len);
    room[text.len] = '\0';
    if (inet_pton(AF_INET, room, to) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, room, to) == 1 ? 16 : 0;
}

/* Clear the bits behind those that count; were there any? */
static bool
clear_host_bits(weir_net *net)
{
    bool found = false;

    for (unsigned i = 0; i < net->len; i++) {
        unsigned kept = net->bits > 8 * i ? net->bits - 8 * i : 0;
        uint8_t mask = (uint8_t)(kept >= 8 ? 0xff : 0xff00u >> kept);
        found = found || (net->addr[i] & ~mask & 0xff) != 0;
        net->addr[i] &= mask;
    }
    return found;
}

int
weir_net_parse(weir_str text, weir_net *net, bool *loose)
{
    size_t slash = weir_str_find(text, '/');
    weir_net made = { .len = 0 };
    uint64_t bits;
    bool found = false;

    if (!weir_str_eq(text, WEIR_STR("unix:"))) {
        made.len = parse_address(weir_str_cut(text, 0, slash), made.addr);
        bits = made.len * 8u;
        if (made.len == 0 ||
            (slash != text.len &&
             !weir_parse_number(weir_str_cut(text, slash + 1, text.len), made.len * 8u, &bits))) {
            return WEIR_INVALID;
        }
        made.bits = (uint8_t)bits;
        found = clear_host_bits(&made);
    }
    *net = made;
    if (loose != NULL) {
        *loose = found;
    }
    return WEIR_OK;
}

bool
weir_net_has(const weir_net *net, weir_str addr)
{
    const uint8_t *bytes = (const uint8_t *)addr.data;
    size_t whole = net->bits / 8u;
    unsigned rest = net->bits % 8u;

    return net->len == addr.len && (whole == 0 || memcmp(net->addr, bytes, whole) == 0) &&
           (rest == 0 || (net->addr[whole] ^ bytes[whole]) >> (8 - rest) == 0);
}

weir_str
weir_addr_plain(weir_str addr)
{
    static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

    return addr.len == 16 && memcmp(addr.data, mapped, sizeof(mapped)) == 0
               ? (weir_str){ addr.data + sizeof(mapped), 4 }
               : addr;
}

/* Cut `text` where the port begins: in front of the colon behind ']', or of the only colon. */
static size_t
port_at(weir_str text)
{
    size_t colon = weir_str_find(text, ':');

    if (text.len != 0 && text.data[0] == '[') {
        size_t close = weir_str_find(text, ']');
        return close < text.len ? close + 1 : text.len;
    }
    return colon < text.len && memchr(text.data + colon + 1, ':', text.len - colon - 1) == NULL
               ? colon
               : text.len;
}

int
weir_addr_parse(weir_str text, weir_str *addr, uint32_t *port)
{
    size_t at = port_at(text);
    weir_str name = weir_str_cut(text, 0, at), rest = weir_str_cut(text, at, text.len);
    bool bracketed = name.len > 1 && name.data[0] == '[' && name.data[name.len - 1] == ']';
    uint8_t bytes[16], len;
    uint64_t n = 0;

    if (weir_str_eq(text, WEIR_STR("unix:"))) {
        *addr = text;
        *port = 0;
        return WEIR_OK;
    }
    if (bracketed) {
        name = weir_str_cut(name, 1, name.len - 2);
    }
    len = parse_address(name, bytes);
    if (len == 0 || (bracketed && len != 16) ||
        (rest.len != 0 &&
         (rest.data[0] != ':' || !weir_parse_number(weir_str_cut(rest, 1, rest.len), 65535, &n)))) {
        return WEIR_INVALID;
    }
    *addr = name;
    *port = (uint32_t)n;
    return WEIR_OK;
}
