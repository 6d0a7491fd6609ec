/* wire/target.h - the four forms of a request target. [RFC 9112 3.2] */
#ifndef WR_WIRE_TARGET_H
#define WR_WIRE_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>
#include "wire/fault.h"

enum wr_target_form {
    WR_TARGET_ORIGIN,    /* "/path?query" */
    WR_TARGET_ABSOLUTE,  /* "http://host:port/path?query" */
    WR_TARGET_ASTERISK,  /* "*", only with OPTIONS; also an absolute target of OPTIONS without path
                            and query */
    WR_TARGET_AUTHORITY, /* "host:port", only with CONNECT */
};

struct wr_target {
    enum wr_target_form form;
    bool https;     /* the scheme of an absolute target is https */
    weir_str host;  /* of an absolute or authority target, takes the place of Host; else absent */
    uint32_t port;  /* with host; 0 none */
    weir_str path;  /* raw path and query: a slice of the target, begins with '/'; "/" for a target
                       that has no path; "*" */
    weir_str query; /* only for an absolute target with a query but no path ("http://a?q"); else
                       absent */
};

/*
 * Take a request target apart.
 *
 * target  visible ASCII without '#', not empty, as the head reader lets through
 * method  WEIR_GET, ...
 *
 * WR_OK, WR_BAD with 400: a form that the method does not have, a scheme other than http and https,
 * an empty or malformed authority, userinfo.
 */
enum wr_wire wr_target_split(weir_str target, uint32_t method, struct wr_target *out,
                             struct wr_fault *fault);

#endif
