/* cors/origins.h - lists of origins, as cors_origin has them: exact ones, those of all hosts below
 * a domain, expressions. */
#ifndef CORS_ORIGINS_H
#define CORS_ORIGINS_H

#include <weir/weir.h>

struct origin; /* one of a list */

struct origins { /* starts zeroed: nobody's */
    struct origin *first;
    bool any;  /* "*" */
    bool null; /* "null": sandboxed pages, files */
};

/* The setter of cors_origin, whose field is a struct origins. */
int set_origins(weir_conf *cf, const weir_directive *d, void *field);

/* Is there anybody on the list? */
static inline bool
origins_any(const struct origins *o)
{
    return o->any || o->null || o->first != NULL;
}

/* Is origin, as the Origin field has it, on the list? */
bool origins_have(const struct origins *o, weir_str origin);

/* Can text be an origin: "scheme://host" or "scheme://host:port", without a path? [RFC 6454 6.2] */
bool origin_is_valid(weir_str text);

/* Does it name the port that its scheme has anyway? Browsers leave that out, so it is never found. */
bool origin_has_usual_port(weir_str text);

#endif
