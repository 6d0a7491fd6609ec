/* proxy/upgrade.c - WebSocket and other upgrades: the wish passed on, and the tunnel when it is
 * granted. [RFC 9110 7.8] */
#include "proxy.h"

/* A client of HTTP/2 wishes for a tunnel by CONNECT; the upstream is asked by an upgrade. [RFC
 * 8441] */
static bool
connects(const weir_request *r, const proxy_conf *c)
{
    return c->upgrade && c->http_version == 11 && !c->head.sets_upgrade &&
           !c->head.sets_connection && weir_connect_protocol(r).len != 0;
}

bool
upgrade_wanted(const weir_request *r, const proxy_conf *c)
{
    const weir_header *wish = r->in[WEIR_H_UPGRADE];

    if (r->method == WEIR_CONNECT) {
        return connects(r, c);
    }
    return c->upgrade && c->http_version == 11 && r->version == 11 &&
           !(r->flags & WEIR_R_SUBREQUEST) && !c->head.sets_upgrade && !c->head.sets_connection &&
           wish != NULL && wish->same == NULL &&
           weir_header_has(r->in[WEIR_H_CONNECTION], WEIR_STR("upgrade")) &&
           !weir_header_has(wish, WEIR_STR("h2c")); /* that would be about this connection */
}

int
upgrade_answer(struct proxied *p)
{
    if (weir_exchange_tunnel(p->x) != WEIR_DONE) {
        weir_say(p->r->log, ERROR, "the upstream switched protocols, which the client cannot");
        send_give_up(p);
        return 502;
    }
    weir_count(proxy_tunnels, 1);
    return WEIR_DONE;
}
