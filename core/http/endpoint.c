/* http/endpoint.c - from the addresses that servers named to the sockets that are listened at, and
 * back from a connection.
 *
 * An address is one endpoint. A specific address whose port is also listened at as *:port shares
 * that socket, unless it has socket options of its own: then which of them a connection came to is
 * asked from the system.
 */
#include <netinet/in.h>
#include <stdlib.h>

#include "http/build.h"
#include "http/settings.h"
#include "net/conn.h"

/* ---- Making. ---- */

/* The address *:port that a shares a socket with, or NULL. */
static struct wr_build_address *
sharer_of(struct wr_build *b, const struct wr_build_address *a)
{
    struct wr_addr any = a->addr;
    char room[WR_ADDR_TEXT];
    struct wr_strbuf to = wr_strbuf_over(room, sizeof(room));

    if (a->options_node != NULL || wr_addr_wildcard(&a->addr)) {
        return NULL;
    }
    if (any.at.family == AF_INET) {
        any.at.v4.sin_addr.s_addr = htonl(INADDR_ANY);
    } else if (any.at.family == AF_INET6) {
        any.at.v6.sin6_addr = in6addr_any;
    } else {
        return NULL;
    }
    wr_addr_format(&any, false, &to);
    return wr_map_find(&b->addresses, wr_strbuf_view(&to));
}

static void
fill_endpoint(struct wr_http *http, struct wr_build_address *a, struct wr_endpoint *e)
{
    *e = (struct wr_endpoint){
        .http = http,
        .addr = a->addr,
        .fallback = a->fallback,
        .names = a->n_servers > 1 || wr_names_capture(a->names) ? a->names : NULL,
        .ssl = a->ssl,
        .listen_http2 = a->http2,
        .any_http2 = a->http2 || a->any_http2,
        .proxy_protocol = a->proxy_protocol,
    };
    a->endpoint = e;
}

static struct wr_listen *
listen_create(struct weir_pool *pool, const struct wr_build_address *a)
{
    struct wr_listen *l = wr_pool_zalloc(pool, sizeof(*l));

    l->addr = a->addr;
    l->options = a->options;
    l->owner = a->endpoint;
    a->endpoint->listen = l;
    return l;
}

static int
compare_shared(const void *a, const void *b)
{
    return wr_build_addr_cmp(&(*(const struct wr_endpoint *const *)a)->addr,
                             &(*(const struct wr_endpoint *const *)b)->addr);
}

/* Give every endpoint that others share a socket with the list of them. */
static void
gather_shared(struct wr_http *http)
{
    struct wr_build *b = http->build;

    for (size_t i = 0; i < wr_map_count(&b->addresses); i++) {
        struct wr_build_address *a = wr_map_entry(&b->addresses, i)->value;
        struct wr_build_address *with = sharer_of(b, a);
        if (with != NULL) {
            with->endpoint->n_shared++;
        }
    }
    for (uint32_t i = 0; i < http->n_endpoints; i++) {
        struct wr_endpoint *e = &http->endpoints[i];
        e->shared = wr_pool_array(http->pool, const struct wr_endpoint *, e->n_shared);
        e->n_shared = 0;
    }
    for (size_t i = 0; i < wr_map_count(&b->addresses); i++) {
        struct wr_build_address *a = wr_map_entry(&b->addresses, i)->value;
        struct wr_build_address *with = sharer_of(b, a);
        if (with != NULL) {
            with->endpoint->shared[with->endpoint->n_shared++] = a->endpoint;
        }
    }
    for (uint32_t i = 0; i < http->n_endpoints; i++) {
        struct wr_endpoint *e = &http->endpoints[i];
        if (e->n_shared > 1) {
            qsort(e->shared, e->n_shared, sizeof(e->shared[0]), compare_shared);
        }
    }
}

void
wr_listen_finish(struct weir_conf *cf, struct wr_http *http)
{
    struct wr_build *b = http->build;
    struct wr_listen **last = &http->listens;

    http->n_endpoints = (uint32_t)wr_map_count(&b->addresses);
    http->endpoints = wr_pool_array(cf->pool, struct wr_endpoint, http->n_endpoints);
    for (uint32_t i = 0; i < http->n_endpoints; i++) {
        fill_endpoint(http, wr_map_entry(&b->addresses, i)->value, &http->endpoints[i]);
    }
    for (uint32_t i = 0; i < http->n_endpoints; i++) {
        struct wr_build_address *a = wr_map_entry(&b->addresses, i)->value;
        if (sharer_of(b, a) == NULL) {
            *last = listen_create(cf->pool, a);
            last = &(*last)->next;
        }
    }
    gather_shared(http);
}

/* ---- Finding. ---- */

bool
wr_endpoint_has_http2(const struct wr_endpoint *e, const struct wr_server *s)
{
    const struct wr_http2_conf *c = s->base.conf[WR_SLOT_HTTP2];

    return e->http2 != NULL && (e->listen_http2 || c->on);
}

static int
compare_to_endpoint(const void *key, const void *at)
{
    return wr_build_addr_cmp(key, &(*(const struct wr_endpoint *const *)at)->addr);
}

const struct wr_endpoint *
wr_endpoint_of(const struct wr_conn *c)
{
    const struct wr_endpoint *e = c->listen->owner;
    const struct wr_endpoint **found;
    struct wr_addr local;

    if (e->n_shared == 0) {
        return e;
    }
    memset(&local, 0, sizeof(local));
    if (!wr_conn_local(c, &local)) {
        return e;
    }
    found = bsearch(&local, e->shared, e->n_shared, sizeof(e->shared[0]), compare_to_endpoint);
    return found != NULL ? *found : e;
}
