/* net/proxy_protocol.c - version 1 is read when its line end is there, version 2 when its stated length is. */
#include "net/proxy_protocol.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/str.h"

static const weir_str text_start = { "PROXY ", 6 };
static const weir_str binary_start = { "\r\n\r\n\0\r\nQUIT\n", 12 };

/* Values in the two bytes that follow the start of version 2, and lengths. */
enum {
    VERSION_2 = 2,
    COMMAND_LOCAL = 0,
    COMMAND_PROXY = 1,
    FAMILY_UNSPEC = 0,
    FAMILY_IPV4 = 1,
    FAMILY_IPV6 = 2,
    FAMILY_UNIX = 3,
    TRANSPORT_MAX = 2, /* unspecified, stream, datagram */
    TLV_HEAD = 3
};

static enum wr_proxy_protocol_answer
bad(struct wr_err *err, const char *reason)
{
    (void)wr_err_set(err, "PROXY protocol: %s", reason);
    return WR_PROXY_PROTOCOL_BAD;
}

/* ---- version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 4000 80\r\n" ---- */

/* What stands before the next blank of *line; *line goes behind it. False without a blank. */
static bool
take_word(weir_str *line, weir_str *word)
{
    size_t n = weir_str_find(*line, ' ');

    if (n == line->len) {
        return false;
    }
    *word = weir_str_cut(*line, 0, n);
    *line = weir_str_cut(*line, n + 1, line->len);
    return true;
}

static bool
read_address(weir_str text, sa_family_t family, union wr_peer_addr *to)
{
    char name[INET6_ADDRSTRLEN];
    void *place = family == AF_INET ? (void *)&to->v4.sin_addr : (void *)&to->v6.sin6_addr;

    if (text.len == 0 || text.len >= sizeof(name) || memchr(text.data, 0, text.len) != NULL) {
        return false;
    }
    memcpy(name, text.data, text.len);
    name[text.len] = '\0';
    to->any.sa_family = family;
    return inet_pton(family, name, place) == 1;
}

static bool
read_port(weir_str text, union wr_peer_addr *to)
{
    uint64_t port;

    if ((text.len > 1 && text.data[0] == '0') || !weir_parse_number(text, UINT16_MAX, &port)) {
        return false;
    }
    if (to->any.sa_family == AF_INET) {
        to->v4.sin_port = htons((uint16_t)port);
    } else {
        to->v6.sin6_port = htons((uint16_t)port);
    }
    return true;
}

/* The line without "PROXY " and without its end. */
static enum wr_proxy_protocol_answer
read_line(weir_str line, struct wr_proxy_protocol *h, struct wr_err *err)
{
    static const weir_str unknown = { "UNKNOWN", 7 }, tcp4 = { "TCP4", 4 }, tcp6 = { "TCP6", 4 };
    weir_str word, source, destination, port;
    sa_family_t family;

    if (weir_str_eq(line, unknown) ||
        (weir_str_starts(line, unknown) && line.data[unknown.len] == ' ')) {
        return WR_PROXY_PROTOCOL_OK;
    }
    if (!take_word(&line, &word) || (!weir_str_eq(word, tcp4) && !weir_str_eq(word, tcp6))) {
        return bad(err, "the protocol is not TCP4, TCP6 or UNKNOWN");
    }
    family = weir_str_eq(word, tcp4) ? AF_INET : AF_INET6;
    if (!take_word(&line, &source) || !take_word(&line, &destination) ||
        !read_address(source, family, &h->source) ||
        !read_address(destination, family, &h->destination)) {
        return bad(err, "an address is missing or wrong");
    }
    if (!take_word(&line, &port) || !read_port(port, &h->source) ||
        !read_port(line, &h->destination)) {
        return bad(err, "a port is missing or wrong");
    }
    return WR_PROXY_PROTOCOL_OK;
}

static enum wr_proxy_protocol_answer
parse_text(weir_str in, struct wr_proxy_protocol *h, struct wr_err *err)
{
    weir_str room = weir_str_cut(in, 0, WR_PROXY_PROTOCOL_LINE_MAX);
    size_t end = weir_str_find(room, '\r');

    if (end + 1 >= room.len) {
        return room.len < WR_PROXY_PROTOCOL_LINE_MAX ? WR_PROXY_PROTOCOL_MORE
                                                     : bad(err, "the line is too long");
    }
    if (room.data[end + 1] != '\n') {
        return bad(err, "the line has a CR without LF");
    }
    h->version = 1;
    h->bytes = end + 2;
    return read_line(weir_str_cut(room, text_start.len, end - text_start.len), h, err);
}

/* ---- version 2 ---- */

static size_t
big_endian_16(const char *p)
{
    return (size_t)(uint8_t)p[0] << 8 | (uint8_t)p[1];
}

/* Source and destination address, then their ports, all in network order. */
static void
take_inet(const char *p, struct wr_proxy_protocol *h)
{
    h->source.any.sa_family = h->destination.any.sa_family = AF_INET;
    memcpy(&h->source.v4.sin_addr, p, 4);
    memcpy(&h->destination.v4.sin_addr, p + 4, 4);
    memcpy(&h->source.v4.sin_port, p + 8, 2);
    memcpy(&h->destination.v4.sin_port, p + 10, 2);
}

