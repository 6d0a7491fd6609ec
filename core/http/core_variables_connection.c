/* http/core_variables_connection.c - variables of the connection: its two ends, its age, the PROXY header in front of it. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/pool.h"
#include "base/num.h"
#include "base/str.h"
#include "http/client_addr.h"
#include "http/core_variables.h"
#include "http/request.h"
#include "net/proxy_protocol.h"

static const weir_str absent = { NULL, 0 };

static const struct wr_conn *
conn_of(const weir_request *r)
{
    return wr_request_of(r)->conn;
}

/* A port in decimal; a unix peer has none: empty. */
static weir_str
port_text(weir_pool *pool, uint32_t port)
{
    return port != 0 ? wr_var_number(pool, port) : WEIR_STR("");
}

/* ---- The ends. ---- */

WR_VAR_GET(remote_addr)
{
    (void)conf, (void)name;
    return weir_client_addr(r, NULL);
}

WR_VAR_GET(remote_port)
{
    uint32_t port;

    (void)conf, (void)name;
    (void)weir_client_addr(r, &port);
    return port != 0 ? port_text(r->pool, port) : WEIR_STR(""); /* realip may know the address alone */
}

/* 4 or 16 bytes; a unix peer's has no binary form, and nginx gives its text. */
WR_VAR_GET(binary_remote_addr)
{
    weir_str bytes = weir_client_addr_bytes(r);

    (void)conf, (void)name;
    return bytes.len != 0 ? bytes : weir_client_addr(r, NULL);
}

/* The address the client came to: the listening one, or what the system says when that is a wildcard. */
WR_VAR_GET(server_addr)
{
    const struct wr_conn *c = conn_of(r);
    char room[WR_ADDR_TEXT];
    struct wr_strbuf b = wr_strbuf_over(room, sizeof(room));
    struct wr_addr addr = c->listen->addr;

    (void)conf, (void)name;
    if (wr_addr_wildcard(&addr) && !wr_conn_local(c, &addr)) {
        return absent;
    }
    wr_addr_format(&addr, addr.at.family != AF_UNIX, &b);
    return weir_dup(r->pool, wr_strbuf_view(&b));
}

WR_VAR_GET(server_port)
{
    (void)conf, (void)name;
    return port_text(r->pool, wr_addr_port(&conn_of(r)->listen->addr));
}

WR_VAR_GET(scheme)
{
    (void)conf, (void)name;
    return r->flags & WEIR_R_TLS ? WEIR_STR("https") : WEIR_STR("http");
}

WR_VAR_GET(https)
{
    (void)conf, (void)name;
    return r->flags & WEIR_R_TLS ? WEIR_STR("on") : WEIR_STR("");
}

WR_VAR_GET(http2)
{
    (void)conf, (void)name;
    if (r->version != 20) {
        return WEIR_STR("");
    }
    return r->flags & WEIR_R_TLS ? WEIR_STR("h2") : WEIR_STR("h2c");
}

/* No request comes by it; formats of logs name it. */
WR_VAR_GET(http3)
{
    (void)r, (void)conf, (void)name;
    return WEIR_STR("");
}

/* ---- Its life. ---- */

WR_VAR_GET(connection)
{
    (void)conf, (void)name;
    return wr_var_number(r->pool, conn_of(r)->number);
}

WR_VAR_GET(connection_requests)
{
    (void)conf, (void)name;
    return wr_var_number(r->pool, wr_request_of(r->main)->nth);
}

WR_VAR_GET(connection_time)
{
    (void)conf, (void)name;
    return wr_var_seconds(r->pool, wr_clock.now_ms - conn_of(r)->since_ms);
}

WR_VAR_GET(pipe)
{
    (void)conf, (void)name;
    return wr_request_of(r->main)->pipelined ? WEIR_STR("p") : WEIR_STR(".");
}

/* $tcpinfo_rtt and its kin: what the kernel counts for the connection; absent where it is not TCP. */
WR_VAR_GET(tcpinfo)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);
    uint64_t value;

    (void)conf;
    memset(&info, 0, sizeof(info));
    if (getsockopt(conn_of(r)->io.fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) {
        return absent;
    }
    if (weir_str_eq(name, WEIR_STR("tcpinfo_rtt"))) {
        value = info.tcpi_rtt;
    } else if (weir_str_eq(name, WEIR_STR("tcpinfo_rttvar"))) {
        value = info.tcpi_rttvar;
    } else if (weir_str_eq(name, WEIR_STR("tcpinfo_snd_cwnd"))) {
        value = info.tcpi_snd_cwnd;
    } else {
        value = info.tcpi_rcv_space;
    }
    return wr_var_number(r->pool, value);
}

