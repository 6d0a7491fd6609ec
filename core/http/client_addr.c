/* http/client_addr.c - the text of the client's address is made once a request, in the client's own request. */
#include "http/client_addr.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/assert.h"
#include "base/strbuf.h"

bool
wr_client_parse(weir_str text, union wr_peer_addr *addr)
{
    union wr_peer_addr a;
    char room[INET6_ADDRSTRLEN];

    memset(&a, 0, sizeof(a));
    if (weir_str_eq(text, WEIR_STR("unix:"))) {
        a.family = AF_UNIX;
        *addr = a;
        return true;
    }
    if (text.len == 0 || text.len >= sizeof(room)) {
        return false;
    }
    memcpy(room, text.data, text.len);
    room[text.len] = '\0';
    if (strlen(room) != text.len) {
        return false;
    }
    if (inet_pton(AF_INET, room, &a.v4.sin_addr) == 1) {
        a.family = AF_INET;
    } else if (inet_pton(AF_INET6, room, &a.v6.sin6_addr) == 1) {
        a.family = AF_INET6;
    } else {
        return false;
    }
    *addr = a;
    return true;
}

uint16_t
wr_client_port(const union wr_peer_addr *addr)
{
    switch (addr->family) {
    case AF_INET:
        return ntohs(addr->v4.sin_port);
    case AF_INET6:
        return ntohs(addr->v6.sin6_port);
    default:
        return 0;
    }
}

weir_str
wr_client_text(weir_pool *pool, const union wr_peer_addr *addr)
{
    struct wr_strbuf b = wr_strbuf_over(wr_pool_alloc(pool, WR_ADDR_TEXT), WR_ADDR_TEXT);

    wr_peer_format(addr, true, &b);
    return wr_strbuf_view(&b);
}

weir_str
weir_client_addr(const weir_request *r, uint32_t *port)
{
    struct wr_request *main = wr_request_of(r->main);

    WR_CHECK(main, WR_REQUEST_TAG);
    if (main->client_addr.data == NULL) {
        main->client_addr = wr_client_text(main->pub.pool, &main->conn->peer);
        main->client_port = wr_client_port(&main->conn->peer);
    }
    if (port != NULL) {
        *port = main->client_port;
    }
    return main->client_addr;
}

int
weir_set_client_addr(weir_request *r, weir_str addr, uint32_t port)
{
    struct wr_request *main = wr_request_of(r->main);
    union wr_peer_addr parsed, *peer;

    WR_CHECK(main, WR_REQUEST_TAG);
    if (port > UINT16_MAX || !wr_client_parse(addr, &parsed)) {
        return WEIR_INVALID;
    }
    peer = wr_pool_alloc(main->pub.pool, sizeof(*peer));
    *peer = parsed;
    main->client_addr = wr_client_text(main->pub.pool, peer); /* one spelling for one address */
    main->client_port = port;
    main->client_peer = peer;
    return WEIR_OK;
}

weir_str
weir_client_addr_bytes(const weir_request *r)
{
    const struct wr_request *main = wr_request_of(r->main);
    const union wr_peer_addr *peer;

    WR_CHECK(main, WR_REQUEST_TAG);
    peer = main->client_peer != NULL ? main->client_peer : &main->conn->peer;
    switch (peer->family) {
    case AF_INET:
        return (weir_str){ (const char *)&peer->v4.sin_addr, sizeof(peer->v4.sin_addr) };
    case AF_INET6:
        return (weir_str){ (const char *)&peer->v6.sin6_addr, sizeof(peer->v6.sin6_addr) };
    default:
        return WEIR_STR("");
    }
}
