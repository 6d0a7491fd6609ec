/* http/build.h - what is known of an http block only while it is made: servers' names and addresses, blocks not bound yet.
 * Private to the files that make it.
 *
 * The order of things: a block's own directives are bound (they fill wr_build_server and the list of deferred blocks), then the
 * blocks within it, then its locations are put in search order. Endpoints, plans and warnings wait for wr_http_finish.
 */
#ifndef WR_HTTP_BUILD_H
#define WR_HTTP_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/vec.h"
#include "conf/bind.h"
#include "http/http.h"
#include "http/location.h"
#include "http/vhost.h"

/* One name of one server. */
struct wr_server_name {
    const struct wr_server *server;
    weir_str name;             /* lower case; the pattern of a regular expression with its '~' */
    weir_regex *regex;         /* NULL: none */
    struct wr_conf_place place; /* while it is made */
};

/* One address that servers listen at. */
struct wr_build_address {
    struct wr_addr addr;
    weir_str text; /* "127.0.0.1:80": the key in wr_build.addresses */
    struct wr_listen_options options;
    const struct wr_conf_node *first;        /* the first listen that names it */
    const struct wr_conf_node *options_node; /* the one whose socket options hold; NULL: none has any */
    const struct wr_conf_node *default_node; /* the one that says default_server; NULL: none */
    const struct wr_server *fallback;
    const struct wr_server *last;            /* the server whose listen came last */
    struct wr_names *names;
    uint32_t n_servers;
    bool ssl, http2, any_http2, proxy_protocol;
    struct wr_endpoint *endpoint;
};

/* One server at one address. */
struct wr_build_listen {
    struct wr_server *server;
    struct wr_build_address *address;
};

/* The server being bound. */
struct wr_build_server {
    struct wr_server *server;
    struct wr_vec names;     /* struct wr_server_name */
    struct wr_vec addresses; /* struct wr_build_address * */
    uint32_t n_branches;     /* so far, copies included */
};

/* The block of settings being bound. */
struct wr_build_block {
    struct wr_build_block *outer;
    struct wr_location *loc;
    struct wr_vec locations; /* struct wr_location *: those directly within */
};

/* A block that inherits from one that is still being bound: bound when that one is complete. */
struct wr_build_deferred {
    struct wr_scope *scope; /* the block around */
    struct wr_location *loc;
    const struct wr_conf_node *node;
    uint32_t where;
};

struct wr_build {
    struct wr_map addresses;  /* text to struct wr_build_address */
    struct wr_map regexes;    /* "i" or "-" and the pattern to weir_regex: equal ones are one */
    struct wr_vec servers;    /* struct wr_server * */
    struct wr_vec locations;  /* struct wr_location *: every block of settings, outer ones first */
    struct wr_vec listens;    /* struct wr_build_listen: every address of every server, in order of servers */
    struct wr_vec deferred;   /* struct wr_build_deferred */
    struct wr_vec wishes;     /* struct wr_order_wish */
    struct wr_map ignored;    /* what `lint_ignore` says, by scope: lint.c's */
    struct wr_build_server *server; /* NULL: outside of servers */
    struct wr_build_block *block;   /* NULL likewise */
};

static inline struct wr_build *
wr_build_of(const struct weir_conf *cf)
{
    return wr_http_of(cf)->build;
}

/* "the first stands in a.conf:3": a hint. */
static inline const char *
wr_build_first(struct weir_conf *cf, const struct wr_conf_node *first)
{
    return weir_print(cf->pool, "the first stands in %.*s:%u", WEIR_FMT(first->source->name),
                      first->words[0].line)
        .data;
}

/* ---- block.c ---- */

/* A block of this kind for cf->node's statement, within the one being bound. */
struct wr_location *wr_block_create(struct weir_conf *cf, uint32_t kind, weir_str name);

/* Bind node's block as loc's once the block being bound is complete. */
void wr_block_defer(struct weir_conf *cf, struct wr_location *loc, uint32_t where,
                    const struct wr_conf_node *node);

/* The setters of the rows that open blocks. */
int wr_server_block(weir_conf *cf, const weir_directive *d, void *field);
int wr_location_block(weir_conf *cf, const weir_directive *d, void *field);
int wr_limit_except_block(weir_conf *cf, const weir_directive *d, void *field);

/* ---- location.c ---- */

/* The locations of one block in search order, from struct wr_location * in `list`. Duplicates are reported. NULL: none. */
struct wr_locations *wr_locations_create(struct weir_conf *cf, const struct wr_vec *list);

/* Those that are regular expressions, in order; NULL with *n 0: none. */
struct wr_location *const *wr_locations_regexes(const struct wr_locations *l, uint32_t *n);

/* How many different names the others have, and who has the i-th in order of their bytes: a prefix location, an exact one, or
 * both; NULL: none, and past the last. */
uint32_t wr_locations_count(const struct wr_locations *l);
const struct wr_location *wr_locations_plain(const struct wr_locations *l, uint32_t i,
                                             const struct wr_location **exact);

/* ---- listen_conf.c ---- */

/* The setter of `listen`. */
int wr_listen_set(weir_conf *cf, const weir_directive *d, void *field);

/* Order of addresses, for sorting. */
static inline int
wr_build_addr_cmp(const struct wr_addr *a, const struct wr_addr *b)
{
    return a->len != b->len ? (a->len < b->len ? -1 : 1) : memcmp(&a->at, &b->at, a->len);
}

/* The server being bound has no listen: it gets *:80, or *:8000 when we are not root. */
void wr_listen_default(struct weir_conf *cf);

/* ---- endpoint.c ---- */

/* Endpoints and listens of everything that was named. */
void wr_listen_finish(struct weir_conf *cf, struct wr_http *http);

/* ---- vhost.c ---- */

struct wr_names *wr_names_create(struct weir_pool *pool);

/* Make n known at a; a name that is there already is warned of and stays with its server. */
void wr_names_add(struct weir_conf *cf, const struct wr_build_address *a,
                  const struct wr_server_name *n);

/* Does a name need a look at the host also when there is only one server? */
bool wr_names_capture(const struct wr_names *names);

/* The setter of `server_name`. */
int wr_server_name_set(weir_conf *cf, const weir_directive *d, void *field);

/* ---- lint.c ---- */

/* Warn of what is written rightly and does something else than it seems to say. */
void wr_lint(struct weir_conf *cf, const struct wr_http *http);

/* The setter of `lint_ignore`. */
int wr_lint_ignore(weir_conf *cf, const weir_directive *d, void *field);

#endif
