/* http/location.h - a block of settings that requests run in (location, server, if, limit_except), and finding it by path.
 *
 * Search is nginx's: an exact match ends it; else the longest prefix, unless it is `^~` then the regular expressions of the
 * block in order, nested blocks first; a regular expression that matches wins over the prefix. A path that lacks only the
 * last slash of a location that adds_slash finds that one: its name is longer than the path then.
 */
#ifndef WR_HTTP_LOCATION_H
#define WR_HTTP_LOCATION_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/conf.h>

#include "base/map.h"
#include "conf/bind.h"
#include "http/plan.h"

struct wr_server;
struct wr_request;

enum wr_location_kind {
    WR_LOC_SERVER, /* the server's own block: before a location is found */
    WR_LOC_PREFIX,
    WR_LOC_PREFIX_FINAL, /* ^~ */
    WR_LOC_EXACT,
    WR_LOC_REGEX,
    WR_LOC_NAMED,
    WR_LOC_BLOCK, /* if, limit_except: entered by a hook */
    WR_LOC_BRANCH /* when: likewise, and takes the place of the block around it */
};

/* The locations directly inside one block. */
struct wr_locations;

struct wr_location {
    const void **conf; /* by slot */
    const struct wr_plan *plan;
    const struct wr_server *server;
    const struct wr_location *outer; /* the block around it */
    const struct wr_location *base;  /* where its locations are looked for: the server's block, or a branch of that; a base is its own */
    struct wr_map *named;            /* of a base: @name locations by name; NULL: none */
    struct wr_locations *inner;      /* NULL: none */
    const struct wr_conf_node *node; /* where it stands: for the load and -M, gone in a server */
    const struct wr_scope *scope;    /* for -M; its node and origins are gone in a server too */
    weir_str name;                   /* "/images/", the pattern, "@name" */
    weir_regex *regex;
    uint32_t kind;
    bool adds_slash; /* the name ends with '/', something answers for all below it: without it, it redirects there */
    const struct wr_location *limited; /* limit_except's block, for methods that it does not name; NULL: none */
    uint32_t limit_methods;          /* those it names, of WEIR_GET and so on */
    weir_strs limit_names;           /* and those that have no bit: MKCOL, PROPFIND, ... */
};

/* loc, or its limit_except block when r's method belongs there. */
const struct wr_location *wr_location_limit(const struct wr_location *loc,
                                            const struct wr_request *r);

/* The location for path in base, a server's block or a branch of it; never NULL: base itself when none fits. Captures are
 * set on r, which may be NULL: for nobody's sake. NULL only when a regular expression failed (500). */
const struct wr_location *wr_location_find(struct wr_request *r, const struct wr_location *base,
                                           weir_str path);

/* The named location (with its '@'), or NULL. */
const struct wr_location *wr_location_named(const struct wr_location *base, weir_str name);

#endif
