/* http/core_ssl.h - core.ssl: what the ssl_* directives say, and what comes of it for each server that listens with TLS.
 *
 * Settings become a site (tls/door.h) once a configuration is read: certificates are loaded then and mistakes reported. A
 * connection is shown the site of the server it names, and a request on it may reach that server, or another one with the
 * same demands on clients' certificates.
 */
#ifndef WR_HTTP_CORE_SSL_H
#define WR_HTTP_CORE_SSL_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/conf.h>
#include <weir/request.h>

#include "http/vhost.h"
#include "tls/door.h"

struct wr_conf_node;
struct wr_http;
struct wr_request;

enum wr_ssl_cache {
    WR_SSL_CACHE_NONE,    /* clients may try, and find nothing */
    WR_SSL_CACHE_OFF,     /* clients are told not to try */
    WR_SSL_CACHE_BUILTIN, /* a worker's own */
    WR_SSL_CACHE_SHARED   /* all workers' */
};

enum wr_ssl_ocsp { WR_SSL_OCSP_OFF, WR_SSL_OCSP_ON, WR_SSL_OCSP_LEAF };

/* core.ssl: http and server. Paths are absolute and zero-terminated; absent: not given. */
struct wr_ssl_conf {
    weir_strs certificates, keys;
    weir_str password_file;
    uint32_t protocols;          /* enum wr_tls_protocol */
    weir_str ciphers, curve;     /* curve "auto": OpenSSL's own */
    weir_str dhparam;
    bool prefer_server_ciphers;
    uint64_t buffer_size;
    uint32_t verify;             /* enum wr_tls_verify */
    int64_t verify_depth;
    weir_str client_certificate, trusted_certificate, crl;
    struct wr_ssl_cache_conf {
        uint32_t kind;           /* enum wr_ssl_cache */
        uint32_t builtin;        /* sessions */
        weir_zone *zone;
    } cache;
    uint64_t session_timeout_ms;
    bool tickets;
    weir_strs ticket_keys;
    bool stapling, stapling_verify;
    weir_str stapling_file;
    weir_str stapling_responder;
    uint32_t ocsp;               /* enum wr_ssl_ocsp */
    weir_str ocsp_responder;
    weir_zone *ocsp_cache;       /* NULL: off */
    bool early_data, reject, reload;
    weir_strs commands;          /* name, value, name, value ... */
    struct wr_ssl_certificate_cache {
        bool on;
        int64_t max;
        uint64_t inactive_ms, valid_ms;
    } certificate_cache;
    /* core_ssl_site.c's, made once for all blocks that share this struct. */
    struct wr_ssl_shared *shared;
};

struct wr_ssl_site;

/* Who asks authorities about clients' certificates (process/client_ocsp.c), for one server. */
struct wr_ssl_inquirer {
    /* After a handshake: true: all is known, s->distrust says what is wrong; false: wr_tls_stream_admit will be called. */
    bool (*ask)(const struct wr_ssl_site *site, struct wr_tls_stream *s);
    /* s, which waited, has ended. */
    void (*drop)(struct wr_tls_stream *s);
};

/* What one server shows. */
struct wr_ssl_site {
    struct wr_tls_site tls; /* first */
    bool bare;              /* it has no certificate, and is not shown: it says what is asked of clients, whoever is shown */
    const struct wr_server *server;
    const struct wr_ssl_conf *conf;
    const struct wr_ssl_inquirer *inquirer; /* NULL: nobody is asked */
    uint8_t policy[WR_TLS_IDENTITY]; /* what it asks of clients' certificates: equal for equal demands */
    uint8_t self[WR_TLS_IDENTITY];   /* of its name and addresses */
};

/* What the rows and the sites need of a configuration. */
struct wr_ssl_build {
    struct wr_tls_bank *bank;
    struct wr_tls_front *front;
    struct wr_tls_tickets *tickets; /* keys of our own; NULL: nobody needed them yet */
};

extern const weir_module wr_core_ssl;

/* How handshakes with clients end, as weir_tls_handshakes_total counts them. */
enum wr_ssl_result { WR_SSL_FULL, WR_SSL_RESUMED, WR_SSL_FAILED };
void wr_ssl_count(enum wr_ssl_result result);

/* The settings of a block. */
const struct wr_ssl_conf *wr_ssl_conf(const void *const *conf);

/* The statement that gave server its ssl_* directive `name`, or the server's own. */
const struct wr_conf_node *wr_ssl_origin(const struct wr_server *server, const char *name);

/* Make sites and doors of every server and endpoint that listens with TLS. False after reports. */
bool wr_ssl_finish(struct weir_conf *cf, struct wr_http *http);

/* Files of authorities have changed, and are read: sites ask something else of clients, and sessions from before are no longer
 * come back to where they do. */
void wr_ssl_renew(const struct wr_http *http);

/* What hinders this request, whose server is chosen: a status to refuse it with, or 0. Has it come plainly where TLS is
 * spoken, is another server's name used to go around what this one asks of clients, is the client's certificate good? */
uint32_t wr_ssl_refusal(struct wr_request *r);

/* core_ssl_sessions.c: sessions in a zone, for all workers. NULL after a report. */
const struct wr_tls_sessions *wr_ssl_sessions_claim(weir_conf *cf, weir_zone *zone);

#endif