/* ---- The PROXY header. ---- */

/* What it said, if it names addresses. */
static const struct wr_proxy_protocol *
proxied(const weir_request *r)
{
    const struct wr_proxy_protocol *p = conn_of(r)->proxied;

    return p != NULL && p->source.family != AF_UNSPEC ? p : NULL;
}

static weir_str
proxied_addr(weir_pool *pool, const union wr_peer_addr *addr)
{
    return wr_client_text(pool, addr);
}

static weir_str
proxied_port(weir_pool *pool, const union wr_peer_addr *addr)
{
    return wr_var_number(pool, wr_client_port(addr));
}

WR_VAR_GET(proxy_protocol_addr)
{
    (void)conf, (void)name;
    return proxied(r) != NULL ? proxied_addr(r->pool, &proxied(r)->source) : absent;
}

WR_VAR_GET(proxy_protocol_port)
{
    (void)conf, (void)name;
    return proxied(r) != NULL ? proxied_port(r->pool, &proxied(r)->source) : absent;
}

WR_VAR_GET(proxy_protocol_server_addr)
{
    (void)conf, (void)name;
    return proxied(r) != NULL ? proxied_addr(r->pool, &proxied(r)->destination) : absent;
}

WR_VAR_GET(proxy_protocol_server_port)
{
    (void)conf, (void)name;
    return proxied(r) != NULL ? proxied_port(r->pool, &proxied(r)->destination) : absent;
}

/* The TLVs that have names: of the header, and of its TLV about TLS, 0x20. */
static const struct {
    weir_str name;
    uint8_t type;
    bool of_tls;
} tlv_names[] = {
    { { "alpn", 4 }, 0x01, false },       { { "authority", 9 }, 0x02, false },
    { { "unique_id", 9 }, 0x05, false },  { { "netns", 5 }, 0x30, false },
    { { "ssl_version", 11 }, 0x21, true }, { { "ssl_cn", 6 }, 0x22, true },
    { { "ssl_cipher", 10 }, 0x23, true }, { { "ssl_sig_alg", 11 }, 0x24, true },
    { { "ssl_key_alg", 11 }, 0x25, true },
};

enum { TLV_TLS = 0x20, TLV_TLS_HEAD = 5 /* a byte of bits, then the result of verifying the client */ };

static weir_str
named_tlv(weir_request *r, weir_str tlvs, weir_str name)
{
    weir_str tls = wr_proxy_protocol_tlv(tlvs, TLV_TLS), inner = absent;
    uint64_t type;

    if (tls.len >= TLV_TLS_HEAD) {
        inner = weir_str_cut(tls, TLV_TLS_HEAD, tls.len);
    }
    if (inner.data != NULL && weir_str_eq(name, WEIR_STR("ssl_verify"))) {
        const uint8_t *b = (const uint8_t *)tls.data;
        return wr_var_number(r->pool, (uint64_t)b[1] << 24 | (uint64_t)b[2] << 16 |
                                          (uint64_t)b[3] << 8 | b[4]);
    }
    for (size_t i = 0; i < sizeof(tlv_names) / sizeof(tlv_names[0]); i++) {
        if (weir_str_eq(name, tlv_names[i].name)) {
            return wr_proxy_protocol_tlv(tlv_names[i].of_tls ? inner : tlvs, tlv_names[i].type);
        }
    }
    if (weir_str_starts(name, WEIR_STR("0x")) &&
        wr_num_parse_hex(weir_str_cut(name, 2, name.len), UINT8_MAX, &type)) {
        return wr_proxy_protocol_tlv(tlvs, (uint8_t)type);
    }
    return absent;
}

WR_VAR_GET(proxy_protocol_tlv)
{
    const struct wr_proxy_protocol *p = conn_of(r)->proxied;

    (void)conf;
    return p != NULL ? named_tlv(r, p->tlvs, name) : absent;
}
