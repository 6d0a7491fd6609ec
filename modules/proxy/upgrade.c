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

/* From the upstream to the client. */
static int
source(weir_request *r, void *data, weir_chain *out, size_t want)
{
    struct proxied *p = data;
    int rc;

    rc = weir_exchange_read(p->x, r->pool, out, want);
    if (rc == WEIR_OK) {
        return WEIR_NEXT;
    }
    return rc == WEIR_AGAIN  ? proxied_wait(p, AWAIT_BODY)
           : rc == WEIR_DONE ? WEIR_DONE
                             : WEIR_ERROR;
}

/* And back. */
static void
piece(weir_request *r, void *data, int result, weir_chain *body)
{
    (void)r;
    body_up_pass(data, body, result != WEIR_NEXT);
}

int
upgrade_answer(struct proxied *p)
{
    weir_request *r = p->r;
    int rc;

    p->up_over = p->up_stuck = p->up_frames = false;
    rc = weir_respond_from(r, 101, source, p);
    if (rc != WEIR_DONE || weir_stream_body(r, 0, piece, p) != WEIR_OK) {
        weir_say(r->log, ERROR, "the upstream switched protocols, which the client cannot");
        send_give_up(p);
        return 502;
    }
    weir_count(proxy_tunnels, 1);
    return WEIR_DONE;
}
