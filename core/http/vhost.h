/* http/vhost.h - servers, the addresses they listen at, and finding one by host name.
 *
 * nginx's order: exact name, longest wildcard at the front (*.example.com), longest at the end (mail.*), first regular
 * expression that matches, the address's default server.
 */
#ifndef WR_HTTP_VHOST_H
#define WR_HTTP_VHOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "http/location.h"
#include "net/listen.h"

struct wr_http;
struct wr_ssl_site; /* core_ssl.h */
struct wr_tls_door;

struct wr_server {
    struct wr_location base;   /* its own block: kind WR_LOC_SERVER */
    weir_str name;             /* the first server_name: $server_name; "" if none */
    const struct wr_http *http;
    uint32_t index;            /* in order of the file */
    const struct wr_ssl_site *ssl; /* what it shows; NULL: it listens plainly, or the default server's is shown */
};

/* What is known of one listening address: the owner of its wr_listen. */
struct wr_endpoint {
    const struct wr_http *http;
    struct wr_listen *listen;         /* NULL: it shares the socket of *:port */
    struct wr_addr addr;
    const struct wr_endpoint **shared; /* those that share this one's socket, in order of their addresses */
    uint32_t n_shared;
    const struct wr_server *fallback; /* default_server, or the first */
    struct wr_names *names;           /* vhost.c; NULL: only the fallback */
    bool ssl, proxy_protocol;
    const struct wr_tls_door *door;   /* where clients come in when ssl; else NULL */
    bool listen_http2;                /* `listen ... http2` */
    bool any_http2;                   /* that, or one of its servers has HTTP/2 */
    /* Takes over a connection that turns out to speak HTTP/2, and the len bytes that were read of it, from the client's
     * preface on. NULL: nobody here has HTTP/2. */
    void (*http2)(struct wr_conn *c, const char *bytes, size_t len);
};

/* The endpoint a connection came to: by its local address where *:port and 1.2.3.4:port share a socket. */
const struct wr_endpoint *wr_endpoint_of(const struct wr_conn *c);

/* A client has come to an endpoint with ssl: c is encrypted from now on, bytes have been read of it already. False: close it. */
bool wr_endpoint_enter(const struct wr_endpoint *e, struct wr_conn *c, weir_str bytes);

/* May a client speak HTTP/2 here, when it has come to (or named, by TLS) server s? */
bool wr_endpoint_has_http2(const struct wr_endpoint *e, const struct wr_server *s);

/* Does a host at this endpoint always mean the same server, with nothing of the request decided by it (no regular expressions)? */
bool wr_vhost_is_stable(const struct wr_endpoint *e);

/* The server for host (lower-case, without port and final dot) at an endpoint. What a regular expression captures is r's; r is
 * NULL where there is no request yet, as in a handshake. */
const struct wr_server *wr_vhost_find(const struct wr_endpoint *e, weir_str host,
                                      struct wr_request *r);

/* How a server was come to. */
enum wr_vhost_by {
    WR_VHOST_DEFAULT, /* no name is the host's */
    WR_VHOST_ONLY,    /* the address has one server, whatever the host is */
    WR_VHOST_EXACT,
    WR_VHOST_FRONT, /* *.example.com */
    WR_VHOST_TAIL,  /* mail.* */
    WR_VHOST_REGEX
};

/* The same with how it was found, and by which of its names; "" by none. For -M. */
const struct wr_server *wr_vhost_choose(const struct wr_endpoint *e, weir_str host,
                                        struct wr_request *r, enum wr_vhost_by *by, weir_str *name);

#endif
