/* http1/begin.c - what comes before the first head: a PROXY header, the handshake of TLS, and the client's word that it speaks
 * HTTP/2 instead.
 */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "http/metrics.h"
#include "http1/http1.h"
#include "net/send.h"

/* ---- HTTP/2. ---- */

/* How much of the preface by which a client begins HTTP/2 has come: OK, all of it; BAD, something else. [RFC 9113 3.4] */
enum wr_wire
wr_http1_preface(const struct wr_http1 *h)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    size_t len = WR_MIN(wr_http1_input.len, sizeof(preface) - 1);

    if (h->conn.requests != 0 || h->endpoint->ssl || /* there it is agreed on in the handshake */
        !wr_endpoint_has_http2(h->endpoint, h->endpoint->fallback) ||
        memcmp(wr_http1_input.at, preface, len) != 0) {
        return WR_BAD;
    }
    return len == sizeof(preface) - 1 ? WR_OK : WR_MORE;
}

/* The connection is HTTP/2's from here on, with what has been read of it. */
void
wr_http1_hand_over(struct wr_http1 *h)
{
    struct wr_http1_input *in = &wr_http1_input;
    size_t len = in->len;

    wr_pool_destroy(&h->pool);
    wr_conn_deadline(&h->conn, 0);
    wr_count_show(&h->shown, WR_SHOWN_READING);
    in->len = 0;
    h->handed_over = true;
    h->endpoint->http2(&h->conn, in->at, len);
}

/* ---- TLS. ---- */

/* Speak TLS from here on; what was read belongs to it. False: not possible, and closed. */
bool
wr_http1_enter_tls(struct wr_http1 *h)
{
    struct wr_http1_input *in = &wr_http1_input;

    if (!wr_endpoint_enter(h->endpoint, &h->conn, (weir_str){ in->at, in->len })) {
        wr_http1_close(h, false);
        return false;
    }
    in->len = 0;
    h->state = WR_HTTP1_TLS;
    return true;
}

/* The handshake, which the transport holds. */
bool
wr_http1_serve_tls(struct wr_http1 *h)
{
    int rc = h->conn.transport->handshake(&h->conn);

    switch (rc) {
    case 0:
        h->state = WR_HTTP1_HEAD;
        if (h->conn.transport->protocol(&h->conn) != NULL) { /* nothing but "h2" has a name here */
            wr_http1_hand_over(h);
        }
        return !h->handed_over;
    case -EAGAIN:
        if (!wr_http1_at_end(h)) {
            return false;
        }
        break;
    case -EPROTONOSUPPORT:
        h->plain = true;
        h->state = WR_HTTP1_HEAD;
        return true;
    default:
        break;
    }
    wr_http1_close(h, false);
    return false;
}

/* ---- PROXY. ---- */

bool
wr_http1_serve_proxy(struct wr_http1 *h)
{
    struct wr_http1_input *in = &wr_http1_input;
    struct wr_proxy_protocol header;
    struct wr_err err;

    for (;;) {
        switch (wr_proxy_protocol_parse((weir_str){ in->at, in->len }, WR_PROXY_PROTOCOL_BYTES_MAX,
                                        &header, &err)) {
        case WR_PROXY_PROTOCOL_OK:
            wr_conn_proxied(&h->conn, &header);
            in->at += header.bytes;
            in->len -= header.bytes;
            h->state = WR_HTTP1_HEAD;
            return !h->endpoint->ssl || wr_http1_enter_tls(h);
        case WR_PROXY_PROTOCOL_BAD:
            wr_conn_say(&h->conn, ERROR, "broken header while reading %s", err.text);
            wr_http1_close(h, false);
            return false;
        case WR_PROXY_PROTOCOL_MORE:
            break;
        }
        if (!h->conn.can_read || wr_http1_read(h, WR_PROXY_PROTOCOL_BYTES_MAX) <= 0) {
            break;
        }
    }
    if (wr_http1_at_end(h)) {
        wr_http1_close(h, false);
    }
    return false;
}