static void
take_inet6(const char *p, struct wr_proxy_protocol *h)
{
    h->source.any.sa_family = h->destination.any.sa_family = AF_INET6;
    memcpy(&h->source.v6.sin6_addr, p, 16);
    memcpy(&h->destination.v6.sin6_addr, p + 16, 16);
    memcpy(&h->source.v6.sin6_port, p + 32, 2);
    memcpy(&h->destination.v6.sin6_port, p + 34, 2);
}

/* The addresses at the start of *rest, which moves behind them. */
static enum wr_proxy_protocol_answer
take_addresses(unsigned family, weir_str *rest, struct wr_proxy_protocol *h, struct wr_err *err)
{
    static const size_t lengths[] = { 0, 12, 36, 216 };
    size_t len;

    if (family >= WR_COUNT(lengths)) {
        return bad(err, "the address family is unknown");
    }
    len = lengths[family];
    if (rest->len < len) {
        return bad(err, "the addresses are cut");
    }
    if (family == FAMILY_IPV4) {
        take_inet(rest->data, h);
    } else if (family == FAMILY_IPV6) {
        take_inet6(rest->data, h);
    } else if (family == FAMILY_UNIX) {
        h->source.any.sa_family = h->destination.any.sa_family = AF_UNIX;
    }
    *rest = weir_str_cut(*rest, len, rest->len);
    return WR_PROXY_PROTOCOL_OK;
}

/* What follows the 16 bytes of head. */
static enum wr_proxy_protocol_answer
read_block(unsigned family, weir_str rest, struct wr_proxy_protocol *h, struct wr_err *err)
{
    weir_str value;
    uint8_t type;

    if (take_addresses(family, &rest, h, err) != WR_PROXY_PROTOCOL_OK) {
        return WR_PROXY_PROTOCOL_BAD;
    }
    if (family == FAMILY_UNSPEC) {
        return WR_PROXY_PROTOCOL_OK; /* the layout of the block is not defined */
    }
    h->tlvs = rest;
    while (wr_proxy_protocol_tlv_next(&rest, &type, &value)) {
    }
    return rest.len == 0 ? WR_PROXY_PROTOCOL_OK : bad(err, "a TLV is cut");
}

static enum wr_proxy_protocol_answer
parse_binary(weir_str in, size_t bytes_max, struct wr_proxy_protocol *h, struct wr_err *err)
{
    unsigned command, family;
    size_t len;

    if (in.len < WR_PROXY_PROTOCOL_HEAD_MIN) {
        return WR_PROXY_PROTOCOL_MORE;
    }
    command = (uint8_t)in.data[12];
    family = (uint8_t)in.data[13];
    len = big_endian_16(in.data + 14);
    if (command >> 4 != VERSION_2 || (command & 15) > COMMAND_PROXY) {
        return bad(err, "the version or command is unknown");
    }
    if ((family & 15) > TRANSPORT_MAX) {
        return bad(err, "the transport is unknown");
    }
    h->version = 2;
    h->bytes = WR_PROXY_PROTOCOL_HEAD_MIN + len;
    if (h->bytes > bytes_max) {
        return bad(err, "the header is longer than the limit");
    }
    if (in.len < h->bytes) {
        return WR_PROXY_PROTOCOL_MORE;
    }
    if ((command & 15) == COMMAND_LOCAL) {
        return WR_PROXY_PROTOCOL_OK;
    }
    return read_block(family >> 4, weir_str_cut(in, WR_PROXY_PROTOCOL_HEAD_MIN, len), h, err);
}

enum wr_proxy_protocol_answer
wr_proxy_protocol_parse(weir_str in, size_t bytes_max, struct wr_proxy_protocol *header,
                        struct wr_err *err)
{
    struct wr_proxy_protocol h;
    enum wr_proxy_protocol_answer a;

    WR_ASSERT(bytes_max >= WR_PROXY_PROTOCOL_LINE_MAX);
    memset(&h, 0, sizeof(h));
    if (weir_str_starts(in, text_start)) {
        a = parse_text(in, &h, err);
    } else if (weir_str_starts(in, binary_start)) {
        a = parse_binary(in, bytes_max, &h, err);
    } else if (weir_str_starts(text_start, in) || weir_str_starts(binary_start, in)) {
        a = WR_PROXY_PROTOCOL_MORE;
    } else {
        a = bad(err, "the connection does not begin with a header");
    }
    if (a == WR_PROXY_PROTOCOL_OK) {
        *header = h;
    }
    return a;
}

bool
wr_proxy_protocol_tlv_next(weir_str *rest, uint8_t *type, weir_str *value)
{
    size_t len;

    if (rest->len < TLV_HEAD) {
        return false;
    }
    len = big_endian_16(rest->data + 1);
    if (rest->len - TLV_HEAD < len) {
        return false;
    }
    *type = (uint8_t)rest->data[0];
    *value = weir_str_cut(*rest, TLV_HEAD, len);
    *rest = weir_str_cut(*rest, TLV_HEAD + len, rest->len);
    return true;
}

weir_str
wr_proxy_protocol_tlv(weir_str tlvs, uint8_t type)
{
    weir_str value;
    uint8_t t;

    while (wr_proxy_protocol_tlv_next(&tlvs, &t, &value)) {
        if (t == type) {
            return value;
        }
    }
    return (weir_str){ NULL, 0 };
}
